/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a reader does not want is not recorded: the filter, and its one judge.
 *
 * The module, the BPF programs and userspace all use this one file, so that
 * they agree.  A filter drops what certainly is none of the connections that are
 * asked for.  What cannot be told yet passes (a port that connect() has still to
 * choose, the cgroup of a mini-socket), and the reader judges again.
 *
 * Several values of one kind mean or, different kinds mean and; a kind without
 * values lets all pass.
 */
#ifndef _UAPI_LINUX_TCPSTATE_FILTER_H
#define _UAPI_LINUX_TCPSTATE_FILTER_H

#include <linux/types.h>
#include <linux/tcpstate.h>

/* Of each kind; the reader alone filters by what has more. */
#define TCPSTATE_FILTER_MAX	8

struct tcpstate_filter_ports {
	__u16	lo, hi;		/* host byte order, both included, not 0 */
};

struct tcpstate_filter_cidr {
	__u32	addr[4];	/* network byte order; IPv4 in the first */
	__u32	mask[4];	/* addr has no bit that is not in it */
	__u32	family;		/* AF_INET 2 or AF_INET6 10 */
};

struct tcpstate_filter {
	__u64	cgroup[TCPSTATE_FILTER_MAX];	/* v2 ids; and all below them */
	/*
	 * One with a larger id may have been made in the place of one of them,
	 * which only paths tell: undecided.  Ids grow.
	 */
	__u64	cgroup_newest;
	struct tcpstate_filter_cidr addr[TCPSTATE_FILTER_MAX];	/* either end */
	struct tcpstate_filter_ports port[TCPSTATE_FILTER_MAX];	/* either end */
	struct tcpstate_filter_ports sport[TCPSTATE_FILTER_MAX];
	struct tcpstate_filter_ports dport[TCPSTATE_FILTER_MAX];
	__u32	netns[TCPSTATE_FILTER_MAX];	/* inodes */
	/*
	 * Bit per enum tcpstate_state, for STATE records: the old or the new
	 * one.  Who follows connections needs all of their moves.
	 */
	__u32	states;
	__u8	n_cgroup;	/* so many of each are used */
	__u8	n_addr;
	__u8	n_port;
	__u8	n_sport;
	__u8	n_dport;
	__u8	n_netns;
	__u8	family;		/* AF_INET or AF_INET6; v4-mapped is AF_INET */
	__u8	reserved[5];	/* must be 0 */
};

_Static_assert(sizeof(struct tcpstate_filter) == 504, "the filter has grown");

/* What is judged. */
struct tcpstate_filter_key {
	__u32	saddr[4];	/* as in a record */
	__u32	daddr[4];
	__u16	sport;		/* host byte order, 0: not known yet */
	__u16	dport;
	__u32	netns;
	__u32	family;		/* AF_INET 2 or AF_INET6 10 */
	__u32	type;		/* enum tcpstate_type */
	__u8	old_state;	/* STATE */
	__u8	new_state;
	__u8	cgroup;		/* enum tcpstate_filter_cgroup */
	__u8	unused;		/* 0: no byte of it is left to chance */
};

enum tcpstate_filter_cgroup {
	TCPSTATE_CGROUP_UNKNOWN	= 0,
	TCPSTATE_CGROUP_IN	= 1,
	TCPSTATE_CGROUP_OUT	= 2,
};

enum tcpstate_verdict {
	TCPSTATE_UNWANTED	= 0,
	TCPSTATE_UNDECIDED	= 1,
	TCPSTATE_WANTED		= 2,
};

#define TCPSTATE_FILTER_INLINE static inline __attribute__((__always_inline__))

TCPSTATE_FILTER_INLINE void
tcpstate_filter_key_of(struct tcpstate_filter_key *key,
		       const struct tcpstate_record *r, __u8 cgroup)
{
	*key = (struct tcpstate_filter_key){
		.sport = r->sport,
		.dport = r->dport,
		.netns = r->netns_ino,
		.family = r->family,
		.type = r->type,
		.old_state = r->old_state,
		.new_state = r->new_state,
		.cgroup = cgroup,
	};
	__builtin_memcpy(key->saddr, r->saddr, sizeof(key->saddr));
	__builtin_memcpy(key->daddr, r->daddr, sizeof(key->daddr));
}

/* Is any of the @n ranges @port's? */
TCPSTATE_FILTER_INLINE int
tcpstate_filter_port(const volatile struct tcpstate_filter_ports *v, __u8 n,
		     __u16 port)
{
	int i;

	for (i = 0; i < TCPSTATE_FILTER_MAX && i < n; i++)
		if (port >= v[i].lo && port <= v[i].hi)
			return 1;
	return 0;
}

TCPSTATE_FILTER_INLINE int
tcpstate_filter_any(const __u32 *addr)
{
	return !(addr[0] | addr[1] | addr[2] | addr[3]);
}

TCPSTATE_FILTER_INLINE int
tcpstate_filter_addr(const volatile struct tcpstate_filter *f, __u32 family,
		     const __u32 *addr)
{
	int i;

	for (i = 0; i < TCPSTATE_FILTER_MAX && i < f->n_addr; i++)
		if (f->addr[i].family == family &&
		    !((f->addr[i].addr[0] ^ (addr[0] & f->addr[i].mask[0])) |
		      (f->addr[i].addr[1] ^ (addr[1] & f->addr[i].mask[1])) |
		      (f->addr[i].addr[2] ^ (addr[2] & f->addr[i].mask[2])) |
		      (f->addr[i].addr[3] ^ (addr[3] & f->addr[i].mask[3]))))
			return 1;
	return 0;
}

/* A yes or no, or that it is not known. */
TCPSTATE_FILTER_INLINE enum tcpstate_verdict
tcpstate_filter_if(int known, int yes)
{
	if (yes)
		return TCPSTATE_WANTED;
	return known ? TCPSTATE_UNWANTED : TCPSTATE_UNDECIDED;
}

TCPSTATE_FILTER_INLINE enum tcpstate_verdict
tcpstate_filter_worst(enum tcpstate_verdict a, enum tcpstate_verdict b)
{
	return a < b ? a : b;
}

TCPSTATE_FILTER_INLINE enum tcpstate_verdict
tcpstate_filter_ports(const volatile struct tcpstate_filter *f,
		      const struct tcpstate_filter_key *k)
{
	enum tcpstate_verdict verdict = TCPSTATE_WANTED;
	int sport = k->sport != 0, dport = k->dport != 0;

	if (f->n_port)
		verdict = tcpstate_filter_if(sport && dport,
			(sport && tcpstate_filter_port(f->port, f->n_port, k->sport)) ||
			(dport && tcpstate_filter_port(f->port, f->n_port, k->dport)));
	if (f->n_sport)
		verdict = tcpstate_filter_worst(verdict,
			tcpstate_filter_if(sport, sport &&
				tcpstate_filter_port(f->sport, f->n_sport, k->sport)));
	if (f->n_dport)
		verdict = tcpstate_filter_worst(verdict,
			tcpstate_filter_if(dport, dport &&
				tcpstate_filter_port(f->dport, f->n_dport, k->dport)));
	return verdict;
}

TCPSTATE_FILTER_INLINE int
tcpstate_filter_mapped(const __u32 *addr)
{
	return !addr[0] && !addr[1] &&
	       addr[2] == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ?
			   0xffff0000U : 0x0000ffffU);
}

/*
 * v4-mapped is IPv4.  So may be a listener of IPv6.  Without the peer's port there
 * is no peer: tcp_disconnect() leaves the address of the one before.
 */
TCPSTATE_FILTER_INLINE enum tcpstate_verdict
tcpstate_filter_addrs(const volatile struct tcpstate_filter *f,
		      const struct tcpstate_filter_key *k)
{
	enum tcpstate_verdict verdict = TCPSTATE_WANTED;
	__u32 s[4] = { k->saddr[0], k->saddr[1], k->saddr[2], k->saddr[3] };
	__u32 d[4] = { k->daddr[0], k->daddr[1], k->daddr[2], k->daddr[3] };
	__u32 family = k->family;
	int known;

	if (!k->dport)
		d[0] = d[1] = d[2] = d[3] = 0;
	known = family == 2 || !tcpstate_filter_any(d);
	if (family == 10 &&
	    (tcpstate_filter_mapped(s) || tcpstate_filter_mapped(d))) {
		family = 2;
		known = 1;
		s[0] = s[3];
		d[0] = d[3];
		s[1] = s[2] = s[3] = 0;
		d[1] = d[2] = d[3] = 0;
	}
	if (f->family)
		verdict = tcpstate_filter_if(known, family == f->family);
	if (f->n_addr)
		verdict = tcpstate_filter_worst(verdict, tcpstate_filter_if(
			!tcpstate_filter_any(s) && !tcpstate_filter_any(d),
			tcpstate_filter_addr(f, family, s) ||
			tcpstate_filter_addr(f, family, d)));
	return verdict;
}

TCPSTATE_FILTER_INLINE int
tcpstate_filter_netns(const volatile struct tcpstate_filter *f, __u32 netns)
{
	int i;

	for (i = 0; i < TCPSTATE_FILTER_MAX && i < f->n_netns; i++)
		if (f->netns[i] == netns)
			return 1;
	return 0;
}

TCPSTATE_FILTER_INLINE int
tcpstate_filter_states(const volatile struct tcpstate_filter *f,
		       const struct tcpstate_filter_key *k)
{
	return k->type != TCPSTATE_STATE ||
	       (f->states & (1U << (k->old_state & 31) |
			     1U << (k->new_state & 31)));
}

TCPSTATE_FILTER_INLINE enum tcpstate_verdict
tcpstate_filter_judge(const volatile struct tcpstate_filter *f,
		      const struct tcpstate_filter_key *k)
{
	enum tcpstate_verdict verdict = TCPSTATE_WANTED;

	if (f->states && !tcpstate_filter_states(f, k))
		return TCPSTATE_UNWANTED;
	if (f->n_netns && !tcpstate_filter_netns(f, k->netns))
		return TCPSTATE_UNWANTED;
	if (f->n_cgroup)
		verdict = tcpstate_filter_if(
			k->cgroup != TCPSTATE_CGROUP_UNKNOWN,
			k->cgroup == TCPSTATE_CGROUP_IN);
	if (f->n_port || f->n_sport || f->n_dport)
		verdict = tcpstate_filter_worst(verdict,
						tcpstate_filter_ports(f, k));
	if (f->family || f->n_addr)
		verdict = tcpstate_filter_worst(verdict,
						tcpstate_filter_addrs(f, k));
	return verdict;
}

#endif /* _UAPI_LINUX_TCPSTATE_FILTER_H */

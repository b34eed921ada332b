// SPDX-License-Identifier: GPL-2.0
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "engine/address.h"
#include "filter.h"

#define STATE_BIT(state)	(1U << (state))

/* What a filter looks at, of a connection or of a record. */
struct facts {
	uint8_t family;		/* 4 or 6, v4-mapped is 4 */
	uint8_t saddr[16], daddr[16];
	uint16_t sport, dport;
	uint32_t pid, uid, netns;
	bool has_uid;
	const char *comm;
	uint64_t cgroup;
	uint32_t states;	/* STATE_BIT()s, any of which may match */
};

static bool ports_have(const struct ports *ports, uint16_t port)
{
	size_t i;

	/* A range never holds 0, which means unknown. */
	for (i = 0; i < ports->n; i++)
		if (port >= ports->v[i].lo && port <= ports->v[i].hi)
			return true;
	return false;
}

static bool numbers_have(const struct numbers *numbers, uint64_t number)
{
	size_t i;

	for (i = 0; i < numbers->n; i++)
		if (numbers->v[i] == number)
			return true;
	return false;
}

static bool words_match(const struct words *words, const char *word)
{
	size_t i;

	for (i = 0; i < words->n; i++)
		if (!fnmatch(words->v[i], word, 0))
			return true;
	return false;
}

static bool cidr_has(const struct cidr *cidr, uint8_t family,
		     const uint8_t *addr)
{
	unsigned int bytes = cidr->bits / 8, rest = cidr->bits % 8;

	if (cidr->family != family || memcmp(cidr->addr, addr, bytes))
		return false;
	return !rest || !((cidr->addr[bytes] ^ addr[bytes]) >> (8 - rest));
}

static bool cidrs_have(const struct cidrs *cidrs, uint8_t family,
		       const uint8_t *addr)
{
	size_t i;

	for (i = 0; i < cidrs->n; i++)
		if (cidr_has(&cidrs->v[i], family, addr))
			return true;
	return false;
}

/* An end without address and port is unknown, not 0.0.0.0. */
static bool end_in(const struct cidrs *cidrs, const struct facts *facts,
		   const uint8_t *addr, uint16_t port)
{
	static const uint8_t zero[16];

	if (!port && !memcmp(addr, zero, sizeof(zero)))
		return false;
	return cidrs_have(cidrs, facts->family, addr);
}

static bool match_tuple(const struct filter *f, const struct facts *facts)
{
	if (f->family &&
	    !(f->family & (facts->family == 4 ? FILTER_IPV4 : FILTER_IPV6)))
		return false;
	if (f->port.n && !ports_have(&f->port, facts->sport) &&
	    !ports_have(&f->port, facts->dport))
		return false;
	if (f->sport.n && !ports_have(&f->sport, facts->sport))
		return false;
	if (f->dport.n && !ports_have(&f->dport, facts->dport))
		return false;
	return !f->addr.n ||
	       end_in(&f->addr, facts, facts->saddr, facts->sport) ||
	       end_in(&f->addr, facts, facts->daddr, facts->dport);
}

bool filter_owner(const struct filter *f, uint32_t pid, const char *comm)
{
	if (f->pid.n && !(pid && numbers_have(&f->pid, pid)))
		return false;
	return !f->comm.n || (comm[0] && words_match(&f->comm, comm));
}

static bool match_user(const struct filter *f, const struct facts *facts)
{
	if (f->uid.n && !(facts->has_uid && numbers_have(&f->uid, facts->uid)))
		return false;
	if (f->cgroup.n && !(facts->cgroup && f->in_cgroup &&
			     f->in_cgroup(f->cgroup_ctx, facts->cgroup)))
		return false;
	return true;
}

static bool match_but_owner(const struct filter *f, const struct facts *facts)
{
	if (f->states && !(f->states & facts->states))
		return false;
	if (f->netns.n && !numbers_have(&f->netns, facts->netns))
		return false;
	return match_tuple(f, facts) && match_user(f, facts);
}

static bool match(const struct filter *f, const struct facts *facts)
{
	return match_but_owner(f, facts) &&
	       filter_owner(f, facts->pid, facts->comm);
}

static void conn_facts(struct facts *facts, const struct conn *conn)
{
	const struct origin *origin = conn_origin(conn);

	*facts = (struct facts){
		.family = conn->family,
		.sport = conn->sport,
		.dport = conn->dport,
		.pid = origin->pid,
		.uid = origin->uid,
		.netns = conn->netns,
		.has_uid = conn->has_uid,
		.comm = origin->comm,
		.cgroup = origin->cgroup,
		.states = STATE_BIT(conn->state),
	};
	address_copy(facts->saddr, conn->family, conn_saddr(conn));
	address_copy(facts->daddr, conn->family, conn_daddr(conn));
}

bool filter_conn(const struct filter *f, const struct conn *conn)
{
	struct facts facts;

	if (filter_is_empty(f))
		return true;
	conn_facts(&facts, conn);
	return match(f, &facts);
}

bool filter_conn_but_owner(const struct filter *f, const struct conn *conn)
{
	struct facts facts;

	conn_facts(&facts, conn);
	return match_but_owner(f, &facts);
}

bool filter_transition(const struct filter *f, const struct transition *t)
{
	struct facts facts;

	if (filter_is_empty(f))
		return true;
	conn_facts(&facts, t->conn);
	facts.states = STATE_BIT(t->old_state) | STATE_BIT(t->new_state);
	return match(f, &facts);
}

/* A raw record shows a v4-mapped socket as the IPv6 one it is. */
static bool is_mapped(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(addr, mapped, sizeof(mapped));
}

static void unmap(uint8_t addr[16])
{
	memmove(addr, addr + 12, 4);
	memset(addr + 4, 0, 12);
}

bool filter_record(const struct filter *f, const struct tcpstate_record *rec)
{
	struct facts facts = {
		.family = rec->family == 2 ? 4 : 6,
		.sport = rec->sport,
		.dport = rec->dport,
		.pid = rec->flags & TCPSTATE_F_NO_TASK ? 0 : rec->tgid,
		.uid = rec->uid,
		.netns = rec->netns_ino,
		.has_uid = true,
		.cgroup = rec->cgroup,
	};
	char comm[TCPSTATE_COMM_LEN + 1] = "";

	if (!(rec->flags & TCPSTATE_F_NO_TASK))
		memcpy(comm, rec->comm, TCPSTATE_COMM_LEN);
	facts.comm = comm;
	memcpy(facts.saddr, rec->saddr, sizeof(facts.saddr));
	memcpy(facts.daddr, rec->daddr, sizeof(facts.daddr));
	if (facts.family == 6 &&
	    (is_mapped(facts.saddr) || is_mapped(facts.daddr))) {
		facts.family = 4;
		unmap(facts.saddr);
		unmap(facts.daddr);
	}
	facts.states = STATE_BIT(rec->old_state % 32) |
		       STATE_BIT(rec->new_state % 32);
	return match(f, &facts);
}

bool filter_is_empty(const struct filter *f)
{
	return !(f->port.n || f->sport.n || f->dport.n || f->addr.n ||
		 f->pid.n || f->comm.n || f->uid.n || f->netns.n ||
		 f->cgroup.n || f->states || f->family);
}

void filter_free(struct filter *f)
{
	free(f->port.v);
	free(f->sport.v);
	free(f->dport.v);
	free(f->addr.v);
	numbers_free(&f->pid);
	numbers_free(&f->uid);
	numbers_free(&f->netns);
	words_free(&f->comm);
	words_free(&f->cgroup);
	if (f->cgroup_free)
		f->cgroup_free(f->cgroup_ctx);
	*f = (struct filter){};
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Does the reader want it?  Asked before anything is reserved or filled.
 */
#ifndef TCPSTATE_FILTER_BPF_H
#define TCPSTATE_FILTER_BPF_H

#include <stdbool.h>

#include <linux/tcpstate_filter.h>

#include "read.bpf.h"

/* Set by the loader. */
const volatile bool filtered = false;
const volatile struct tcpstate_filter filter;

/* Cgroups nest deeper than this hardly ever; those are left to the reader. */
#define LEVELS_MAX	32

/* Whose event it is, as far as a filter may ask. */
struct whose {
	const struct sock_common *common;
	/* Whose cgroup it has: a socket, or a request's listener; or NULL. */
	const struct sock *owner;
	__u8 old_state, new_state;	/* STATE */
};

#define WHOSE_SOCK(sk)	{ .common = &(sk)->__sk_common, .owner = (sk) }
#define WHOSE_TW(tw)	{ .common = &(tw)->__tw_common }
#define WHOSE_REQ(req, listener) \
	{ .common = &(req)->__req_common, .owner = (listener) }

static __always_inline bool is_in_filter(__u64 id)
{
	for (int i = 0; i < TCPSTATE_FILTER_MAX && i < filter.n_cgroup; i++)
		if (filter.cgroup[i] == id)
			return true;
	return false;
}

/* Is one of its ancestors, or itself, among them? */
static __always_inline __u8 cgroup_of(const struct sock *owner)
{
	const struct cgroup *cgroup;
	int level;

	if (!filter.n_cgroup || !owner ||
	    !bpf_core_field_exists(owner->sk_cgrp_data.cgroup) ||
	    !bpf_core_field_exists(struct cgroup, ancestors))
		return TCPSTATE_CGROUP_UNKNOWN;
	cgroup = BPF_CORE_READ(owner, sk_cgrp_data.cgroup);
	if (!cgroup)
		return TCPSTATE_CGROUP_UNKNOWN;
	level = BPF_CORE_READ(cgroup, level);
	for (int i = 0; i < LEVELS_MAX && i <= level; i++)
		if (is_in_filter(BPF_CORE_READ(cgroup, ancestors[i], kn, id)))
			return TCPSTATE_CGROUP_IN;
	if (level >= LEVELS_MAX ||
	    BPF_CORE_READ(cgroup, kn, id) > filter.cgroup_newest)
		return TCPSTATE_CGROUP_UNKNOWN;
	return TCPSTATE_CGROUP_OUT;
}

/* A function of its own to the verifier, which so sees its loops but once. */
__noinline int filter_judge(const struct tcpstate_filter_key *key)
{
	if (!key)
		return TCPSTATE_UNWANTED;
	return tcpstate_filter_judge(&filter, key);
}

static __always_inline void key_addresses(struct tcpstate_filter_key *key,
					  const struct sock_common *c,
					  bool direct)
{
	if (key->family == AF_INET) {
		key->saddr[0] = READ(direct, c, skc_rcv_saddr);
		key->daddr[0] = READ(direct, c, skc_daddr);
	} else if (key->family == AF_INET6 &&
		   bpf_core_field_exists(c->skc_v6_daddr)) {
		bpf_core_read(key->saddr, sizeof(key->saddr),
			      &c->skc_v6_rcv_saddr);
		bpf_core_read(key->daddr, sizeof(key->daddr), &c->skc_v6_daddr);
	}
}

/*
 * connect() has told of its SYN_SENT when it had no port yet: who heard that has
 * to hear which one it is.
 */
static __always_inline bool is_wanted(__u8 type, const struct whose *whose,
				      bool direct)
{
	const struct sock_common *c = whose->common;
	const struct net *net;
	struct tcpstate_filter_key key = {
		.type = type,
		.old_state = whose->old_state,
		.new_state = whose->new_state,
	};

	if (!filtered)
		return true;
	key.family = READ(direct, c, skc_family);
	key.sport = type == TCPSTATE_CONNECT ? 0 : READ(direct, c, skc_num);
	key.dport = __builtin_bswap16(READ(direct, c, skc_dport));
	net = READ(direct, c, skc_net.net);
	key.netns = READ(direct, net, ns.inum);
	key_addresses(&key, c, direct);
	key.cgroup = cgroup_of(whose->owner);
	return filter_judge(&key) != TCPSTATE_UNWANTED;
}

#endif /* TCPSTATE_FILTER_BPF_H */

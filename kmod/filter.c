// SPDX-License-Identifier: GPL-2.0
#include <linux/cgroup.h>
#include <linux/string.h>
#include <net/sock.h>
#include <linux/tcpstate.h>
#include <linux/tcpstate_filter.h>

#include "compat.h"
#include "filter.h"

static bool ports_are_sane(const struct tcpstate_filter_ports *v, u8 n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!v[i].lo || v[i].lo > v[i].hi)
			return false;
	return true;
}

static bool is_family(u32 family)
{
	return family == AF_INET || family == AF_INET6;
}

/* A bit beyond the mask would match nothing, and nobody would know. */
static bool cidr_is_sane(const struct tcpstate_filter_cidr *c)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c->addr); i++)
		if (c->addr[i] & ~c->mask[i])
			return false;
	return is_family(c->family);
}

static bool cidrs_are_sane(const struct tcpstate_filter_cidr *v, u8 n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!cidr_is_sane(&v[i]))
			return false;
	return true;
}

static bool counts_are_sane(const struct tcpstate_filter *f)
{
	return f->n_port <= TCPSTATE_FILTER_MAX &&
	       f->n_sport <= TCPSTATE_FILTER_MAX &&
	       f->n_dport <= TCPSTATE_FILTER_MAX &&
	       f->n_addr <= TCPSTATE_FILTER_MAX &&
	       f->n_netns <= TCPSTATE_FILTER_MAX &&
	       f->n_cgroup <= TCPSTATE_FILTER_MAX;
}

bool filter_is_sane(const struct tcpstate_filter *f)
{
	return counts_are_sane(f) && ports_are_sane(f->port, f->n_port) &&
	       ports_are_sane(f->sport, f->n_sport) &&
	       ports_are_sane(f->dport, f->n_dport) &&
	       cidrs_are_sane(f->addr, f->n_addr) &&
	       (!f->family || is_family(f->family)) &&
	       !memchr_inv(f->reserved, 0, sizeof(f->reserved));
}

static bool is_in_filter(const struct tcpstate_filter *f, u64 id)
{
	unsigned int i;

	for (i = 0; i < f->n_cgroup; i++)
		if (f->cgroup[i] == id)
			return true;
	return false;
}

#ifdef CONFIG_SOCK_CGROUP_DATA
/* A cgroup holds its parents, and the socket holds its cgroup. */
static u8 cgroup_verdict(const struct tcpstate_filter *f, struct sock *owner)
{
	struct cgroup *cgroup = owner ?
				sock_cgroup_ptr(&owner->sk_cgrp_data) : NULL;
	u64 id;

	if (!f->n_cgroup || !cgroup)
		return TCPSTATE_CGROUP_UNKNOWN;
	id = cgroup_id(cgroup);
	for (; cgroup; cgroup = cgroup_parent(cgroup))
		if (is_in_filter(f, cgroup_id(cgroup)))
			return TCPSTATE_CGROUP_IN;
	return id > f->cgroup_newest ? TCPSTATE_CGROUP_UNKNOWN :
				       TCPSTATE_CGROUP_OUT;
}
#else
static u8 cgroup_verdict(const struct tcpstate_filter *f, struct sock *owner)
{
	return TCPSTATE_CGROUP_UNKNOWN;
}
#endif

bool filter_wants(const struct tcpstate_filter *f,
		  const struct tcpstate_record *r, struct sock *owner)
{
	struct tcpstate_filter_key key;

	tcpstate_filter_key_of(&key, r, cgroup_verdict(f, owner));
	/*
	 * connect() has told of its SYN_SENT when it had no port yet: who heard
	 * that has to hear which one it is.
	 */
	if (r->type == TCPSTATE_CONNECT)
		key.sport = 0;
	return tcpstate_filter_judge(f, &key) != TCPSTATE_UNWANTED;
}

// SPDX-License-Identifier: GPL-2.0
#include "kernel_filter.h"

#include <string.h>
#include <sys/socket.h>

#include "cgroup_filter.h"
#include "cgroups.h"

/* A kind of which there are more is left to the reader. */
static bool fits(size_t n)
{
	return n && n <= TCPSTATE_FILTER_MAX;
}

static uint8_t push_ports(struct tcpstate_filter_ports *to,
			  const struct ports *from)
{
	if (!fits(from->n))
		return 0;
	for (size_t i = 0; i < from->n; i++) {
		to[i].lo = from->v[i].lo;
		to[i].hi = from->v[i].hi;
	}
	return (uint8_t)from->n;
}

static void push_cidr(struct tcpstate_filter_cidr *to, const struct cidr *from)
{
	unsigned char mask[16] = { 0 };

	for (unsigned int bit = 0; bit < from->bits; bit++)
		mask[bit / 8] |= 0x80 >> bit % 8;
	memcpy(to->mask, mask, sizeof(to->mask));
	memcpy(to->addr, from->addr, sizeof(to->addr));
	for (size_t i = 0; i < 4; i++)
		to->addr[i] &= to->mask[i];
	to->family = from->family == 4 ? AF_INET : AF_INET6;
}

static void push_addrs(struct tcpstate_filter *to, const struct cidrs *from)
{
	if (!fits(from->n))
		return;
	for (size_t i = 0; i < from->n; i++)
		push_cidr(&to->addr[i], &from->v[i]);
	to->n_addr = (uint8_t)from->n;
}

static void push_netns(struct tcpstate_filter *to, const struct numbers *from)
{
	if (!fits(from->n))
		return;
	for (size_t i = 0; i < from->n; i++)
		to->netns[i] = (uint32_t)from->v[i];
	to->n_netns = (uint8_t)from->n;
}

static void push_cgroups(struct tcpstate_filter *to, const struct filter *from)
{
	uint64_t ids[TCPSTATE_FILTER_MAX];
	size_t n;

	if (!fits(from->cgroup.n) || from->in_cgroup != cgroup_filter_has)
		return;
	n = cgroup_filter_ids(from->cgroup_ctx, ids, TCPSTATE_FILTER_MAX);
	for (size_t i = 0; i < n; i++)
		to->cgroup[i] = ids[i];
	to->n_cgroup = (uint8_t)n;
	to->cgroup_newest = cgroup_newest();
}

static void push_family(struct tcpstate_filter *to, unsigned int family)
{
	if (family == FILTER_IPV4)
		to->family = AF_INET;
	if (family == FILTER_IPV6)
		to->family = AF_INET6;
}

bool kernel_filter_make(struct kernel_filter *kf, const struct filter *filter,
			enum kernel_filter_for what)
{
	static const struct tcpstate_filter none;
	struct tcpstate_filter *to = &kf->kernel;

	*kf = (struct kernel_filter){ .filter = filter };
	push_family(to, filter->family);
	to->n_port = push_ports(to->port, &filter->port);
	push_addrs(to, &filter->addr);
	if (what != FOR_BOTH_ENDS) {
		to->n_sport = push_ports(to->sport, &filter->sport);
		to->n_dport = push_ports(to->dport, &filter->dport);
		push_netns(to, &filter->netns);
		push_cgroups(to, filter);
	}
	if (what == FOR_RECORDS)
		to->states = filter->states;
	return memcmp(to, &none, sizeof(none));
}

static uint8_t cgroup_of(const struct kernel_filter *kf,
			 const struct tcpstate_record *rec)
{
	const struct filter *f = kf->filter;

	if (!kf->kernel.n_cgroup || !rec->cgroup)
		return TCPSTATE_CGROUP_UNKNOWN;
	return f->in_cgroup(f->cgroup_ctx, rec->cgroup) ? TCPSTATE_CGROUP_IN :
							  TCPSTATE_CGROUP_OUT;
}

enum tcpstate_verdict kernel_filter_judge(void *ctx,
					  const struct tcpstate_record *rec)
{
	const struct kernel_filter *kf = ctx;
	struct tcpstate_filter_key key;

	/* With some of their moves alone connections cannot be followed. */
	if (kf->kernel.states)
		return TCPSTATE_UNWANTED;
	tcpstate_filter_key_of(&key, rec, cgroup_of(kf, rec));
	return tcpstate_filter_judge(&kf->kernel, &key);
}

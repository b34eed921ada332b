/* SPDX-License-Identifier: GPL-2.0 */
/* What a session does not want; the judge is in <linux/tcpstate_filter.h>. */
#ifndef TCPSTATE_FILTER_H
#define TCPSTATE_FILTER_H

#include <linux/types.h>

struct sock;
struct tcpstate_filter;
struct tcpstate_record;

/* Is it one that can be judged by?  From userspace, which is not believed. */
bool filter_is_sane(const struct tcpstate_filter *f);

/*
 * Of @r only type, states, namespace and addresses are looked at.  @owner: whose
 * cgroup it has, a full socket that lives; or NULL.  Any context.
 */
bool filter_wants(const struct tcpstate_filter *f,
		  const struct tcpstate_record *r, struct sock *owner);

#endif /* TCPSTATE_FILTER_H */

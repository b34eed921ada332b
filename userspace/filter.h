/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which connections a command tells of.
 *
 * Several values of one filter mean or, different filters mean and.  What is
 * not known (a port or pid of 0) never matches a filter that asks for it.
 */
#ifndef TCPSTATE_FILTER_H
#define TCPSTATE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "parse.h"

#define FILTER_IPV4	(1 << 0)
#define FILTER_IPV6	(1 << 1)

/* All zero: everything passes.  Lists grow by the parse_* functions. */
struct filter {
	struct ports port;	/* either end */
	struct ports sport;	/* local */
	struct ports dport;	/* the peer's */
	struct cidrs addr;	/* either end */
	struct numbers pid;
	struct words comm;	/* fnmatch(3) patterns */
	struct numbers uid;
	struct numbers netns;	/* inodes */
	struct words cgroup;	/* as given, for messages */
	uint32_t states;	/* bit per enum tcpstate_state */
	unsigned int family;	/* FILTER_IPV4 | FILTER_IPV6 */
	/* Whether cgroup @id is one of .cgroup or below; set with it. */
	bool (*in_cgroup)(void *ctx, uint64_t id);
	void *cgroup_ctx;
	void (*cgroup_free)(void *ctx);
};

/* The state is the connection's current one. */
bool filter_conn(const struct filter *f, const struct conn *conn);
/* All but --pid and --comm, which holders of a socket may match as well. */
bool filter_conn_but_owner(const struct filter *f, const struct conn *conn);
bool filter_owner(const struct filter *f, uint32_t pid, const char *comm);
/* --state matches the old or the new state. */
bool filter_transition(const struct filter *f, const struct transition *t);
/*
 * A record as captured.  Its pid is that of the task that was running; states
 * as for a transition.
 */
bool filter_record(const struct filter *f, const struct tcpstate_record *rec);
/* No filter was given. */
bool filter_is_empty(const struct filter *f);
void filter_free(struct filter *f);

#endif /* TCPSTATE_FILTER_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* What all fuzz targets share: what an engine may never tell. */
#ifndef TCPSTATE_FUZZ_H
#define TCPSTATE_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

/* A loop, not assert(): NDEBUG must not turn it off. */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#condition); \
			abort(); \
		} \
	} while (0)

static inline void must_be_conn(const struct conn *c)
{
	MUST(c->state && c->state < TCPSTATE_STATES);
	MUST(c->state != TCPSTATE_NEW_SYN_RECV);
	MUST(strcmp(state_name(c->state), "?"));
	MUST(strcmp(role_name(c->role), "?"));
	MUST(strcmp(first_name(c->first), "?"));
	MUST(strcmp(basis_name(c->basis), "?"));
	MUST(c->kind < KINDS && c->reason < REASONS && c->detail < DETAILS);
	MUST(c->family == 4 || c->family == 6);
	MUST(memchr(conn_origin(c)->comm, '\0', sizeof(conn_origin(c)->comm)));
}

static inline void must_be_transition(const struct transition *t)
{
	must_be_conn(t->conn);
	MUST(t->old_state && t->old_state < TCPSTATE_STATES);
	MUST(t->old_state != TCPSTATE_NEW_SYN_RECV);
	MUST(t->new_state == t->conn->state);
	MUST(t->new_state == TCPSTATE_CLOSE || !t->reason);
	MUST(t->reason < REASONS && t->detail < DETAILS);
}

static inline int count_conn(void *ctx, const struct conn *conn)
{
	size_t *n = ctx;

	must_be_conn(conn);
	++*n;
	return 0;
}

/* The table is within its limit, and the counts are those of the table. */
static inline void must_be_consistent(struct engine *e, size_t max_conns)
{
	const struct engine_counts *counts;
	size_t n = 0, sum = 0;
	struct engine_stats stats;

	engine_each(e, count_conn, &n);
	for (size_t i = engine_get_counts(e, &counts); i-- > 0;)
		for (size_t s = 0; s < TCPSTATE_STATES; s++) {
			MUST(counts[i].states[s] <= max_conns);
			sum += counts[i].states[s];
		}
	engine_get_stats(e, &stats);
	MUST(n <= max_conns);
	MUST(sum == n && stats.live == n);
}

#endif /* TCPSTATE_FUZZ_H */

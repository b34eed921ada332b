/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each connection has been through, step by step: kept beside the engine
 * for those who draw it.  Pure, like the engine; feed it from a sink.
 */
#ifndef TCPSTATE_HISTORY_H
#define TCPSTATE_HISTORY_H

#include "parts.h"

enum step_kind { STEP_MOVE, STEP_AGAIN, STEP_RST_SENT, STEP_RST_RECEIVED,
		 STEP_FIN_RECEIVED };

struct step {
	uint64_t ns;
	uint8_t kind;		/* enum step_kind */
	uint8_t old_state, new_state;	/* the same unless it is a move */
	uint8_t flags;		/* AGAIN: enum segment_flags */
	uint8_t basis;
	uint8_t course;		/* MOVE: enum fsm_course */
	uint8_t reason, detail;	/* of a move to CLOSE */
};

#define HISTORY_STEPS	96	/* kept; RFC 9293 needs 10 */

struct history {
	struct history *chain, *older, *younger;
	struct conn conn;	/* as it was told last */
	struct conn_parts parts;
	bool ended;		/* CLOSE */
	bool complete;		/* in TIME_WAIT, or ended: its line was told */
	uint64_t complete_ns;
	unsigned int n, left_out;
	struct step steps[HISTORY_STEPS];
};

struct histories;

/* At most @max; beyond it the one that was begun first goes.  NULL without
 * memory. */
struct histories *histories_new(size_t max);
void histories_free(struct histories *h);
/* How many went for want of room. */
uint64_t histories_evicted(const struct histories *h);

/* To be called from the sink's functions of the same names. */
void histories_transition(struct histories *h, const struct transition *t);
void histories_segment(struct histories *h, const struct segment *s);
/* The connection's history, or NULL if none was kept. */
struct history *histories_conn(struct histories *h, const struct conn *conn,
			       bool ended, uint64_t ns);

struct history *histories_find(struct histories *h, uint64_t cookie,
			       uint32_t life);
/*
 * The other end of the same connection, if it is on this host: the addresses
 * and ports the other way round, in a life that overlaps.  NULL if there is none.
 */
struct history *histories_mate(const struct history *one);

void histories_forget(struct histories *h, struct history *one);
/* All of them, the oldest first; stops when @fn returns non-zero. */
int histories_each(struct histories *h,
		   int (*fn)(void *ctx, struct history *), void *ctx);

#endif /* TCPSTATE_HISTORY_H */

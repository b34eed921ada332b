/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection as the textbook draws it: two columns, and between them what was
 * sent, in the order of time.  Pure: histories in, rows out.
 *
 * A hook shows moves, not segments, but each move of RFC 9293's figure 5 is made
 * by one segment or makes one; and SYN, SYN-ACK and FIN that are sent again, and
 * RSTs, are shown.  With one end on this host the other's column is inferred.
 */
#ifndef TCPSTATE_LADDER_H
#define TCPSTATE_LADDER_H

#include "history.h"

enum side { LEFT, RIGHT };	/* LEFT opens: the client */

enum ladder_row_kind {
	ROW_SYN, ROW_SYNACK,
	ROW_ACK_OF_SYN,
	ROW_FIN,
	ROW_FIN_ACK,		/* the FIN acknowledges the other FIN */
	ROW_ACK_OF_FIN,
	ROW_RST,
	ROW_DATA,
	ROW_END,		/* no segment: CLOSE, for .reason */
	ROW_KINDS
};

/*
 * What was under way while the other side did something itself has two rows, as
 * in RFC 9293's figures 7 and 13.
 */
enum ladder_part { PART_WHOLE, PART_LEAVES, PART_ARRIVES };

struct ladder_row {
	uint8_t kind;		/* enum ladder_row_kind */
	uint8_t from;		/* enum side */
	bool again;		/* sent before */
	bool lost;		/* it did not arrive, or changed nothing */
	uint8_t part;		/* enum ladder_part */
	uint16_t number;	/* the same of both parts of a segment */
	uint64_t ns[2];		/* when each side saw it; 0: not known */
	uint8_t state[2];	/* entered with it; 0: none */
	bool inferred[2];	/* .state is */
	uint64_t bytes;		/* DATA */
	uint32_t segments;	/* .. and 0: not known */
	uint8_t reason, detail;	/* END */
};

#define LADDER_ROWS	(4 * HISTORY_STEPS)

struct ladder {
	/* The far side's is NULL if only one end is on this host. */
	const struct conn *conn[2];
	uint8_t began[2];	/* the state before the first row; 0: not known */
	uint8_t first;		/* enum side: its FIN is u, the other's w */
	bool has_fin;
	uint64_t began_ns;
	unsigned int n, left_out;
	unsigned int unexplained;	/* moves that no segment makes */
	/* Of each side on this host: bits of enum fsm_course that it took. */
	uint8_t courses[2];
	struct { uint8_t old_state, new_state; } unusual[2];	/* the first */
	struct ladder_row rows[LADDER_ROWS];
};

/* @mate may be NULL. */
void ladder_build(struct ladder *l, const struct history *one,
		  const struct history *mate);

/*
 * The numbers x (LEFT) and y (RIGHT), and those of the FINs; false: not known.
 */
bool ladder_isn(const struct ladder *l, enum side side, uint32_t *seq);
bool ladder_fin(const struct ladder *l, enum side side, uint32_t *seq);
/* v: of the segment that acknowledged the first FIN; its sender is !first. */
bool ladder_ack(const struct ladder *l, uint32_t *seq);
/* When a side was CLOSE; 0: not seen. */
uint64_t ladder_closed_ns(const struct ladder *l, enum side side);

#endif /* TCPSTATE_LADDER_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why a connection is CLOSE, from the record of its last move and what was
 * known of it before.
 */
#ifndef TCPSTATE_REASON_H
#define TCPSTATE_REASON_H

#include "engine.h"

struct verdict {
	uint8_t reason;		/* enum reason */
	uint8_t detail;		/* enum detail */
	uint8_t kind;		/* enum close_kind, 0 = leave as it is */
};

/* A full socket went from @old_state to CLOSE, and no mini-socket was made. */
struct verdict reason_of_close(const struct conn *conn, uint8_t old_state,
			       const struct tcpstate_record *rec);

/* How an orphan came to be CLOSE without an error. */
struct orphan_end {
	uint8_t old_state;
	bool owned;		/* within close(), or its backlog */
	bool rst_sent, rst_first;	/* a RST of ours, and before the move */
	uint8_t rst_reason;	/* the kernel's */
};

struct verdict reason_of_orphan(const struct orphan_end *end);

/* A mini-socket (TIME_WAIT, orphan FIN_WAIT2, request) ended. */
struct verdict reason_of_mini_end(uint8_t state,
				  const struct tcpstate_record *rec);

#endif /* TCPSTATE_REASON_H */

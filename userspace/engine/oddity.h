/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections that did what RFC 9293 does not know: a move that it does not have,
 * or numbers that its arithmetic forbids.
 */
#ifndef TCPSTATE_ODDITY_H
#define TCPSTATE_ODDITY_H

#include "parts.h"

/* Those that were met last are kept. */
#define ODDITIES_MAX 64

struct oddity {
	struct conn conn;	/* as it was then */
	struct conn_parts parts;
	uint64_t ns;
	uint8_t old_state, new_state;	/* of the move; 0: it is the numbers */
};

/* Valid until the next record. */
const struct oddity *engine_oddities(const struct engine *e, size_t *n);

/* @old_state and @new_state may be 0: then .contradicts of @c tells. */
void oddity_met(struct engine *e, const struct conn *c, uint64_t ns,
		uint8_t old_state, uint8_t new_state);

#endif /* TCPSTATE_ODDITY_H */

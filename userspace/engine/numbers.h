/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequence numbers, bytes and segments: x, y, u, v and w of the textbook, and
 * the arithmetic that holds between them (RFC 9293 section 3.4: a SYN and a FIN
 * take a number, an ACK takes none).
 */
#ifndef TCPSTATE_NUMBERS_H
#define TCPSTATE_NUMBERS_H

#include "engine_internal.h"

/* Set a sequence number that is not known yet; @bit is CONN_ISN_LOCAL, .. */
void know(struct conn *c, uint8_t bit, uint32_t *field, uint32_t seq);
/* The same, but if it is known it must be this one. */
void know_or_check(struct conn *c, uint8_t bit, uint32_t *field, uint32_t seq);

/*
 * SYNs or SYN-ACKs sent again, never fewer than were told before. A request
 * counts a SYN-ACK only after it left (inet_rtx_syn_ack()); an ACK that another
 * CPU takes in between makes a child with the count before.
 */
void count_syn_retrans(struct conn *c, const struct tcpstate_record *r);

/* Bytes, segments and sequence numbers of a full socket (F20). */
void take_numbers(struct engine *e, struct entry *entry,
		  const struct tcpstate_record *r);

/* Three or four segments in the close (F21). */
void count_close_segments(struct engine *e, struct entry *entry,
			  const struct tcpstate_record *r);

#endif /* TCPSTATE_NUMBERS_H */

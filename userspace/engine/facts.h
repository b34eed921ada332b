/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a record to the fields of its connection: what each of them proves.
 */
#ifndef TCPSTATE_FACTS_H
#define TCPSTATE_FACTS_H

#include "engine_internal.h"

/* Addresses and ports, unless the record is known to have none (F9, F11). */
void take_tuple(struct conn *c, const struct tcpstate_record *r);

/* Is the record's task a program's, and not ourselves? */
bool task_is_known(const struct engine *e, const struct tcpstate_record *r);
void set_owner(struct conn *c, const struct tcpstate_record *r);

/* uid, cgroup, and the owner if this move proves one (F16). */
void take_owner(struct engine *e, struct conn *c,
		const struct tcpstate_record *r);

/* Set a sequence number that is not known yet; @bit is CONN_ISN_LOCAL, .. */
void know(struct conn *c, uint8_t bit, uint32_t *field, uint32_t seq);

/*
 * SYNs or SYN-ACKs sent again, never fewer than were told before. A request
 * counts a SYN-ACK only after it left (inet_rtx_syn_ack()); an ACK that another
 * CPU takes in between makes a child with the count before.
 */
void count_syn_retrans(struct conn *c, const struct tcpstate_record *r);

/* Bytes, segments and sequence numbers of a full socket (F20). */
void take_numbers(struct conn *c, const struct tcpstate_record *r);

/* Three or four segments in the close (F21). */
void count_close_segments(struct entry *entry,
			  const struct tcpstate_record *r);

#endif /* TCPSTATE_FACTS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SYNs that met a socket in CLOSE_WAIT, LAST_ACK or TIME_WAIT with their
 * addresses and ports, which kept them from opening a connection.
 */
#ifndef TCPSTATE_COLLISION_H
#define TCPSTATE_COLLISION_H

#include "parts.h"

/* Those that were met last are kept. */
#define COLLISIONS_MAX 256

struct collision {
	/*
	 * The socket as the last SYN met it.  The peer answers with a RST, and
	 * so it may be gone since.
	 */
	struct conn conn;
	struct conn_parts parts;
	uint64_t syns;
	uint64_t first_ns, last_ns;
	uint64_t before_ns;	/* of the SYN before the last; 0: none */
};

/* Valid until the next record. */
const struct collision *engine_collisions(const struct engine *e, size_t *n);

void on_challenge(struct engine *e, const struct tcpstate_record *r);
void on_tw_syn(struct engine *e, const struct tcpstate_record *r);
/* TIME_WAIT has ended: if a SYN took it over, that SYN was not refused. */
void collision_tw_kill(struct engine *e, const struct tcpstate_record *r);

#endif /* TCPSTATE_COLLISION_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a struct conn points at, for a copy that outlives its connection.
 */
#ifndef TCPSTATE_PARTS_H
#define TCPSTATE_PARTS_H

#include "engine.h"

struct conn_parts {
	struct origin origin;
	struct closing closing;
	struct address_pair addresses;
};

/* @parts stands beside the copy for as long. */
void conn_copy(struct conn *to, struct conn_parts *parts,
	       const struct conn *from);
/* Copy and parts have moved in memory, together. */
void conn_moved(struct conn *copy, struct conn_parts *parts);

#endif /* TCPSTATE_PARTS_H */

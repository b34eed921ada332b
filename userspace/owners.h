/* SPDX-License-Identifier: GPL-2.0 */
/* Owners, from the descriptor tables, for sockets older than the tool. */
#ifndef TCPSTATE_OWNERS_H
#define TCPSTATE_OWNERS_H

#include "engine/engine.h"
#include "filter.h"
#include "holders.h"

/*
 * Give each connection that is in a file but has no owner its holder with the
 * lowest pid.  0 or -errno.
 */
int owners_assign(struct engine *engine, enum holders_way way,
		  void (*pause)(void *ctx), void *ctx);

/* Does the owner of @conn, or any holder of it, pass --pid and --comm? */
bool owners_pass(const struct filter *filter, const struct holders *holders,
		 const struct conn *conn);

#endif /* TCPSTATE_OWNERS_H */

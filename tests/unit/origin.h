/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose a connection is that a test has made itself.
 */
#ifndef TCPSTATE_TEST_ORIGIN_H
#define TCPSTATE_TEST_ORIGIN_H

#include "engine/engine.h"

/* Of the last 65,536: they stay for as long as a test needs them. */
static inline struct origin *made_origin(struct origin origin)
{
	static struct origin made[1 << 16];
	static size_t n;
	struct origin *one = &made[n++ % (1 << 16)];

	*one = origin;
	return one;
}

#define ORIGIN(...) made_origin((struct origin){ __VA_ARGS__ })

/* To be changed, for this connection alone. */
static inline struct origin *own_origin(struct conn *c)
{
	struct origin *own = made_origin(*conn_origin(c));

	c->origin = own;
	return own;
}

#endif /* TCPSTATE_TEST_ORIGIN_H */

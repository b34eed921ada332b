/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The origins of all connections of a table, each once: a server's have the same
 * process, user, cgroup and listener, however many they are.
 */
#ifndef TCPSTATE_ORIGINS_H
#define TCPSTATE_ORIGINS_H

#include "engine.h"
#include "pool.h"

struct shared_origin;

/* All zero is an empty one. */
struct origins {
	struct shared_origin **buckets;
	size_t n_buckets;	/* a power of two, or 0 */
	size_t used;
	struct pool pool;
};

/* Room for one more; false without memory. */
bool origins_reserve(struct origins *o);
/*
 * The one that is equal to @origin, for one connection more.  NULL without
 * memory, but not after origins_reserve().
 */
const struct origin *origins_take(struct origins *o,
				  const struct origin *origin);
/* For one connection less; of none with NULL. */
void origins_give(struct origins *o, const struct origin *origin);
void origins_free(struct origins *o);

#endif /* TCPSTATE_ORIGINS_H */

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

#define ORIGIN_WORDS (sizeof(struct origin) / sizeof(uint32_t))

struct origins {
	uint64_t keys[ORIGIN_WORDS + 1];	/* of the hash */
	struct shared_origin **buckets;
	size_t n_buckets;	/* a power of two, or 0 */
	size_t used;
	struct pool pool;
};

/*
 * An empty one.  Names and numbers are anybody's who may run a program, so @seed
 * must be nothing that he could know, or his would all be in one bucket.
 */
void origins_init(struct origins *o, uint64_t seed);
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

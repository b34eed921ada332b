/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pieces of memory of one size, many at a time: none is given back to the system
 * before the pool is, and those that were are used again.
 */
#ifndef TCPSTATE_POOL_H
#define TCPSTATE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#define POOL_ALIGN 64	/* bytes: pieces of such a size straddle no line */

struct pool_chunk;

/* { .size = n } is an empty one; n is a multiple of a pointer's size. */
struct pool {
	size_t size;			/* of a piece, in bytes */
	struct pool_chunk *chunks;
	void *free;			/* by their first bytes */
};

/* pool_reserve() when none is free. */
bool pool_grow(struct pool *p);

/* False without memory: not even one more can be taken. */
static inline bool pool_reserve(struct pool *p)
{
	return p->free || pool_grow(p);
}

/* All zero; NULL without memory, but not after pool_reserve(). */
void *pool_take(struct pool *p);
void pool_give(struct pool *p, void *piece);
/* All of them, taken or not. */
void pool_free(struct pool *p);

#endif /* TCPSTATE_POOL_H */

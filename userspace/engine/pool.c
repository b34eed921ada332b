// SPDX-License-Identifier: GPL-2.0
#include "pool.h"

#include <stdlib.h>
#include <string.h>

#define PIECES 256	/* allocated at once */

struct pool_chunk {
	struct pool_chunk *next;
	_Alignas(POOL_ALIGN) unsigned char pieces[];
};

static void *next_of(const void *piece)
{
	void *next;

	memcpy(&next, piece, sizeof(next));
	return next;
}

bool pool_grow(struct pool *p)
{
	size_t bytes = sizeof(struct pool_chunk) + PIECES * p->size;
	struct pool_chunk *chunk;

	bytes = (bytes + POOL_ALIGN - 1) / POOL_ALIGN * POOL_ALIGN;
	chunk = aligned_alloc(POOL_ALIGN, bytes);
	if (!chunk)
		return false;
	chunk->next = p->chunks;
	p->chunks = chunk;
	for (size_t i = PIECES; i-- > 0;)
		pool_give(p, chunk->pieces + i * p->size);
	return true;
}

void *pool_take(struct pool *p)
{
	void *piece;

	if (!pool_reserve(p))
		return NULL;
	piece = p->free;
	p->free = next_of(piece);
	__builtin_prefetch(p->free);
	return memset(piece, 0, p->size);
}

void pool_give(struct pool *p, void *piece)
{
	memcpy(piece, &p->free, sizeof(p->free));
	p->free = piece;
}

void pool_free(struct pool *p)
{
	while (p->chunks) {
		struct pool_chunk *chunk = p->chunks;

		p->chunks = chunk->next;
		free(chunk);
	}
	p->free = NULL;
}

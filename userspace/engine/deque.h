/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pointers in a row, of which one end is added to and the other taken from: a
 * circular buffer that grows.  All zero is an empty one.
 */
#ifndef TCPSTATE_DEQUE_H
#define TCPSTATE_DEQUE_H

#include <stdbool.h>
#include <stddef.h>

struct deque {
	void **slots;
	size_t size;		/* 0 or a power of two */
	size_t head, used;
};

/* The @i-th, 0 being the next to be popped; to be read or replaced. */
static inline void **deque_at(const struct deque *d, size_t i)
{
	return &d->slots[(d->head + i) & (d->size - 1)];
}

/* False without memory: nothing has changed. */
bool deque_push(struct deque *d, void *p);

/* There has to be one. */
static inline void *deque_pop(struct deque *d)
{
	void *p = *deque_at(d, 0);

	d->head = (d->head + 1) & (d->size - 1);
	d->used--;
	return p;
}

void deque_free(struct deque *d);

#endif /* TCPSTATE_DEQUE_H */

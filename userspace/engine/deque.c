// SPDX-License-Identifier: GPL-2.0
#include "deque.h"

#include <stdlib.h>

#define SIZE_MIN 64

static bool grow(struct deque *d)
{
	size_t size = d->size ? d->size * 2 : SIZE_MIN;
	void **slots = calloc(size, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < d->used; i++)
		slots[i] = *deque_at(d, i);
	free(d->slots);
	d->slots = slots;
	d->size = size;
	d->head = 0;
	return true;
}

bool deque_push(struct deque *d, void *p)
{
	if (d->used == d->size && !grow(d))
		return false;
	*deque_at(d, d->used++) = p;
	return true;
}

void deque_free(struct deque *d)
{
	free(d->slots);
	*d = (struct deque){ 0 };
}

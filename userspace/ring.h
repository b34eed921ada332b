/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring of records that is shared with the kernel: the reader's end.
 *
 * A source maps it, the engine reads the records where they lie.  A slot
 * belongs to the reader from the moment that its .turn is that of his next
 * pass (acquire) until he moves the tail over it (release).
 */
#ifndef TCPSTATE_USERSPACE_RING_H
#define TCPSTATE_USERSPACE_RING_H

#include <stddef.h>
#include <stdint.h>

#include <linux/tcpstate.h>

struct ring {
	const unsigned char *slots;
	uint32_t slot_bytes;
	uint32_t shift;		/* 1 << shift slots */
	uint16_t cpu;		/* that writes it */
	uint32_t next;		/* slots read so far, mod 2^32 */
	uint32_t *tail;		/* the same, as far as the kernel knows */
};

#define RING_FETCH_AHEAD	8	/* records */
#define RING_TELL_EVERY		64	/* records; the tail is a shared line */

static inline const struct tcpstate_record *ring_slot(const struct ring *ring,
						      uint32_t at)
{
	uint32_t n = at & ((1U << ring->shift) - 1);

	return (const void *)(ring->slots + (size_t)n * ring->slot_bytes);
}

/* The record @ahead places behind the next one, NULL if it is not there yet. */
static inline const struct tcpstate_record *ring_peek(const struct ring *ring,
						      uint32_t ahead)
{
	uint32_t at = ring->next + ahead;
	const struct tcpstate_record *rec = ring_slot(ring, at);
	uint16_t turn = (at >> ring->shift) + 1;

	/* pairs with the store of .turn, the last one of each record */
	if (__atomic_load_n(&rec->turn, __ATOMIC_ACQUIRE) != turn)
		return NULL;
	return rec;
}

/* The kernel may use again what was taken. */
static inline void ring_release(struct ring *ring)
{
	if (__atomic_load_n(ring->tail, __ATOMIC_RELAXED) != ring->next)
		__atomic_store_n(ring->tail, ring->next, __ATOMIC_RELEASE);
}

/*
 * Done with the next one.  Another CPU has written those behind it, and its
 * lines are still there: they are asked for while we work on.
 */
static inline void ring_take(struct ring *ring)
{
	const char *ahead = (const char *)ring_slot(ring, ring->next +
						    RING_FETCH_AHEAD);

	ring->next++;
	for (size_t line = 0; line < sizeof(struct tcpstate_record); line += 64)
		__builtin_prefetch(ahead + line);
	if (ring->next % RING_TELL_EVERY == 0)
		ring_release(ring);
}

#endif /* TCPSTATE_USERSPACE_RING_H */

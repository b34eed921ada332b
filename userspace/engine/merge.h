/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The per-CPU streams as one, in time order.
 *
 * Each CPU's stream is nearly sorted: a nested interrupt may put a later
 * record first.  Records come from rings, where they are read in place, or are
 * pushed and copied to a queue of their CPU, which is sorted; a ring that is
 * out of order goes through a queue of its own.  A record comes out when the caller says
 * that nothing older can still arrive.
 */
#ifndef TCPSTATE_MERGE_H
#define TCPSTATE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tcpstate.h>

struct merge;
struct ring;

/* At most @max records are copied.  NULL without memory. */
struct merge *merge_new(size_t max);
void merge_free(struct merge *m);

/*
 * NULL and 0 when they go away.  They are the caller's.  0 or -ENOMEM.
 */
int merge_set_rings(struct merge *m, struct ring *rings, size_t n);

/* True if the oldest must be popped, whatever its time, before a push. */
bool merge_is_full(const struct merge *m);
/* Of what it may hold. */
bool merge_is_half_full(const struct merge *m);

/* The record is copied.  0 or -ENOMEM. */
int merge_push(struct merge *m, const struct tcpstate_record *rec);

/*
 * Copy what is in the rings, as far as there is room, so that the kernel has
 * theirs.
 */
void merge_empty_rings(struct merge *m);

/*
 * Take out the oldest record, NULL if there is none or an older one may still
 * come.  That may be if it is younger than @until_ns, unless a younger one is in
 * the rings of each CPU; and if it is younger than @now_ns in any case.  Valid
 * until the next call.  What came from a ring has not been checked.
 */
const struct tcpstate_record *merge_pop(struct merge *m, uint64_t until_ns,
					uint64_t now_ns);

/*
 * One that will be popped soon, @ahead places or so behind the one just
 * popped; NULL if none is known.  Not checked.
 */
const struct tcpstate_record *merge_look_ahead(const struct merge *m,
					       uint32_t ahead);

#endif /* TCPSTATE_MERGE_H */

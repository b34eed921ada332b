/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The per-CPU streams as one, in time order.
 *
 * Each CPU's stream is nearly sorted: a nested interrupt may put a later
 * record first.  A record is therefore inserted from the tail of its queue,
 * and comes out when the caller says that nothing older can still arrive.
 */
#ifndef TCPSTATE_MERGE_H
#define TCPSTATE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tcpstate.h>

struct merge;

/* At most @max records are held.  NULL without memory. */
struct merge *merge_new(size_t max);
void merge_free(struct merge *m);

/* True if the oldest must be popped, whatever its time, before a push. */
bool merge_is_full(const struct merge *m);

/* The record is copied.  0 or -ENOMEM. */
int merge_push(struct merge *m, const struct tcpstate_record *rec);

/*
 * Take out the oldest record, NULL if it is younger than @until_ns or there is
 * none.  Valid until the next call.
 */
const struct tcpstate_record *merge_pop(struct merge *m, uint64_t until_ns);

#endif /* TCPSTATE_MERGE_H */

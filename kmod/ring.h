/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rings of one session: a ring per possible CPU in memory that the reader
 * maps.  include/uapi/linux/tcpstate_dev.h has the picture.
 */
#ifndef TCPSTATE_RING_H
#define TCPSTATE_RING_H

#include <linux/types.h>

struct rings;
struct tcpstate_info;
struct tcpstate_record;
struct tcpstate_stats;
struct vm_area_struct;

/* Bytes of memory that rings_alloc() takes with this many slots per ring. */
u64 rings_bytes(u32 slots);

/*
 * Both counts are checked by the caller.  Accounted to `current`; may sleep.
 * Returns NULL without memory.
 */
struct rings *rings_alloc(u32 slots, u32 watermark);
/* Nobody stores or maps any more.  NULL is allowed. */
void rings_free(struct rings *rings);

/*
 * Append a copy of @r to the ring of this CPU, or count it as lost.  Fills the
 * seq of @r.  Interrupts are off.  Returns true if the ring is filled up to the
 * watermark.
 */
bool rings_store(struct rings *rings, struct tcpstate_record *r);
/* Is any ring filled up to the watermark?  Any context. */
bool rings_ready(const struct rings *rings);

/* Takes the mmap lock for granted.  -EINVAL beyond the area, -EACCES to write */
int rings_mmap(struct rings *rings, struct vm_area_struct *vma);
/* The layout; @rings may be NULL, slots and watermark then stay 0. */
void rings_info(const struct rings *rings, struct tcpstate_info *info);
void rings_stats(const struct rings *rings, struct tcpstate_stats *stats);

#endif /* TCPSTATE_RING_H */

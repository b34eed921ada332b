// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of fixed slots, one producer (this CPU with interrupts off) and one
 * consumer (the reader, in the shared pages).
 *
 *	producer					consumer
 *
 *	load-acquire tail (A)				load-acquire turn or head (B)
 *	room? write the slots				read the slots
 *	store-release turn, head (B)			store-release tail (A)
 *
 * A: the reader is done with a slot before it is written again.  B: a slot is
 * written before the reader looks at it.
 *
 * The consumer's page is writable by the reader and so believed nothing: only
 * tail is read, once per record, and only the difference to our own head
 * counts.  A tail that lies makes the ring look full or empty to its own
 * reader; where we write depends on nothing but our own head.
 *
 * The slots are a power of two in number, so that none is split by the end of
 * the ring.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>
#include <linux/tcpstate.h>
#include <linux/tcpstate_dev.h>

#include "compat.h"
#include "record.h"
#include "ring.h"

static_assert(sizeof(struct tcpstate_record) <= TCPSTATE_SLOT_BYTES);
/* .turn is stored alone, and so must not be split by the end of a page */
static_assert(offsetof(struct tcpstate_record, turn) == 6);
static_assert(TCPSTATE_SLOT_BYTES % 8 == 0);
static_assert((TCPSTATE_SLOTS_MIN & (TCPSTATE_SLOTS_MIN - 1)) == 0);

/* The part that the reader cannot touch; written by the producer only. */
struct ring {
	u32 head;
	u64 seq;		/* of the next record */
	u64 stored;
	u64 lost;
	u64 untold;		/* of lost, not yet told by a LOST record */
	void *slots;
	struct tcpstate_producer *producer;
	const struct tcpstate_consumer *consumer;
} ____cacheline_aligned_in_smp;

struct rings {
	u32 slots;
	u32 shift;		/* slots is 1 << shift */
	u32 watermark;
	void *area;		/* all pages, as the reader maps them */
	struct page **pages;
	unsigned long nr_pages;
	struct ring ring[];	/* nr_cpu_ids, by CPU */
};

static u64 consumer_bytes(void)
{
	return PAGE_ALIGN((u64)nr_cpu_ids * sizeof(struct tcpstate_consumer));
}

static u64 ring_bytes(u32 slots)
{
	return PAGE_SIZE + PAGE_ALIGN((u64)slots * TCPSTATE_SLOT_BYTES);
}

u64 rings_bytes(u32 slots)
{
	return consumer_bytes() + nr_cpu_ids * ring_bytes(slots);
}

static void free_pages_of(struct rings *rings)
{
	while (rings->nr_pages)
		__free_page(rings->pages[--rings->nr_pages]);
	kvfree(rings->pages);
}

static int alloc_run(struct rings *rings, u64 bytes, int node)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL;
	unsigned long end = rings->nr_pages + (bytes >> PAGE_SHIFT);
	struct page *page;

	while (rings->nr_pages < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		page = alloc_pages_node(node, gfp, 0);
		if (!page)
			return -ENOMEM;
		rings->pages[rings->nr_pages++] = page;
		cond_resched();
	}
	return 0;
}

/*
 * Not vmalloc_user(): that is charged to nobody and lies on one node.  The same
 * way is taken by kernel/bpf/ringbuf.c.
 */
static int alloc_pages_of(struct rings *rings)
{
	unsigned long n = rings_bytes(rings->slots) >> PAGE_SHIFT;
	unsigned int cpu;
	int err, node;

	rings->pages = kvcalloc(n, sizeof(*rings->pages), GFP_KERNEL_ACCOUNT);
	if (!rings->pages)
		return -ENOMEM;
	err = alloc_run(rings, consumer_bytes(), NUMA_NO_NODE);
	for (cpu = 0; !err && cpu < nr_cpu_ids; cpu++) {
		node = cpu_possible(cpu) ? cpu_to_node(cpu) : NUMA_NO_NODE;
		err = alloc_run(rings, ring_bytes(rings->slots), node);
	}
	if (err)
		free_pages_of(rings);
	return err;
}

static void lay_out(struct rings *rings)
{
	struct tcpstate_consumer *consumers = rings->area;
	void *base = rings->area + consumer_bytes();
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct ring *ring = &rings->ring[cpu];

		ring->consumer = &consumers[cpu];
		ring->producer = base + cpu * ring_bytes(rings->slots);
		ring->slots = (void *)ring->producer + PAGE_SIZE;
	}
}

struct rings *rings_alloc(u32 slots, u32 watermark)
{
	struct rings *rings;

	rings = kvzalloc(struct_size(rings, ring, nr_cpu_ids),
			 GFP_KERNEL_ACCOUNT);
	if (!rings)
		return NULL;
	rings->slots = slots;
	rings->shift = ilog2(slots);
	rings->watermark = watermark;
	if (alloc_pages_of(rings))
		goto free_rings;
	rings->area = vmap(rings->pages, rings->nr_pages, VM_MAP | VM_USERMAP,
			   PAGE_KERNEL);
	if (!rings->area)
		goto free_pages;
	lay_out(rings);
	return rings;

free_pages:
	free_pages_of(rings);
free_rings:
	kvfree(rings);
	return NULL;
}

void rings_free(struct rings *rings)
{
	if (!rings)
		return;
	vunmap(rings->area);
	free_pages_of(rings);
	kvfree(rings);
}

/* @r itself is left alone: other sessions have rings of another size. */
static void fill_slot(const struct rings *rings, struct ring *ring,
		      const struct tcpstate_record *r)
{
	const size_t turn = offsetof(struct tcpstate_record, turn);
	const size_t rest = turn + sizeof(r->turn);
	u32 n = ring->head & (rings->slots - 1);
	void *slot = ring->slots + (size_t)n * TCPSTATE_SLOT_BYTES;

	memcpy(slot, r, turn);
	memcpy(slot + rest, (const void *)r + rest, sizeof(*r) - rest);
	/* (B) pairs with the reader's load-acquire of turn */
	smp_store_release((u16 *)(slot + turn),
			  (u16)((ring->head >> rings->shift) + 1));
	WRITE_ONCE(ring->head, ring->head + 1);
}

static void count_lost(struct ring *ring)
{
	ring->untold++;
	WRITE_ONCE(ring->lost, ring->lost + 1);
	WRITE_ONCE(ring->producer->lost, ring->lost);
}

/* The seq of the record at hand is ring->seq - 1, the lost end before it. */
static void tell_lost(const struct rings *rings, struct ring *ring,
		      const struct tcpstate_record *r)
{
	struct tcpstate_record told;

	record_lost(&told, ring->untold, r->seq - 1, r->cpu, r->mono_ns);
	fill_slot(rings, ring, &told);
	ring->untold = 0;
}

bool rings_store(struct rings *rings, struct tcpstate_record *r)
{
	struct ring *ring = &rings->ring[r->cpu];
	/* (A) pairs with the reader's store-release of tail */
	u32 used = ring->head - smp_load_acquire(&ring->consumer->tail);
	u32 need = ring->untold ? 2 : 1;

	r->seq = ring->seq++;
	if (used > rings->slots || rings->slots - used < need) {
		count_lost(ring);
		return true;
	}
	if (ring->untold)
		tell_lost(rings, ring, r);
	fill_slot(rings, ring, r);
	WRITE_ONCE(ring->stored, ring->stored + 1);
	WRITE_ONCE(ring->producer->stored, ring->stored);
	/* (B) pairs with the reader's load-acquire of head */
	smp_store_release(&ring->producer->head, ring->head);
	return used + need >= rings->watermark;
}

bool rings_ready(const struct rings *rings)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		const struct ring *ring = &rings->ring[cpu];

		if (READ_ONCE(ring->head) - READ_ONCE(ring->consumer->tail) >=
		    rings->watermark)
			return true;
	}
	return false;
}

/*
 * A mapping lies in the consumer area or in the rings, not across.  The rings
 * are not writable and never become it: without VM_MAYWRITE mprotect() refuses,
 * and so does ptrace, for which a shared mapping is no copy-on-write one.
 */
int rings_mmap(struct rings *rings, struct vm_area_struct *vma)
{
	unsigned long first_ring = consumer_bytes() >> PAGE_SHIFT;
	unsigned long pages = vma_pages(vma);

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= rings->nr_pages ||
	    pages > rings->nr_pages - vma->vm_pgoff)
		return -EINVAL;
	if (vma->vm_pgoff < first_ring) {
		if (pages > first_ring - vma->vm_pgoff)
			return -EINVAL;
	} else {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		compat_vma_forbid_write(vma);
	}
	return remap_vmalloc_range(vma, rings->area, vma->vm_pgoff);
}

void rings_info(const struct rings *rings, struct tcpstate_info *info)
{
	u32 slots = rings ? rings->slots : 0;

	info->slot_bytes = TCPSTATE_SLOT_BYTES;
	info->rings = nr_cpu_ids;
	info->slots = slots;
	info->watermark = rings ? rings->watermark : 0;
	info->consumer_stride = sizeof(struct tcpstate_consumer);
	info->consumer_bytes = consumer_bytes();
	info->rings_offset = consumer_bytes();
	info->ring_stride = slots ? ring_bytes(slots) : 0;
	info->data_offset = PAGE_SIZE;
}

void rings_stats(const struct rings *rings, struct tcpstate_stats *stats)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		stats->stored += READ_ONCE(rings->ring[cpu].stored);
		stats->lost += READ_ONCE(rings->ring[cpu].lost);
	}
}

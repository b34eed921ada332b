/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One ring buffer per CPU, and what a CPU remembers about it.
 *
 * Nothing here wakes the reader per record: it polls on its own clock and is
 * woken once when a ring passes the watermark, and not again until it has
 * consumed something.
 */
#ifndef TCPSTATE_RING_BPF_H
#define TCPSTATE_RING_BPF_H

#include <linux/bpf.h>
#include <linux/tcpstate.h>

#include <bpf/bpf_helpers.h>

enum hook {
	BUSY_STATE, BUSY_REQ_ADD, BUSY_REQ_DROP, BUSY_TW_ADD, BUSY_TW_KILL,
	BUSY_CONNECT, BUSY_ACCEPT, BUSY_START, BUSY_CANCEL, BUSY_HOOKS
};

struct cpu_state {
	__u64 seq;		/* records attempted */
	__u64 lost;		/* not stored, all of them */
	__u64 untold;		/* of them, not yet told by a LOST record */
	__u64 last_lost;	/* seq of the last one */
	__u64 woken_at;		/* consumer position at the last wake-up, + 1 */
	__u64 twins;		/* records that only a twin saw */
	__u32 busy[BUSY_HOOKS];	/* the hook's first program is running */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
} cpus SEC(".maps");

/* The loader sets the number of rings and their size. */
struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

#define LOOK_EVERY 16

const volatile __u64 watermark = 1 << 17;	/* bytes unread that wake */

static __always_inline struct cpu_state *cpu_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

static __always_inline void *cpu_ring(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &cpu);
}

static __always_inline void record_head(struct tcpstate_record *r, __u64 seq)
{
	__builtin_memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	r->version = TCPSTATE_RECORD_VERSION;
	r->cpu = bpf_get_smp_processor_id();
	r->seq = seq;
	r->mono_ns = bpf_ktime_get_ns();
}

/*
 * A nested interrupt may come between any two steps; the count goes to
 * exactly one of the LOST records all the same, since it is exchanged.
 */
static __always_inline void ring_tell_lost(void *ring, struct cpu_state *cpu)
{
	struct tcpstate_record *r;

	r = bpf_ringbuf_reserve(ring, sizeof(*r), 0);
	if (!r)
		return;
	record_head(r, cpu->last_lost);
	r->type = TCPSTATE_LOST;
	r->count = __sync_lock_test_and_set(&cpu->untold, 0);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* NULL if there is no room, or no ring: counted, and told with the next one. */
static __always_inline struct tcpstate_record *
ring_reserve(void *ring, struct cpu_state *cpu)
{
	struct tcpstate_record *r;
	__u64 seq;

	if (ring && cpu->untold)
		ring_tell_lost(ring, cpu);
	r = ring ? bpf_ringbuf_reserve(ring, sizeof(*r), 0) : NULL;
	seq = __sync_fetch_and_add(&cpu->seq, 1);
	if (r) {
		record_head(r, seq);
		return r;
	}
	cpu->last_lost = seq;
	__sync_fetch_and_add(&cpu->lost, 1);
	__sync_fetch_and_add(&cpu->untold, 1);
	return NULL;
}

static __always_inline void ring_submit(void *ring, struct cpu_state *cpu,
					struct tcpstate_record *r)
{
	__u64 flags = BPF_RB_NO_WAKEUP;

	/* A look now and then is enough: the watermark is far from the end. */
	if (!(r->seq % LOOK_EVERY) &&
	    bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) >= watermark) {
		__u64 at = bpf_ringbuf_query(ring, BPF_RB_CONS_POS) + 1;

		if (cpu->woken_at != at) {
			cpu->woken_at = at;
			flags = BPF_RB_FORCE_WAKEUP;
		}
	}
	bpf_ringbuf_submit(r, flags);
}

#endif /* TCPSTATE_RING_BPF_H */

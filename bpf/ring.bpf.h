/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two rings of records per CPU, in an array that the reader maps, and what a
 * CPU remembers about its own.
 *
 * The near one is so small that it stays in a cache, where the far one would be
 * memory of long ago at each turn; that is for what the reader is too late for.
 *
 * Not BPF_MAP_TYPE_RINGBUF: its lock, which nobody contends for here, its two
 * helpers and its headers cost more than the record.  A program takes a slot
 * with one atomic addition and hands it over with the store of .turn, so that
 * programs that interrupt each other need no lock.
 *
 * Nothing here wakes the reader per record: it polls on its own clock, and is
 * woken when it sleeps while a ring passes the watermark.
 */
#ifndef TCPSTATE_RING_BPF_H
#define TCPSTATE_RING_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>
#include <linux/tcpstate.h>

#include <bpf/bpf_helpers.h>

enum hook {
	ON_STATE, ON_REQ_ADD, ON_REQ_DROP, ON_TW_ADD, ON_TW_KILL,
	ON_RETRANSMIT, ON_SYNACK_AGAIN, ON_RST_SENT, ON_RST_RECEIVED,
	ON_CHALLENGE, ON_TW_SYN, HOOKS
};

/*
 * Events that the first program of a hook has seen, and its twin not yet.  An
 * interrupt on the twin's first steps leaves those that it brings; where they
 * are more than these, an event comes twice, and the reader drops the second.
 */
#define MARKS 32

/*
 * Events of its CPU after which a mark is none.  What comes between two programs is
 * one run of softirqs, 2 ms (MAX_SOFTIRQ_TIME), which have brought less than half
 * of these where connections opened and closed as fast as they can.
 */
#define MARK_LASTS 2048

struct mark {
	__u64 key;		/* 0: none */
	__u64 at;		/* .events of its CPU when it was made */
};

enum ring { NEAR, FAR, RINGS };

struct cpu_state {
	__u64 seq;		/* records attempted */
	__u64 lost;		/* not stored, all of them */
	__u64 untold;		/* of them, not yet told by a LOST record */
	__u64 last_lost;	/* seq of the last one */
	__u64 twins;		/* records that only a twin saw */
	__u64 events;		/* that first programs saw, nearly all of them */
	__u32 near, far;	/* slots taken so far, mod 2^32 */
	__u64 child;		/* cookie of the last child of a listener */
	struct mark marks[HOOKS][MARKS];
	__u32 marked[HOOKS];	/* how many, mod 2^32 */
	__u32 in_twin[HOOKS];	/* the twin is running */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
} cpus SEC(".maps");

/*
 * Those of each CPU, the near ones first; the loader sets how many there are.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tcpstate_record);
} records SEC(".maps");

/*
 * Written by the reader: slots consumed so far.  A line of the cache each, that
 * of ring n of a CPU being CPU * RINGS + n.
 */
struct tail {
	__u32 tail;
	__u32 reserved[15];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tail);
} tails SEC(".maps");

/* Its descriptor polls readable when there is something in it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} wakeups SEC(".maps");

/* Set by the loader. */
const volatile __u32 near_shift = 7;
const volatile __u32 far_shift = 8;
/* Slots unread that wake. */
const volatile __u32 near_watermark = 1 << 6;
const volatile __u32 far_watermark = 1 << 5;

/*
 * Between the look at the tail and the taking of a slot others may come in
 * between, each of which has seen the same room.
 */
#define NESTED_MAX 64
#define LOOK_EVERY 16

/*
 * Set by the reader before it sleeps; he who wakes it clears it.  A race wakes it
 * twice, or not before its own clock does.
 */
volatile __u32 reader_sleeps;

/* A record under way. */
struct slot {
	struct cpu_state *cpu;
	struct tcpstate_record *rec;
	__u32 *head;		/* of its ring */
	__u32 at;		/* head when it was taken */
	__u32 tail;
	__u32 shift;		/* of the ring */
	__u16 cpu_id;
};

static __always_inline struct cpu_state *cpu_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

/* False if there is no slot at all, which only a wrong loader can bring about. */
static __always_inline bool slot_take(struct slot *s)
{
	__u32 index = s->cpu_id * ((1U << near_shift) + (1U << far_shift));

	s->at = __sync_fetch_and_add(s->head, 1);
	index += s->at & ((1U << s->shift) - 1);
	if (s->head == &s->cpu->far)
		index += 1U << near_shift;
	s->rec = bpf_map_lookup_elem(&records, &index);
	return s->rec;
}

/* All but .cpu and .turn, which are of an earlier turn until slot_give(). */
static __always_inline void slot_begin(struct slot *s, __u64 seq)
{
	struct tcpstate_record *r = s->rec;

	__builtin_memset(&r->seq, 0, sizeof(*r) - __builtin_offsetof(
				 struct tcpstate_record, seq));
	r->size = sizeof(*r);
	r->version = TCPSTATE_RECORD_VERSION;
	r->seq = seq;
	r->mono_ns = bpf_ktime_get_ns();
}

/*
 * It is the reader's from here on.  x86 keeps the order of its stores; an
 * exchange is a full barrier, and would wait until all lines of the record are
 * in the cache.
 */
static __always_inline void slot_give(struct slot *s)
{
	union {
		struct {
			__u16 cpu, turn;
		};
		__u32 word;
	} last = {
		.cpu = s->cpu_id,
		.turn = (s->at >> s->shift) + 1,
	};

#ifdef __TARGET_ARCH_x86
	barrier();
	*(volatile __u32 *)&s->rec->cpu = last.word;
#else
	__sync_lock_test_and_set((__u32 *)&s->rec->cpu, last.word);
#endif
}

/*
 * A nested interrupt may come between any two steps; the count goes to
 * exactly one of the LOST records all the same, since it is exchanged.
 */
static __always_inline void ring_tell_lost(const struct slot *next)
{
	struct slot s = *next;

	if (!slot_take(&s))
		return;
	slot_begin(&s, s.cpu->last_lost);
	s.rec->type = TCPSTATE_LOST;
	s.rec->count = __sync_lock_test_and_set(&s.cpu->untold, 0);
	slot_give(&s);
}

/* Is there room in it?  Then it is the slot's. */
static __always_inline bool ring_try(struct slot *s, enum ring which)
{
	__u32 id = s->cpu_id * RINGS + which;
	volatile struct tail *tail = bpf_map_lookup_elem(&tails, &id);

	s->head = which == NEAR ? &s->cpu->near : &s->cpu->far;
	s->shift = which == NEAR ? near_shift : far_shift;
	if (!tail)
		return false;
	s->tail = tail->tail;
	return *s->head - s->tail < (1U << s->shift) - NESTED_MAX;
}

/* False if there is no room: counted, and told with the next one. */
static __always_inline bool ring_reserve(struct slot *s)
{
	struct cpu_state *cpu = s->cpu;
	__u64 seq = __sync_fetch_and_add(&cpu->seq, 1);

	s->cpu_id = bpf_get_smp_processor_id();
	if (!ring_try(s, NEAR) && !ring_try(s, FAR)) {
		cpu->last_lost = seq;
		__sync_fetch_and_add(&cpu->lost, 1);
		__sync_fetch_and_add(&cpu->untold, 1);
		return false;
	}
	if (cpu->untold)
		ring_tell_lost(s);
	if (!slot_take(s))
		return false;
	slot_begin(s, seq);
	return true;
}

static __always_inline void ring_submit(struct slot *s)
{
	__u32 watermark = s->head == &s->cpu->near ? near_watermark :
						     far_watermark;
	__u8 nothing = 0;

	slot_give(s);
	/* A look now and then is enough: the watermark is far from the end. */
	if (s->at % LOOK_EVERY || s->at - s->tail < watermark || !reader_sleeps)
		return;
	reader_sleeps = 0;
	bpf_ringbuf_output(&wakeups, &nothing, sizeof(nothing),
			   BPF_RB_FORCE_WAKEUP);
}

#endif /* TCPSTATE_RING_BPF_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Twins: a program that is interrupted by a softirq is not run again for the
 * nested event (bpf_prog_enter_recur()).  So each of those programs is attached a
 * second time under another name, to run right after it.  The first one marks
 * the socket and the move that it was run for; the twin takes the mark away, and
 * records the event where it finds none.
 */
#ifndef TCPSTATE_TWINS_BPF_H
#define TCPSTATE_TWINS_BPF_H

#include "ring.bpf.h"

/* Which of its programs a hook runs; ALONE where it cannot have a twin. */
enum program { ALONE, FIRST, TWIN };

/*
 * The marks are a stack: what interrupts a hook between its two programs puts
 * its own on top and takes it away again.  Nothing would take it away that came
 * while the twin ran, which is then not run for it; so it leaves no mark.
 */
static __always_inline void mark(struct cpu_state *cpu, __u32 hook, __u64 key)
{
	__u32 n = cpu->marked[hook];

	if (cpu->in_twin[hook])
		return;
	cpu->marks[hook][n % MARKS].key = key;
	cpu->marks[hook][n % MARKS].at = cpu->events++;
	cpu->marked[hook] = n + 1;
}

/*
 * A program that came in the last steps of a twin has left a mark for good, and
 * sockets soon have the addresses of others: one from many events ago is none.
 */
static __always_inline bool is_mark(const struct cpu_state *cpu,
				    const struct mark *mark, __u64 key)
{
	return mark->key == key && cpu->events - mark->at < MARK_LASTS;
}

static __always_inline bool find_mark(struct cpu_state *cpu, __u32 hook,
				      __u64 key)
{
	__u32 n = cpu->marked[hook];

	for (__u32 i = 1; i <= MARKS; i++) {
		struct mark *at = &cpu->marks[hook][(n - i) % MARKS];

		if (!is_mark(cpu, at, key))
			continue;
		at->key = 0;
		cpu->marked[hook] = n - i;
		return true;
	}
	return false;
}

static __always_inline bool unmark(struct cpu_state *cpu, __u32 hook, __u64 key)
{
	bool found;

	*(volatile __u32 *)&cpu->in_twin[hook] = 1;
	found = find_mark(cpu, hook, key);
	*(volatile __u32 *)&cpu->in_twin[hook] = 0;
	return found;
}

/* Stands for one event of one kernel object in the marks of a hook. */
static __always_inline __u64 key_of(const struct cpu_state *cpu,
				    const void *object, __u64 move)
{
	/* The difference of two pointers is a number to the verifier. */
	return ((__u64)object - (__u64)cpu) ^ move << 48;
}

/* False in a twin whose first program was run for this event. */
static __always_inline bool is_mine(struct cpu_state *cpu, enum program program,
				    __u32 hook, __u64 key)
{
	if (program == FIRST)
		mark(cpu, hook, key);
	if (program != TWIN)
		return true;
	if (unmark(cpu, hook, key))
		return false;
	/* What only the twin meets is no miss of the first, stored or not. */
	__sync_fetch_and_add(&cpu->twins, 1);
	return true;
}

#endif /* TCPSTATE_TWINS_BPF_H */

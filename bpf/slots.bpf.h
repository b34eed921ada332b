/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A slot in the ring for an event, unless the other program of its hook has
 * recorded it, or the reader does not want it.
 */
#ifndef TCPSTATE_SLOTS_BPF_H
#define TCPSTATE_SLOTS_BPF_H

#include "filter.bpf.h"
#include "ring.bpf.h"
#include "twins.bpf.h"

/* False if there is nothing to record here, or no room for it. */
static __always_inline bool slot_open_key(struct slot *s, __u8 type,
					  __u8 basis, enum program program,
					  __u32 hook, __u64 key,
					  const struct whose *whose,
					  bool direct)
{
	if (!is_mine(s->cpu, program, hook, key))
		return false;
	if (!is_wanted(type, whose, direct))
		return false;
	if (!ring_reserve(s))
		return false;
	s->rec->type = type;
	s->rec->basis = basis;
	if (program == TWIN)
		s->rec->flags = TCPSTATE_F_TWIN;
	return true;
}

/* The same by the kernel object that the event is of, typed, and its move. */
static __always_inline bool slot_open(struct slot *s, __u8 type, __u8 basis,
				      enum program program, __u32 hook,
				      const struct whose *whose, __u64 move)
{
	s->cpu = cpu_state();
	return s->cpu && slot_open_key(s, type, basis, program, hook,
				       key_of(s->cpu, whose->common, move),
				       whose, true);
}

/* The same for a hook that has no twin. */
static __always_inline bool slot_open_alone(struct slot *s, __u8 type,
					    __u8 basis,
					    const struct whose *whose,
					    bool direct)
{
	s->cpu = cpu_state();
	return s->cpu && slot_open_key(s, type, basis, ALONE, 0, 0, whose,
				       direct);
}

/* What nobody wants is no loss either where the first program missed it. */
static __always_inline int unrecorded(enum program program, __u32 hook,
				      const void *object, __u64 move)
{
	struct cpu_state *cpu = cpu_state();

	if (cpu)
		is_mine(cpu, program, hook, key_of(cpu, object, move));
	return 0;
}

#endif /* TCPSTATE_SLOTS_BPF_H */

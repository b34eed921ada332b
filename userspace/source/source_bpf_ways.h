/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How BPF programs can see what each hook sees.
 */
#ifndef TCPSTATE_SOURCE_BPF_WAYS_H
#define TCPSTATE_SOURCE_BPF_WAYS_H

#include "source.h"

enum method { BY_TRACEPOINT, BY_FENTRY, BY_KPROBE, BY_TIMER, BY_SOCKOPS,
	      METHODS };

/* One way to see what a hook sees. */
struct way {
	enum method method;
	const char *fn;			/* kernel function, or tracepoint */
	const char *programs[3];	/* the twin after its first program */
};

#define MAX_WAYS 4

/* In the order of enum source_hook; ways in the order of preference. */
extern const struct way source_bpf_ways[HOOK_COUNT][MAX_WAYS];
/* Words of --hooks. */
extern const char *const source_bpf_method[METHODS];

#endif /* TCPSTATE_SOURCE_BPF_WAYS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How fast stuck connections, and the descriptors of their processes, become
 * more: counted again and again while a command observes.
 *
 *	growth_sample(growth, now_ns)		every second or so
 *	growth_tell(growth, findings, n)	before they are printed
 */
#ifndef TCPSTATE_GROWTH_H
#define TCPSTATE_GROWTH_H

#include "engine/leaks.h"
#include "filter.h"
#include "run.h"

struct growth;

/*
 * @slide: only the last GROWTH_SAMPLES count, for what runs for days; otherwise
 * all, the older ones more thinly.  NULL: no memory.
 */
struct growth *growth_new(struct run *run, const struct filter *filter,
			  bool slide);
void growth_free(struct growth *g);

#define GROWTH_SAMPLES 64

/* 0 or -ENOMEM, and the sample is as if it had not been taken. */
int growth_sample(struct growth *g, uint64_t now_ns);

/* Fill growth and ETA of what has been measured for long enough. */
void growth_tell(const struct growth *g, struct finding *findings, size_t n);

/* The processes that own sockets, as of the last sample. */
typedef int (*growth_process_fn)(void *ctx, const struct leaks_process *p);
int growth_each_process(const struct growth *g, growth_process_fn fn,
			void *ctx);

#endif /* TCPSTATE_GROWTH_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The numbers of engine/health.h that are no findings: asked of /proc and
 * counted in the table.  Each returns 0 or -errno.
 */
#ifndef TCPSTATE_MEASURES_H
#define TCPSTATE_MEASURES_H

#include "engine/health.h"
#include "evidence.h"
#include "filter.h"
#include "run.h"
#include "source/netns_facts.h"

/*
 * Descriptors of the processes that own a socket which @filter lets through.
 * *@refused is how many may not be counted.
 */
int measure_fds(struct run *run, const struct filter *filter,
		struct health *h, size_t *refused);

/* Requests of each listener that @filter lets through, against its backlog. */
int measure_syn_recv(struct run *run, const struct filter *filter,
		     struct health *h);

/*
 * Those of @evidence and those of the ports, all together in *@findings, which
 * is to be freed; what they point to is @evidence's and @ports'.
 */
struct ports;
int measure_ports(struct run *run, const struct filter *filter,
		  const struct evidence *evidence, struct ports *ports,
		  struct finding **findings, size_t *n);

/*
 * TIME_WAIT of each namespace as a whole: of the filters only --netns means it.
 * @before is how it was; it becomes what is now.
 */
int measure_time_wait(const struct filter *filter,
		      struct netns_facts_list *before, struct health *h);

#endif /* TCPSTATE_MEASURES_H */

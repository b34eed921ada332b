/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel and /proc say now about the connections that may be stuck, and
 * the findings that follow from it.
 */
#ifndef TCPSTATE_EVIDENCE_H
#define TCPSTATE_EVIDENCE_H

#include "engine/leaks.h"
#include "dumped_facts.h"
#include "filter.h"
#include "growth.h"
#include "run.h"
#include "source/netns_facts.h"

struct evidence {
	struct leaks *leaks;		/* owns .findings */
	struct netns_facts_list settings;	/* that they point to */
	struct finding *findings;	/* worst first */
	size_t n;
};

struct evidence_options {
	const struct filter *filter;	/* connections that it lets through */
	const struct thresholds *thresholds;	/* the age is for every state */
	uint64_t idle_ns;	/* ESTABLISHED: idle for so long */
	struct growth *growth;	/* with what it has sampled so far */
	/* Collisions whose socket is gone are told for so long; 0: always. */
	uint64_t gone_ns;
	/* Of a recording: what its dumps have shown so far. */
	struct dumped_facts *facts;
	/*
	 * As of when the observation began: where no hook shows SYNs that are
	 * refused, the kernel's counter of them does.  NULL: not asked for.
	 */
	const struct netns_facts_list *before;
};

/*
 * Reads sock_diag, settings, and every descriptor table where that matters, so
 * only on demand.  0 or -errno; free with evidence_free() after 0.
 */
int evidence_take(struct run *run, const struct evidence_options *opt,
		  struct evidence *evidence);
void evidence_free(struct evidence *evidence);

#endif /* TCPSTATE_EVIDENCE_H */

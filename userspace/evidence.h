/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel and /proc say now about the connections in CLOSE_WAIT, and
 * the findings that follow from it.
 */
#ifndef TCPSTATE_EVIDENCE_H
#define TCPSTATE_EVIDENCE_H

#include "engine/leaks.h"
#include "filter.h"
#include "run.h"

struct evidence {
	struct leaks *leaks;		/* owns .findings */
	struct finding *findings;	/* worst first */
	size_t n;
};

/*
 * Connections in CLOSE_WAIT for @age_ns or longer that @filter lets through.
 * Reads sock_diag and every descriptor table, so only on demand.  0 or
 * -errno; free with evidence_free() after 0.
 */
int evidence_take(struct run *run, const struct filter *filter,
		  uint64_t age_ns, struct evidence *evidence);
void evidence_free(struct evidence *evidence);

#endif /* TCPSTATE_EVIDENCE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Of each socket that dumps show and that may be stuck, what the last of them
 * said: struct run's .dumped fills it.
 */
#ifndef TCPSTATE_DUMPED_FACTS_H
#define TCPSTATE_DUMPED_FACTS_H

#include "engine/stuck.h"

struct dumped_facts {
	uint64_t idle_ns;	/* ESTABLISHED: idle for so long may be stuck */
	struct stuck_facts *v;	/* by cookie, once dumped_facts_sort() was called */
	size_t n, room, max;	/* no more than .max; 0: any number */
	bool no_memory, full;
	uint64_t left_out;	/* for want of either */
};

/* For run.dumped; @facts is a struct dumped_facts. */
void dumped_facts_keep(void *facts, const struct tcpstate_record *rec);
/* One for each cookie: the last. */
void dumped_facts_sort(struct dumped_facts *facts);
void dumped_facts_free(struct dumped_facts *facts);

#endif /* TCPSTATE_DUMPED_FACTS_H */

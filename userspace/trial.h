/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An open source put on trial: traffic.h makes the connections, the engine is
 * fed as in a run, and proof.h holds what came out.
 */
#ifndef TCPSTATE_TRIAL_H
#define TCPSTATE_TRIAL_H

#include <stddef.h>

#include "proof.h"
#include "source/source.h"

struct trial {
	/* Set by the caller. */
	const struct source_ops *ops;
	struct source *src;
	size_t max_conns;
	/* The result; if .proof.traffic is NULL, .why tells why. */
	struct proof proof;
	char why[160];
	/* Private. */
	struct engine *engine;
	struct traffic *traffic;
	size_t dumped;		/* sockets of this host */
};

/* Lasts until all has been seen, or two seconds after it was made. */
void trial_run(struct trial *trial);
/* The traffic, which .proof speaks of, ends here. */
void trial_end(struct trial *trial);

#endif /* TCPSTATE_TRIAL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* A recording in the place of a kernel: the part of run.c that reads it. */
#ifndef TCPSTATE_REPLAY_H
#define TCPSTATE_REPLAY_H

#include <stdbool.h>

struct run;

/*
 * Make the engine and give it all that was recorded until the recorder was
 * ready; all there is if run->snapshot_only.  An exit code.
 */
int replay_start(struct run *run);

/* One more entry, to the engine or the command; false at the end. */
bool replay_step(struct run *run);

/* What was wrong with the file is told; an exit code. */
int replay_verdict(const struct run *run);

#endif /* TCPSTATE_REPLAY_H */

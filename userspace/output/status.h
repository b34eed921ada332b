/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words of check, as the guidelines of the monitoring plugins want them: a
 * status line with performance data, and long output below it.
 */
#ifndef TCPSTATE_OUTPUT_STATUS_H
#define TCPSTATE_OUTPUT_STATUS_H

#include <stdio.h>

#include "engine/health.h"

/* Also the exit code. */
enum status { STATUS_OK, STATUS_WARNING, STATUS_CRITICAL, STATUS_UNKNOWN };

struct status_report {
	const struct health *health;
	uint64_t sockets;	/* that were looked at */
	/* Why it is not all that there is, or "": then nothing is OK. */
	const char *doubt;
	/* For the command that a finding names, with a blank before it, or "". */
	const char *options;
};

enum status status_of(const struct status_report *r);
/* All of it.  Names of processes cannot break out of their line. */
void status_tell(FILE *to, const struct status_report *r);
/* A line and nothing else, when nothing could be looked at. */
void status_tell_unknown(FILE *to, const char *why);

#endif /* TCPSTATE_OUTPUT_STATUS_H */

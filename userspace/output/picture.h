/* SPDX-License-Identifier: GPL-2.0 */
/* The live picture of watch, as a block of text. */
#ifndef TCPSTATE_OUTPUT_PICTURE_H
#define TCPSTATE_OUTPUT_PICTURE_H

#include <stdio.h>

#include "engine/finding.h"

struct picture {
	const char *host, *release, *source;
	uint64_t elapsed_ns;	/* since ready */
	uint64_t interval_ns;	/* of the rates; 0 = the first picture */
	uint64_t opened, closed;		/* in the interval */
	uint64_t failed[REASONS];		/* in the interval */
	uint64_t lost, inferred;		/* since ready */
	uint32_t now[TCPSTATE_STATES];		/* connections per state */
	uint32_t before[TCPSTATE_STATES];
	const struct finding *findings;
	size_t n_findings;
};

void picture_paint(FILE *to, const struct picture *p);

#endif /* TCPSTATE_OUTPUT_PICTURE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The output of a run: on stdout, with wall clock and names of cgroups. */
#ifndef TCPSTATE_RUN_OUTPUT_H
#define TCPSTATE_RUN_OUTPUT_H

#include "output/output.h"
#include "run.h"

struct cgroups;
struct recording;

struct run_output {
	struct output *output;
	struct cgroups *cgroups;
	struct recording *recording;	/* NULL unless --source names one */
};

/*
 * Of @style, the command sets what its options ask for; format, clock and
 * cgroup names are filled in here, and the recording that --source names is
 * opened, @opt->recording until run_output_close().  0, or -errno after a
 * sentence on stderr.
 */
int run_output_open(struct run_output *ro, struct run_options *opt,
		    const struct output_style *style);
void run_output_close(struct run_output *ro);

#endif /* TCPSTATE_RUN_OUTPUT_H */

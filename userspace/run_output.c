// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "cgroups.h"
#include "log.h"
#include "run_output.h"

static bool name_cgroup(void *ctx, uint64_t id, char *unit, size_t unit_len,
			char *container, size_t container_len)
{
	return cgroups_name(ctx, id, unit, unit_len, container, container_len);
}

int run_output_open(struct run_output *ro, const struct run_options *opt,
		    const struct output_style *style)
{
	struct output_style full = *style;

	*ro = (struct run_output){ .cgroups = cgroups_new() };
	full.format = opt->format;
	full.realtime_offset_ns = output_realtime_offset();
	full.cgroup_name = name_cgroup;
	full.cgroup_ctx = ro->cgroups;
	if (ro->cgroups && run_stdout())
		ro->output = output_new(run_stdout(), &full);
	if (ro->output)
		return 0;
	log_say("out of memory");
	run_output_close(ro);
	return -ENOMEM;
}

void run_output_close(struct run_output *ro)
{
	output_free(ro->output);
	cgroups_free(ro->cgroups);
	*ro = (struct run_output){};
}

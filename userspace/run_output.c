// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cgroups.h"
#include "log.h"
#include "recording.h"
#include "run_output.h"

static bool name_cgroup(void *ctx, uint64_t id, char *unit, size_t unit_len,
			char *container, size_t container_len)
{
	return cgroups_name(ctx, id, unit, unit_len, container, container_len);
}

static int open_recording(struct run_output *ro, struct run_options *opt)
{
	char why[512];

	if (!run_reads_file(opt))
		return 0;
	if (recording_open(&ro->recording, opt->source, why, sizeof(why))) {
		log_say("%s", why);
		return -EBADMSG;
	}
	opt->recording = ro->recording;
	/* Its times of day are not those of this machine's zone. */
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static int64_t realtime_offset(const struct run_output *ro)
{
	const struct recording_header *head;

	if (!ro->recording)
		return output_realtime_offset();
	head = recording_head(ro->recording);
	return (int64_t)(head->real_ns - head->mono_ns);
}

int run_output_open(struct run_output *ro, struct run_options *opt,
		    const struct output_style *style)
{
	struct output_style full = *style;
	int err;

	*ro = (struct run_output){};
	err = open_recording(ro, opt);
	if (err)
		return err;
	ro->cgroups = ro->recording ? cgroups_new_told() : cgroups_new();
	opt->cgroups = ro->cgroups;
	full.format = opt->format;
	full.realtime_offset_ns = realtime_offset(ro);
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
	recording_close(ro->recording);
	*ro = (struct run_output){};
}

// SPDX-License-Identifier: GPL-2.0
#include "replay.h"

#include <inttypes.h>

#include "cgroups.h"
#include "cmd.h"
#include "log.h"
#include "recording.h"
#include "run.h"

static int start_engine(struct run *run)
{
	const struct recording_header *h = recording_head(run->opt->recording);
	const struct engine_config cfg = {
		.max_conns = h->max_conns < run->opt->max_conns ?
			     h->max_conns : run->opt->max_conns,
		.holdback_ns = h->holdback_ns,
		.settle_ns = h->settle_ns,
		.since_ns = h->since_ns,
		.hooks = h->hooks,
		.self = h->self,
		.seed = run_seed(),
	};

	run->engine = engine_new(&cfg, run->sink, run->ctx);
	run->hooks = h->hooks;
	run->since_ns = h->since_ns;
	run->started_ns = h->since_ns;
	run->replay_ns = h->since_ns;
	if (run->engine)
		return EXIT_DONE;
	log_say("out of memory");
	return EXIT_FAILED;
}

/* 146 years after its boot: sums of such times and periods stay in range. */
#define LATEST_NS	(1ULL << 62)

/* Time in a recording only goes on, whatever is written in it. */
static void come_to(struct run *run, uint64_t ns)
{
	if (ns > run->replay_ns && ns < LATEST_NS)
		run->replay_ns = ns;
}

static void missed(struct run *run, uint64_t ns, uint64_t count)
{
	run->missed += count;
	if (run->sink->lost)
		run->sink->lost(run->ctx, ns, RUN_ANY_CPU, count);
}

static void to_engine(struct run *run, const struct engine_input *in)
{
	engine_replay(run->engine, in);
}

/* False: the recorder was ready. */
static bool take_mark(struct run *run, const struct recording_mark *m)
{
	switch (m->type) {
	case RECORDING_ADVANCE:
		to_engine(run, &(struct engine_input){ .type = INPUT_ADVANCE,
						       .ns = m->ns });
		come_to(run, m->ns);
		break;
	case RECORDING_DUMP_BEGIN:
		to_engine(run, &(struct engine_input){ .type = INPUT_DUMP_BEGIN });
		break;
	case RECORDING_DUMP_END:
		to_engine(run, &(struct engine_input){
			.type = INPUT_DUMP_END, .ns = m->ns, .netns = m->netns,
			.n = m->number });
		break;
	case RECORDING_OWNER:
		to_engine(run, &(struct engine_input){
			.type = INPUT_OWNER, .cookie = m->ns, .pid = m->number,
			.comm = m->comm });
		break;
	case RECORDING_READY:
		come_to(run, m->ns);
		run->snapshot.sockets = m->count;
		run->snapshot.namespaces = m->number;
		return false;
	case RECORDING_MISSED:
		missed(run, m->ns, m->count);
		break;
	case RECORDING_CGROUP:
		cgroups_tell(run->opt->cgroups, m->ns, m->path);
		break;
	}
	return true;
}

static void take_record(struct run *run, const struct tcpstate_record *rec)
{
	if (rec->type == TCPSTATE_SNAPSHOT && run->dumped)
		run->dumped(run->dumped_ctx, rec);
	to_engine(run, &(struct engine_input){ .type = INPUT_RECORD,
					       .rec = rec });
}

/* Until the recorder was ready; false at the end. */
static bool step(struct run *run, bool *ready)
{
	const void *entry = recording_next(run->opt->recording);
	const struct tcpstate_record *rec = entry;

	if (!entry)
		return false;
	if (rec->type < RECORDING_ADVANCE)
		take_record(run, rec);
	else if (!take_mark(run, entry))
		*ready = true;
	return true;
}

bool replay_step(struct run *run)
{
	bool ready;

	return step(run, &ready);
}

int replay_start(struct run *run)
{
	bool ready = false;
	int ret = start_engine(run);

	if (ret)
		return ret;
	while ((!ready || run->snapshot_only) && !run_is_stopped(run))
		if (!step(run, &ready))
			break;
	return EXIT_DONE;
}

int replay_verdict(const struct run *run)
{
	const struct recording_damage *damage =
		recording_damage(run->opt->recording);

	if (damage->damaged)
		log_say("%s: damaged at byte %" PRIu64 ", %" PRIu64
			" bytes were passed over", run->opt->source,
			damage->damaged_at, damage->passed_over);
	if (damage->truncated)
		log_say("%s: truncated at byte %" PRIu64, run->opt->source,
			damage->truncated_at);
	return damage->damaged || damage->truncated ? EXIT_FAILED : EXIT_DONE;
}

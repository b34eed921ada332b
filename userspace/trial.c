// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "source/snapshot.h"
#include "trial.h"

#define NS_PER_MS	UINT64_C(1000000)
#define PAUSE_NS	(2 * NS_PER_MS)
#define MADE_NS		(5000 * NS_PER_MS)
#define SEEN_NS		(2000 * NS_PER_MS)
#define EMPTY_EVERY	1024	/* sockets of a dump */

static void hear_record(void *ctx, const struct tcpstate_record *rec)
{
	struct trial *trial = ctx;

	proof_record(&trial->proof, rec);
}

static void hear_transition(void *ctx, const struct transition *t)
{
	struct trial *trial = ctx;

	proof_transition(&trial->proof, t);
}

static int start_engine(struct trial *trial)
{
	static const struct engine_sink sink = {
		.raw = hear_record,
		.transition = hear_transition,
	};
	const struct engine_config cfg = {
		.max_conns = trial->max_conns,
		.holdback_ns = RUN_HOLDBACK_NS,
		.settle_ns = RUN_SETTLE_NS,
		.since_ns = mono_now(),
		.hooks = trial->proof.hooks,
		.self = (uint32_t)getpid(),
		.seed = run_seed(),
	};
	struct ring *rings;
	size_t n = 0;

	rings = trial->ops->rings(trial->src, &n);
	trial->engine = engine_new(&cfg, &sink, trial);
	if (!trial->engine)
		return -ENOMEM;
	return engine_set_rings(trial->engine, rings, n);
}

static void free_engine(struct trial *trial)
{
	if (trial->engine)
		engine_set_rings(trial->engine, NULL, 0);
	engine_free(trial->engine);
	trial->engine = NULL;
}

/* Records come without a wake-up, since they are far below the watermark. */
static void take_records(struct trial *trial)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	nanosleep(&pause, NULL);
	engine_advance(trial->engine, mono_now());
}

/* False if the connections could not be made; .why says what went wrong. */
static bool make_traffic(struct trial *trial)
{
	const uint64_t until = mono_now() + MADE_NS;
	struct traffic *t = traffic_start();

	if (!t) {
		snprintf(trial->why, sizeof(trial->why), "cannot fork: %s",
			 strerror(errno));
		return false;
	}
	trial->traffic = t;
	trial->proof.traffic = t;
	while (!traffic_is_made(t) && mono_now() < until)
		take_records(trial);
	if (traffic_is_made(t) && !t->error)
		return true;
	snprintf(trial->why, sizeof(trial->why), "cannot %s: %s",
		 t->error ? t->step : "make the connections",
		 strerror(t->error ? -t->error : ETIMEDOUT));
	trial_end(trial);
	return false;
}

static int feed_socket(void *ctx, const void *bytes, size_t len)
{
	const struct tcpstate_record *rec = bytes;
	struct trial *trial = ctx;

	/* A long dump must not let the rings run full. */
	if (++trial->dumped % EMPTY_EVERY == 0)
		engine_empty_rings(trial->engine);
	if (rec->netns_ino != trial->traffic->netns)
		return 0;
	trial->proof.dumped++;
	return engine_feed(trial->engine, bytes, len) == -ENOMEM ? -ENOMEM : 0;
}

/*
 * As a run does where no hook shows an orphan's TIME_WAIT; here always, since
 * the sockets that are older than a run depend on it.
 */
static void dump(struct trial *trial)
{
	struct snapshot_result result;

	if (trial->proof.dumped >= TRAFFIC_TIME_WAITS)
		return;
	trial->proof.dumped = 0;
	snapshot_take(1U << TCPSTATE_TIME_WAIT, feed_socket, trial, &result);
}

static bool is_complete(const struct trial *trial)
{
	const enum proof_result result = proof_result(&trial->proof);

	return result == PROOF_OBSERVED || result == PROOF_INFERRED;
}

/* Then what is missing may have been seen. */
static void tell_lost(struct trial *trial)
{
	struct source_stats stats = {};

	trial->ops->stats(trial->src, &stats);
	if (stats.lost_ring || stats.lost_nested)
		snprintf(trial->why, sizeof(trial->why),
			 "%" PRIu64 " records of this host were lost meanwhile",
			 stats.lost_ring + stats.lost_nested);
}

void trial_run(struct trial *trial)
{
	uint64_t until;

	trial->proof = (struct proof){
		.hooks = trial->ops->hooks(trial->src),
	};
	if (start_engine(trial)) {
		snprintf(trial->why, sizeof(trial->why), "out of memory");
	} else if (make_traffic(trial)) {
		until = mono_now() + SEEN_NS;
		do {
			dump(trial);
			take_records(trial);
		} while (!is_complete(trial) && mono_now() < until);
		if (!is_complete(trial))
			tell_lost(trial);
	}
	free_engine(trial);
}

void trial_end(struct trial *trial)
{
	traffic_end(trial->traffic);
	trial->traffic = NULL;
	trial->proof.traffic = NULL;
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "kernel_filter.h"
#include "log.h"
#include "owners.h"
#include "privilege.h"
#include "recording.h"
#include "replay.h"
#include "run.h"
#include "stream.h"

#define NS_PER_MS	UINT64_C(1000000)
/*
 * Nobody wakes a reader below the watermark, so this bounds latency: with the
 * settling time of an end it stays under 100 ms.
 */
#define ROUND_MS	25
/*
 * Under load the rounds are short, so that what is under way, in the rings and
 * in the merge, is still in the processor's cache.
 */
#define BUSY_ROUND_MS	5
#define BUSY_RECORDS	64
#define STATS_NS	(1000 * NS_PER_MS)
#define LOOK_NS		(100 * NS_PER_MS)
#define CONFIRM_NS	(250 * NS_PER_MS)
/* At most 2 % of a CPU. */
#define RECONCILE_SHARE	50
/* While losses go on. */
#define HEAL_NS		(1000 * NS_PER_MS)
/* By then each TIME_WAIT whose end was lost must be over. */
#define HEAL_AGAIN_NS	(70000 * NS_PER_MS)
/* At most 1 % of a CPU, unless that would be too seldom. */
#define CONFIRM_SHARE	100
#define CONFIRM_MAX_NS	(5000 * NS_PER_MS)
#define READER_NICE	(-10)
#define EMPTY_EVERY	1024	/* sockets of the snapshot */
#define ADVANCE_EVERY	8192	/* sockets of the first one */
#define WHY_LEN		512

/* The signal that asked to end, 0 if none did. */
static volatile sig_atomic_t run_signal;

static void on_signal(int sig)
{
	run_signal = sig;
}

/*
 * timeout(1) sends its signal twice, so a second one must not kill; stream.c
 * sees to it that no reader can hold up the end.
 */
static void catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

uint64_t mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

uint64_t run_seed(void)
{
	uint64_t seed;

	/* It is there since the system has begun, and so few bytes never fail. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = mono_now();
	return seed;
}

bool run_is_stopped(const struct run *run)
{
	return run->stop || run->error || run_signal || stream_error();
}

bool run_reads_file(const struct run_options *opt)
{
	return !source_find(opt->source);
}

uint64_t run_now(const struct run *run)
{
	return run->opt->recording ? run->replay_ns : mono_now();
}

const char *run_source_name(const struct run *run)
{
	if (run->opt->recording)
		return recording_head(run->opt->recording)->source;
	return run->src ? run->ops->name : "sock_diag";
}

FILE *run_stdout(void)
{
	return stream_stdout(&run_signal);
}

void run_stop(struct run *run)
{
	run->stop = true;
}

bool run_full(const struct run *run)
{
	return run->opt->count && run->told >= run->opt->count;
}

bool run_count(struct run *run)
{
	if (run_full(run))
		return false;
	run->told++;
	if (run_full(run))
		run_stop(run);
	return true;
}

/* Records in */

static int feed(void *ctx, const void *bytes, size_t len)
{
	struct run *run = ctx;

	/* Malformed records are counted by the engine. */
	if (engine_feed(run->engine, bytes, len) == -ENOMEM)
		run->error = -ENOMEM;
	return run->error;
}

/* A hook that was busy when it was hit again leaves no trace in a ring. */
static void poll_stats(struct run *run, uint64_t now_ns)
{
	struct source_stats stats = {};
	uint64_t missed;

	if (!run->src)
		return;
	run->stats_at_ns = now_ns + STATS_NS;
	run->ops->stats(run->src, &stats);
	run->lost_ring = stats.lost_ring;
	missed = stats.lost_nested > run->missed ?
		 stats.lost_nested - run->missed : 0;
	run->missed += missed;
	if (missed && run->sink->lost)
		run->sink->lost(run->ctx, now_ns, RUN_ANY_CPU, missed);
}

/*
 * A long dump must not let the rings run full.  The first one goes into the
 * table while it lasts, or 100,000 sockets would be held twice: no socket still
 * to come is older than this one.  A later one does so if it is so long that there
 * would be no room left for what the rings bring meanwhile.
 */
static int feed_socket(void *ctx, const void *bytes, size_t len)
{
	const struct tcpstate_record *rec = bytes;
	struct run *run = ctx;

	if (++run->n_dumped % EMPTY_EVERY == 0)
		engine_empty_rings(run->engine);
	if (run->n_dumped % ADVANCE_EVERY == 0 &&
	    (!run->ready_ns || engine_is_crowded(run->engine)))
		engine_advance(run->engine, rec->mono_ns);
	if (run->dumped)
		run->dumped(run->dumped_ctx, rec);
	return feed(run, bytes, len);
}

void run_pause(void *ctx)
{
	struct run *run = ctx;

	engine_empty_rings(run->engine);
}

/*
 * Where no hook shows that an orphan's FIN_WAIT2 became TIME_WAIT, the table of
 * the kernel does.
 */
static void confirm(struct run *run, uint64_t now_ns)
{
	struct snapshot_result result;
	struct engine_stats stats;
	uint64_t took_ns;

	if (run->hooks & HOOK_TW_REARM || now_ns < run->confirm_at_ns)
		return;
	run->confirm_at_ns = now_ns + CONFIRM_NS;
	engine_get_stats(run->engine, &stats);
	if (!stats.unconfirmed)
		return;
	snapshot_take(1U << TCPSTATE_TIME_WAIT, feed_socket, run, &result);
	took_ns = mono_now() - now_ns;
	if (took_ns * CONFIRM_SHARE > CONFIRM_NS)
		run->confirm_at_ns = now_ns +
			(took_ns * CONFIRM_SHARE < CONFIRM_MAX_NS ?
			 took_ns * CONFIRM_SHARE : CONFIRM_MAX_NS);
}

static int dump_sockets(struct run *run)
{
	struct snapshot_result result = {};
	int ret;

	engine_dump_begin(run->engine);
	ret = snapshot_take(SNAPSHOT_ALL_STATES, feed_socket, run, &result);
	run->snapshot = result;
	return ret;
}

/* Start up */

static int no_source(const char *why)
{
	log_say("%s", why);
	return EXIT_NO_SOURCE;
}

static int try_source(struct run *run, const struct source_ops *ops, char *why)
{
	const struct source_options opt = {
		.hooks = run->opt->hooks,
		.raw = run->opt->raw,
		.filter = run->kernel_filter ? &run->kernel_filter->kernel :
					       NULL,
		.unneeded = run->unneeded,
		.ring_bytes = run->opt->ring_records *
			      sizeof(struct tcpstate_record),
	};
	int ret;

	snprintf(why, WHY_LEN, "source %s does not work here", ops->name);
	ret = ops->probe(why, WHY_LEN);
	if (!ret)
		ret = ops->open(&run->src, &opt, why, WHY_LEN);
	if (ret)
		return ret;
	run->ops = ops;
	run->hooks = ops->hooks(run->src);
	return 0;
}

static int open_source(struct run *run)
{
	const bool choose = !strcmp(run->opt->source, "auto");
	const struct source_ops *ops;
	char why[WHY_LEN];

	if (!privilege_to_trace())
		return no_source("must be root, or have CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
	if (run->snapshot_only && choose)
		return EXIT_DONE;
	ops = source_find(run->opt->source);
	if (!ops)
		return no_source("there is no such source");
	if (!try_source(run, ops, why))
		return EXIT_DONE;
	if (!choose || ops == &source_bpf)
		return no_source(why);
	log_detail("%s", why);
	return try_source(run, &source_bpf, why) ? no_source(why) : EXIT_DONE;
}

static int start_engine(struct run *run)
{
	const struct engine_config cfg = {
		.max_conns = run->opt->max_conns,
		.holdback_ns = RUN_HOLDBACK_NS,
		.settle_ns = RUN_SETTLE_NS,
		.since_ns = run->since_ns = mono_now(),
		.hooks = run->hooks,
		.self = (uint32_t)getpid(),
		.seed = run_seed(),
		.judge = run->kernel_filter ? kernel_filter_judge : NULL,
		.judge_ctx = run->kernel_filter,
	};

	struct ring *rings = NULL;
	size_t n = 0;

	if (run->src)
		rings = run->ops->rings(run->src, &n);
	run->engine = engine_new(&cfg, run->sink, run->ctx);
	if (run->engine && !engine_set_rings(run->engine, rings, n))
		return EXIT_DONE;
	log_say("out of memory");
	return EXIT_FAILED;
}

static void watch_fd(struct run *run, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	/* A regular file as stdout cannot be watched, and need not be. */
	epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &ev);
}

static int start_loop(struct run *run)
{
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run->epoll < 0) {
		log_say("epoll_create1: %s", strerror(errno));
		return EXIT_FAILED;
	}
	/* Edges, since a ring may poll readable though nothing is in it. */
	if (run->src)
		watch_fd(run, run->ops->fd(run->src), EPOLLIN | EPOLLET);
	/* No events: only a reader that has gone is told. */
	watch_fd(run, STDOUT_FILENO, EPOLLET);
	return EXIT_DONE;
}

/* Everything the dump has shown is in the table when this returns. */
static void merge_snapshot(struct run *run)
{
	const struct timespec pause = { .tv_nsec = NS_PER_MS };
	const uint64_t until = mono_now() + RUN_HOLDBACK_NS;

	while (run->src && mono_now() < until)
		nanosleep(&pause, NULL);
	engine_advance(run->engine, until);
}

/* The doubts that the dump leaves. */
static int compare_with_dump(struct run *run, size_t *doubts)
{
	const uint64_t began_ns = mono_now();
	int ret = dump_sockets(run);

	if (ret)
		return ret;
	merge_snapshot(run);
	*doubts = engine_dump_end(run->engine, began_ns, run->snapshot.netns,
				  run->snapshot.n_netns);
	return 0;
}

int run_refresh(struct run *run)
{
	size_t doubts = 0;
	int ret;

	/* It has its dumps. */
	if (run->opt->recording)
		return 0;
	ret = compare_with_dump(run, &doubts);
	return ret || !doubts ? ret : compare_with_dump(run, &doubts);
}

/* After a loss, and a last time when each mini-socket of that time is over. */
static bool loss_is_due(const struct run *run, uint64_t lost, uint64_t now_ns)
{
	if (now_ns < run->heal_at_ns)
		return false;
	return lost != run->healed_lost ||
	       (run->heal_again_ns && now_ns >= run->heal_again_ns);
}

/*
 * Compare the table with the kernel's: what was lost, or never seen, is mended.
 * A long dump is taken less often, so that it costs no more than its share of a
 * CPU.
 */
static void reconcile(struct run *run, uint64_t now_ns)
{
	struct engine_stats stats;
	uint64_t lost, took_ns;
	bool after_loss;

	engine_get_stats(run->engine, &stats);
	lost = stats.lost + run->missed;
	after_loss = loss_is_due(run, lost, now_ns);
	if (!after_loss &&
	    !(run->opt->reconcile_ns && now_ns >= run->reconcile_at_ns))
		return;
	run_refresh(run);
	took_ns = (mono_now() - now_ns) * RECONCILE_SHARE;
	if (after_loss)
		run->heal_again_ns = lost == run->healed_lost ?
				     0 : now_ns + HEAL_AGAIN_NS;
	run->healed_lost = lost;
	run->heal_at_ns = now_ns + (took_ns > HEAL_NS ? took_ns : HEAL_NS);
	run->reconcile_at_ns = now_ns + (took_ns > run->opt->reconcile_ns ?
					 took_ns : run->opt->reconcile_ns);
}

static int take_snapshot(struct run *run)
{
	int ret;

	ret = dump_sockets(run);
	if (ret && run->snapshot_only) {
		log_say("no snapshot: %s", run->snapshot.why[0] ?
			run->snapshot.why : strerror(-ret));
		return EXIT_FAILED;
	}
	if (ret)
		log_say("no snapshot, older sockets are unknown: %s",
			run->snapshot.why);
	else if (run->snapshot.refused)
		log_say("%u namespaces could not be entered, their sockets are unknown: %s",
			run->snapshot.refused, run->snapshot.why);
	merge_snapshot(run);
	ret = owners_assign(run->engine, run->opt->owners, run_pause, run);
	if (ret)
		log_say("owners of older sockets are unknown: %s",
			strerror(-ret));
	return EXIT_DONE;
}

static void say_ready(const struct run *run)
{
	char inferred[256] = "";
	unsigned int n;
	size_t used;

	for (n = 0; (run->src || run->opt->recording) && n < HOOK_COUNT; n++) {
		if ((run->hooks | run->unneeded) & (1U << n))
			continue;
		used = strlen(inferred);
		snprintf(inferred + used, sizeof(inferred) - used, "%s%s",
			 used ? ", " : ", inferred: ", source_hook_meaning(n));
	}
	log_say("ready, source %s, %zu sockets in %u namespaces%s",
		run->opt->recording ? "file" : run_source_name(run),
		run->snapshot.sockets, run->snapshot.namespaces, inferred);
}

static int start_live(struct run *run)
{
	int ret;

	ret = open_source(run);
	if (!ret)
		ret = start_engine(run);
	if (!ret)
		ret = start_loop(run);
	if (ret)
		return ret;
	/* A fraction of a CPU, but soon: the rings do not wait. */
	setpriority(PRIO_PROCESS, 0, READER_NICE);
	run->started_ns = mono_now();
	return take_snapshot(run);
}

static int start(struct run *run)
{
	int ret = run->opt->recording ? replay_start(run) : start_live(run);

	if (ret)
		return ret;
	if (run->attached)
		run->attached(run);
	say_ready(run);
	run->ready_ns = run_now(run);
	run->tick_at_ns = run->ready_ns + run->tick_ns;
	run->reconcile_at_ns = run->ready_ns + run->opt->reconcile_ns;
	if (run->ready)
		run->ready(run);
	fflush(run->out);
	return EXIT_DONE;
}

/* The loop */

static uint64_t end_ns(const struct run *run)
{
	if (run->snapshot_only)
		return run->ready_ns;
	if (!run->opt->has_duration)
		return UINT64_MAX;
	return run->ready_ns + run->opt->duration_ns;
}

static bool is_over(const struct run *run, uint64_t now_ns)
{
	return run_is_stopped(run) || now_ns >= end_ns(run);
}

static int timeout_ms(const struct run *run, uint64_t now_ns)
{
	uint64_t until = now_ns + NS_PER_MS *
		(run->last_round > BUSY_RECORDS ? BUSY_ROUND_MS : ROUND_MS);

	if (end_ns(run) < until)
		until = end_ns(run);
	if (run->tick_ns && run->tick_at_ns < until)
		until = run->tick_at_ns;
	if (until <= now_ns)
		return 0;
	return (int)((until - now_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* Returns whether the reader of stdout has gone. */
static bool wait_for_records(struct run *run)
{
	const bool told = run->src && run->ops->sleeps;
	struct epoll_event ev[2];
	int i, n;

	if (told)
		run->ops->sleeps(run->src, true);
	n = epoll_wait(run->epoll, ev, 2, timeout_ms(run, mono_now()));
	if (told)
		run->ops->sleeps(run->src, false);
	for (i = 0; i < n; i++)
		if (ev[i].data.fd == STDOUT_FILENO &&
		    ev[i].events & (EPOLLERR | EPOLLHUP))
			return true;
	return false;
}

static void take_records(struct run *run)
{
	const uint64_t now = mono_now();
	struct engine_stats stats;
	uint64_t before;

	engine_get_stats(run->engine, &stats);
	before = stats.captured;
	engine_advance(run->engine, now);
	engine_get_stats(run->engine, &stats);
	run->last_round = stats.captured - before;
	if (now >= run->stats_at_ns)
		poll_stats(run, now);
	if (now >= run->look_at_ns) {
		run->look_at_ns = now + LOOK_NS;
		reconcile(run, now);
	}
	confirm(run, now);
}

/* Ticks that were slept over are not made up for. */
static void tick(struct run *run)
{
	const uint64_t now = run_now(run);

	if (!run->tick || !run->tick_ns || now < run->tick_at_ns)
		return;
	run->tick(run, now);
	run->tick_at_ns += (1 + (now - run->tick_at_ns) / run->tick_ns) *
			   run->tick_ns;
}

static bool loop_replay(struct run *run)
{
	while (!is_over(run, run->replay_ns) && replay_step(run))
		tick(run);
	return stream_error() == EPIPE;
}

static bool loop(struct run *run)
{
	bool gone = false;

	if (run->opt->recording)
		return loop_replay(run);

	while (!gone && !is_over(run, mono_now())) {
		gone = wait_for_records(run);
		take_records(run);
		if (!run->stop)
			tick(run);
		fflush(run->out);
	}
	return gone || stream_error() == EPIPE;
}

/* The end */

static void close_source(struct run *run)
{
	if (!run->src)
		return;
	if (run->engine)
		engine_set_rings(run->engine, NULL, 0);
	run->ops->close(run->src);
	run->src = NULL;
}

static void get_summary(const struct run *run, struct output_summary *s)
{
	struct engine_stats stats;

	engine_get_stats(run->engine, &stats);
	*s = (struct output_summary){
		.captured = stats.captured,
		.lost = stats.lost,
		.corrected = stats.corrected,
		.unknown_owner = stats.unknown_owner,
		.inferred = stats.inferred,
		.malformed = stats.malformed,
		.evicted = stats.evicted,
	};
	/* What was lost last is in no record. */
	if (run->lost_ring > s->lost)
		s->lost = run->lost_ring;
	s->lost += run->missed;
}

static void say_summary(const struct output_summary *s)
{
	char more[96] = "";
	size_t used;

	if (s->malformed)
		snprintf(more, sizeof(more), ", malformed %" PRIu64,
			 s->malformed);
	used = strlen(more);
	if (s->evicted)
		snprintf(more + used, sizeof(more) - used,
			 ", evicted %" PRIu64, s->evicted);
	log_say("captured %" PRIu64 ", lost %" PRIu64 ", corrected %" PRIu64
		", unknown owner %" PRIu64 ", inferred %" PRIu64 "%s",
		s->captured, s->lost, s->corrected, s->unknown_owner,
		s->inferred, more);
}

static int verdict(const struct run *run, bool gone)
{
	int error = stream_error();

	if (run->error) {
		log_say("the source failed: %s", strerror(-run->error));
		return EXIT_FAILED;
	}
	if (gone || error == EPIPE)
		return EXIT_DONE;
	if (!error)
		return run->opt->recording ? replay_verdict(run) : EXIT_DONE;
	log_say("stdout: %s", error == ETIMEDOUT ?
		"the reader has stopped reading, output is cut" :
		strerror(error));
	return EXIT_FAILED;
}

static int finish(struct run *run, bool gone)
{
	struct output_summary summary;
	int ret;

	if (run->src && !run->error)
		take_records(run);
	if (run->src)
		poll_stats(run, mono_now());
	engine_finish(run->engine);
	close_source(run);
	if (run->done && !gone)
		run->done(run);
	get_summary(run, &summary);
	if (run->output && run->opt->format == FORMAT_JSON)
		output_summary(run->output, &summary);
	fflush(run->out);
	ret = verdict(run, gone);
	say_summary(&summary);
	return ret;
}

int run_main(struct run *run)
{
	bool gone;
	int ret;

	run->epoll = -1;
	run->out = run_stdout();
	if (!run->out) {
		log_say("out of memory");
		return EXIT_FAILED;
	}
	catch_signals();
	ret = start(run);
	if (!ret) {
		gone = loop(run);
		ret = finish(run, gone);
	}
	close_source(run);
	engine_free(run->engine);
	run->engine = NULL;
	if (run->epoll >= 0)
		close(run->epoll);
	return ret;
}

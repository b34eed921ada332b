// SPDX-License-Identifier: GPL-2.0
/* watch: the live picture; counts and rates per state, failures, findings. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd.h"
#include "config.h"
#include "evidence.h"
#include "filter.h"
#include "log.h"
#include "output/picture.h"
#include "recording.h"
#include "run.h"
#include "run_output.h"

#define SECOND_NS UINT64_C(1000000000)
/* A SYN that is not answered, or a request, is sent again after a second. */
#define HANDSHAKE_NS (3 * SECOND_NS)
/* Walking every descriptor table is not for each interval. */
#define EVIDENCE_NS (5 * SECOND_NS)
/* No state shows idle connections, orphans and descriptors. */
#define LOOK_NS (60 * SECOND_NS)
/* For so long a collision is told whose socket is out of the way. */
#define GONE_NS (60 * SECOND_NS)

struct watch {
	struct run_options run_options;
	struct filter filter;
	struct settings settings;
	struct output_style style;
	uint64_t interval_ns;
	struct utsname host;
	struct picture picture;
	uint64_t painted_ns;
	uint64_t evidence_ns;	/* when it was taken; 0 = never */
	struct evidence evidence;
	struct growth *growth;
	bool stuck;		/* a candidate for a finding was seen */
	bool was_stuck;		/* .. when .evidence was taken */
	struct run_output out;
	struct run run;
};

enum { KEY_INTERVAL = KEY_COMMAND, KEY_PLAIN };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of watch:", 1 },
	{ "interval", KEY_INTERVAL, "DUR", 0,
	  "Paint every DUR (1s on a terminal, 5s in a pipe)", 0 },
	{ "plain", KEY_PLAIN, NULL, 0, "One block after the other", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct watch *w = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &w->run_options;
		state->child_inputs[1] = &w->filter;
		state->child_inputs[2] = &w->settings;
		return 0;
	case KEY_INTERVAL:
		w->interval_ns = cmd_duration("--interval", arg);
		if (!w->interval_ns)
			usage_error("--interval 0 would never end: give a time");
		return 0;
	case KEY_PLAIN:
		return 0;
	case ARGP_KEY_END:
		if (w->run_options.raw)
			usage_error("--raw shows records: use it with events");
		if (w->run_options.format == FORMAT_CSV)
			usage_error("watch has no CSV: use --format json");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &common_argp, 0, NULL, 0 },
	{ &filter_argp, 0, NULL, 0 },
	{ &settings_argp, 0, NULL, 0 },
	{}
};

const struct argp watch_argp = {
	.options = options,
	.parser = parse,
	.doc = "How many connections are in each state, how fast that changes, what failed\n"
	       "and what is stuck. The first picture holds the sockets that are older than\n"
	       "this program.\v"
	       "Rates are those of the last interval. A finding is what leaks reports\n"
	       "after --close-wait-age; tcpstate-watch leaks tells all about it.",
	.children = children,
};

/* ---- counting ---- */

static bool is_failure(uint8_t reason)
{
	switch (reason) {
	case REASON_NONE:
	case REASON_FIN:
	case REASON_CLOSED:
	case REASON_TW_EXPIRED:
	case REASON_TW_REUSED:
		return false;
	}
	return true;
}

static void on_transition(void *ctx, const struct transition *t)
{
	struct watch *w = ctx;

	if (t->conn->role == ROLE_LISTENER ||
	    !filter_transition(&w->filter, t))
		return;
	if (t->new_state == TCPSTATE_ESTABLISHED)
		w->picture.opened++;
	if (t->old_state == TCPSTATE_TIME_WAIT)
		return;
	if (t->new_state == TCPSTATE_TIME_WAIT ||
	    (t->new_state == TCPSTATE_CLOSE && t->reason == REASON_FIN))
		w->picture.closed++;
	if (t->new_state == TCPSTATE_CLOSE && is_failure(t->reason))
		w->picture.failed[t->reason]++;
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct watch *w = ctx;

	if (cpu == RUN_ANY_CPU)
		w->picture.lost += count;
	output_lost(w->out.output, ns, cpu, count);
}

static const struct engine_sink sink = {
	.transition = on_transition,
	.lost = on_lost,
};

/* By namespace, as JSON tells it; the picture has the sum. */
struct tally {
	struct watch *w;
	struct engine_counts *counts;
	size_t n;
	uint64_t now_ns;
};

static struct engine_counts *tally_of(struct tally *t, uint32_t netns)
{
	struct engine_counts *counts;

	for (size_t i = 0; i < t->n; i++)
		if (t->counts[i].netns == netns)
			return &t->counts[i];
	counts = realloc(t->counts, (t->n + 1) * sizeof(*counts));
	if (!counts)
		return NULL;
	t->counts = counts;
	memset(&counts[t->n], 0, sizeof(*counts));
	counts[t->n].netns = netns;
	return &counts[t->n++];
}

/* A dump has to tell the rest: timers, windows, who has a descriptor. */
static bool is_stuck(const struct tally *t, const struct conn *conn)
{
	uint64_t age_ns;

	switch (conn->state) {
	case TCPSTATE_CLOSE_WAIT:
	case TCPSTATE_FIN_WAIT1:
	case TCPSTATE_FIN_WAIT2:
	case TCPSTATE_CLOSING:
	case TCPSTATE_LAST_ACK:
		age_ns = t->w->settings.thresholds.close_wait_age.warn;
		break;
	case TCPSTATE_SYN_SENT:
	case TCPSTATE_SYN_RECV:
		age_ns = HANDSHAKE_NS;
		break;
	default:
		return false;
	}
	return conn->state_ns + age_ns <= t->now_ns;
}

static int see_stuck(void *ctx, const struct conn *conn)
{
	struct tally *t = ctx;

	t->w->stuck = is_stuck(t, conn);
	return t->w->stuck;
}

static bool findings_are_due(const struct watch *w, uint64_t now_ns)
{
	return !w->evidence_ns || now_ns - w->evidence_ns >= EVIDENCE_NS;
}

static int tally_conn(void *ctx, const struct conn *conn)
{
	struct tally *t = ctx;
	struct engine_counts *counts;

	if (!filter_conn(&t->w->filter, conn))
		return 0;
	counts = tally_of(t, conn->netns);
	if (counts)
		counts->states[conn->state]++;
	t->w->picture.now[conn->state]++;
	if (is_stuck(t, conn))
		t->w->stuck = true;
	return 0;
}

/*
 * Without a filter the engine has counted already; only those in the states of
 * the rules have to be looked at, and not in each interval.
 */
static void tally_all(struct tally *t)
{
	const struct engine_counts *counts;

	t->n = engine_get_counts(t->w->run.engine, &counts);
	t->counts = malloc((t->n + 1) * sizeof(*counts));
	if (!t->counts) {
		t->n = 0;
		return;
	}
	if (t->n)
		memcpy(t->counts, counts, t->n * sizeof(*counts));
	for (size_t i = 0; i < t->n; i++)
		for (size_t s = 0; s < TCPSTATE_STATES; s++)
			t->w->picture.now[s] += counts[i].states[s];
	if (findings_are_due(t->w, t->now_ns))
		engine_each_but_time_wait(t->w->run.engine, see_stuck, t);
}

/* ---- painting ---- */

static void forget_evidence(struct watch *w)
{
	evidence_free(&w->evidence);
	w->evidence = (struct evidence){ 0 };
	w->picture.findings = NULL;
	w->picture.n_findings = 0;
}

static void look_for_findings(struct watch *w, uint64_t now_ns)
{
	const struct evidence_options opt = {
		.filter = &w->filter,
		.thresholds = &w->settings.thresholds,
		.idle_ns = STUCK_IDLE_NS,
		.growth = w->growth,
		.gone_ns = GONE_NS,
	};

	/* Their evidence is in a running system only. */
	if (w->run_options.recording)
		return;
	growth_sample(w->growth, now_ns);
	if (!findings_are_due(w, now_ns))
		return;
	/* The first picture does not wait; nor need what was found be gone. */
	if (!w->stuck && (!w->painted_ns ||
			  (w->evidence_ns && !w->was_stuck &&
			   now_ns - w->evidence_ns < LOOK_NS)))
		return;
	forget_evidence(w);
	w->evidence_ns = now_ns;
	w->was_stuck = w->stuck;
	if (evidence_take(&w->run, &opt, &w->evidence)) {
		w->evidence = (struct evidence){ 0 };
		return;
	}
	w->picture.findings = w->evidence.findings;
	w->picture.n_findings = w->evidence.n;
}

static void paint(struct watch *w, uint64_t now_ns)
{
	struct tally tally = { .w = w, .now_ns = now_ns };
	struct picture *p = &w->picture;
	struct engine_stats stats;
	uint64_t missed = p->lost;

	w->stuck = false;
	memset(p->now, 0, sizeof(p->now));
	if (filter_is_empty(&w->filter))
		tally_all(&tally);
	else
		engine_each(w->run.engine, tally_conn, &tally);
	look_for_findings(w, now_ns);
	engine_get_stats(w->run.engine, &stats);
	p->elapsed_ns = now_ns - w->run.ready_ns;
	p->interval_ns = w->painted_ns ? now_ns - w->painted_ns : 0;
	p->inferred = stats.inferred;
	p->lost = missed + stats.lost;
	if (w->run_options.format == FORMAT_JSON) {
		output_counts(w->out.output, now_ns, tally.counts, tally.n);
		for (size_t i = 0; i < p->n_findings; i++)
			output_finding(w->out.output, &p->findings[i], now_ns);
	} else {
		picture_paint(w->run.out, p);
	}
	p->lost = missed;
	memcpy(p->before, p->now, sizeof(p->before));
	memset(p->failed, 0, sizeof(p->failed));
	p->opened = 0;
	p->closed = 0;
	w->painted_ns = now_ns;
	free(tally.counts);
}

static void on_ready(struct run *run)
{
	struct watch *w = run->ctx;

	w->picture.source = run_source_name(run);
	if (run_count(run))
		paint(w, run_now(run));
}

static void on_tick(struct run *run, uint64_t now_ns)
{
	if (run_count(run))
		paint(run->ctx, now_ns);
}

static int run_watch(struct watch *w)
{
	int ret;

	w->growth = growth_new(&w->run, &w->filter, true);
	if (!w->growth) {
		log_say("out of memory");
		return EXIT_FAILED;
	}
	uname(&w->host);
	w->picture.host = w->host.nodename;
	w->picture.release = w->host.release;
	if (run_output_open(&w->out, &w->run_options, &w->style))
		return EXIT_FAILED;
	if (w->run_options.recording) {
		const struct recording_header *head =
			recording_head(w->run_options.recording);

		w->picture.host = head->host;
		w->picture.release = head->kernel;
	}
	w->run = (struct run){
		.opt = &w->run_options,
		.sink = &sink,
		.ctx = w,
		.tick_ns = w->interval_ns,
		.ready = on_ready,
		.tick = on_tick,
		.output = w->out.output,
	};
	ret = run_main(&w->run);
	forget_evidence(w);
	run_output_close(&w->out);
	growth_free(w->growth);
	return ret;
}

int cmd_watch(int argc, char **argv)
{
	struct watch w = {
		.run_options = RUN_OPTIONS_DEFAULT,
		.settings = SETTINGS_DEFAULT,
	};
	int ret;

	cmd_parse(&watch_argp, argc, argv, &w);
	cmd_check_source(&w.run_options, &w.filter);
	config_load(&w.settings);
	if (!w.interval_ns)
		w.interval_ns = isatty(STDOUT_FILENO) ? SECOND_NS :
							5 * SECOND_NS;
	ret = run_watch(&w);
	filter_free(&w.filter);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/* leaks: connections that are stuck: whose fault, which descriptor, why. */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "evidence.h"
#include "filter.h"
#include "growth.h"
#include "log.h"
#include "run.h"
#include "run_output.h"

#define SECOND_NS UINT64_C(1000000000)

struct leaks_cmd {
	struct run_options run_options;
	struct filter filter;
	struct settings settings;
	struct output_style style;
	uint64_t idle_ns;
	uint64_t interval_ns;
	uint64_t report_at_ns;	/* of the next --interval */
	struct growth *growth;
	struct netns_facts_list before;	/* as of the ready line */
	struct dumped_facts facts;	/* of a recording's dumps */
	bool reported;
	int error;
	struct run_output out;
	struct run run;
};

enum { KEY_AGE = KEY_COMMAND, KEY_IDLE_AGE, KEY_INTERVAL };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of leaks:", 1 },
	{ "age", KEY_AGE, "AGE", 0,
	  "The same as --close-wait-age, here of every state", 0 },
	{ "idle-age", KEY_IDLE_AGE, "DUR", 0,
	  "ESTABLISHED, without keepalive: idle for DUR is too long (2h)", 0 },
	{ "interval", KEY_INTERVAL, "DUR", 0, "Report again every DUR", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct leaks_cmd *lc = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &lc->run_options;
		state->child_inputs[1] = &lc->filter;
		state->child_inputs[2] = &lc->settings;
		return 0;
	case KEY_AGE:
		settings_by_option(&lc->settings,
				   setting_find("close-wait-age"), "--age",
				   arg);
		return 0;
	case KEY_IDLE_AGE:
		lc->idle_ns = cmd_duration("--idle-age", arg);
		return 0;
	case KEY_INTERVAL:
		lc->interval_ns = cmd_duration("--interval", arg);
		if (!lc->interval_ns)
			usage_error("--interval 0 would never end: give a time");
		return 0;
	case ARGP_KEY_END:
		if (lc->run_options.raw)
			usage_error("--raw shows records, not findings: use it with events");
		if (lc->run_options.format == FORMAT_CSV)
			usage_error("leaks has no CSV: use --format json");
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

const struct argp leaks_argp = {
	.options = options,
	.parser = parse,
	.doc = "Connections that are stuck, in CLOSE_WAIT and every other state, by owner and\n"
	       "listener or peer: whose fault, since when, which descriptors, how fast they\n"
	       "become more, what to do. Observes for --duration (5s; 0 = at once, and no\n"
	       "rates), reports and ends with exit 0.\v"
	       "An age with >= is that of a socket older than this program: its FIN came at\n"
	       "least so long ago. Ctrl-C reports now. -v lists every descriptor.",
	.children = children,
};

/* Rates are told after five seconds and five samples. */
static void sample(struct leaks_cmd *lc, uint64_t now_ns)
{
	int err = growth_sample(lc->growth, now_ns);

	if (err)
		lc->error = err;
}

static void report(struct leaks_cmd *lc)
{
	const struct evidence_options opt = {
		.filter = &lc->filter,
		.thresholds = &lc->settings.thresholds,
		.idle_ns = lc->idle_ns,
		.growth = lc->growth,
		.before = lc->run_options.recording ? NULL : &lc->before,
		.facts = &lc->facts,
	};
	struct evidence evidence;
	int err;

	lc->reported = true;
	err = evidence_take(&lc->run, &opt, &evidence);
	if (err) {
		log_say("no report: %s", strerror(-err));
		lc->error = err;
		return;
	}
	for (size_t i = 0; i < evidence.n; i++)
		output_finding(lc->out.output, &evidence.findings[i],
			       run_now(&lc->run));
	if (!evidence.n && lc->run_options.format == FORMAT_TEXT)
		fprintf(lc->run.out, "nothing is stuck in any state for %"
			PRIu64 "s or longer\n",
			lc->settings.thresholds.close_wait_age.warn /
				SECOND_NS);
	evidence_free(&evidence);
}

/* Without them SYNs that no hook shows are not told. */
static void on_attached(struct run *run)
{
	struct leaks_cmd *lc = run->ctx;

	if (!(run->hooks & HOOK_CHALLENGE) && !run->opt->recording)
		netns_facts_take(&lc->before);
}

static void on_ready(struct run *run)
{
	struct leaks_cmd *lc = run->ctx;

	lc->report_at_ns = run->ready_ns + lc->interval_ns;
	sample(lc, run->ready_ns);
}

static void on_tick(struct run *run, uint64_t now_ns)
{
	struct leaks_cmd *lc = run->ctx;

	sample(lc, now_ns);
	if (!lc->interval_ns || now_ns < lc->report_at_ns)
		return;
	lc->report_at_ns += (1 + (now_ns - lc->report_at_ns) /
			     lc->interval_ns) * lc->interval_ns;
	if (run_count(run))
		report(lc);
}

/* Ctrl-C and --duration both come here: the one report, or the last. */
static void on_done(struct run *run)
{
	struct leaks_cmd *lc = run->ctx;

	if (lc->interval_ns && lc->reported)
		return;
	sample(lc, run_now(run));
	report(lc);
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct leaks_cmd *lc = ctx;

	output_lost(lc->out.output, ns, cpu, count);
}

static const struct engine_sink sink = { .lost = on_lost };

/* Samples every second, or oftener if reports come so. */
static uint64_t tick_ns(const struct leaks_cmd *lc)
{
	uint64_t parts = (lc->interval_ns + SECOND_NS - 1) / SECOND_NS;

	return parts ? lc->interval_ns / parts : SECOND_NS;
}

static int run_leaks(struct leaks_cmd *lc)
{
	int ret;

	lc->growth = growth_new(&lc->run, &lc->filter, false);
	if (!lc->growth) {
		log_say("out of memory");
		return EXIT_FAILED;
	}
	lc->style.wide = lc->run_options.verbose;
	if (run_output_open(&lc->out, &lc->run_options, &lc->style))
		return EXIT_FAILED;
	lc->run = (struct run){
		.opt = &lc->run_options,
		.sink = &sink,
		.ctx = lc,
		.tick_ns = tick_ns(lc),
		.attached = on_attached,
		.ready = on_ready,
		.tick = on_tick,
		.done = on_done,
		.output = lc->out.output,
	};
	lc->facts.idle_ns = lc->idle_ns;
	lc->facts.max = lc->run_options.max_conns;
	if (lc->run_options.recording) {
		lc->run.dumped = dumped_facts_keep;
		lc->run.dumped_ctx = &lc->facts;
	}
	ret = run_main(&lc->run);
	run_output_close(&lc->out);
	return ret ? ret : lc->error ? EXIT_FAILED : EXIT_DONE;
}

int cmd_leaks(int argc, char **argv)
{
	struct leaks_cmd lc = {
		.run_options = RUN_OPTIONS_DEFAULT,
		.settings = SETTINGS_DEFAULT,
		.idle_ns = STUCK_IDLE_NS,
	};
	int ret;

	cmd_parse(&leaks_argp, argc, argv, &lc);
	cmd_check_source(&lc.run_options, &lc.filter);
	config_load(&lc.settings);
	/* A report every --interval goes on until it is stopped. */
	if (!lc.run_options.has_duration && !lc.interval_ns &&
	    !run_reads_file(&lc.run_options)) {
		lc.run_options.has_duration = true;
		lc.run_options.duration_ns = 5 * SECOND_NS;
	}
	ret = run_leaks(&lc);
	growth_free(lc.growth);
	netns_facts_free(&lc.before);
	dumped_facts_free(&lc.facts);
	filter_free(&lc.filter);
	return ret;
}

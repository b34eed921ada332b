// SPDX-License-Identifier: GPL-2.0
/* leaks: connections stuck in CLOSE_WAIT: whose, which descriptor, which bug. */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "evidence.h"
#include "filter.h"
#include "log.h"
#include "run.h"
#include "run_output.h"

#define SECOND_NS UINT64_C(1000000000)

struct leaks_cmd {
	struct run_options run_options;
	struct filter filter;
	struct output_style style;
	uint64_t age_ns;
	uint64_t interval_ns;
	bool reported;
	int error;
	struct run_output out;
	struct run run;
};

enum { KEY_AGE = KEY_COMMAND, KEY_INTERVAL };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of leaks:", 1 },
	{ "age", KEY_AGE, "DUR", 0,
	  "Leave out what is in CLOSE_WAIT for less than DUR (60s)", 0 },
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
		return 0;
	case KEY_AGE:
		lc->age_ns = cmd_duration("--age", arg);
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
	{}
};

const struct argp leaks_argp = {
	.options = options,
	.parser = parse,
	.doc = "Connections that are stuck in CLOSE_WAIT, by owner and listener: since when,\n"
	       "which descriptors, which bug of the program, what to do. Observes for\n"
	       "--duration (5s; 0 = at once), reports and ends with exit 0.\v"
	       "An age with >= is that of a socket older than this program: its FIN came at\n"
	       "least so long ago. Ctrl-C reports now. -v lists every descriptor.",
	.children = children,
};

static void report(struct leaks_cmd *lc)
{
	struct evidence evidence;
	int err;

	lc->reported = true;
	err = evidence_take(&lc->run, &lc->filter, lc->age_ns, &evidence);
	if (err) {
		log_say("no report: %s", strerror(-err));
		lc->error = err;
		return;
	}
	for (size_t i = 0; i < evidence.n; i++)
		output_finding(lc->out.output, &evidence.findings[i],
			       mono_now());
	if (!evidence.n && lc->run_options.format == FORMAT_TEXT)
		fprintf(lc->run.out, "nothing is stuck in CLOSE_WAIT for %"
			PRIu64 "s or longer\n", lc->age_ns / SECOND_NS);
	evidence_free(&evidence);
}

static void on_tick(struct run *run, uint64_t now_ns)
{
	struct leaks_cmd *lc = run->ctx;

	(void)now_ns;
	if (run_count(run))
		report(lc);
}

/* Ctrl-C and --duration both come here: the one report, or the last. */
static void on_done(struct run *run)
{
	struct leaks_cmd *lc = run->ctx;

	if (!lc->interval_ns || !lc->reported)
		report(lc);
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct leaks_cmd *lc = ctx;

	output_lost(lc->out.output, ns, cpu, count);
}

static const struct engine_sink sink = { .lost = on_lost };

static int run_leaks(struct leaks_cmd *lc)
{
	int ret;

	lc->style.wide = lc->run_options.verbose;
	if (run_output_open(&lc->out, &lc->run_options, &lc->style))
		return EXIT_FAILED;
	lc->run = (struct run){
		.opt = &lc->run_options,
		.sink = &sink,
		.ctx = lc,
		.tick_ns = lc->interval_ns,
		.tick = on_tick,
		.done = on_done,
		.output = lc->out.output,
	};
	ret = run_main(&lc->run);
	run_output_close(&lc->out);
	return ret ? ret : lc->error ? EXIT_FAILED : EXIT_DONE;
}

int cmd_leaks(int argc, char **argv)
{
	struct leaks_cmd lc = {
		.run_options = RUN_OPTIONS_DEFAULT,
		.age_ns = 60 * SECOND_NS,
	};
	int ret;

	cmd_parse(&leaks_argp, argc, argv, &lc);
	/* A report every --interval goes on until it is stopped. */
	if (!lc.run_options.has_duration && !lc.interval_ns) {
		lc.run_options.has_duration = true;
		lc.run_options.duration_ns = 5 * SECOND_NS;
	}
	ret = run_leaks(&lc);
	filter_free(&lc.filter);
	return ret;
}

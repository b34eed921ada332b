// SPDX-License-Identifier: GPL-2.0
/* timewait: who leaves TIME_WAITs behind, and how long the ports will last. */
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "engine/ports.h"
#include "filter.h"
#include "log.h"
#include "run.h"
#include "run_output.h"
#include "source/netns_facts.h"

#define SECOND_NS	UINT64_C(1000000000)
/* Between two looks at the table, which take at most one part in so many. */
#define LOOK_NS		(SECOND_NS / 2)
#define LOOK_SHARE	20
#define GROUPS_SHOWN	10

struct timewait {
	struct run_options run_options;
	struct filter filter;
	struct output_style style;
	uint64_t interval_ns;
	uint64_t look_at_ns, report_at_ns;
	bool reported;
	int error;
	struct settings settings;
	struct ports *ports;
	/* Those before are used until the new ones are set. */
	struct netns_facts_list facts;
	struct run_output out;
	struct run run;
};

enum { KEY_INTERVAL = KEY_COMMAND };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of timewait:", 1 },
	{ "interval", KEY_INTERVAL, "DUR", 0, "Report again every DUR", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct timewait *tw = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &tw->run_options;
		state->child_inputs[1] = &tw->filter;
		state->child_inputs[2] = &tw->settings;
		return 0;
	case KEY_INTERVAL:
		tw->interval_ns = cmd_duration("--interval", arg);
		if (!tw->interval_ns)
			usage_error("--interval 0 would never end: give a time");
		return 0;
	case ARGP_KEY_END:
		if (tw->run_options.raw)
			usage_error("--raw shows records, not findings: use it with events");
		if (tw->run_options.format == FORMAT_CSV)
			usage_error("timewait has no CSV: use --format json");
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

const struct argp timewait_argp = {
	.options = options,
	.parser = parse,
	.doc = "TIME_WAIT by who closed, to which destination or of which service, and how\n"
	       "many of the ports and buckets it takes: how fast, until when, what helps and\n"
	       "what does not. Observes for --duration (5s; 0 = at once, without rates),\n"
	       "reports and ends with exit 0.\v"
	       "Ctrl-C reports now. A filter chooses what is told; what is counted is all\n"
	       "that uses the same ports. -v lists more of each group.",
	.children = children,
};

/* ---- looks ---- */

static void take_facts(struct timewait *tw)
{
	struct netns_facts_list facts;
	int err;

	/* They are this host's, which need not be the recording's. */
	if (run_reads_file(&tw->run_options))
		return;
	err = netns_facts_take(&facts);
	if (err) {
		log_say("the settings of the network namespaces cannot be read: %s",
			strerror(-err));
		return;
	}
	ports_set_facts(tw->ports, facts.v, facts.n);
	netns_facts_free(&tw->facts);
	tw->facts = facts;
}

static int add_conn(void *ctx, const struct conn *conn)
{
	struct timewait *tw = ctx;

	return ports_add(tw->ports, conn, filter_conn(&tw->filter, conn));
}

static void look(struct timewait *tw, uint64_t now_ns, bool report)
{
	int err;

	ports_begin(tw->ports, now_ns, report);
	err = engine_each(tw->run.engine, add_conn, tw);
	if (err)
		tw->error = err;
	ports_end(tw->ports);
}

/* ---- reports ---- */

/* JSON has all; so many harmless groups are enough for people. */
static bool is_shown(const struct timewait *tw, const struct finding *f,
		     size_t shown)
{
	return tw->run_options.format != FORMAT_TEXT ||
	       tw->run_options.verbose || f->severity != SEVERITY_INFO ||
	       f->budget.scope == SCOPE_NETNS || shown < GROUPS_SHOWN;
}

static void tell(struct timewait *tw, uint64_t now_ns)
{
	struct finding *findings;
	size_t n, more, shown = 0;

	findings = ports_findings(tw->ports, &n, &more);
	for (size_t i = 0; i < n; i++) {
		if (is_shown(tw, &findings[i], shown))
			output_finding(tw->out.output, &findings[i], now_ns);
		else
			more++;
		shown += findings[i].budget.scope != SCOPE_NETNS;
	}
	if (ports_full(tw->ports))
		log_say("more than %d destinations and services: the others are not told",
			PORTS_GROUPS);
	if (tw->run_options.format != FORMAT_TEXT)
		return;
	if (!n)
		fputs("nothing is in TIME_WAIT, and no ports run short\n",
		      tw->run.out);
	if (more)
		fprintf(tw->run.out, "and %zu smaller groups%s\n", more,
			tw->run_options.verbose ? "" : " (-v tells more)");
}

/* The table is mended first, so that the counts are the kernel's. */
static void report(struct timewait *tw)
{
	uint64_t now_ns;
	int err = 0;

	tw->reported = true;
	if (run_now(&tw->run) - tw->run.ready_ns > SECOND_NS)
		err = run_refresh(&tw->run);
	take_facts(tw);
	now_ns = run_now(&tw->run);
	if (!err) {
		look(tw, now_ns, true);
		err = tw->error;
	}
	if (err) {
		log_say("no report: %s", strerror(-err));
		tw->error = err;
		return;
	}
	tell(tw, now_ns);
	/* Rates of less than 5 s are none. */
	ports_forget(tw->ports, now_ns, tw->interval_ns > 10 * SECOND_NS ?
		     tw->interval_ns : 10 * SECOND_NS);
}

static void on_ready(struct run *run)
{
	struct timewait *tw = run->ctx;

	look(tw, run->ready_ns, false);
	tw->look_at_ns = run->ready_ns + LOOK_NS;
	tw->report_at_ns = run->ready_ns + tw->interval_ns;
}

static void on_tick(struct run *run, uint64_t now_ns)
{
	struct timewait *tw = run->ctx;
	uint64_t took_ns;

	if (tw->interval_ns && now_ns >= tw->report_at_ns) {
		if (run_count(run))
			report(tw);
		tw->report_at_ns += (1 + (now_ns - tw->report_at_ns) /
				     tw->interval_ns) * tw->interval_ns;
		return;
	}
	if (now_ns < tw->look_at_ns)
		return;
	look(tw, now_ns, false);
	took_ns = (run_now(run) - now_ns) * LOOK_SHARE;
	tw->look_at_ns = now_ns + (took_ns > LOOK_NS ? took_ns : LOOK_NS) -
			 LOOK_NS / 10;
}

/* Ctrl-C and --duration both come here: the one report, or the last. */
static void on_done(struct run *run)
{
	struct timewait *tw = run->ctx;

	if (!tw->interval_ns || !tw->reported)
		report(tw);
}

static void on_conn(void *ctx, const struct conn *conn, bool ended)
{
	struct timewait *tw = ctx;

	(void)ended;
	ports_closed(tw->ports, conn);
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct timewait *tw = ctx;

	output_lost(tw->out.output, ns, cpu, count);
}

static const struct engine_sink sink = { .conn = on_conn, .lost = on_lost };

/* The looks, and whatever is due before the next of them. */
static uint64_t tick_of(const struct timewait *tw)
{
	if (tw->interval_ns && tw->interval_ns < LOOK_NS)
		return tw->interval_ns;
	return LOOK_NS;
}

static int run_timewait(struct timewait *tw)
{
	int ret;

	tw->ports = ports_new(&tw->settings.thresholds);
	if (!tw->ports) {
		log_say("out of memory");
		return EXIT_FAILED;
	}
	tw->style.wide = tw->run_options.verbose;
	if (run_output_open(&tw->out, &tw->run_options, &tw->style))
		return EXIT_FAILED;
	tw->run = (struct run){
		.opt = &tw->run_options,
		.sink = &sink,
		.ctx = tw,
		.tick_ns = tick_of(tw),
		.ready = on_ready,
		.tick = on_tick,
		.done = on_done,
		.output = tw->out.output,
	};
	/* Overflows count from here: the ready line is an invitation. */
	take_facts(tw);
	ret = run_main(&tw->run);
	run_output_close(&tw->out);
	return ret ? ret : tw->error ? EXIT_FAILED : EXIT_DONE;
}

int cmd_timewait(int argc, char **argv)
{
	struct timewait tw = {
		.run_options = RUN_OPTIONS_DEFAULT,
		.settings = SETTINGS_DEFAULT,
	};
	int ret;

	cmd_parse(&timewait_argp, argc, argv, &tw);
	cmd_check_source(&tw.run_options, &tw.filter);
	config_load(&tw.settings);
	/* A report every --interval goes on until it is stopped. */
	if (!tw.run_options.has_duration && !tw.interval_ns &&
	    !run_reads_file(&tw.run_options)) {
		tw.run_options.has_duration = true;
		tw.run_options.duration_ns = 5 * SECOND_NS;
	}
	ret = run_timewait(&tw);
	ports_free(tw.ports);
	netns_facts_free(&tw.facts);
	filter_free(&tw.filter);
	return ret;
}

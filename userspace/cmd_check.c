// SPDX-License-Identifier: GPL-2.0
/*
 * check: one line for a monitoring system, and an exit code.  Whatever happens,
 * stdout gets exactly one status line; what could not be looked at is UNKNOWN.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "config.h"
#include "engine/health.h"
#include "engine/ports.h"
#include "evidence.h"
#include "filter.h"
#include "growth.h"
#include "log.h"
#include "measures.h"
#include "output/status.h"
#include "run.h"
#include "run_output.h"
#include "source/netns_facts.h"

#define SECOND_NS UINT64_C(1000000000)

struct check {
	struct run_options run_options;
	struct filter filter;
	struct output_style style;
	struct settings settings;
	uint64_t interval_ns;
	char doubt[512];	/* what could not be looked at */
	char options[512];	/* for the commands that are told */
	struct netns_facts_list before;	/* at the start, or the last report */
	bool told;
	enum status status;	/* of the last report */
	struct growth *growth;
	struct run_output out;
	struct run run;
};

enum { KEY_INTERVAL = KEY_COMMAND };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of check:", 1 },
	{ "interval", KEY_INTERVAL, "DUR", 0, "Report again every DUR", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct check *c = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->run_options;
		state->child_inputs[1] = &c->filter;
		state->child_inputs[2] = &c->settings;
		return 0;
	case KEY_INTERVAL:
		c->interval_ns = cmd_duration("--interval", arg);
		if (!c->interval_ns)
			usage_error("--interval 0 would never end: give a time");
		return 0;
	case ARGP_KEY_END:
		if (c->run_options.raw)
			usage_error("--raw shows records: use it with events");
		if (c->run_options.format == FORMAT_CSV)
			usage_error("check has no CSV: use --format text or json");
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

const struct argp check_argp = {
	.options = options,
	.parser = parse,
	.doc = "One status line with performance data for a monitoring system, and a line for\n"
	       "each finding with the command to run next. Looks at the sockets that there\n"
	       "are, and attaches no hooks unless --duration is given.\v"
	       "Exit 0: OK. 1: warning. 2: critical. 3: unknown, also for wrong usage, missing\n"
	       "privileges, and where all is well but not all could be looked at.",
	.children = children,
};

/* ---- measuring ---- */

__attribute__((format(printf, 2, 3)))
static void doubt(struct check *c, const char *fmt, ...)
{
	const size_t used = strlen(c->doubt);
	va_list ap;

	va_start(ap, fmt);
	snprintf(c->doubt + used, sizeof(c->doubt) - used, "%s",
		 used ? "; " : "");
	vsnprintf(c->doubt + strlen(c->doubt),
		  sizeof(c->doubt) - strlen(c->doubt), fmt, ap);
	va_end(ap);
}

static bool has_read(const struct snapshot_result *s, uint64_t netns)
{
	for (size_t i = 0; i < s->n_netns; i++)
		if (s->netns[i] == netns)
			return true;
	return false;
}

/* Those that --netns names: others do not matter. */
static void look_for_namespaces(struct check *c)
{
	const struct numbers *asked = &c->filter.netns;
	const struct snapshot_result *s = &c->run.snapshot;
	size_t i = 0;

	while (i < asked->n && has_read(s, asked->v[i]))
		i++;
	if (asked->n && i == asked->n)
		return;
	if (s->refused)
		doubt(c, "%u namespaces could not be read: %s", s->refused,
		      s->why);
	else if (i < asked->n && s->n_netns < SNAPSHOT_NETNS)
		doubt(c, "there is no network namespace %" PRIu64,
		      asked->v[i]);
}

static void look_for_doubts(struct check *c)
{
	struct engine_stats stats;

	look_for_namespaces(c);
	engine_get_stats(c->run.engine, &stats);
	if (stats.evicted)
		doubt(c, "%" PRIu64 " connections are more than --max-conns and were forgotten",
		      stats.evicted);
}

static int measure(struct check *c, struct health *h)
{
	struct engine_stats stats;
	size_t refused = 0;
	int err;

	engine_get_stats(c->run.engine, &stats);
	health_set_lost(h, stats.lost + c->run.missed);
	err = measure_fds(&c->run, &c->filter, h, &refused);
	if (!err)
		err = measure_syn_recv(&c->run, &c->filter, h);
	if (!err)
		err = measure_time_wait(&c->filter, &c->before, h);
	c->doubt[0] = '\0';
	look_for_doubts(c);
	if (refused)
		doubt(c, "the descriptors of %zu processes may not be counted",
		      refused);
	return err;
}

/* ---- telling ---- */

static void tell(struct check *c, const struct health *h)
{
	const struct status_report r = {
		.health = h,
		.sockets = c->run.snapshot.sockets,
		.doubt = c->doubt,
		.options = c->options,
	};

	c->told = true;
	c->status = status_of(&r);
	if (c->run_options.format == FORMAT_TEXT) {
		status_tell(c->run.out, &r);
		return;
	}
	for (size_t i = 0; i < h->n_findings; i++)
		if (health_tells(h, &h->findings[i]))
			output_finding(c->out.output, &h->findings[i],
				       mono_now());
	if (c->doubt[0])
		log_say("not all was seen: %s", c->doubt);
}

static int report_evidence(struct check *c, const struct evidence *evidence)
{
	struct health h = { .thresholds = c->settings.thresholds };
	struct thresholds all = c->settings.thresholds;
	struct ports *ports = ports_new(&all);
	struct finding *findings = NULL;
	size_t n = 0;
	int err;

	if (!ports)
		return -ENOMEM;
	/* The destination nearest to none is told however near that is. */
	all.ports_used.warn = 0;
	err = measure_ports(&c->run, &c->filter, evidence, ports, &findings,
			    &n);
	if (!err) {
		health_set_findings(&h, findings, n);
		err = measure(c, &h);
	}
	if (ports_full(ports))
		doubt(c, "there are more than %d destinations", PORTS_GROUPS);
	if (!err)
		tell(c, &h);
	free(findings);
	ports_free(ports);
	return err;
}

static void report(struct check *c)
{
	const struct evidence_options opt = {
		.filter = &c->filter,
		.thresholds = &c->settings.thresholds,
		.idle_ns = STUCK_IDLE_NS,
		.growth = c->growth,
	};
	struct evidence evidence;
	int err;

	err = growth_sample(c->growth, mono_now());
	if (!err)
		err = evidence_take(&c->run, &opt, &evidence);
	if (!err) {
		err = report_evidence(c, &evidence);
		evidence_free(&evidence);
	}
	if (!err)
		return;
	log_say("no report: %s", strerror(-err));
	c->told = true;
	c->status = STATUS_UNKNOWN;
	if (c->run_options.format == FORMAT_TEXT)
		status_tell_unknown(c->run.out, log_last());
}

/* Rates of findings, where it observes, are told after some samples. */
static void on_tick(struct run *run, uint64_t now_ns)
{
	struct check *c = run->ctx;

	if (!c->interval_ns)
		growth_sample(c->growth, now_ns);
	else if (run_count(run))
		report(c);
}

/* What a source that failed has left is no report. */
static void on_done(struct run *run)
{
	struct check *c = run->ctx;

	if (!run->error && (!c->interval_ns || !c->told))
		report(c);
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct check *c = ctx;

	output_lost(c->out.output, ns, cpu, count);
}

static const struct engine_sink sink = { .lost = on_lost };

static int run_check(struct check *c)
{
	int ret;

	c->growth = growth_new(&c->run, &c->filter, false);
	if (!c->growth) {
		log_say("out of memory");
		return EXIT_FAILED;
	}
	if (run_output_open(&c->out, &c->run_options, &c->style))
		return EXIT_FAILED;
	c->run = (struct run){
		.opt = &c->run_options,
		.sink = &sink,
		.ctx = c,
		.snapshot_only = !c->interval_ns && !c->run_options.duration_ns,
		.tick_ns = c->interval_ns ? c->interval_ns : SECOND_NS,
		.tick = on_tick,
		.done = on_done,
		.output = c->out.output,
	};
	/*
	 * Before the ready line, after which every overflow counts.  Where it
	 * fails, one is seen when the buckets are full.
	 */
	if (netns_facts_take(&c->before))
		c->before = (struct netns_facts_list){ 0 };
	ret = run_main(&c->run);
	netns_facts_free(&c->before);
	run_output_close(&c->out);
	return ret;
}

__attribute__((format(printf, 2, 3)))
static void remember(struct check *c, const char *fmt, ...)
{
	const size_t used = strlen(c->options);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->options + used, sizeof(c->options) - used, fmt, ap);
	va_end(ap);
}

/* leaks takes the same, and must find what was found here. */
static void remember_options(struct check *c)
{
	const struct setting *row;
	char value[100];

	if (c->settings.config)
		remember(c, " --config %s", c->settings.config);
	for (row = setting_rows; row->name; row++) {
		if (!setting_is_by_option(&c->settings, row))
			continue;
		setting_text(row, setting_of(&c->settings.thresholds, row),
			     value, sizeof(value));
		remember(c, " --%s %s", row->name, value);
	}
}

int cmd_check_refused(const char *why)
{
	status_tell_unknown(stdout, why);
	return STATUS_UNKNOWN;
}

int cmd_check(int argc, char **argv)
{
	struct check c = {
		.run_options = RUN_OPTIONS_DEFAULT,
		.settings = SETTINGS_DEFAULT,
	};
	int ret;

	cmd_parse(&check_argp, argc, argv, &c);
	cmd_needs_host(&c.run_options, "check");
	config_load(&c.settings);
	remember_options(&c);
	ret = run_check(&c);
	growth_free(c.growth);
	filter_free(&c.filter);
	if (!c.told && c.run_options.format == FORMAT_TEXT)
		return cmd_check_refused(log_last());
	return ret || !c.told ? STATUS_UNKNOWN : c.status;
}

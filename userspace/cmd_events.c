// SPDX-License-Identifier: GPL-2.0
/* events: one line per transition, with the options of bcc's tcpstates. */
#include <stdlib.h>

#include "cmd.h"
#include "filter.h"
#include "kernel_filter.h"
#include "run.h"
#include "run_output.h"

struct events {
	struct run_options run_options;
	struct filter filter;
	struct kernel_filter kernel_filter;
	struct output_style style;
	bool csv;
	struct run_output out;
	struct run run;
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of events:", 1 },
	{ "time", 'T', NULL, 0, "Show the time of day, HH:MM:SS", 0 },
	{ "timestamp", 't', NULL, 0, "Show seconds since the first event", 0 },
	{ "wide", 'w', NULL, 0, "Wide columns, for IPv6", 0 },
	{ "csv", 's', NULL, 0, "The same as --format csv", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct events *ev = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &ev->run_options;
		state->child_inputs[1] = &ev->filter;
		return 0;
	case 'T':
		ev->style.time = true;
		return 0;
	case 't':
		ev->style.elapsed = true;
		return 0;
	case 'w':
		ev->style.wide = true;
		return 0;
	case 's':
		ev->run_options.format = FORMAT_CSV;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &common_argp, 0, NULL, 0 },
	{ &filter_argp, 0, NULL, 0 },
	{}
};

const struct argp events_argp = {
	.options = options,
	.parser = parse,
	.doc = "One line per transition of a TCP connection: its owner, both ends, old and\n"
	       "new state, and the milliseconds spent in the old one (\"-\": not known).  "
	       "With -v, and in JSON, also accept(), each RST, and a SYN, SYN-ACK or FIN that is sent again.",
	.children = children,
};

static void on_transition(void *ctx, const struct transition *t)
{
	struct events *ev = ctx;

	if (filter_transition(&ev->filter, t) && run_count(&ev->run))
		output_transition(ev->out.output, t);
}

static void on_raw(void *ctx, const struct tcpstate_record *rec)
{
	struct events *ev = ctx;

	/* on_lost() tells of these. */
	if (rec->type == TCPSTATE_LOST)
		return;
	if (filter_record(&ev->filter, rec) && run_count(&ev->run))
		output_raw(ev->out.output, rec);
}

/* No transition, so not one of --count. */
static void on_accept(void *ctx, const struct conn *conn, uint64_t ns)
{
	struct events *ev = ctx;

	if (filter_conn(&ev->filter, conn) && !run_full(&ev->run))
		output_accept(ev->out.output, conn, ns);
}

static void on_segment(void *ctx, const struct segment *segment)
{
	struct events *ev = ctx;

	if (filter_conn(&ev->filter, segment->conn) && !run_full(&ev->run))
		output_segment(ev->out.output, segment);
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct events *ev = ctx;

	output_lost(ev->out.output, ns, cpu, count);
}

static const struct engine_sink logical_sink = {
	.transition = on_transition,
	.accept = on_accept,
	.segment = on_segment,
	.lost = on_lost,
};

static const struct engine_sink raw_sink = {
	.raw = on_raw,
	.lost = on_lost,
};

static void on_ready(struct run *run)
{
	struct events *ev = run->ctx;

	output_start(ev->out.output);
}

static int run_events(struct events *ev)
{
	int ret;

	ev->style.segments = ev->run_options.verbose;
	ev->style.kind = ev->run_options.raw ? OUTPUT_RAW : OUTPUT_EVENTS;
	if (run_output_open(&ev->out, &ev->run_options, &ev->style))
		return EXIT_FAILED;
	ev->run = (struct run){
		.opt = &ev->run_options,
		.sink = ev->run_options.raw ? &raw_sink : &logical_sink,
		.ctx = ev,
		.ready = on_ready,
		.output = ev->out.output,
	};
	/* Who met whom is a finding; a FIN that came again, a segment. */
	if (!ev->run_options.raw)
		ev->run.unneeded = HOOK_CHALLENGE;
	if (ev->run.unneeded && !ev->run_options.verbose &&
	    ev->run_options.format != FORMAT_JSON)
		ev->run.unneeded |= HOOK_TW_SYN;
	if (kernel_filter_make(&ev->kernel_filter, &ev->filter,
			       ev->run_options.raw ? FOR_RECORDS : FOR_SOCKETS))
		ev->run.kernel_filter = &ev->kernel_filter;
	ret = run_main(&ev->run);
	run_output_close(&ev->out);
	return ret;
}

int cmd_events(int argc, char **argv)
{
	struct events ev = { .run_options = RUN_OPTIONS_DEFAULT };
	int ret;

	cmd_parse(&events_argp, argc, argv, &ev);
	cmd_check_source(&ev.run_options, &ev.filter);
	ret = run_events(&ev);
	filter_free(&ev.filter);
	return ret;
}

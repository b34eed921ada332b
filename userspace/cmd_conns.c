// SPDX-License-Identifier: GPL-2.0
/* conns: one line per connection when it is over, or those open now. */
#include <stdlib.h>

#include "cmd.h"
#include "engine/duration.h"
#include "engine/parts.h"
#include "filter.h"
#include "kernel_filter.h"
#include "holders.h"
#include "log.h"
#include "output/histogram.h"
#include "owners.h"
#include "run.h"
#include "run_output.h"

/* A line that is told at the end. */
struct line {
	uint64_t ns;		/* what is sorted by; unknown is last */
	bool known, ended;
	struct conn conn;
	struct conn_parts parts;
};

#define LINES_MAX	1000000

struct conns {
	struct run_options run_options;
	struct filter filter;
	struct kernel_filter kernel_filter;
	struct output_style style;
	bool open;
	bool wait_tw;
	enum duration sort, hist;	/* DURATIONS: not asked for */
	struct histogram histogram;
	struct line *lines;		/* --sort */
	size_t n_lines, room;
	struct run_output out;
	struct run run;
};

enum { KEY_OPEN = KEY_COMMAND, KEY_WAIT_TW, KEY_SORT, KEY_HIST };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of conns:", 1 },
	{ "open", KEY_OPEN, NULL, 0,
	  "List those open now with state, age and owner, and exit", 0 },
	{ "wait-tw", KEY_WAIT_TW, NULL, 0,
	  "Hold a line back until TIME_WAIT ends", 0 },
	{ "wide", 'w', NULL, 0,
	  "Wide columns, for IPv6, and all that is known of each: times, bytes, segments, what was sent again, sequence numbers", 0 },
	{ "sort", KEY_SORT, "TIME", 0,
	  "Tell them at the end, the longest first; TIME is handshake, accept, life, half_close, close_wait or time_wait", 0 },
	{ "hist", KEY_HIST, "TIME", 0,
	  "Instead of lines, a histogram of TIME at the end", 0 },
	{}
};

static enum duration duration_option(const char *option, const char *arg)
{
	enum duration duration = duration_named(arg);

	if (duration == DURATIONS)
		usage_error("%s %s: use handshake, accept, life, half_close, close_wait or time_wait",
			    option, arg);
	return duration;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct conns *cs = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cs->run_options;
		state->child_inputs[1] = &cs->filter;
		return 0;
	case KEY_OPEN:
		cs->open = true;
		return 0;
	case KEY_WAIT_TW:
		cs->wait_tw = true;
		return 0;
	case 'w':
		cs->style.wide = true;
		return 0;
	case KEY_SORT:
		cs->sort = duration_option("--sort", arg);
		return 0;
	case KEY_HIST:
		cs->hist = duration_option("--hist", arg);
		return 0;
	case ARGP_KEY_END:
		if (cs->run_options.raw)
			usage_error("--raw shows records, not connections: use it with events");
		if (cs->open && cs->wait_tw)
			usage_error("--wait-tw waits and --open does not: use one of them");
		if (cs->open && (cs->sort != DURATIONS || cs->hist != DURATIONS))
			usage_error("--open lists what is not over: --sort and --hist are for the others");
		if (cs->hist != DURATIONS && cs->sort != DURATIONS)
			usage_error("--hist has no lines to --sort");
		if (cs->hist != DURATIONS && cs->run_options.format == FORMAT_CSV)
			usage_error("--hist is text or JSON");
		/* That is when it is known. */
		if (cs->hist == DURATION_TIME_WAIT ||
		    cs->sort == DURATION_TIME_WAIT)
			cs->wait_tw = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &common_argp, 0, NULL, 0 },
	{ &filter_argp, 0, NULL, 0 },
	{}
};

const struct argp conns_argp = {
	.options = options,
	.parser = parse,
	.doc = "One line per connection when it enters TIME_WAIT, or becomes CLOSE without\n"
	       "one: its owner, role (R: Client, Server), both ends, how long it lived, its\n"
	       "handshake (HS), who closed first and how it ended.\v"
	       "Listeners are no connections; --open lists them with --state listen. An age\n"
	       "with >= is that of a socket older than this program, of which only the last\n"
	       "sign of life is known.",
	.children = children,
};

/* Connections that are over */

/* Beyond LINES_MAX they are counted by nobody, but told not to be there. */
static void keep_line(struct conns *cs, const struct conn *conn, bool ended)
{
	size_t room = cs->room ? cs->room * 2 : 256;
	struct line *lines;

	if (cs->n_lines == LINES_MAX) {
		log_say("--sort holds %d connections: the rest is left out",
			LINES_MAX);
		run_stop(&cs->run);
		return;
	}
	if (cs->n_lines == cs->room) {
		lines = reallocarray(cs->lines, room, sizeof(*lines));
		if (!lines) {
			log_say("out of memory, the list is not complete");
			run_stop(&cs->run);
			return;
		}
		cs->lines = lines;
		cs->room = room;
	}
	lines = &cs->lines[cs->n_lines++];
	*lines = (struct line){ .ended = ended };
	conn_copy(&lines->conn, &lines->parts, conn);
	lines->known = conn_duration(conn, cs->sort, &lines->ns);
}

static void tell(struct conns *cs, const struct conn *conn, bool ended)
{
	uint64_t ns;

	if (conn->role == ROLE_LISTENER || !filter_conn(&cs->filter, conn))
		return;
	if (cs->hist != DURATIONS) {
		if (conn_duration(conn, cs->hist, &ns))
			histogram_add(&cs->histogram, ns);
	} else if (cs->sort != DURATIONS) {
		keep_line(cs, conn, ended);
	} else if (run_count(&cs->run)) {
		output_conn(cs->out.output, conn, ended);
	}
}

/* The longest first; in a tie, and of what is not known, the oldest. */
static int by_duration(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->known != y->known)
		return x->known ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->conn.cookie != y->conn.cookie)
		return x->conn.cookie > y->conn.cookie ? 1 : -1;
	return (x->conn.life > y->conn.life) - (x->conn.life < y->conn.life);
}

static void tell_sorted(struct conns *cs)
{
	if (cs->n_lines)
		qsort(cs->lines, cs->n_lines, sizeof(cs->lines[0]),
		      by_duration);
	for (size_t i = 0; i < cs->n_lines && run_count(&cs->run); i++) {
		struct line *line = &cs->lines[i];

		conn_moved(&line->conn, &line->parts);
		output_conn(cs->out.output, &line->conn, line->ended);
	}
}

static void tell_histogram(struct conns *cs)
{
	const char *of = duration_name(cs->hist);

	if (cs->run_options.format == FORMAT_JSON)
		histogram_json(cs->run.out, &cs->histogram, of);
	else
		histogram_text(cs->run.out, &cs->histogram, of);
}

static void on_conn(void *ctx, const struct conn *conn, bool ended)
{
	struct conns *cs = ctx;

	/* The end of a TIME_WAIT was told when it began, or is waited for. */
	if (ended ? !conn_closing(conn)->tw_ns || cs->wait_tw : !cs->wait_tw)
		tell(cs, conn, ended);
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct conns *cs = ctx;

	output_lost(cs->out.output, ns, cpu, count);
}

static const struct engine_sink conns_sink = {
	.conn = on_conn,
	.lost = on_lost,
};

/* Lines held back until now are told, their TIME_WAIT still going on. */
static int tell_waiting(void *ctx, const struct conn *conn)
{
	struct conns *cs = ctx;

	if (conn_closing(conn)->tw_ns && conn->state == TCPSTATE_TIME_WAIT &&
	    !conn->snapshot)
		tell(cs, conn, false);
	return 0;
}

static void on_ready(struct run *run)
{
	struct conns *cs = run->ctx;

	if (cs->hist == DURATIONS)
		output_start(cs->out.output);
}

static void on_done(struct run *run)
{
	struct conns *cs = run->ctx;

	if (cs->wait_tw)
		engine_each(run->engine, tell_waiting, cs);
	tell_sorted(cs);
	if (cs->hist != DURATIONS)
		tell_histogram(cs);
}

/* Connections that are open */

struct open_list {
	const struct conns *cs;
	struct holders *holders;	/* only for --pid and --comm */
	const struct conn **v;
	size_t n, room;
};

static int collect_open(void *ctx, const struct conn *conn)
{
	struct open_list *list = ctx;
	const struct conn **v;
	size_t room;

	if (conn->state == TCPSTATE_CLOSE ||
	    !filter_conn_but_owner(&list->cs->filter, conn) ||
	    !owners_pass(&list->cs->filter, list->holders, conn))
		return 0;
	if (conn->state == TCPSTATE_LISTEN &&
	    !(list->cs->filter.states & (1U << TCPSTATE_LISTEN)))
		return 0;
	if (list->n == list->room) {
		room = list->room ? list->room * 2 : 256;
		v = reallocarray(list->v, room, sizeof(*v));
		if (!v)
			return -1;
		list->v = v;
		list->room = room;
	}
	list->v[list->n++] = conn;
	return 0;
}

/* By owner, unknown ones last, then in order of creation. */
static int compare(const void *a, const void *b)
{
	const struct conn *x = *(const struct conn *const *)a;
	const struct conn *y = *(const struct conn *const *)b;
	const uint32_t x_pid = conn_origin(x)->pid;
	const uint32_t y_pid = conn_origin(y)->pid;

	if (x_pid != y_pid)
		return x_pid - 1 < y_pid - 1 ? -1 : 1;
	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

static void list_open(struct run *run)
{
	struct conns *cs = run->ctx;
	struct open_list list = { .cs = cs };
	const uint64_t now = run_now(run);
	size_t i;

	output_start(cs->out.output);
	/* Of a recording only the owner is known. */
	if ((cs->filter.pid.n || cs->filter.comm.n) && !run->opt->recording)
		list.holders = holders_take(cs->run_options.owners, NULL, NULL);
	if (engine_each(run->engine, collect_open, &list))
		log_say("out of memory, the list is not complete");
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), compare);
	for (i = 0; i < list.n && run_count(run); i++)
		output_open(cs->out.output, list.v[i], now);
	free(list.v);
	holders_free(list.holders);
	run_stop(run);
}

static const struct engine_sink open_sink = { .lost = NULL };

/* The command */

static int run_conns(struct conns *cs)
{
	int ret;

	cs->style.kind = cs->open ? OUTPUT_OPEN : OUTPUT_CONNS;
	if (run_output_open(&cs->out, &cs->run_options, &cs->style))
		return EXIT_FAILED;
	cs->run = (struct run){
		.opt = &cs->run_options,
		.sink = cs->open ? &open_sink : &conns_sink,
		.ctx = cs,
		.snapshot_only = cs->open,
		.ready = cs->open ? list_open : on_ready,
		.done = on_done,
		.output = cs->out.output,
	};
	cs->run.unneeded = HOOK_CHALLENGE;
	if (kernel_filter_make(&cs->kernel_filter, &cs->filter, FOR_SOCKETS))
		cs->run.kernel_filter = &cs->kernel_filter;
	ret = run_main(&cs->run);
	run_output_close(&cs->out);
	return ret;
}

int cmd_conns(int argc, char **argv)
{
	struct conns cs = { .run_options = RUN_OPTIONS_DEFAULT,
			    .sort = DURATIONS, .hist = DURATIONS };
	int ret;

	cmd_parse(&conns_argp, argc, argv, &cs);
	cmd_check_source(&cs.run_options, &cs.filter);
	ret = run_conns(&cs);
	filter_free(&cs.filter);
	free(cs.lines);
	return ret;
}

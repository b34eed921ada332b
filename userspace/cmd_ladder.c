// SPDX-License-Identifier: GPL-2.0
/* ladder: a connection as a sequence diagram. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "engine/history.h"
#include "filter.h"
#include "kernel_filter.h"
#include "log.h"
#include "output/fsm.h"
#include "output/ladder.h"
#include "run.h"
#include "run_output.h"

#define HISTORIES	65536
#define WAIT_NS		UINT64_C(1000000000)	/* for the other end */
#define TICK_NS		UINT64_C(200000000)
#define SLOWEST_MAX	100

enum { KEY_CONN = KEY_COMMAND, KEY_ASCII, KEY_ISN, KEY_FAILED, KEY_WAIT_TW,
       KEY_SVG, KEY_SCALE, KEY_FSM, KEY_SLOWEST };

/* A connection that is drawn at the end. */
struct slow {
	uint64_t took_ns;
	bool has_mate;
	struct history one, mate;
};

struct ladder_cmd {
	struct run_options run_options;
	struct filter filter;
	struct kernel_filter kernel_filter;
	struct ladder_style style;
	bool has_cookie, failed, wait_tw, fsm;
	uint64_t cookie;
	const char *svg;	/* a path, or NULL */

	struct run_output out;
	struct run run;
	struct histories *histories;
	struct ladder ladder;	/* large */
	struct fsm_counts counts;	/* --fsm */
	uint64_t slowest;		/* how many; 0: draw all */
	struct slow *slow;		/* of .slowest, the fastest last */
	size_t n_slow;
	bool drawn;
	int error;		/* -errno of the picture */
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of ladder:", 1 },
	{ "conn", KEY_CONN, "ID", 0,
	  "Only the connection with this id (conn_id, sk: of ss -e)", 0 },
	{ "slowest", KEY_SLOWEST, "N", 0,
	  "At the end, the N (up to 100) whose handshake took longest", 0 },
	{ "failed", KEY_FAILED, NULL, 0,
	  "Only those that were not closed by FIN", 0 },
	{ "wait-tw", KEY_WAIT_TW, NULL, 0,
	  "Draw when TIME_WAIT has ended, not when it begins", 0 },
	{ "isn", KEY_ISN, "X,Y", 0,
	  "Show all sequence numbers as if the first ones were X and Y", 0 },
	{ "fsm", KEY_FSM, NULL, 0,
	  "The state machine instead, with how often each move was made", 0 },
	{ "svg", KEY_SVG, "FILE", 0,
	  "A picture of the first one, instead of text, and end", 0 },
	{ "scale", KEY_SCALE, "KIND", 0,
	  "The picture's height: steps or time (default steps)", 0 },
	{ "ascii", KEY_ASCII, NULL, 0, "No characters but ASCII", 0 },
	{}
};

static void parse_cookie(struct ladder_cmd *cmd, const char *arg)
{
	char *end;

	cmd->cookie = strtoull(arg, &end, 16);
	if (!*arg || *end || !cmd->cookie || *arg == '-')
		usage_error("--conn %s: an id has hexadecimal digits", arg);
	cmd->has_cookie = true;
}

static void parse_isn(struct ladder_cmd *cmd, const char *arg)
{
	for (int i = 0; i < 2; i++) {
		char number[16];
		size_t len = strcspn(arg, ",");

		if (len >= sizeof(number) || (arg[len] == ',') != !i)
			usage_error("--isn: two numbers, X,Y");
		memcpy(number, arg, len);
		number[len] = '\0';
		cmd->style.isn[i] = cmd_number("--isn", number, 0, UINT32_MAX);
		arg += len + 1;
	}
	cmd->style.renumber = true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ladder_cmd *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->run_options;
		state->child_inputs[1] = &cmd->filter;
		return 0;
	case KEY_CONN:
		parse_cookie(cmd, arg);
		return 0;
	case KEY_SLOWEST:
		cmd->slowest = cmd_number("--slowest", arg, 1, SLOWEST_MAX);
		return 0;
	case KEY_FAILED:
		cmd->failed = true;
		return 0;
	case KEY_WAIT_TW:
		cmd->wait_tw = true;
		return 0;
	case KEY_ISN:
		parse_isn(cmd, arg);
		return 0;
	case KEY_FSM:
		cmd->fsm = true;
		return 0;
	case KEY_SVG:
		cmd->svg = arg;
		return 0;
	case KEY_SCALE:
		if (strcmp(arg, "steps") && strcmp(arg, "time"))
			usage_error("--scale %s: use steps or time", arg);
		cmd->style.to_scale = !strcmp(arg, "time");
		return 0;
	case KEY_ASCII:
		cmd->style.ascii = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &common_argp, 0, NULL, 0 },
	{ &filter_argp, 0, NULL, 0 },
	{}
};

const struct argp ladder_argp = {
	.options = options,
	.parser = parse,
	.doc = "Each connection, when it is over, as the textbook draws it: its handshake and its "
	       "close, what was sent again, times and sequence numbers.  Where both ends are on "
	       "this host their columns are joined; otherwise the far one is inferred, in "
	       "parentheses.",
	.children = children,
};

/* ---- which, and when ---- */

static bool has_failed(const struct conn *conn)
{
	return conn->kind == KIND_RST || conn->kind == KIND_REFUSED ||
	       conn->kind == KIND_TIMEOUT || conn->kind == KIND_OTHER;
}

static bool wanted(const struct ladder_cmd *cmd, const struct history *one)
{
	if (cmd->has_cookie && one->conn.cookie != cmd->cookie)
		return false;
	if (cmd->failed && !has_failed(&one->conn))
		return false;
	return filter_conn(&cmd->filter, &one->conn);
}

static int write_svg(const struct ladder_cmd *cmd)
{
	FILE *f = fopen(cmd->svg, "we");
	int err = 0;

	if (!f)
		return -errno;
	if (cmd->fsm)
		fsm_svg(f, &cmd->counts);
	else
		ladder_svg(f, &cmd->ladder, &cmd->style);
	if (fflush(f) || ferror(f))
		err = -errno;
	if (fclose(f) && !err)
		err = -errno;
	return err;
}

static void draw_now(struct ladder_cmd *cmd, const struct history *one,
		     const struct history *mate)
{
	if (!run_count(&cmd->run))
		return;
	ladder_build(&cmd->ladder, one, mate);
	cmd->drawn = true;
	if (cmd->svg) {
		cmd->error = write_svg(cmd);
		return;
	}
	ladder_text(cmd->run.out, &cmd->ladder, &cmd->style);
	fputc('\n', cmd->run.out);
}

/* 0: it had none, or its begin was not seen. */
static uint64_t handshake_ns(const struct conn *conn)
{
	return conn->born_ns && conn->established_ns > conn->born_ns ?
	       conn->established_ns - conn->born_ns : 0;
}

/* In its place among the slowest, if it is one of them. */
static void keep_slow(struct ladder_cmd *cmd, const struct history *one,
		      const struct history *mate)
{
	uint64_t took_ns = handshake_ns(&one->conn), other = 0;
	size_t at = cmd->n_slow;

	if (mate)
		other = handshake_ns(&mate->conn);
	if (other > took_ns)
		took_ns = other;
	while (at && cmd->slow[at - 1].took_ns < took_ns)
		at--;
	if (!took_ns || at == cmd->slowest)
		return;
	if (cmd->n_slow < cmd->slowest)
		cmd->n_slow++;
	memmove(&cmd->slow[at + 1], &cmd->slow[at],
		(cmd->n_slow - at - 1) * sizeof(cmd->slow[0]));
	cmd->slow[at] = (struct slow){ .took_ns = took_ns, .one = *one };
	if (mate)
		cmd->slow[at].mate = *mate;
	cmd->slow[at].has_mate = mate;
}

static void draw_slow(struct ladder_cmd *cmd)
{
	for (size_t i = 0; i < cmd->n_slow; i++) {
		struct slow *s = &cmd->slow[i];

		conn_moved(&s->one.conn, &s->one.parts);
		conn_moved(&s->mate.conn, &s->mate.parts);
		draw_now(cmd, &s->one, s->has_mate ? &s->mate : NULL);
	}
}

static void draw(struct ladder_cmd *cmd, const struct history *one,
		 const struct history *mate)
{
	if (!wanted(cmd, one) && !(mate && wanted(cmd, mate)))
		return;
	if (cmd->slowest)
		keep_slow(cmd, one, mate);
	else
		draw_now(cmd, one, mate);
}

static void draw_and_forget(struct ladder_cmd *cmd, struct history *one,
			    struct history *mate)
{
	draw(cmd, one, mate);
	histories_forget(cmd->histories, one);
	if (mate)
		histories_forget(cmd->histories, mate);
}

static void on_transition(void *ctx, const struct transition *t)
{
	struct ladder_cmd *cmd = ctx;

	if (cmd->fsm) {
		if (filter_transition(&cmd->filter, t))
			cmd->counts.moves[t->old_state][t->new_state]++;
	} else if (t->conn->role != ROLE_LISTENER) {
		histories_transition(cmd->histories, t);
	}
}

static void on_segment(void *ctx, const struct segment *segment)
{
	struct ladder_cmd *cmd = ctx;

	histories_segment(cmd->histories, segment);
}

/* Drawn when both ends are complete; the other one may yet come. */
static void on_conn(void *ctx, const struct conn *conn, bool ended)
{
	struct ladder_cmd *cmd = ctx;
	struct history *one, *mate;

	if (!ended && cmd->wait_tw)
		return;
	one = histories_conn(cmd->histories, conn, ended, run_now(&cmd->run));
	mate = one ? histories_mate(one) : NULL;

	if (mate && mate->complete)
		draw_and_forget(cmd, one, mate);
}

static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct ladder_cmd *cmd = ctx;

	output_lost(cmd->out.output, ns, cpu, count);
}

static const struct engine_sink sink = {
	.transition = on_transition,
	.segment = on_segment,
	.conn = on_conn,
	.lost = on_lost,
};

struct look {
	struct ladder_cmd *cmd;
	uint64_t until_ns;	/* complete before that */
};

static int draw_alone(void *ctx, struct history *one)
{
	struct look *look = ctx;
	struct history *mate;

	if (!one->complete || one->complete_ns > look->until_ns)
		return 0;
	mate = histories_mate(one);
	/* Its own turn comes. */
	if (mate && !mate->complete && look->until_ns != UINT64_MAX)
		return 0;
	draw(look->cmd, one, mate);
	histories_forget(look->cmd->histories, one);
	if (mate && mate->complete)
		histories_forget(look->cmd->histories, mate);
	/* The next one may be gone: look again. */
	return mate ? 1 : 0;
}

static void draw_those_before(struct ladder_cmd *cmd, uint64_t until_ns)
{
	struct look look = { cmd, until_ns };

	while (histories_each(cmd->histories, draw_alone, &look))
		;
}

static void on_tick(struct run *run, uint64_t now_ns)
{
	draw_those_before(run->ctx, now_ns - WAIT_NS);
}

/* What is not over is drawn as far as it has come, if it was asked for. */
static int complete_now(void *ctx, struct history *one)
{
	struct ladder_cmd *cmd = ctx;

	if (cmd->has_cookie || one->conn.state == TCPSTATE_TIME_WAIT)
		one->complete = true;
	return 0;
}

static void draw_fsm(struct ladder_cmd *cmd)
{
	cmd->drawn = true;
	if (cmd->svg)
		cmd->error = write_svg(cmd);
	else
		fsm_text(cmd->run.out, &cmd->counts, cmd->style.ascii);
}

static void on_done(struct run *run)
{
	struct ladder_cmd *cmd = run->ctx;

	if (cmd->fsm) {
		draw_fsm(cmd);
	} else {
		histories_each(cmd->histories, complete_now, cmd);
		draw_those_before(cmd, UINT64_MAX);
		draw_slow(cmd);
	}
	if (histories_evicted(cmd->histories))
		log_say("more than %d connections at a time: %" PRIu64 " are not drawn, or not whole; a filter helps",
			HISTORIES, histories_evicted(cmd->histories));
	if (cmd->svg && cmd->error)
		log_say("%s: %s", cmd->svg, strerror(-cmd->error));
	else if (cmd->svg && !cmd->drawn)
		log_say("%s: no connection to draw", cmd->svg);
}

static int run_ladder(struct ladder_cmd *cmd)
{
	const struct output_style style = { .kind = OUTPUT_NO_HEADER };
	int ret;

	if (run_output_open(&cmd->out, &cmd->run_options, &style))
		return EXIT_FAILED;
	cmd->histories = histories_new(HISTORIES);
	if (cmd->slowest)
		cmd->slow = calloc(cmd->slowest, sizeof(*cmd->slow));
	if (!cmd->histories || (cmd->slowest && !cmd->slow)) {
		log_say("out of memory");
		return EXIT_FAILED;
	}
	cmd->style.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	cmd->run = (struct run){
		.opt = &cmd->run_options,
		.sink = &sink,
		.ctx = cmd,
		.tick_ns = TICK_NS,
		.tick = on_tick,
		.done = on_done,
		.output = cmd->out.output,
		.kernel_filter = kernel_filter_make(&cmd->kernel_filter,
						    &cmd->filter,
						    FOR_BOTH_ENDS) ?
				 &cmd->kernel_filter : NULL,
	};
	ret = run_main(&cmd->run);
	run_output_close(&cmd->out);
	histories_free(cmd->histories);
	free(cmd->slow);
	if (!ret && cmd->svg && (cmd->error || !cmd->drawn))
		ret = EXIT_FAILED;
	return ret;
}

int cmd_ladder(int argc, char **argv)
{
	static struct ladder_cmd cmd = { .run_options = RUN_OPTIONS_DEFAULT };
	int ret;

	cmd_parse(&ladder_argp, argc, argv, &cmd);
	cmd_check_source(&cmd.run_options, &cmd.filter);
	if (cmd.run_options.raw)
		usage_error("--raw shows records, not connections: use it with events");
	if (cmd.run_options.format != FORMAT_TEXT)
		usage_error("a ladder is text, or a picture with --svg; conns -j has its numbers");
	if (cmd.svg && !cmd.fsm)
		cmd.run_options.count = 1;
	ret = run_ladder(&cmd);
	filter_free(&cmd.filter);
	return ret;
}

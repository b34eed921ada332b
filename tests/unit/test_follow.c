// SPDX-License-Identifier: GPL-2.0
/*
 * With a judge only what is wanted is followed: nothing is told, counted or
 * corrected of the rest, whatever single records of it come.
 */
#include "records.h"

#define C 7
#define NC BY(100, "nc")

/* What the judge is to say stands in a field that nothing else looks at. */
#define UNDECIDED .cgroup = 1
#define UNWANTED .cgroup = 2

static enum tcpstate_verdict judge(void *ctx, const struct tcpstate_record *rec)
{
	static const enum tcpstate_verdict verdicts[] = {
		TCPSTATE_WANTED, TCPSTATE_UNDECIDED, TCPSTATE_UNWANTED,
	};

	(void)ctx;
	return verdicts[rec->cgroup];
}

static int setup(void **state)
{
	struct rig *r;

	if (rig_setup(state))
		return -1;
	r = *state;
	r->cfg.judge = judge;
	rig_restart(r);
	return 0;
}

#define CLIENT_TOLD(from, to, span) \
	TOLD(C, from, to, CLIENT, TRACEPOINT, span, .pid = 100)

/* Its port is not known at SYN_SENT, and then it is one that is asked for. */
static void test_wanted_at_connect(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC, UNDECIDED),
	     REC(CONNECT, 0, C, NC),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
	until(r, 10);
	TELLS(r, CLIENT_TOLD(CLOSE, SYN_SENT, NO_SPAN),
	      CLIENT_TOLD(SYN_SENT, ESTABLISHED, 10));
	/* The port is given back before CLOSE: undecided, and followed. */
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE, NC, UNDECIDED));
	until(r, 1000);
	assert_int_equal(stats_of(r).live, 0);
	FINISH(r);
}

static void test_unwanted_at_connect(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC, UNDECIDED));
	until(r, 0);
	assert_non_null(engine_find(r->engine, C));
	PLAY(r, REC(CONNECT, 0, C, NC, UNWANTED));
	until(r, 5);
	assert_null(engine_find(r->engine, C));
	/* ESTABLISHED was not recorded. */
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE, NC, UNDECIDED));
	until(r, 1000);
	TELLS_NOTHING(r);
	assert_int_equal(stats_of(r).corrected, 0);
	FINISH_EMPTY(r);
}

/* Where no hook tells the port, a dump does. */
static void test_unwanted_in_dump(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC, UNDECIDED));
	until(r, 1);
	engine_dump_begin(r->engine);
	PLAY(r, REC(SNAPSHOT, 5, C, .new_state = TCPSTATE_ESTABLISHED, UNWANTED));
	until(r, 6);
	assert_int_equal(engine_dump_end(r->engine, AT(5), NULL, 0), 0);
	until(r, 1000);
	assert_int_equal(stats_of(r).corrected, 0);
	assert_int_equal(stats_of(r).live, 0);
}

/* A mini-socket has no cgroup: its records are undecided, whosever they are. */
static void test_mini_sockets_of_others(void **state)
{
	struct rig *r = *state;

	PLAY(r, TW_ADD(0, C, TIME_WAIT, .timeout_ms = 60000, UNDECIDED),
	     TW_KILL(60000, C, TIME_WAIT, UNDECIDED));
	until(r, 61000);
	TELLS_NOTHING(r);
	FINISH_EMPTY(r);
}

/* What a listener answers is told with the peer of the segment. */
static void test_listener_stays(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, LISTEN, NC, .sport = 80, .dport = 0),
	     REC(RST_SENT, 10, C, .old_state = TCPSTATE_LISTEN,
		 .new_state = TCPSTATE_LISTEN, .sport = 80, .dport = 5555,
		 .flags = TCPSTATE_F_NO_TASK, UNWANTED));
	until(r, 20);
	assert_non_null(engine_find(r->engine, C));
}

/* The TIME_WAIT of a life before has the same cookie, and another peer. */
static void test_other_life(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC, .dport = 443),
	     REC(CONNECT, 0, C, NC, .dport = 443),
	     REC(SNAPSHOT, 5, C, .new_state = TCPSTATE_TIME_WAIT, .dport = 80,
		 UNWANTED));
	until(r, 10);
	assert_non_null(engine_find(r->engine, C));
}

/* Life 1 is told as over by life 2, which nobody wants: and not once more. */
static void test_ended_once(void **state)
{
	struct rig *r = *state;
	size_t told;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 0, C, NC),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ),
	     STATE(100, C, ESTABLISHED, FIN_WAIT1, NC, .shutdown = 3),
	     STATE(110, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
	     TW_ADD(120, C, TIME_WAIT, .timeout_ms = 60000),
	     STATE(120, C, FIN_WAIT2, CLOSE, SOFTIRQ));
	until(r, 500);
	PLAY(r, STATE(600, C, CLOSE, SYN_SENT, NC, .sport = 0, UNDECIDED),
	     REC(CONNECT, 600, C, NC, .sport = 9, UNWANTED));
	until(r, 700);
	assert_null(engine_find(r->engine, C));
	told = r->n_told;
	PLAY(r, TW_KILL(60900, C, TIME_WAIT));
	until(r, 61000);
	assert_int_equal(r->n_told, told);
	assert_int_equal(stats_of(r).live, 0);
}

static void test_undecided_begins(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, 1, UNDECIDED),
	     STATE(10, C, SYN_RECV, ESTABLISHED, SOFTIRQ));
	until(r, 100);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	assert_int_equal(conn_of(r, C)->role, ROLE_SERVER);
}

#define WITH(test) \
	cmocka_unit_test_setup_teardown(test, setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_wanted_at_connect),
		WITH(test_unwanted_at_connect),
		WITH(test_unwanted_in_dump),
		WITH(test_mini_sockets_of_others),
		WITH(test_listener_stays),
		WITH(test_other_life),
		WITH(test_ended_once),
		WITH(test_undecided_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

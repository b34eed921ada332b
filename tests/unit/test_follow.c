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
		WITH(test_undecided_begins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

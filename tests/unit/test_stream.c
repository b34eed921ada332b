// SPDX-License-Identifier: GPL-2.0
/*
 * The stream of records: losses, order, and the bound on what is held.
 */
#include <errno.h>

#include "records.h"

#define C 7

#define NC BY(100, "nc")
#define ORPHAN SOFTIRQ_WITH(TCPSTATE_F_DEAD)
#define TOLD_NC(from, to, span, ...) \
	TOLD(C, from, to, CLIENT, TRACEPOINT, span, .pid = 100, __VA_ARGS__)

static void to_established(struct rig *r)
{
	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 1, C, NC),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
	until(r, 10);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN),
	      TOLD_NC(SYN_SENT, ESTABLISHED, 10));
}

/* ---- losses ---- */

static void test_lost_record(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, LOST(20, 0, 8, 5),
	     STATE(30, C, ESTABLISHED, FIN_WAIT1, NC, .seq = 9));
	until(r, 100);
	until(r, 200);
	assert_int_equal(stats_of(r).lost, 5);
	assert_int_equal(r->lost, 5);
	assert_int_equal(r->n_lost, 1);
	/* It is no captured record. */
	assert_int_equal(stats_of(r).captured, 4);
	FINISH(r);
	assert_int_equal(r->lost, 5);
}

static void test_jump_of_seq(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(30, C, ESTABLISHED, FIN_WAIT1, NC, .seq = 11));
	until(r, 100);
	until(r, 200);
	assert_int_equal(stats_of(r).lost, 7);
	assert_int_equal(r->lost, 7);
	assert_int_equal(r->n_lost, 1);
	FINISH(r);
	assert_int_equal(r->lost, 7);
}

static void test_jump_and_lost_record(void **state)
{
	struct rig *r = *state;

	/* 4 is missing without a word, 5 to 8 are told. */
	to_established(r);
	PLAY(r, LOST(20, 0, 8, 4),
	     STATE(30, C, ESTABLISHED, FIN_WAIT1, NC, .seq = 9));
	until(r, 100);
	FINISH(r);
	assert_int_equal(r->lost, 5);
}

static void test_lost_is_the_first_of_its_cpu(void **state)
{
	struct rig *r = *state;

	PLAY(r, LOST(0, 3, 5, 5),
	     STATE(30, C, ESTABLISHED, FIN_WAIT1, NC, .seq = 6, .cpu = 3),
	     STATE(40, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, .seq = 7,
		   .cpu = 3));
	until(r, 100);
	FINISH(r);
	assert_int_equal(r->lost, 5);
	assert_int_equal(r->n_lost, 1);
}

static void test_seq_counts_from_0(void **state)
{
	struct rig *r = *state;

	PLAY(r, LOST(0, 3, 4, 5),
	     STATE(30, C, ESTABLISHED, FIN_WAIT1, NC, .seq = 5, .cpu = 3));
	until(r, 100);
	FINISH(r);
	assert_int_equal(r->lost, 5);
}

/* A session begins where the CPU's count happens to be. */
static void test_first_seq_is_no_jump(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, NC, .seq = 1000000),
	     STATE(5, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, .seq = 77, .cpu = 5));
	until(r, 100);
	FINISH(r);
	assert_int_equal(r->lost, 0);
}

static void test_nested_disorder_is_no_loss(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, LISTEN, NC, .seq = 12),
	     STATE(1, C + 1, CLOSE, LISTEN, NC, .seq = 11),
	     STATE(2, C + 2, CLOSE, LISTEN, NC, .seq = 10),
	     STATE(3, C + 3, CLOSE, LISTEN, NC, .seq = 13));
	until(r, 100);
	FINISH(r);
	assert_int_equal(r->lost, 0);
}

static void test_losses_of_each_cpu(void **state)
{
	struct rig *r = *state;

	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		PLAY(r, STATE(0, 100 + cpu, CLOSE, LISTEN, NC, .seq = 1,
			      .cpu = cpu),
		     STATE(5, 200 + cpu, CLOSE, LISTEN, NC, .seq = 3 + cpu,
			   .cpu = cpu));
		if (cpu == 2)
			until(r, 10);
	}
	until(r, 20);
	FINISH(r);
	assert_int_equal(r->lost, 1 + 2 + 3 + 4);
}

static void test_each_later_jump_is_counted(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, LISTEN, NC, .seq = 1));
	for (uint64_t i = 1; i <= 10; i++) {
		PLAY(r, STATE(i, C + i, CLOSE, LISTEN, NC, .seq = 1 + i * 3));
		until(r, i);
		assert_int_equal(r->lost, 2 * (i - 1));
	}
	FINISH(r);
	assert_int_equal(r->lost, 20);
}

/* bpf/ring.bpf.h: a twin's record may be one that is there already. */
static void test_a_twins_record_may_come_twice(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 0, C, NC),
	     STATE(1, C, SYN_SENT, ESTABLISHED, SOFTIRQ),
	     STATE(2, C, ESTABLISHED, FIN_WAIT1, NC),
	     STATE(3, C, ESTABLISHED, FIN_WAIT1,
		   BY_WITH(100, "nc", TCPSTATE_F_TWIN)),
	     STATE(4, C, FIN_WAIT1, FIN_WAIT2,
		   SOFTIRQ_WITH(TCPSTATE_F_TWIN)));
	until(r, 100);
	TELLS(r, TOLD(C, CLOSE, SYN_SENT, CLIENT, TRACEPOINT, NO_SPAN,
		      .pid = 100),
	      TOLD(C, SYN_SENT, ESTABLISHED, CLIENT, TRACEPOINT, 1,
		   .pid = 100),
	      TOLD(C, ESTABLISHED, FIN_WAIT1, CLIENT, TRACEPOINT, 1,
		   .pid = 100),
	      TOLD(C, FIN_WAIT1, FIN_WAIT2, CLIENT, TRACEPOINT, 2,
		   .pid = 100));
	assert_int_equal(stats_of(r).corrected, 0);
	FINISH(r);
}

/* A nested interrupt's record has a later number and an earlier time. */
static void test_overtaken_is_not_lost(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, LISTEN, NC, .seq = 1),
	     STATE(5, C + 1, CLOSE, LISTEN, NC, .seq = 3),
	     STATE(6, C + 2, CLOSE, LISTEN, NC, .seq = 2));
	until(r, 5);
	until(r, 6);
	until(r, 7);
	FINISH(r);
	assert_int_equal(r->lost, 0);
}

static void test_gap_is_told_at_the_next_look(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, LISTEN, NC, .seq = 1),
	     STATE(5, C + 1, CLOSE, LISTEN, NC, .seq = 3));
	until(r, 5);
	assert_int_equal(r->lost, 0);
	until(r, 6);
	assert_int_equal(r->lost, 1);
	FINISH(r);
	assert_int_equal(r->lost, 1);
}

static void test_huge_loss(void **state)
{
	struct rig *r = *state;

	PLAY(r, LOST(0, 0, UINT64_MAX, UINT64_MAX),
	     LOST(1, 0, 1, UINT64_MAX),
	     STATE(2, C, CLOSE, LISTEN, NC, .seq = UINT64_MAX),
	     LOST(3, 1, 5, 0));
	until(r, 100);
	FINISH(r);
}

/* ---- order ---- */

static void test_holdback_orders_the_cpus(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(30, C, ESTABLISHED, FIN_WAIT1, NC, .cpu = 0),
	     STATE(35, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, .cpu = 0));
	until(r, 29);
	TELLS_NOTHING(r);
	PLAY(r, STATE(25, C, CLOSE, SYN_SENT, NC, .cpu = 1),
	     REC(CONNECT, 26, C, NC, .cpu = 2),
	     STATE(29, C, SYN_SENT, ESTABLISHED, SOFTIRQ, .cpu = 3));
	until(r, 100);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN),
	      TOLD_NC(SYN_SENT, ESTABLISHED, 4),
	      TOLD_NC(ESTABLISHED, FIN_WAIT1, 1),
	      TOLD_NC(FIN_WAIT1, FIN_WAIT2, 5));
	FINISH(r);
}

static void test_nothing_is_told_before_its_time(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(30, C, ESTABLISHED, FIN_WAIT1, NC));
	TELLS_NOTHING(r);
	engine_advance(r->engine, AT(30));
	TELLS_NOTHING(r);
	engine_advance(r->engine, AT(30 + HOLDBACK_MS) - 1);
	TELLS_NOTHING(r);
	engine_advance(r->engine, AT(30 + HOLDBACK_MS));
	assert_int_equal(r->n_told, 1);
	FINISH(r);
}

static void test_time_0(void **state)
{
	struct rig *r = *state;

	engine_advance(r->engine, 0);
	engine_advance(r->engine, 1);
	TELLS_NOTHING(r);
	FINISH_EMPTY(r);
}

static void test_finish_tells_the_rest(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC));
	FINISH(r);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN));
	assert_int_equal(stats_of(r).live, 1);
}

/* The dump tells of what came before all hooks were attached. */
static void test_records_before_the_beginning(void **state)
{
	struct rig *r = *state;

	r->cfg.since_ns = AT(100);
	rig_restart(r);
	PLAY(r, STATE(50, C, ESTABLISHED, FIN_WAIT1, NC),
	     STATE(99, C + 1, CLOSE, LISTEN, NC),
	     STATE(100, C + 2, CLOSE, LISTEN, NC));
	until(r, 1000);
	assert_int_equal(r->n_told, 1);
	assert_int_equal(r->told[0].conn.cookie, C + 2);
	assert_int_equal(r->lost, 0);
	FINISH(r);
}

/* ---- the bound ---- */

static void rig_holds(struct rig *r, size_t max)
{
	r->cfg.max_conns = max;
	rig_restart(r);
}

static void test_eviction(void **state)
{
	struct rig *r = *state;

	rig_holds(r, 10);
	for (uint64_t i = 1; i <= 25; i++) {
		PLAY(r, STATE(i, i, CLOSE, LISTEN, NC, .sport = 80));
		until(r, i);
		check_counts(r, __FILE__, __LINE__);
		assert_true(stats_of(r).live <= 10);
	}
	assert_int_equal(stats_of(r).evicted, 15);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_LISTEN), 10);
	/* The oldest have gone. */
	assert_null(engine_find(r->engine, 15));
	assert_non_null(engine_find(r->engine, 16));
	FINISH(r);
}

static void test_eviction_takes_the_longest_unchanged(void **state)
{
	struct rig *r = *state;

	rig_holds(r, 2);
	PLAY(r, STATE(0, 1, CLOSE, LISTEN, NC),
	     STATE(1, 2, ESTABLISHED, CLOSE_WAIT, SOFTIRQ),
	     STATE(2, 1, LISTEN, CLOSE, SOFTIRQ),
	     STATE(3, 1, CLOSE, LISTEN, NC),
	     STATE(4, 3, CLOSE, LISTEN, NC));
	until(r, 10);
	assert_null(engine_find(r->engine, 2));
	assert_non_null(engine_find(r->engine, 1));
	assert_non_null(engine_find(r->engine, 3));
	assert_int_equal(stats_of(r).evicted, 1);
	FINISH(r);
}

/* A socket that is CLOSE goes first, and is no loss. */
static void test_eviction_takes_the_closed_first(void **state)
{
	struct rig *r = *state;

	rig_holds(r, 2);
	PLAY(r, STATE(0, 1, CLOSE, LISTEN, NC),
	     STATE(1, 2, ESTABLISHED, CLOSE, SOFTIRQ, .sk_err = ECONNRESET),
	     STATE(2, 3, CLOSE, LISTEN, NC));
	until(r, 10);
	assert_non_null(engine_find(r->engine, 1));
	assert_non_null(engine_find(r->engine, 3));
	assert_int_equal(stats_of(r).evicted, 0);
	FINISH(r);
}

/* The same just after a close(), while late records may still come. */
static void test_eviction_takes_the_just_closed_first(void **state)
{
	struct rig *r = *state;

	rig_holds(r, 2);
	PLAY(r, STATE(0, 1, CLOSE, LISTEN, NC),
	     STATE(1, 2, ESTABLISHED, CLOSE, ORPHAN, .sk_err = ECONNRESET),
	     STATE(2, 3, CLOSE, LISTEN, NC));
	until(r, 10);
	assert_non_null(engine_find(r->engine, 1));
	assert_non_null(engine_find(r->engine, 3));
	assert_int_equal(stats_of(r).evicted, 0);
	FINISH(r);
}

static void test_eviction_of_an_untold_syn(void **state)
{
	struct rig *r = *state;

	rig_holds(r, 1);
	PLAY(r, STATE(0, 1, CLOSE, SYN_SENT, NC),
	     STATE(1, 2, CLOSE, SYN_SENT, NC));
	until(r, 10);
	check_counts(r, __FILE__, __LINE__);
	FINISH(r);
}

static void test_eviction_of_a_pending_drop(void **state)
{
	struct rig *r = *state;

	rig_holds(r, 1);
	PLAY(r, REQ_ADD(0, 1, 9), REQ_DROP(1, 1, 9, BY_TIMER),
	     REQ_ADD(2, 2, 9));
	until(r, 1000);
	check_counts(r, __FILE__, __LINE__);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_SYN_RECV), 1);
	assert_int_equal(stats_of(r).evicted, 1);
	FINISH(r);
}

/* What is CLOSE is not live. */
static void test_live_are_those_that_each_shows(void **state)
{
	struct rig *r = *state;
	bool strange;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE, ORPHAN,
		      .sk_err = ECONNRESET));
	until(r, 21);
	assert_int_equal(recount(r, ANY_NETNS, 0, &strange), 0);
	assert_int_equal(stats_of(r).live, 0);
	FINISH_EMPTY(r);
}

/* A move that starts from CLOSE, but is no birth. */
static void test_counts_of_a_move_from_close(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, ESTABLISHED, NC));
	until(r, 100);
	check_counts(r, __FILE__, __LINE__);
	FINISH(r);
}

static void test_counts_per_netns(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, 1, CLOSE, LISTEN, NC),
	     STATE(0, 2, CLOSE, LISTEN, NC, .netns_ino = 5),
	     STATE(0, 3, CLOSE, LISTEN, NC, .netns_ino = 5));
	until(r, 10);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_LISTEN), 1);
	assert_int_equal(count_of(r, 5, TCPSTATE_LISTEN), 2);
	PLAY(r, STATE(20, 2, LISTEN, CLOSE, NC, .netns_ino = 5),
	     STATE(20, 3, LISTEN, CLOSE, NC, .netns_ino = 5),
	     STATE(20, 1, LISTEN, CLOSE, NC));
	until(r, 100);
	FINISH_EMPTY(r);
}

static int stop_at_second(void *ctx, const struct conn *conn)
{
	unsigned int *n = ctx;

	(void)conn;
	return ++*n == 2 ? 42 : 0;
}

static void test_each_stops(void **state)
{
	struct rig *r = *state;
	unsigned int n = 0;

	PLAY(r, STATE(0, 1, CLOSE, LISTEN, NC),
	     STATE(0, 2, CLOSE, LISTEN, NC), STATE(0, 3, CLOSE, LISTEN, NC));
	until(r, 10);
	assert_int_equal(engine_each(r->engine, stop_at_second, &n), 42);
	assert_int_equal(n, 2);
	FINISH(r);
}

static void test_sink_without_functions(void **state)
{
	struct rig *r = *state;
	const struct engine_sink none = { 0 };
	struct tcpstate_record recs[] = {
		STATE(0, C, CLOSE, SYN_SENT, NC, .seq = 1),
		STATE(1, C, SYN_SENT, ESTABLISHED, SOFTIRQ, .seq = 5),
		REC(ACCEPT, 2, C, NC, .seq = 6), LOST(3, 0, 8, 2),
		STATE(4, C, ESTABLISHED, CLOSE, ORPHAN, .seq = 9),
	};
	struct engine *e = engine_new(&r->cfg, &none, NULL);

	assert_non_null(e);
	for (size_t i = 0; i < COUNT_OF(recs); i++)
		assert_int_equal(engine_feed(e, &recs[i], sizeof(recs[i])),
				 0);
	engine_advance(e, AT(100));
	engine_finish(e);
	engine_free(e);
	engine_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_lost_record),
		WITH_RIG(test_jump_of_seq),
		WITH_RIG(test_jump_and_lost_record),
		WITH_RIG(test_lost_is_the_first_of_its_cpu),
		WITH_RIG(test_seq_counts_from_0),
		WITH_RIG(test_first_seq_is_no_jump),
		WITH_RIG(test_nested_disorder_is_no_loss),
		WITH_RIG(test_losses_of_each_cpu),
		WITH_RIG(test_each_later_jump_is_counted),
		WITH_RIG(test_a_twins_record_may_come_twice),
		WITH_RIG(test_overtaken_is_not_lost),
		WITH_RIG(test_gap_is_told_at_the_next_look),
		WITH_RIG(test_huge_loss),
		WITH_RIG(test_holdback_orders_the_cpus),
		WITH_RIG(test_nothing_is_told_before_its_time),
		WITH_RIG(test_time_0),
		WITH_RIG(test_finish_tells_the_rest),
		WITH_RIG(test_records_before_the_beginning),
		WITH_RIG(test_eviction),
		WITH_RIG(test_eviction_takes_the_longest_unchanged),
		WITH_RIG(test_eviction_takes_the_closed_first),
		WITH_RIG(test_eviction_takes_the_just_closed_first),
		WITH_RIG(test_eviction_of_an_untold_syn),
		WITH_RIG(test_eviction_of_a_pending_drop),
		WITH_RIG(test_live_are_those_that_each_shows),
		WITH_RIG(test_counts_of_a_move_from_close),
		WITH_RIG(test_counts_per_netns),
		WITH_RIG(test_each_stops),
		WITH_RIG(test_sink_without_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

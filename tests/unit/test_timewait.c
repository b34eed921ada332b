// SPDX-License-Identifier: GPL-2.0
/*
 * The active close: TIME_WAIT, the FIN_WAIT2 of orphans, and the CLOSE that
 * is none (F1 - F6), with the mini-socket hooks and without.
 */
#include <errno.h>

#include "records.h"

#define C 7

#define NC BY(100, "nc")
#define ORPHAN SOFTIRQ_WITH(TCPSTATE_F_DEAD)
#define ORPHAN_DONE SOFTIRQ_WITH(TCPSTATE_F_DEAD | TCPSTATE_F_DONE)
#define CLIENT_TOLD(from, to, how, span, ...) \
	TOLD(C, from, to, CLIENT, how, span, .pid = 100, __VA_ARGS__)

/* connect() and close(): FIN_WAIT1 since 100. */
static void to_fin_wait1(struct rig *r)
{
	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 0, C, NC),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ),
	     STATE(100, C, ESTABLISHED, FIN_WAIT1, NC, .shutdown = 3));
	until(r, 100);
	TELLS(r, CLIENT_TOLD(CLOSE, SYN_SENT, TRACEPOINT, NO_SPAN),
	      CLIENT_TOLD(SYN_SENT, ESTABLISHED, TRACEPOINT, 10),
	      CLIENT_TOLD(ESTABLISHED, FIN_WAIT1, TRACEPOINT, 90));
}

/* The ACK of our FIN: FIN_WAIT2 since 110, six segments in. */
static void to_fin_wait2(struct rig *r)
{
	to_fin_wait1(r);
	PLAY(r, STATE(110, C, FIN_WAIT1, FIN_WAIT2, ORPHAN, .segs_in = 6));
	until(r, 110);
	TELLS(r, CLIENT_TOLD(FIN_WAIT1, FIN_WAIT2, TRACEPOINT, 10));
}

#define TOLD_TIME_WAIT(how, span, ...) \
	CLIENT_TOLD(FIN_WAIT2, TIME_WAIT, how, span, __VA_ARGS__)
#define TOLD_EXPIRED(span, ...) \
	CLIENT_TOLD(TIME_WAIT, CLOSE, PROBE, span, \
		    .reason = REASON_TW_EXPIRED, __VA_ARGS__)

static void test_active_close(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT, .timeout_ms = 60000),
	     STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7),
	     TW_KILL(60920, C, TIME_WAIT, BY_TIMER));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 10));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_TIME_WAIT);
	assert_true(conn_of(r, C)->mini);
	assert_int_equal(r->n_lines, 1);
	assert_false(r->lines[0].ended);
	assert_int_equal(r->lines[0].conn.reason, REASON_FIN);
	assert_int_equal(r->lines[0].conn.kind, KIND_FOUR_SEGMENT);
	assert_int_equal(r->lines[0].conn.first, FIRST_LOCAL);
	assert_int_equal(r->lines[0].conn.segs_in, 7);
	assert_int_equal(conn_closing(&r->lines[0].conn)->tw_ns, AT(120));
	until(r, 61000);
	TELLS(r, TOLD_EXPIRED(60800));
	assert_int_equal(r->n_lines, 2);
	assert_true(r->lines[1].ended);
	/* How it was closed is not changed by the end of TIME_WAIT. */
	assert_int_equal(r->lines[1].conn.reason, REASON_FIN);
	assert_int_equal(conn_end_ns(&r->lines[1].conn), AT(60920));
	assert_int_equal(stats_of(r).corrected, 0);
	assert_int_equal(stats_of(r).inferred, 0);
	assert_int_equal(stats_of(r).illegal, 0);
	FINISH_EMPTY(r);
}

static void test_active_close_in_three_segments(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(110, C, TIME_WAIT),
	     STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 6));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 0));
	assert_int_equal(r->lines[0].conn.kind, KIND_THREE_SEGMENT);
	FINISH(r);
}

/* F21: with the lock held, or segments out of order, it is not known. */
static void check_unknown_kind(struct rig *r, uint32_t fw2, uint32_t end)
{
	rig_restart(r);
	to_fin_wait1(r);
	PLAY(r, STATE(110, C, FIN_WAIT1, FIN_WAIT2, .segs_in = 6,
		      .flags = TCPSTATE_F_DEAD | fw2),
	     TW_ADD(110, C, TIME_WAIT),
	     STATE(110, C, FIN_WAIT2, CLOSE, .segs_in = 6,
		   .flags = TCPSTATE_F_DEAD | TCPSTATE_F_DONE | end));
	until(r, 1000);
	assert_int_equal(r->n_lines, 1);
	assert_int_equal(r->lines[0].conn.kind, KIND_UNKNOWN);
	FINISH(r);
}

static void test_kind_is_not_guessed(void **state)
{
	check_unknown_kind(*state, TCPSTATE_F_OWNED, 0);
	check_unknown_kind(*state, 0, TCPSTATE_F_OWNED);
	check_unknown_kind(*state, TCPSTATE_F_OOO, 0);
	check_unknown_kind(*state, 0, TCPSTATE_F_OOO);
}

/* F15: the raw CLOSE was stamped after TIME_WAIT had ended elsewhere. */
static void test_raw_close_after_the_kill(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT),
	     STATE(122, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7),
	     TW_KILL(121, C, TIME_WAIT, SOFTIRQ_NO_FILE, .cpu = 1));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 10),
	      CLIENT_TOLD(TIME_WAIT, CLOSE, PROBE, 1,
			  .reason = REASON_UNKNOWN));
	assert_int_equal(r->n_lines, 2);
	assert_int_equal(stats_of(r).corrected, 0);
	FINISH_EMPTY(r);
}

/* The same, and the hold-back is over when it comes. */
static void test_raw_close_after_the_kill_comes_late(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT),
	     TW_KILL(121, C, TIME_WAIT, SOFTIRQ_NO_FILE, .cpu = 1));
	until(r, 121 + SETTLE_MS - 1);
	PLAY(r, STATE(122, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 10),
	      CLIENT_TOLD(TIME_WAIT, CLOSE, PROBE, 1,
			  .reason = REASON_UNKNOWN));
	FINISH_EMPTY(r);
}

static void test_raw_close_after_the_rearm(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(110, C, FIN_WAIT2),
	     TW_REARM(111, C, TIME_WAIT, .cpu = 1),
	     STATE(112, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 1));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_TIME_WAIT);
	assert_int_equal(conn_of(r, C)->kind, KIND_FOUR_SEGMENT);
	FINISH(r);
}

/* F2: the usual case after close(), ACK and FIN come apart. */
static void test_orphan_then_time_wait(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(110, C, FIN_WAIT2, .timeout_ms = 60000),
	     STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6));
	until(r, 1000);
	TELLS_NOTHING(r);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_FIN_WAIT2);
	assert_true(conn_of(r, C)->mini);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_FIN_WAIT2), 1);
	assert_int_equal(r->n_lines, 0);
	PLAY(r, TW_REARM(5110, C, TIME_WAIT, .rcv_nxt = 901),
	     TW_KILL(66000, C, TIME_WAIT, BY_TIMER));
	until(r, 6000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 5000));
	assert_int_equal(r->n_lines, 1);
	assert_int_equal(r->lines[0].conn.kind, KIND_FOUR_SEGMENT);
	assert_int_equal(conn_closing(&r->lines[0].conn)->fin_peer, 900);
	assert_int_equal(conn_closing(&r->lines[0].conn)->tw_restarts, 0);
	until(r, 70000);
	TELLS(r, TOLD_EXPIRED(60890));
	FINISH_EMPTY(r);
}

static void test_orphan_times_out(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(110, C, FIN_WAIT2),
	     STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6),
	     TW_KILL(60110, C, FIN_WAIT2, BY_TIMER));
	until(r, 70000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT2, CLOSE, PROBE, 60000,
			     .reason = REASON_TIMEOUT,
			     .detail = DETAIL_FIN_WAIT2));
	assert_int_equal(r->n_lines, 1);
	assert_true(r->lines[0].ended);
	assert_int_equal(r->lines[0].conn.kind, KIND_TIMEOUT);
	FINISH_EMPTY(r);
}

static void test_orphan_ended_by_something_else(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(110, C, FIN_WAIT2),
	     STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6),
	     TW_KILL(115, C, FIN_WAIT2, SOFTIRQ_NO_FILE));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT2, CLOSE, PROBE, 5,
			     .reason = REASON_UNKNOWN));
	FINISH_EMPTY(r);
}

/* F4: a lost last ACK, a bare ACK, or a PAWS reject. */
static void test_restarts_of_2msl(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT),
	     STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7),
	     TW_REARM(400, C, TIME_WAIT), TW_REARM(900, C, TIME_WAIT));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 10));
	assert_int_equal(conn_closing(conn_of(r, C))->tw_restarts, 2);
	/* The span is that of the state, not of the timer. */
	PLAY(r, TW_KILL(61000, C, TIME_WAIT, BY_TIMER));
	until(r, 62000);
	TELLS(r, TOLD_EXPIRED(60880));
	FINISH_EMPTY(r);
}

#define CANCELLED .flags = TCPSTATE_F_NO_TASK | TCPSTATE_F_PROVISIONAL
#define STARTED .basis = TCPSTATE_BY_TRACEPOINT, SOFTIRQ_NO_FILE

/* F28: by timer tracepoints a restart is a cancel and a start. */
static void test_provisional_kill_then_add_is_a_restart(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT),
	     STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7),
	     TW_KILL(400, C, TIME_WAIT, CANCELLED),
	     TW_ADD(400, C, TIME_WAIT));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 10));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_TIME_WAIT);
	assert_int_equal(conn_closing(conn_of(r, C))->tw_restarts, 1);
	assert_int_equal(r->n_lines, 1);
	FINISH(r);
}

static void test_provisional_kill_alone_is_an_end(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT),
	     STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7),
	     TW_KILL(60920, C, TIME_WAIT, .flags = TCPSTATE_F_NO_TASK |
		     TCPSTATE_F_PROVISIONAL | TCPSTATE_F_TIMER));
	until(r, 60920 + SETTLE_MS - 1);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 10));
	until(r, 60920 + SETTLE_MS);
	TELLS(r, CLIENT_TOLD(TIME_WAIT, CLOSE, TRACEPOINT, 60800,
			     .reason = REASON_TW_EXPIRED, .at = 60920));
	FINISH_EMPTY(r);
}

/* The FIN of an orphan by timers: its substate is already TIME_WAIT. */
static void test_orphan_by_timers_is_no_restart(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(110, C, FIN_WAIT2, STARTED),
	     STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6),
	     TW_KILL(500, C, TIME_WAIT, CANCELLED),
	     TW_ADD(500, C, TIME_WAIT, STARTED));
	until(r, 1000);
	assert_int_equal(r->n_told - r->checked, 1);
	assert_int_equal(r->told[r->checked].t.new_state, TCPSTATE_TIME_WAIT);
	assert_int_equal(r->told[r->checked].t.ns, AT(500));
	assert_int_equal(conn_closing(conn_of(r, C))->tw_restarts, 0);
	FINISH(r);
}

/* The rearm was missed, and the end tells it. */
static void test_kill_shows_a_missed_rearm(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(110, C, FIN_WAIT2),
	     STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6),
	     TW_KILL(61000, C, TIME_WAIT, BY_TIMER));
	until(r, 62000);
	assert_int_equal(r->n_told - r->checked, 2);
	assert_int_equal(r->told[r->checked].t.new_state, TCPSTATE_TIME_WAIT);
	assert_int_equal(r->told[r->checked].t.basis, TCPSTATE_BY_INFERENCE);
	assert_int_equal(r->told[r->checked + 1].t.new_state, TCPSTATE_CLOSE);
	assert_int_equal(r->told[r->checked + 1].t.reason, REASON_TW_EXPIRED);
	FINISH_EMPTY(r);
}

static void test_simultaneous_close(void **state)
{
	struct rig *r = *state;

	to_fin_wait1(r);
	PLAY(r, STATE(110, C, FIN_WAIT1, CLOSING, ORPHAN_DONE,
		      .rcv_nxt = 501),
	     TW_ADD(120, C, TIME_WAIT),
	     STATE(120, C, CLOSING, CLOSE, ORPHAN_DONE, .rcv_nxt = 501),
	     TW_KILL(60920, C, TIME_WAIT, BY_TIMER));
	until(r, 61000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT1, CLOSING, TRACEPOINT, 10),
	      CLIENT_TOLD(CLOSING, TIME_WAIT, PROBE, 10),
	      TOLD_EXPIRED(60800));
	assert_int_equal(r->n_lines, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(r->lines[i].conn.kind, KIND_SIMULTANEOUS);
		assert_int_equal(r->lines[i].conn.first, FIRST_BOTH);
		assert_int_equal(r->lines[i].conn.reason, REASON_FIN);
		assert_int_equal(conn_closing(&r->lines[i].conn)->fin_peer, 500);
		assert_int_equal(conn_closing(&r->lines[i].conn)->peer_fin_ns, AT(110));
	}
	FINISH_EMPTY(r);
}

/* F3: above tcp_max_tw_buckets no mini-socket is made. */
static void test_bucket_overflow(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT2, CLOSE, TRACEPOINT, 10,
			     .reason = REASON_TW_OVERFLOW));
	assert_int_equal(r->n_lines, 1);
	assert_true(r->lines[0].ended);
	FINISH_EMPTY(r);
}

static void test_bucket_overflow_of_closing(void **state)
{
	struct rig *r = *state;

	to_fin_wait1(r);
	PLAY(r, STATE(110, C, FIN_WAIT1, CLOSING, ORPHAN_DONE),
	     STATE(120, C, CLOSING, CLOSE, ORPHAN_DONE));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT1, CLOSING, TRACEPOINT, 10),
	      CLIENT_TOLD(CLOSING, CLOSE, TRACEPOINT, 10,
			  .reason = REASON_TW_OVERFLOW));
	FINISH_EMPTY(r);
}

static void test_negative_linger2(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .linger2 = -1));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT2, CLOSE, TRACEPOINT, 0,
			     .reason = REASON_RST_SENT,
			     .detail = DETAIL_LINGER2));
	FINISH_EMPTY(r);
}

static void test_reset_in_fin_wait2(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, STATE(150, C, FIN_WAIT2, CLOSE, SOFTIRQ,
		      .sk_err = ECONNRESET));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT2, CLOSE, TRACEPOINT, 40,
			     .reason = REASON_RST_RECEIVED));
	FINISH_EMPTY(r);
}

/* F1: FIN_WAIT1 -> CLOSE is always real. */
static void test_fin_wait1_close_is_real(void **state)
{
	struct rig *r = *state;

	to_fin_wait1(r);
	PLAY(r, STATE(130, C, FIN_WAIT1, CLOSE, ORPHAN, .sk_err = ECONNRESET));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT1, CLOSE, TRACEPOINT, 30,
			     .reason = REASON_RST_RECEIVED));
	FINISH_EMPTY(r);
}

/* A full socket's numbers come after the mini-socket's: the line waits. */
static void test_line_waits_for_the_full_socket(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT));
	until(r, 121);
	TELLS(r, TOLD_TIME_WAIT(PROBE, 10));
	assert_int_equal(r->n_lines, 0);
	PLAY(r, STATE(122, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7,
		      .bytes_received = 999));
	until(r, 123);
	assert_int_equal(r->n_lines, 1);
	assert_int_equal(r->lines[0].conn.bytes_in, 999);
	FINISH(r);
}

static void test_line_does_not_wait_for_ever(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT));
	until(r, 120 + SETTLE_MS);
	assert_int_equal(r->n_lines, 1);
	assert_false(r->lines[0].ended);
	FINISH(r);
}

/* A descriptor that nobody owned is counted once, in TIME_WAIT as well. */
static void test_unknown_owner_is_counted_once(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, SOFTIRQ_NO_FILE),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ_NO_FILE),
	     STATE(100, C, ESTABLISHED, FIN_WAIT1, SOFTIRQ_NO_FILE),
	     STATE(110, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ_NO_FILE),
	     TW_ADD(120, C, TIME_WAIT),
	     STATE(120, C, FIN_WAIT2, CLOSE, SOFTIRQ_NO_FILE),
	     TW_KILL(60920, C, TIME_WAIT, BY_TIMER));
	until(r, 62000);
	assert_int_equal(stats_of(r).unknown_owner, 1);
	FINISH_EMPTY(r);
}

static void test_known_owner_is_not_counted(void **state)
{
	struct rig *r = *state;

	to_fin_wait2(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT),
	     STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE),
	     TW_KILL(60920, C, TIME_WAIT, BY_TIMER));
	until(r, 62000);
	assert_int_equal(stats_of(r).unknown_owner, 0);
	FINISH_EMPTY(r);
}

/* ---- without the mini-socket hooks ---- */

static void test_inferred_time_wait(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait2(r);
	PLAY(r, STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7));
	until(r, 1000);
	TELLS(r, TOLD_TIME_WAIT(INFERENCE, 10));
	assert_int_equal(r->n_lines, 1);
	assert_false(r->lines[0].ended);
	assert_int_equal(r->lines[0].conn.kind, KIND_FOUR_SEGMENT);
	assert_int_equal(stats_of(r).inferred, 1);
	FINISH(r);
}

/* The end is predicted: 60 s, measured 60.8 to 61.4 s. */
static void test_predicted_end_of_time_wait(void **state)
{
	struct rig *r = *state;
	const struct transition *t;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait2(r);
	PLAY(r, STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7));
	until(r, 60120);
	TELLS(r, TOLD_TIME_WAIT(INFERENCE, 10));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_TIME_WAIT);
	until(r, 63000);
	assert_int_equal(r->n_told - r->checked, 1);
	t = &r->told[r->checked].t;
	assert_int_equal(t->new_state, TCPSTATE_CLOSE);
	assert_int_equal(t->basis, TCPSTATE_BY_INFERENCE);
	assert_int_equal(t->reason, REASON_TW_EXPIRED);
	assert_in_range(t->span_ns, MS(60000), MS(62000));
	assert_int_equal(r->n_lines, 2);
	assert_true(r->lines[1].ended);
	FINISH_EMPTY(r);
}

/* What has not happened by the end of the run is not told. */
static void test_predicted_end_is_not_told_at_finish(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait2(r);
	PLAY(r, STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE, .segs_in = 7));
	until(r, 1000);
	FINISH(r);
	TELLS(r, TOLD_TIME_WAIT(INFERENCE, 10));
	assert_int_equal(count_of(r, NETNS, TCPSTATE_TIME_WAIT), 1);
}

static void test_inferred_time_wait_of_closing(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait1(r);
	PLAY(r, STATE(110, C, FIN_WAIT1, CLOSING, ORPHAN_DONE),
	     STATE(120, C, CLOSING, CLOSE, ORPHAN_DONE, .snd_una = 9,
		   .write_seq = 9));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT1, CLOSING, TRACEPOINT, 10),
	      CLIENT_TOLD(CLOSING, TIME_WAIT, INFERENCE, 10));
	assert_int_equal(conn_of(r, C)->kind, KIND_SIMULTANEOUS);
	FINISH(r);
}

static void test_closing_with_error_is_no_time_wait(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait1(r);
	PLAY(r, STATE(110, C, FIN_WAIT1, CLOSING, ORPHAN_DONE),
	     STATE(120, C, CLOSING, CLOSE, ORPHAN_DONE, .snd_una = 9,
		   .write_seq = 9, .sk_err = ECONNRESET));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT1, CLOSING, TRACEPOINT, 10),
	      CLIENT_TOLD(CLOSING, CLOSE, TRACEPOINT, 10,
			  .reason = REASON_RST_RECEIVED));
	FINISH_EMPTY(r);
}

static void test_closing_unacknowledged_is_no_time_wait(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait1(r);
	PLAY(r, STATE(110, C, FIN_WAIT1, CLOSING, ORPHAN_DONE),
	     STATE(120, C, CLOSING, CLOSE, ORPHAN_DONE, .snd_una = 8,
		   .write_seq = 9, .sk_err = ETIMEDOUT));
	until(r, 1000);
	TELLS(r, CLIENT_TOLD(FIN_WAIT1, CLOSING, TRACEPOINT, 10),
	      CLIENT_TOLD(CLOSING, CLOSE, TRACEPOINT, 10,
			  .reason = REASON_TIMEOUT, .detail = DETAIL_FIN));
	FINISH_EMPTY(r);
}

static void test_inferred_orphan(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait2(r);
	PLAY(r, STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6));
	until(r, 1000);
	TELLS_NOTHING(r);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_FIN_WAIT2);
	assert_true(conn_of(r, C)->mini);
	assert_int_equal(stats_of(r).unconfirmed, 1);
	/* sock_diag shows its TIME_WAIT. */
	PLAY(r, SNAPSHOT(2000, C, TIME_WAIT, .age_ms = 500));
	until(r, 2000);
	TELLS(r, TOLD_TIME_WAIT(SNAPSHOT, 1390));
	assert_int_equal(stats_of(r).unconfirmed, 0);
	until(r, 65000);
	assert_int_equal(r->told[r->n_told - 1].t.new_state, TCPSTATE_CLOSE);
	assert_int_equal(r->told[r->n_told - 1].t.basis,
			 TCPSTATE_BY_INFERENCE);
	FINISH_EMPTY(r);
}

static void check_no_orphan(struct rig *r, struct tcpstate_record close,
			    uint8_t reason)
{
	rig_sees(r, SEES_NO_TW);
	to_fin_wait2(r);
	feed(r, close);
	until(r, 1000);
	assert_int_equal(r->n_told - r->checked, 1);
	assert_int_equal(r->told[r->checked].t.new_state, TCPSTATE_CLOSE);
	assert_int_equal(r->told[r->checked].t.reason, reason);
	assert_int_equal(stats_of(r).unconfirmed, 0);
	FINISH_EMPTY(r);
}

static void test_fin_wait2_that_is_no_orphan(void **state)
{
	struct rig *r = *state;

	/* Not dead: an abort by close. */
	check_no_orphan(r, STATE(200, C, FIN_WAIT2, CLOSE, NC, .shutdown = 3,
				 .rcv_nxt = 5), REASON_ABORT);
	check_no_orphan(r, STATE(200, C, FIN_WAIT2, CLOSE, ORPHAN,
				 .linger2 = -1), REASON_RST_SENT);
	check_no_orphan(r, STATE(200, C, FIN_WAIT2, CLOSE, ORPHAN,
				 .sk_err = ECONNRESET), REASON_RST_RECEIVED);
}

static void test_predicted_end_of_an_orphan(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_NO_TW);
	to_fin_wait2(r);
	PLAY(r, STATE(110, C, FIN_WAIT2, CLOSE, ORPHAN, .segs_in = 6));
	until(r, 200000);
	assert_int_equal(r->n_told - r->checked, 1);
	assert_int_equal(r->told[r->checked].t.new_state, TCPSTATE_CLOSE);
	assert_int_equal(r->told[r->checked].t.basis, TCPSTATE_BY_INFERENCE);
	assert_int_equal(stats_of(r).unconfirmed, 0);
	FINISH_EMPTY(r);
}

/* ---- begun in the middle ---- */

static void test_rearm_of_an_unknown_one(void **state)
{
	struct rig *r = *state;

	PLAY(r, TW_REARM(0, C, TIME_WAIT));
	until(r, 100);
	TELLS_NOTHING(r);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_TIME_WAIT);
	PLAY(r, TW_KILL(60900, C, TIME_WAIT, BY_TIMER));
	until(r, 61000);
	TELLS(r, TOLD(C, TIME_WAIT, CLOSE, UNKNOWN, PROBE, NO_SPAN,
		      .reason = REASON_TW_EXPIRED));
	FINISH_EMPTY(r);
}

/* What a timewait record shows is an inet_timewait_sock. */
static void test_rearm_of_an_unknown_one_is_mini(void **state)
{
	struct rig *r = *state;

	PLAY(r, TW_REARM(0, C, TIME_WAIT));
	until(r, 100);
	assert_true(conn_of(r, C)->mini);
	FINISH(r);
}

static void test_kill_of_an_unknown_one(void **state)
{
	struct rig *r = *state;

	PLAY(r, TW_KILL(0, C, TIME_WAIT, BY_TIMER),
	     TW_KILL(10, C + 1, FIN_WAIT2, BY_TIMER));
	until(r, 1000);
	TELLS(r, TOLD(C, TIME_WAIT, CLOSE, UNKNOWN, PROBE, NO_SPAN,
		      .reason = REASON_TW_EXPIRED),
	      TOLD(C + 1, FIN_WAIT2, CLOSE, UNKNOWN, PROBE, NO_SPAN,
		   .reason = REASON_TIMEOUT, .detail = DETAIL_FIN_WAIT2));
	FINISH_EMPTY(r);
}

static void test_add_of_an_unknown_one(void **state)
{
	struct rig *r = *state;

	PLAY(r, TW_ADD(0, C, TIME_WAIT),
	     STATE(0, C, FIN_WAIT2, CLOSE, ORPHAN_DONE),
	     TW_KILL(60900, C, TIME_WAIT, BY_TIMER));
	until(r, 61000);
	TELLS(r, TOLD(C, FIN_WAIT2, TIME_WAIT, UNKNOWN, PROBE, NO_SPAN),
	      TOLD(C, TIME_WAIT, CLOSE, UNKNOWN, PROBE, 60900,
		   .reason = REASON_TW_EXPIRED));
	FINISH_EMPTY(r);
}

/* ---- lost in the middle ---- */

static void test_time_wait_after_a_loss(void **state)
{
	struct rig *r = *state;

	to_fin_wait1(r);
	PLAY(r, TW_ADD(120, C, TIME_WAIT),
	     STATE(120, C, FIN_WAIT2, CLOSE, ORPHAN_DONE));
	until(r, 1000);
	assert_int_equal(stats_of(r).corrected, 1);
	assert_int_equal(stats_of(r).illegal, 0);
	assert_int_equal(r->n_told - r->checked, 2);
	assert_int_equal(r->told[r->checked].t.basis, TCPSTATE_BY_INFERENCE);
	assert_int_equal(r->told[r->checked + 1].t.new_state,
			 TCPSTATE_TIME_WAIT);
	FINISH(r);
}

static void test_rearm_after_a_loss(void **state)
{
	struct rig *r = *state;

	to_fin_wait1(r);
	PLAY(r, TW_REARM(5000, C, TIME_WAIT));
	until(r, 6000);
	assert_int_equal(stats_of(r).corrected, 1);
	assert_int_equal(stats_of(r).illegal, 0);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_TIME_WAIT);
	FINISH(r);
}

/* It cannot have been ESTABLISHED when its TIME_WAIT ran out. */
static void test_kill_after_a_loss(void **state)
{
	struct rig *r = *state;
	size_t n;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 0, C, NC),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ),
	     TW_KILL(70000, C, TIME_WAIT, BY_TIMER));
	until(r, 71000);
	assert_true(stats_of(r).corrected > 0);
	n = r->n_told;
	assert_int_equal(r->told[n - 1].t.new_state, TCPSTATE_CLOSE);
	assert_int_equal(r->told[n - 1].t.old_state, TCPSTATE_TIME_WAIT);
	assert_int_equal(r->told[n - 2].t.basis, TCPSTATE_BY_INFERENCE);
	FINISH_EMPTY(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_active_close),
		WITH_RIG(test_active_close_in_three_segments),
		WITH_RIG(test_kind_is_not_guessed),
		WITH_RIG(test_raw_close_after_the_kill),
		WITH_RIG(test_raw_close_after_the_kill_comes_late),
		WITH_RIG(test_raw_close_after_the_rearm),
		WITH_RIG(test_orphan_then_time_wait),
		WITH_RIG(test_orphan_times_out),
		WITH_RIG(test_orphan_ended_by_something_else),
		WITH_RIG(test_restarts_of_2msl),
		WITH_RIG(test_provisional_kill_then_add_is_a_restart),
		WITH_RIG(test_provisional_kill_alone_is_an_end),
		WITH_RIG(test_orphan_by_timers_is_no_restart),
		WITH_RIG(test_kill_shows_a_missed_rearm),
		WITH_RIG(test_simultaneous_close),
		WITH_RIG(test_bucket_overflow),
		WITH_RIG(test_bucket_overflow_of_closing),
		WITH_RIG(test_negative_linger2),
		WITH_RIG(test_reset_in_fin_wait2),
		WITH_RIG(test_fin_wait1_close_is_real),
		WITH_RIG(test_line_waits_for_the_full_socket),
		WITH_RIG(test_line_does_not_wait_for_ever),
		WITH_RIG(test_unknown_owner_is_counted_once),
		WITH_RIG(test_known_owner_is_not_counted),
		WITH_RIG(test_inferred_time_wait),
		WITH_RIG(test_predicted_end_of_time_wait),
		WITH_RIG(test_predicted_end_is_not_told_at_finish),
		WITH_RIG(test_inferred_time_wait_of_closing),
		WITH_RIG(test_closing_with_error_is_no_time_wait),
		WITH_RIG(test_closing_unacknowledged_is_no_time_wait),
		WITH_RIG(test_inferred_orphan),
		WITH_RIG(test_fin_wait2_that_is_no_orphan),
		WITH_RIG(test_predicted_end_of_an_orphan),
		WITH_RIG(test_rearm_of_an_unknown_one),
		WITH_RIG(test_rearm_of_an_unknown_one_is_mini),
		WITH_RIG(test_kill_of_an_unknown_one),
		WITH_RIG(test_add_of_an_unknown_one),
		WITH_RIG(test_time_wait_after_a_loss),
		WITH_RIG(test_rearm_after_a_loss),
		WITH_RIG(test_kill_after_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

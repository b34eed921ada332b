// SPDX-License-Identifier: GPL-2.0
/*
 * The logical stream: whole connections, the port of an active open, the lives of
 * a socket, and what is said of one that is seen from its middle on.
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

/* ---- whole streams ---- */

static void test_passive_close_of_a_client(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(100, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ,
		      .rcv_nxt = 701),
	     STATE(150, C, CLOSE_WAIT, LAST_ACK, NC, .write_seq = 800,
		   .rcv_nxt = 701, .rcv_wup = 701),
	     STATE(160, C, LAST_ACK, CLOSE, ORPHAN));
	until(r, 1000);
	TELLS(r, TOLD_NC(ESTABLISHED, CLOSE_WAIT, 90),
	      TOLD_NC(CLOSE_WAIT, LAST_ACK, 50),
	      TOLD_NC(LAST_ACK, CLOSE, 10, .reason = REASON_FIN));
	assert_int_equal(r->n_lines, 1);
	assert_int_equal(r->lines[0].conn.first, FIRST_PEER);
	assert_int_equal(r->lines[0].conn.kind, KIND_FOUR_SEGMENT);
	assert_int_equal(conn_closing(&r->lines[0].conn)->fin_peer, 700);
	assert_int_equal(conn_closing(&r->lines[0].conn)->fin_local, 800);
	assert_int_equal(stats_of(r).captured, 6);
	assert_int_equal(r->n_raw, 6);
	FINISH_EMPTY(r);
}

/* F21: our FIN carried the ACK of the peer's. */
static void test_passive_close_in_three_segments(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(100, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ),
	     STATE(100, C, CLOSE_WAIT, LAST_ACK, NC, .rcv_nxt = 701,
		   .rcv_wup = 700),
	     STATE(110, C, LAST_ACK, CLOSE, ORPHAN));
	until(r, 1000);
	assert_int_equal(r->lines[0].conn.kind, KIND_THREE_SEGMENT);
	FINISH_EMPTY(r);
}

static void test_refused(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 0, C, NC),
	     STATE(5, C, SYN_SENT, CLOSE, SOFTIRQ, .sk_err = ECONNREFUSED));
	until(r, 1000);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN),
	      TOLD_NC(SYN_SENT, CLOSE, 5, .reason = REASON_REFUSED));
	assert_int_equal(r->lines[0].conn.kind, KIND_REFUSED);
	assert_int_equal(r->lines[0].conn.first, FIRST_NONE);
	FINISH_EMPTY(r);
}

static void test_no_port(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC),
	     STATE(0, C, SYN_SENT, CLOSE, NC, .family = 2));
	until(r, 1000);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN),
	      TOLD_NC(SYN_SENT, CLOSE, 0, .reason = REASON_NO_PORT));
	FINISH_EMPTY(r);
}

static void test_simultaneous_open(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 0, C, NC),
	     STATE(5, C, SYN_SENT, SYN_RECV, SOFTIRQ),
	     STATE(9, C, SYN_RECV, ESTABLISHED, SOFTIRQ));
	until(r, 1000);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN),
	      TOLD_NC(SYN_SENT, SYN_RECV, 5),
	      TOLD_NC(SYN_RECV, ESTABLISHED, 4));
	FINISH(r);
}

/* The end of a simultaneous open is its own, not that of a child. */
static void test_simultaneous_open_fails(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 0, C, NC),
	     STATE(5, C, SYN_SENT, SYN_RECV, SOFTIRQ),
	     STATE(9, C, SYN_RECV, CLOSE, SOFTIRQ, .sk_err = ECONNREFUSED));
	until(r, 1000);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN),
	      TOLD_NC(SYN_SENT, SYN_RECV, 5),
	      TOLD_NC(SYN_RECV, CLOSE, 4, .reason = REASON_REFUSED));
	FINISH_EMPTY(r);
}

static void test_listener(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, LISTEN, NC, .sport = 80),
	     STATE(50, C, LISTEN, CLOSE, NC, .sport = 80));
	until(r, 1000);
	TELLS(r, TOLD(C, CLOSE, LISTEN, LISTENER, TRACEPOINT, NO_SPAN,
		      .pid = 100),
	      TOLD(C, LISTEN, CLOSE, LISTENER, TRACEPOINT, 50, .pid = 100,
		   .reason = REASON_CLOSED));
	assert_int_equal(r->n_lines, 0);
	assert_int_equal(stats_of(r).unknown_owner, 0);
	FINISH_EMPTY(r);
}

static void test_self_moves_are_ignored(void **state)
{
	static const uint8_t states[] = {
		TCPSTATE_CLOSE, TCPSTATE_LISTEN, TCPSTATE_FIN_WAIT1,
		TCPSTATE_FIN_WAIT2, TCPSTATE_CLOSING, TCPSTATE_LAST_ACK,
		TCPSTATE_ESTABLISHED,
	};
	struct rig *r = *state;

	to_established(r);
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		struct tcpstate_record rec = STATE(20 + i, C, CLOSE, CLOSE);

		rec.old_state = states[i];
		rec.new_state = states[i];
		feed(r, rec);
		rec.cookie++;
		rec.seq = 0;
		feed(r, rec);
	}
	until(r, 1000);
	TELLS_NOTHING(r);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	assert_null(engine_find(r->engine, C + 1));
	/* The raw stream has them. */
	assert_int_equal(r->n_raw, 3 + 2 * COUNT_OF(states));
	FINISH(r);
}

static void test_mptcp_is_ignored(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, LISTEN, ESTABLISHED, NC, .protocol = 262),
	     STATE(30, C, ESTABLISHED, CLOSE, NC, .protocol = 262),
	     STATE(40, C + 1, CLOSE, SYN_SENT, NC, .protocol = 262));
	until(r, 1000);
	TELLS_NOTHING(r);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	assert_null(engine_find(r->engine, C + 1));
	assert_int_equal(r->n_raw, 6);
	FINISH(r);
}

static void test_illegal_move_is_told_and_counted(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, LAST_ACK, SOFTIRQ));
	until(r, 1000);
	TELLS(r, TOLD_NC(ESTABLISHED, LAST_ACK, 10, .illegal = true));
	assert_int_equal(stats_of(r).illegal, 1);
	FINISH(r);
}

/* ---- the port of an active open ---- */

static void test_port_by_connect(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC));
	until(r, 1);
	/* Not told without its port. */
	TELLS_NOTHING(r);
	PLAY(r, REC(CONNECT, 2, C, NC, .write_seq = 1000));
	until(r, 2);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN, .at = 0));
	assert_int_equal(r->told[0].conn.sport, 40000);
	assert_int_equal(r->told[0].conn.dport, 443);
	assert_true(r->told[0].conn.known & CONN_ISN_LOCAL);
	assert_int_equal(r->told[0].conn.isn_local, 1000);
	FINISH(r);
}

/* The task that connects has lost its processor in between. */
static void test_port_comes_late(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC));
	until(r, 499);
	TELLS_NOTHING(r);
	PLAY(r, REC(CONNECT, 500, C, NC));
	until(r, 500);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN, .at = 0));
	assert_int_equal(r->told[0].conn.sport, 40000);
	FINISH(r);
}

static void test_port_does_not_come(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC));
	until(r, 999);
	TELLS_NOTHING(r);
	until(r, 1000);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN, .at = 0));
	assert_int_equal(r->told[0].conn.sport, 0);
	FINISH(r);
}

static void test_port_without_that_hook(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_ALL & ~SEES_CONNECT);
	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC));
	until(r, 0);
	TELLS(r, TOLD_NC(CLOSE, SYN_SENT, NO_SPAN));
	PLAY(r, STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
	until(r, 10);
	TELLS(r, TOLD_NC(SYN_SENT, ESTABLISHED, 10));
	assert_int_equal(r->told[1].conn.sport, 40000);
	FINISH(r);
}

/* F11: CLOSE -> SYN_SENT may have the port of a former life. */
static void test_stale_port_is_not_told(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC, .sport = 31337),
	     REC(CONNECT, 1, C, NC, .sport = 40001));
	until(r, 100);
	assert_int_equal(r->n_told, 1);
	assert_int_equal(r->told[0].conn.sport, 40001);
	FINISH(r);
}

/* F11: at -> CLOSE the port may be gone. */
static void test_close_keeps_the_port(void **state)
{
	struct rig *r = *state;
	struct tcpstate_record rec = STATE(20, C, ESTABLISHED, CLOSE, SOFTIRQ,
					   .sk_err = ECONNRESET);

	to_established(r);
	rec.sport = 0;
	memset(rec.saddr, 0, sizeof(rec.saddr));
	feed(r, rec);
	until(r, 100);
	assert_int_equal(r->lines[0].conn.sport, 40000);
	assert_int_equal(conn_saddr(&r->lines[0].conn)[0], 10);
	FINISH_EMPTY(r);
}

/* ---- lives ---- */

#define SECOND_LIFE(from, to, span, ...) \
	TOLD(C, from, to, CLIENT, TRACEPOINT, span, .pid = 100, .life = 2, \
	     __VA_ARGS__)

static void test_second_life_after_close(void **state)
{
	struct rig *r = *state;

	to_established(r);
	/* connect(AF_UNSPEC), and a long time later connect() again. */
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE, NC));
	until(r, 100000);
	TELLS(r, TOLD_NC(ESTABLISHED, CLOSE, 10, .reason = REASON_ABORT,
			 .detail = DETAIL_DISCONNECT));
	assert_null(engine_find(r->engine, C));
	PLAY(r, STATE(200000, C, CLOSE, SYN_SENT, NC),
	     REC(CONNECT, 200000, C, NC),
	     STATE(200010, C, SYN_SENT, ESTABLISHED, SOFTIRQ),
	     STATE(200020, C, ESTABLISHED, CLOSE, ORPHAN,
		   .sk_err = ECONNRESET));
	until(r, 300000);
	TELLS(r, SECOND_LIFE(CLOSE, SYN_SENT, NO_SPAN),
	      SECOND_LIFE(SYN_SENT, ESTABLISHED, 10),
	      SECOND_LIFE(ESTABLISHED, CLOSE, 10,
			  .reason = REASON_RST_RECEIVED));
	assert_int_equal(r->n_lines, 2);
	assert_int_equal(r->lines[1].conn.life, 2);
	FINISH_EMPTY(r);
}

/* Its CLOSE was lost: that is told, as inferred, and counted. */
static void test_second_life_while_open(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(500, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 500, C, NC));
	until(r, 1000);
	assert_int_equal(r->n_told - r->checked, 2);
	assert_int_equal(r->told[2].t.new_state, TCPSTATE_CLOSE);
	assert_int_equal(r->told[2].t.reason, REASON_UNKNOWN);
	assert_int_equal(r->told[2].conn.life, 1);
	assert_int_equal(r->told[3].t.new_state, TCPSTATE_SYN_SENT);
	assert_int_equal(r->told[3].conn.life, 2);
	assert_int_equal(stats_of(r).corrected, 1);
	assert_int_equal(r->n_lines, 1);
	FINISH(r);
}

static void test_end_of_an_open_life_is_inferred(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(500, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 500, C, NC));
	until(r, 1000);
	assert_int_equal(r->told[2].t.basis, TCPSTATE_BY_INFERENCE);
	assert_int_equal(stats_of(r).inferred, 1);
	FINISH(r);
}

static void test_connection_then_listener(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE, NC),
	     STATE(30, C, CLOSE, LISTEN, NC, .sport = 80),
	     STATE(40, C, LISTEN, CLOSE, NC, .sport = 80),
	     STATE(50, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 50, C, NC));
	until(r, 1000);
	TELLS(r, TOLD_NC(ESTABLISHED, CLOSE, 10, .reason = REASON_ABORT,
			 .detail = DETAIL_DISCONNECT),
	      TOLD(C, CLOSE, LISTEN, LISTENER, TRACEPOINT, NO_SPAN,
		   .pid = 100, .life = 2),
	      TOLD(C, LISTEN, CLOSE, LISTENER, TRACEPOINT, 10, .pid = 100,
		   .life = 2, .reason = REASON_CLOSED),
	      TOLD(C, CLOSE, SYN_SENT, CLIENT, TRACEPOINT, NO_SPAN,
		   .pid = 100, .life = 3));
	FINISH(r);
}

/* Numbers, times and owner of one life are not those of the next. */
static void test_second_life_inherits_nothing(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, FIN_WAIT1, NC, .write_seq = 77),
	     STATE(30, C, FIN_WAIT1, CLOSE, SOFTIRQ, .sk_err = ECONNRESET),
	     STATE(500, C, CLOSE, SYN_SENT, BY(101, "other")),
	     REC(CONNECT, 500, C, NC, .write_seq = 1000));
	until(r, 600);
	c = conn_of(r, C);
	assert_int_equal(c->life, 2);
	assert_int_equal(conn_origin(c)->pid, 101);
	assert_int_equal(c->known, CONN_ISN_LOCAL);
	assert_int_equal(c->isn_local, 1000);
	assert_int_equal(c->established_ns, 0);
	assert_int_equal(conn_closing(c)->fin_ns, 0);
	assert_int_equal(c->first, FIRST_NONE);
	assert_int_equal(c->kind, KIND_UNKNOWN);
	assert_int_equal(c->born_ns, AT(500));
	FINISH(r);
}

/*
 * shutdown(), TIME_WAIT, connect(AF_UNSPEC), connect(): the mini-socket of
 * the first life and the socket of the second have one cookie.
 */
static void to_life_beside_time_wait(struct rig *r)
{
	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, FIN_WAIT1, NC),
	     STATE(30, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
	     TW_ADD(40, C, TIME_WAIT),
	     STATE(40, C, FIN_WAIT2, CLOSE, SOFTIRQ),
	     STATE(1000, C, CLOSE, SYN_SENT, NC),
	     REC(CONNECT, 1000, C, NC, .sport = 40001),
	     STATE(1010, C, SYN_SENT, ESTABLISHED, SOFTIRQ, .sport = 40001));
	until(r, 2000);
	assert_int_equal(conn_of(r, C)->life, 2);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	r->checked = r->n_told;
}

static void test_end_of_an_old_time_wait_is_not_the_new_life(void **state)
{
	struct rig *r = *state;

	to_life_beside_time_wait(r);
	PLAY(r, TW_KILL(60900, C, TIME_WAIT, BY_TIMER));
	until(r, 62000);
	assert_non_null(engine_find(r->engine, C));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	FINISH(r);
}

static void test_restart_of_an_old_time_wait_is_not_the_new_life(void **state)
{
	struct rig *r = *state;

	to_life_beside_time_wait(r);
	PLAY(r, TW_REARM(3000, C, TIME_WAIT));
	until(r, 4000);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	FINISH(r);
}

/* Two births in a row: the first never was told, and never is. */
static void test_birth_twice_before_the_port(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC),
	     STATE(1, C, CLOSE, SYN_SENT, NC), REC(CONNECT, 2, C, NC));
	until(r, 1000);
	check_broken(r, __FILE__, __LINE__);
	FINISH(r);
}

static void test_late_record_of_a_dead_one(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE, ORPHAN,
		      .sk_err = ECONNRESET),
	     STATE(21, C, ESTABLISHED, FIN_WAIT1, NC),
	     REC(ACCEPT, 22, C, NC), TW_REARM(23, C, TIME_WAIT),
	     REQ_DROP(24, C, 1));
	until(r, 1000);
	TELLS(r, TOLD_NC(ESTABLISHED, CLOSE, 10,
			 .reason = REASON_RST_RECEIVED));
	assert_int_equal(r->n_accepts, 0);
	FINISH_EMPTY(r);
}

/* ---- the middle ---- */

static void test_started_in_the_middle(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, NC),
	     STATE(10, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ));
	until(r, 1000);
	/* No made-up history, no span of what began before. */
	TELLS(r, TOLD(C, ESTABLISHED, FIN_WAIT1, UNKNOWN, TRACEPOINT, NO_SPAN,
		      .pid = 100),
	      TOLD(C, FIN_WAIT1, FIN_WAIT2, UNKNOWN, TRACEPOINT, 10,
		   .pid = 100));
	assert_int_equal(conn_of(r, C)->established_ns, 0);
	assert_int_equal(conn_of(r, C)->born_ns, 0);
	assert_int_equal(stats_of(r).corrected, 0);
	assert_int_equal(stats_of(r).inferred, 0);
	FINISH(r);
}

static void test_accept_in_the_middle(void **state)
{
	struct rig *r = *state;

	PLAY(r, REC(ACCEPT, 0, C, NC), REC(CONNECT, 1, C, NC),
	     REQ_DROP(2, C, 1));
	until(r, 1000);
	TELLS_NOTHING(r);
	assert_int_equal(r->n_accepts, 0);
	FINISH_EMPTY(r);
}

static void test_gap_is_told_and_counted(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(500, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ));
	until(r, 1000);
	assert_int_equal(r->n_told - r->checked, 2);
	assert_int_equal(r->told[2].t.old_state, TCPSTATE_ESTABLISHED);
	assert_int_equal(r->told[2].t.new_state, TCPSTATE_FIN_WAIT1);
	assert_int_equal(r->told[2].t.basis, TCPSTATE_BY_INFERENCE);
	assert_int_equal(r->told[3].t.new_state, TCPSTATE_FIN_WAIT2);
	assert_int_equal(r->told[3].t.basis, TCPSTATE_BY_TRACEPOINT);
	assert_int_equal(stats_of(r).corrected, 1);
	assert_int_equal(stats_of(r).inferred, 1);
	FINISH(r);
}

/* When FIN_WAIT1 was entered is not known: 0 ms would be made up. */
static void test_gap_has_no_span(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(500, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
	     STATE(510, C, FIN_WAIT2, CLOSE, SOFTIRQ, .sk_err = ECONNRESET));
	until(r, 1000);
	assert_int_equal(r->n_told - r->checked, 3);
	assert_false(r->told[3].t.has_span);
	/* From the first move that was seen on, spans are exact again. */
	assert_true(r->told[4].t.has_span);
	assert_int_equal(r->told[4].t.span_ns, MS(10));
	FINISH_EMPTY(r);
}

/* A server is in SYN_RECV again: what it was in before is no LISTEN. */
static void test_gap_back_to_syn_recv(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, 1),
	     STATE(10, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE),
	     STATE(20, C, SYN_RECV, FIN_WAIT1, SOFTIRQ_NO_FILE));
	until(r, 1000);
	check_broken(r, __FILE__, __LINE__);
	FINISH(r);
}

/* A correction to CLOSE is an end: it has a reason, and a line. */
static void test_gap_to_close(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, CLOSE, ESTABLISHED, SOFTIRQ));
	until(r, 1000);
	check_broken(r, __FILE__, __LINE__);
	check_counts(r, __FILE__, __LINE__);
	FINISH(r);
}

/* A mini-socket that a loss took out of TIME_WAIT and back. */
static void test_gap_of_a_mini_socket(void **state)
{
	struct rig *r = *state;

	PLAY(r, TW_ADD(0, C, TIME_WAIT),
	     STATE(10, C, FIN_WAIT2, CLOSING, SOFTIRQ));
	until(r, 1000);
	assert_int_equal(stats_of(r).unconfirmed, 0);
	FINISH(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_passive_close_of_a_client),
		WITH_RIG(test_passive_close_in_three_segments),
		WITH_RIG(test_refused),
		WITH_RIG(test_no_port),
		WITH_RIG(test_simultaneous_open),
		WITH_RIG(test_simultaneous_open_fails),
		WITH_RIG(test_listener),
		WITH_RIG(test_self_moves_are_ignored),
		WITH_RIG(test_mptcp_is_ignored),
		WITH_RIG(test_illegal_move_is_told_and_counted),
		WITH_RIG(test_port_by_connect),
		WITH_RIG(test_port_comes_late),
		WITH_RIG(test_port_does_not_come),
		WITH_RIG(test_port_without_that_hook),
		WITH_RIG(test_stale_port_is_not_told),
		WITH_RIG(test_close_keeps_the_port),
		WITH_RIG(test_second_life_after_close),
		WITH_RIG(test_second_life_while_open),
		WITH_RIG(test_end_of_an_open_life_is_inferred),
		WITH_RIG(test_connection_then_listener),
		WITH_RIG(test_second_life_inherits_nothing),
		WITH_RIG(test_end_of_an_old_time_wait_is_not_the_new_life),
		WITH_RIG(test_restart_of_an_old_time_wait_is_not_the_new_life),
		WITH_RIG(test_birth_twice_before_the_port),
		WITH_RIG(test_late_record_of_a_dead_one),
		WITH_RIG(test_started_in_the_middle),
		WITH_RIG(test_accept_in_the_middle),
		WITH_RIG(test_gap_is_told_and_counted),
		WITH_RIG(test_gap_has_no_span),
		WITH_RIG(test_gap_back_to_syn_recv),
		WITH_RIG(test_gap_to_close),
		WITH_RIG(test_gap_of_a_mini_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

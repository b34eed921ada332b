// SPDX-License-Identifier: GPL-2.0
/*
 * The logical stream as a whole: lives, owners, numbers, losses, bounds, and
 * what holds whatever comes.
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
	assert_int_equal(r->lines[0].conn.fin_peer, 700);
	assert_int_equal(r->lines[0].conn.fin_local, 800);
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

static void test_port_does_not_come(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC));
	until(r, SETTLE_MS - 1);
	TELLS_NOTHING(r);
	until(r, SETTLE_MS);
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
	assert_int_equal(r->lines[0].conn.saddr[0], 10);
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
	assert_int_equal(c->pid, 101);
	assert_int_equal(c->known, CONN_ISN_LOCAL);
	assert_int_equal(c->isn_local, 1000);
	assert_int_equal(c->established_ns, 0);
	assert_int_equal(c->fin_ns, 0);
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

/* ---- owners (F16) ---- */

static void test_bystander_in_softirq(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, ESTABLISHED, CLOSE_WAIT, .tgid = 999,
		      .comm = "bystander", .flags = TCPSTATE_F_HAS_FILE));
	until(r, 100);
	TELLS(r, TOLD(C, ESTABLISHED, CLOSE_WAIT, UNKNOWN, TRACEPOINT,
		      NO_SPAN));
	FINISH(r);
}

/* It only released the lock, and the FIN was in the backlog. */
static void test_bystander_in_backlog(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, ESTABLISHED, CLOSE_WAIT, BY(999, "ss")),
	     STATE(10, C + 1, FIN_WAIT1, FIN_WAIT2, BY(999, "ss")),
	     STATE(20, C + 2, ESTABLISHED, CLOSE, BY(999, "ss"),
		   .sk_err = ECONNABORTED));
	until(r, 1000);
	assert_int_equal(r->n_told, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(r->told[i].conn.pid, 0);
	FINISH(r);
}

static void check_no_owner(struct rig *r, uint32_t flags, uint32_t tgid)
{
	rig_restart(r);
	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, .tgid = tgid,
		      .comm = "x", .flags = flags));
	until(r, 100);
	assert_int_equal(r->n_told, 1);
	assert_int_equal(r->told[0].conn.pid, 0);
	assert_string_equal(r->told[0].conn.comm, "");
	/* The uid is the socket's, in any context. */
	assert_true(r->told[0].conn.has_uid);
	assert_int_equal(r->told[0].conn.uid, 1000);
	FINISH(r);
}

static void test_who_is_no_owner(void **state)
{
	struct rig *r = *state;
	const uint32_t owned = TCPSTATE_F_OWNED | TCPSTATE_F_HAS_FILE;

	check_no_owner(r, owned | TCPSTATE_F_KTHREAD, 100);
	/* Ourselves: a BPF iterator. */
	check_no_owner(r, owned, r->cfg.self);
	check_no_owner(r, owned | TCPSTATE_F_NO_TASK, 100);
	check_no_owner(r, TCPSTATE_F_HAS_FILE, 100);
	check_no_owner(r, TCPSTATE_F_OWNED, 100);
	check_no_owner(r, owned, 0);
}

static void test_owner_by_close(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE_WAIT, LAST_ACK, NC),
	     STATE(0, C + 1, ESTABLISHED, FIN_WAIT1, BY(101, "b")));
	until(r, 100);
	assert_int_equal(conn_of(r, C)->pid, 100);
	assert_string_equal(conn_of(r, C)->comm, "nc");
	assert_int_equal(conn_of(r, C + 1)->pid, 101);
	FINISH(r);
}

/* Who closes last takes nothing over from who has made it. */
static void test_owner_stays(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, FIN_WAIT1, BY(999, "child")));
	until(r, 100);
	TELLS(r, TOLD_NC(ESTABLISHED, FIN_WAIT1, 10));
	FINISH(r);
}

static void test_owner_by_accept(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, 1),
	     STATE(1, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE),
	     REC(ACCEPT, 5, C, BY(100, "httpd"), .cgroup = 77));
	until(r, 100);
	assert_int_equal(conn_of(r, C)->pid, 100);
	assert_true(conn_of(r, C)->accepted);
	assert_int_equal(conn_of(r, C)->accept_ns, AT(5));
	assert_int_equal(conn_of(r, C)->cgroup, 77);
	assert_int_equal(r->n_accepts, 1);
	FINISH(r);
}

static void test_kernel_thread_accepts(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, 1),
	     STATE(1, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE),
	     REC(ACCEPT, 5, C,
		 BY_WITH(33, "nfsd", TCPSTATE_F_KTHREAD)));
	until(r, 100);
	assert_true(conn_of(r, C)->accepted);
	assert_int_equal(conn_of(r, C)->pid, 0);
	FINISH(r);
}

static void test_owner_by_descriptor_table(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .inode = 5));
	until(r, 100);
	engine_set_owner(r->engine, C, 300, "a-name-that-is-too-long");
	assert_int_equal(conn_of(r, C)->pid, 300);
	assert_string_equal(conn_of(r, C)->comm, "a-name-that-is-");
	/* What is known is kept. */
	engine_set_owner(r->engine, C, 301, "other");
	assert_int_equal(conn_of(r, C)->pid, 300);
	engine_set_owner(r->engine, C + 1, 302, "nobody's");
	assert_null(engine_find(r->engine, C + 1));
	FINISH(r);
}

static void test_by_exit(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, FIN_WAIT1,
		      BY_WITH(100, "nc", TCPSTATE_F_EXITING)),
	     STATE(30, C, FIN_WAIT1, CLOSE, ORPHAN, .sk_err = ECONNRESET));
	until(r, 1000);
	TELLS(r, TOLD_NC(ESTABLISHED, FIN_WAIT1, 10),
	      TOLD_NC(FIN_WAIT1, CLOSE, 10, .reason = REASON_RST_RECEIVED,
		      .by_exit = true));
	assert_true(r->lines[0].conn.by_exit);
	FINISH_EMPTY(r);
}

/* The exit of a bystander whom the softirq interrupted. */
static void test_by_exit_of_a_bystander(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE_WAIT, .tgid = 999,
		      .flags = TCPSTATE_F_EXITING | TCPSTATE_F_HAS_FILE),
	     STATE(25, C, CLOSE_WAIT, LAST_ACK, NC),
	     STATE(30, C, LAST_ACK, CLOSE, .tgid = 999,
		   .flags = TCPSTATE_F_EXITING | TCPSTATE_F_DEAD));
	until(r, 1000);
	assert_int_equal(r->n_lines, 1);
	assert_false(r->lines[0].conn.by_exit);
	FINISH_EMPTY(r);
}

/* F19 holds where a task holds the socket, an abort by close included. */
static void test_abort_by_exit(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ),
	     STATE(30, C, CLOSE_WAIT, CLOSE, .shutdown = 3, .rcv_nxt = 10,
		   BY_WITH(100, "nc", TCPSTATE_F_EXITING)));
	until(r, 1000);
	TELLS(r, TOLD_NC(ESTABLISHED, CLOSE_WAIT, 10),
	      TOLD_NC(CLOSE_WAIT, CLOSE, 10, .reason = REASON_ABORT,
		      .detail = DETAIL_UNREAD_DATA, .by_exit = true));
	FINISH_EMPTY(r);
}

static void test_unknown_owner_is_counted(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, ESTABLISHED, CLOSE, ORPHAN,
		      .sk_err = ECONNRESET),
	     STATE(0, C + 1, CLOSE_WAIT, LAST_ACK, NC),
	     STATE(1, C + 1, LAST_ACK, CLOSE, ORPHAN));
	until(r, 1000);
	assert_int_equal(r->n_lines, 2);
	assert_int_equal(stats_of(r).unknown_owner, 1);
	FINISH_EMPTY(r);
}

/* ---- sequence numbers (F20), and addresses ---- */

static void test_sequence_numbers_of_a_client(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	rig_sees(r, SEES_ALL & ~SEES_CONNECT);
	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, NC),
	     /* Data in the SYN was acknowledged; both wrap. */
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ, .snd_una = 3,
		   .bytes_acked = 6, .rcv_nxt = 2, .bytes_received = 4,
		   .total_retrans = 1),
	     STATE(100, C, ESTABLISHED, FIN_WAIT1, NC, .write_seq = 500,
		   .snd_una = 500, .bytes_acked = 503, .rcv_nxt = 902,
		   .bytes_received = 904, .copied_seq = 900),
	     STATE(110, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
	     TW_ADD(120, C, TIME_WAIT, .rcv_nxt = 903, .snd_nxt = 501));
	until(r, 200);
	c = conn_of(r, C);
	assert_int_equal(c->known, CONN_ISN_LOCAL | CONN_ISN_PEER |
				   CONN_FIN_LOCAL | CONN_FIN_PEER);
	assert_int_equal(c->isn_local, (uint32_t)-3);
	assert_int_equal(c->isn_peer, (uint32_t)-3);
	assert_int_equal(c->fin_local, 500);
	assert_int_equal(c->fin_peer, 902);
	assert_int_equal(c->syn_retrans, 1);
	FINISH(r);
}

static void test_sequence_numbers_of_a_server(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	/* A SYN cookie: there was no request to take them from. */
	PLAY(r, STATE(10, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE,
		      .snd_una = 1001, .bytes_acked = 0, .rcv_nxt = 2001,
		      .bytes_received = 0),
	     STATE(20, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ,
		   .snd_una = 1101, .bytes_acked = 100, .rcv_nxt = 2052,
		   .bytes_received = 51),
	     STATE(30, C, CLOSE_WAIT, LAST_ACK, NC, .write_seq = 1201,
		   .rcv_nxt = 2052));
	until(r, 100);
	c = conn_of(r, C);
	assert_int_equal(c->known, CONN_ISN_LOCAL | CONN_ISN_PEER |
				   CONN_FIN_LOCAL | CONN_FIN_PEER);
	assert_int_equal(c->isn_local, 1000);
	assert_int_equal(c->isn_peer, 2000);
	assert_int_equal(c->fin_peer, 2051);
	assert_int_equal(c->fin_local, 1201);
	FINISH(r);
}

/* Of an unknown role, only the peer's is certain. */
static void test_sequence_numbers_in_the_middle(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, NC, .snd_una = 1101,
		      .bytes_acked = 100, .rcv_nxt = 2051,
		      .bytes_received = 50, .write_seq = 1101));
	until(r, 100);
	c = conn_of(r, C);
	assert_int_equal(c->known, CONN_ISN_PEER | CONN_FIN_LOCAL);
	assert_int_equal(c->isn_peer, 2000);
	assert_int_equal(c->fin_local, 1101);
	FINISH(r);
}

static void test_unread_and_bytes(void **state)
{
	struct rig *r = *state;

	to_established(r);
	PLAY(r, STATE(20, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ, .rcv_nxt = 4,
		      .copied_seq = 0xfffffffcU, .bytes_received = 1234,
		      .bytes_acked = 99, .segs_in = 5, .segs_out = 6,
		      .data_segs_in = 3, .data_segs_out = 2));
	until(r, 100);
	assert_int_equal(conn_of(r, C)->unread, 8);
	assert_int_equal(conn_of(r, C)->bytes_in, 1234);
	assert_int_equal(conn_of(r, C)->bytes_out, 99);
	assert_int_equal(conn_of(r, C)->segs_in, 5);
	assert_int_equal(conn_of(r, C)->segs_out, 6);
	assert_int_equal(conn_of(r, C)->data_segs_in, 3);
	assert_int_equal(conn_of(r, C)->data_segs_out, 2);
	FINISH(r);
}

static void set_mapped(uint8_t *a, uint8_t last)
{
	memset(a, 0, 16);
	a[10] = 0xff;
	a[11] = 0xff;
	a[12] = 192;
	a[14] = 2;
	a[15] = last;
}

static void test_v4_mapped_is_v4(void **state)
{
	static const uint8_t local[16] = { 192, 0, 2, 1 };
	static const uint8_t peer[16] = { 192, 0, 2, 9 };
	struct rig *r = *state;
	struct tcpstate_record syn = STATE(0, C, CLOSE, SYN_SENT, NC,
					   .family = 10, .dport = 443);
	struct tcpstate_record est = STATE(10, C, SYN_SENT, ESTABLISHED,
					   SOFTIRQ, .family = 10,
					   .sport = 40000, .dport = 443);

	/* Its own address is still ::. */
	set_mapped(syn.daddr, 9);
	set_mapped(est.daddr, 9);
	set_mapped(est.saddr, 1);
	feed(r, syn);
	feed(r, est);
	until(r, 100);
	assert_int_equal(r->n_told, 2);
	assert_int_equal(r->told[0].conn.family, 4);
	assert_memory_equal(r->told[0].conn.daddr, peer, 16);
	assert_int_equal(r->told[1].conn.family, 4);
	assert_memory_equal(r->told[1].conn.saddr, local, 16);
	assert_memory_equal(r->told[1].conn.daddr, peer, 16);
	FINISH(r);
}

static void test_v6_is_v6(void **state)
{
	struct rig *r = *state;
	struct tcpstate_record rec = STATE(0, C, ESTABLISHED, FIN_WAIT1,
					   .family = 10, .sport = 1,
					   .dport = 2);
	struct tcpstate_record listens = STATE(0, C + 1, CLOSE, LISTEN,
					       .family = 10, .sport = 80);

	memset(rec.saddr, 0x20, 16);
	memset(rec.daddr, 0x21, 16);
	feed(r, rec);
	feed(r, listens);
	until(r, 100);
	assert_int_equal(conn_of(r, C)->family, 6);
	assert_memory_equal(conn_of(r, C)->daddr, rec.daddr, 16);
	assert_int_equal(conn_of(r, C + 1)->family, 6);
	FINISH(r);
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
		assert_int_equal(r->lost, 2 * i);
	}
	FINISH(r);
	assert_int_equal(r->lost, 20);
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

/* ---- whatever comes ---- */

struct rng {
	uint64_t x;
};

static uint64_t rnd(struct rng *g, uint64_t below)
{
	g->x ^= g->x << 13;
	g->x ^= g->x >> 7;
	g->x ^= g->x << 17;
	return (g->x >> 11) % below;
}

static bool chance(struct rng *g, unsigned int percent)
{
	return rnd(g, 100) < percent;
}

static void random_states(struct rng *g, struct tcpstate_record *rec)
{
	static const uint8_t tw[] = { TCPSTATE_FIN_WAIT2, TCPSTATE_TIME_WAIT };

	switch (rec->type) {
	case TCPSTATE_STATE:
		rec->old_state = 1 + rnd(g, 11);
		rec->new_state = 1 + rnd(g, 11);
		break;
	case TCPSTATE_TW_ADD:
	case TCPSTATE_TW_REARM:
		rec->new_state = tw[rnd(g, 2)];
		break;
	case TCPSTATE_TW_KILL:
		rec->old_state = tw[rnd(g, 2)];
		rec->new_state = TCPSTATE_CLOSE;
		break;
	case TCPSTATE_SNAPSHOT:
		rec->new_state = 1 + rnd(g, 12);
		break;
	default:
		rec->old_state = rnd(g, 13);
		rec->new_state = rnd(g, 13);
		break;
	}
}

/* One of the moves that kernels make, rare ones included. */
static void plausible_states(struct rng *g, struct tcpstate_record *rec)
{
#define M(a, b) { TCPSTATE_##a, TCPSTATE_##b }
	static const uint8_t moves[][2] = {
		M(CLOSE, SYN_SENT), M(CLOSE, SYN_SENT), M(CLOSE, LISTEN),
		M(LISTEN, SYN_RECV), M(LISTEN, CLOSE), M(SYN_SENT, SYN_RECV),
		M(SYN_SENT, ESTABLISHED), M(SYN_SENT, ESTABLISHED),
		M(SYN_SENT, CLOSE), M(SYN_RECV, ESTABLISHED),
		M(SYN_RECV, ESTABLISHED), M(SYN_RECV, CLOSE),
		M(SYN_RECV, FIN_WAIT1), M(ESTABLISHED, FIN_WAIT1),
		M(ESTABLISHED, FIN_WAIT1), M(ESTABLISHED, CLOSE_WAIT),
		M(ESTABLISHED, CLOSE), M(FIN_WAIT1, FIN_WAIT2),
		M(FIN_WAIT1, FIN_WAIT2), M(FIN_WAIT1, CLOSING),
		M(FIN_WAIT1, CLOSE), M(FIN_WAIT2, CLOSE),
		M(FIN_WAIT2, CLOSE), M(CLOSE_WAIT, LAST_ACK),
		M(CLOSE_WAIT, CLOSE), M(LAST_ACK, CLOSE), M(CLOSING, CLOSE),
		M(CLOSE, CLOSE), M(LISTEN, LISTEN), M(FIN_WAIT1, FIN_WAIT1),
	};
#undef M
	size_t i = rnd(g, COUNT_OF(moves));

	rec->old_state = moves[i][0];
	rec->new_state = moves[i][1];
}

static const uint32_t some_errors[] = { 0, 0, 0, 0, ECONNRESET, ETIMEDOUT,
					ECONNREFUSED, EPIPE, ECONNABORTED,
					EHOSTUNREACH, 0xffffffffU };

static struct tcpstate_record random_record(struct rng *g, uint64_t now_ns,
					    uint64_t cookies, bool plausible)
{
	struct tcpstate_record rec = { .size = sizeof(rec), .version = 1 };

	rec.type = chance(g, 60) ? TCPSTATE_STATE :
		   1 + rnd(g, TCPSTATE_TYPES - 1);
	rec.cpu = rnd(g, 4);
	rec.mono_ns = now_ns - rnd(g, MS(8));
	rec.cookie = 1 + rnd(g, cookies);
	rec.netns_ino = 1 + rnd(g, 2);
	rec.family = chance(g, 80) ? 2 : 10;
	rec.protocol = chance(g, 97) ? 6 : 262;
	rec.basis = rnd(g, TCPSTATE_BASES);
	rec.flags = rnd(g, 1 << 15);
	rec.sport = rnd(g, 3);
	rec.dport = rnd(g, 3);
	rec.tgid = rnd(g, 4);
	rec.listener = rnd(g, cookies);
	rec.sk_err = some_errors[rnd(g, COUNT_OF(some_errors))];
	rec.linger2 = (int32_t)rnd(g, 3) - 1;
	rec.shutdown = rnd(g, 4);
	rec.snd_una = rnd(g, 3);
	rec.write_seq = rnd(g, 3);
	rec.rcv_nxt = rnd(g, 3);
	rec.copied_seq = rnd(g, 3);
	rec.age_ms = chance(g, 10) ? UINT32_MAX : rnd(g, 100);
	rec.inode = rnd(g, 3);
	rec.timeout_ms = rnd(g, 2) * 1000;
	rec.count = rnd(g, 3);
	if (chance(g, 20))
		rec.daddr[10] = rec.daddr[11] = 0xff;
	if (plausible && rec.type == TCPSTATE_STATE)
		plausible_states(g, &rec);
	else
		random_states(g, &rec);
	return rec;
}

static int count_orphans(void *ctx, const struct conn *conn)
{
	uint64_t *n = ctx;

	*n += conn->mini && conn->state == TCPSTATE_FIN_WAIT2;
	return 0;
}

static void check_invariants(struct rig *r, bool strict)
{
	struct engine_stats stats = stats_of(r);
	uint64_t live, orphans = 0;
	bool strange;

	check_counts(r, __FILE__, __LINE__);
	live = recount(r, ANY_NETNS, 0, &strange);
	assert_true(live <= r->cfg.max_conns);
	assert_true(stats.live <= r->cfg.max_conns);
	engine_each(r->engine, count_orphans, &orphans);
	assert_int_equal(stats.unconfirmed, orphans);
	/* With room for all, nothing is forgotten and no rule is broken. */
	if (strict) {
		assert_int_equal(stats.evicted, 0);
		check_broken(r, __FILE__, __LINE__);
	}
}

struct mix {
	uint64_t seed;
	unsigned int n;
	uint64_t cookies;
	size_t max_conns;
	unsigned int hooks;
	unsigned int settle_ms;
	bool plausible;
};

static void run_mix(struct rig *r, const struct mix *mix)
{
	struct rng g = { mix->seed * 0x9e3779b97f4a7c15ULL + 1 };
	bool strict = mix->max_conns > mix->cookies;
	uint64_t now = AT(0), seqs[4] = { 0 };

	r->cfg.max_conns = mix->max_conns;
	r->cfg.hooks = mix->hooks;
	r->cfg.settle_ns = MS(mix->settle_ms);
	r->cfg.self = 3;
	rig_restart(r);
	for (unsigned int i = 0; i < mix->n; i++) {
		struct tcpstate_record rec;

		now += rnd(&g, MS(3));
		if (chance(&g, 1))
			now += MS(rnd(&g, 30000));
		rec = random_record(&g, now, mix->cookies, mix->plausible);
		seqs[rec.cpu] += 1 + (chance(&g, 2) ? rnd(&g, 5) : 0);
		rec.seq = seqs[rec.cpu];
		assert_int_equal(engine_feed(r->engine, &rec, sizeof(rec)),
				 0);
		if (!chance(&g, 10))
			continue;
		engine_advance(r->engine, now);
		check_invariants(r, strict);
		r->n_told = 0;
	}
	engine_finish(r->engine);
	check_invariants(r, strict);
	assert_int_equal(stats_of(r).malformed, 0);
}

#define N_MIX 4000

static void test_plausible_mix(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100, .hooks = SEES_ALL,
			.settle_ms = SETTLE_MS, .plausible = true };

		run_mix(*state, &mix);
	}
}

static void test_plausible_mix_by_tracepoint_alone(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100, .hooks = SEES_STATE,
			.settle_ms = SETTLE_MS, .plausible = true };

		run_mix(*state, &mix);
	}
}

static void test_plausible_mix_in_little_room(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 40, .max_conns = seed,
			.hooks = seed & 1 ? SEES_ALL : SEES_STATE,
			.settle_ms = SETTLE_MS, .plausible = true };

		run_mix(*state, &mix);
	}
}

static void test_plausible_mix_without_settling(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100, .hooks = SEES_ALL,
			.settle_ms = 0, .plausible = true };

		run_mix(*state, &mix);
	}
}

/* Of what decode lets through, whatever no kernel would say. */
static void test_any_decodable_mix(void **state)
{
	for (uint64_t seed = 1; seed <= 24; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100,
			.hooks = (unsigned int)(seed * 37) & SEES_ALL,
			.settle_ms = SETTLE_MS };

		run_mix(*state, &mix);
	}
}

static void test_any_decodable_mix_in_little_room(void **state)
{
	for (uint64_t seed = 1; seed <= 24; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 40, .max_conns = 1 + seed / 3,
			.hooks = (unsigned int)(seed * 37) & SEES_ALL,
			.settle_ms = SETTLE_MS };

		run_mix(*state, &mix);
	}
}

static void test_random_bytes(void **state)
{
	struct rig *r = *state;
	struct rng g = { 4711 };

	for (unsigned int i = 0; i < 20000; i++) {
		struct tcpstate_record rec;
		uint8_t *bytes = (uint8_t *)&rec;

		for (size_t j = 0; j < sizeof(rec); j++)
			bytes[j] = rnd(&g, 256);
		/* Most of them far enough to be looked at. */
		if (chance(&g, 90)) {
			rec.size = sizeof(rec);
			rec.version = 1;
			rec.type = rnd(&g, TCPSTATE_TYPES + 1);
			rec.cpu = rnd(&g, 10);
			rec.family = 2;
			rec.protocol = 6;
			rec.old_state = rnd(&g, 14);
			rec.new_state = rnd(&g, 14);
			rec.basis = rnd(&g, 5);
			rec.cookie = rnd(&g, 30);
			rec.netns_ino = rnd(&g, 3);
			rec.comm[TCPSTATE_COMM_LEN - 1] = rnd(&g, 2);
		}
		engine_feed(r->engine, &rec, sizeof(rec));
		if (chance(&g, 5))
			engine_advance(r->engine, rnd(&g, UINT64_MAX));
	}
	engine_finish(r->engine);
	check_counts(r, __FILE__, __LINE__);
	assert_true(stats_of(r).malformed > 0);
	assert_true(stats_of(r).captured > 0);
}

/* ---- the order in which the rings are read makes no difference ---- */

#define CROWD 40

static size_t crowd_script(struct tcpstate_record *recs, struct rng *g)
{
	size_t n = 0;

	for (uint64_t i = 0; i < CROWD; i++) {
		uint64_t c = 1000 + i, at = 20 * i;
		struct tcpstate_record script[] = {
			STATE(at, c, CLOSE, SYN_SENT, NC),
			REC(CONNECT, at + 1, c, NC),
			STATE(at + 3, c, SYN_SENT, ESTABLISHED, SOFTIRQ),
			STATE(at + 30, c, ESTABLISHED, FIN_WAIT1, NC),
			STATE(at + 31, c, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
			TW_ADD(at + 32, c, TIME_WAIT),
			STATE(at + 33, c, FIN_WAIT2, CLOSE, SOFTIRQ),
			TW_KILL(at + 50, c, TIME_WAIT, BY_TIMER),
		};

		for (size_t j = 0; j < COUNT_OF(script); j++) {
			/* No two at one time: ties have no order. */
			script[j].mono_ns += i;
			script[j].cpu = rnd(g, 4);
			recs[n++] = script[j];
		}
	}
	return n;
}

static void shuffle(struct tcpstate_record *recs, size_t n, struct rng *g)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = rnd(g, i);
		struct tcpstate_record tmp = recs[i - 1];

		recs[i - 1] = recs[j];
		recs[j] = tmp;
	}
}

static uint64_t told_hash(const struct rig *r)
{
	uint64_t hash = 14695981039346656037ULL;

	for (size_t i = 0; i < r->n_told; i++) {
		const struct told *x = &r->told[i];
		const uint64_t words[] = {
			x->conn.cookie, x->conn.life, x->t.ns, x->t.old_state,
			x->t.new_state, x->t.basis, x->t.span_ns, x->t.reason,
			x->conn.pid, x->conn.sport,
		};

		for (size_t j = 0; j < COUNT_OF(words); j++)
			hash = (hash ^ words[j]) * 1099511628211ULL;
	}
	return hash;
}

static void test_reading_order_makes_no_difference(void **state)
{
	static struct tcpstate_record recs[CROWD * 8];
	struct rig *r = *state;
	uint64_t first = 0;

	for (uint64_t round = 0; round < 20; round++) {
		struct rng g = { 99 + round };
		size_t n = crowd_script(recs, &g);

		rig_restart(r);
		if (round)
			shuffle(recs, n, &g);
		play(r, recs, n);
		until(r, 5000);
		assert_int_equal(r->n_told, CROWD * 6);
		assert_int_equal(r->n_lines, CROWD * 2);
		assert_int_equal(stats_of(r).corrected, 0);
		if (!round)
			first = told_hash(r);
		assert_true(told_hash(r) == first);
		FINISH_EMPTY(r);
	}
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
		WITH_RIG(test_bystander_in_softirq),
		WITH_RIG(test_bystander_in_backlog),
		WITH_RIG(test_who_is_no_owner),
		WITH_RIG(test_owner_by_close),
		WITH_RIG(test_owner_stays),
		WITH_RIG(test_owner_by_accept),
		WITH_RIG(test_kernel_thread_accepts),
		WITH_RIG(test_owner_by_descriptor_table),
		WITH_RIG(test_by_exit),
		WITH_RIG(test_by_exit_of_a_bystander),
		WITH_RIG(test_abort_by_exit),
		WITH_RIG(test_unknown_owner_is_counted),
		WITH_RIG(test_sequence_numbers_of_a_client),
		WITH_RIG(test_sequence_numbers_of_a_server),
		WITH_RIG(test_sequence_numbers_in_the_middle),
		WITH_RIG(test_unread_and_bytes),
		WITH_RIG(test_v4_mapped_is_v4),
		WITH_RIG(test_v6_is_v6),
		WITH_RIG(test_lost_record),
		WITH_RIG(test_jump_of_seq),
		WITH_RIG(test_jump_and_lost_record),
		WITH_RIG(test_lost_is_the_first_of_its_cpu),
		WITH_RIG(test_seq_counts_from_0),
		WITH_RIG(test_first_seq_is_no_jump),
		WITH_RIG(test_nested_disorder_is_no_loss),
		WITH_RIG(test_losses_of_each_cpu),
		WITH_RIG(test_each_later_jump_is_counted),
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
		WITH_RIG(test_plausible_mix),
		WITH_RIG(test_plausible_mix_by_tracepoint_alone),
		WITH_RIG(test_plausible_mix_in_little_room),
		WITH_RIG(test_plausible_mix_without_settling),
		WITH_RIG(test_any_decodable_mix),
		WITH_RIG(test_any_decodable_mix_in_little_room),
		WITH_RIG(test_random_bytes),
		WITH_RIG(test_reading_order_makes_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

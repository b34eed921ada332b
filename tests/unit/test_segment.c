// SPDX-License-Identifier: GPL-2.0
/* Segments that are no move, and what a RST says about an orphan's end. */
#include "records.h"

#define C 7
#define L 9
#define ORPHAN (TCPSTATE_F_DEAD | TCPSTATE_F_NO_TASK)

static void connected(struct rig *r)
{
	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "nc")),
		REC(CONNECT, 0, C, .old_state = TCPSTATE_SYN_SENT,
		    .new_state = TCPSTATE_SYN_SENT, BY(100, "nc")),
		STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
}

static const struct segment *segment(const struct rig *r, size_t n)
{
	assert_true(n < r->n_segments);
	return &r->segments[n];
}

static uint8_t reason_told(const struct rig *r)
{
	assert_true(r->n_told > 0);
	assert_int_equal(r->told[r->n_told - 1].t.new_state, TCPSTATE_CLOSE);
	return r->told[r->n_told - 1].t.reason;
}

static void test_syn_again(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "nc")),
		REC(CONNECT, 0, C, .old_state = TCPSTATE_SYN_SENT,
		    .new_state = TCPSTATE_SYN_SENT, BY(100, "nc")),
		SEGMENT(RETRANSMIT, 1000, C, SYN_SENT, .snd_una = 500,
			.write_seq = 501, .total_retrans = 1),
		SEGMENT(RETRANSMIT, 3000, C, SYN_SENT, .snd_una = 500,
			.write_seq = 501, .total_retrans = 2));
	until(r, 4000);
	assert_int_equal(r->n_segments, 2);
	assert_int_equal(segment(r, 0)->kind, SEGMENT_RETRANSMIT);
	assert_int_equal(segment(r, 0)->flags, SEGMENT_SYN);
	assert_int_equal(segment(r, 0)->seq, 500);
	assert_int_equal(segment(r, 0)->times, 1);
	assert_int_equal(segment(r, 1)->times, 2);
	assert_int_equal(segment(r, 1)->state, TCPSTATE_SYN_SENT);
	assert_int_equal(segment(r, 1)->ns, AT(3000));
	assert_int_equal(conn_of(r, C)->syn_retrans, 2);
}

static void test_synack_again(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, L, .snd_nxt = 801),
		SEGMENT(SYNACK_AGAIN, 1000, C, NEW_SYN_RECV, .listener = L,
			.snd_nxt = 801, .total_retrans = 1));
	until(r, 2000);
	assert_int_equal(r->n_segments, 1);
	assert_int_equal(segment(r, 0)->flags, SEGMENT_SYNACK);
	assert_int_equal(segment(r, 0)->state, TCPSTATE_SYN_RECV);
	assert_int_equal(segment(r, 0)->seq, 800);
	assert_int_equal(conn_of(r, C)->syn_retrans, 1);
}

/* The ACK came before the request had counted its SYN-ACK. */
static void test_synack_again_and_answered_at_once(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, L, .snd_nxt = 801),
		SEGMENT(SYNACK_AGAIN, 1000, C, NEW_SYN_RECV, .listener = L,
			.snd_nxt = 801, .total_retrans = 1),
		STATE(1000, C, SYN_RECV, ESTABLISHED, SOFTIRQ,
		      .total_retrans = 0));
	until(r, 2000);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	assert_int_equal(conn_of(r, C)->syn_retrans, 1);
}

static void test_fin_again(void **state)
{
	struct rig *r = *state;

	connected(r);
	PLAY(r, STATE(20, C, ESTABLISHED, FIN_WAIT1, BY(100, "nc"),
		      .write_seq = 900),
		SEGMENT(RETRANSMIT, 220, C, FIN_WAIT1, .write_seq = 901,
			.total_retrans = 5),
		SEGMENT(RETRANSMIT, 620, C, FIN_WAIT1, .write_seq = 901,
			.total_retrans = 6));
	until(r, 700);
	assert_int_equal(r->n_segments, 2);
	assert_int_equal(segment(r, 1)->flags, SEGMENT_FIN);
	assert_int_equal(segment(r, 1)->seq, 900);
	/* Data that was sent again before is not counted. */
	assert_int_equal(segment(r, 1)->times, 2);
	assert_int_equal(conn_closing(conn_of(r, C))->fin_retrans, 2);
	assert_int_equal(conn_of(r, C)->syn_retrans, 0);
}

static void test_rst_received(void **state)
{
	struct rig *r = *state;

	connected(r);
	PLAY(r, SEGMENT(RST_RECEIVED, 20, C, ESTABLISHED),
		STATE(20, C, ESTABLISHED, CLOSE, SOFTIRQ,
		      .sk_err = 104));
	until(r, 30);
	assert_int_equal(r->n_segments, 1);
	assert_int_equal(segment(r, 0)->kind, SEGMENT_RST_RECEIVED);
	assert_int_equal(segment(r, 0)->state, TCPSTATE_ESTABLISHED);
	assert_int_equal(reason_told(r), REASON_RST_RECEIVED);
}

/* tcp_reset() is called for it as well. */
static void test_late_data_is_no_rst(void **state)
{
	struct rig *r = *state;

	connected(r);
	PLAY(r, STATE(20, C, ESTABLISHED, FIN_WAIT1, BY(100, "nc")),
		SEGMENT(RST_RECEIVED, 30, C, FIN_WAIT1, .shutdown = 3,
			.flags = ORPHAN | TCPSTATE_F_LATE_DATA),
		STATE(30, C, FIN_WAIT1, CLOSE, .shutdown = 3, .sk_err = 104,
		      .flags = ORPHAN | TCPSTATE_F_LATE_DATA),
		SEGMENT(RST_SENT, 30, C, CLOSE, .rst_reason =
			TCPSTATE_RST_TCP_ABORT_ON_DATA));
	until(r, 40);
	assert_int_equal(r->n_segments, 1);
	assert_int_equal(segment(r, 0)->kind, SEGMENT_RST_SENT);
	assert_int_equal(segment(r, 0)->rst_reason,
			 TCPSTATE_RST_TCP_ABORT_ON_DATA);
	assert_int_equal(reason_told(r), REASON_RST_SENT);
}

/* A listener has no peer, and no end of its own comes of it. */
static void test_rst_of_a_listener(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, L, CLOSE, LISTEN, BY(100, "nc"), .sport = 80),
		SEGMENT(RST_SENT, 10, L, LISTEN, .sport = 80, .dport = 5555));
	until(r, 20);
	assert_int_equal(r->n_segments, 1);
	assert_int_equal(r->segment_conns[0].conn.dport, 5555);
	assert_int_equal(conn_daddr(&r->segment_conns[0].conn)[3], 2);
	assert_int_equal(r->segment_conns[0].conn.family, 4);
	assert_int_equal(conn_of(r, L)->dport, 0);
	assert_int_equal(conn_of(r, L)->state, TCPSTATE_LISTEN);
}

static void test_dual_stack_listener_answers_ipv4(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, L, CLOSE, LISTEN, BY(100, "nc"), .sport = 80,
		      .family = 10),
		SEGMENT(RST_SENT, 10, L, LISTEN, .sport = 80, .dport = 5555));
	until(r, 20);
	assert_int_equal(r->segment_conns[0].conn.family, 4);
	assert_int_equal(conn_daddr(&r->segment_conns[0].conn)[0], 10);
	assert_int_equal(conn_of(r, L)->family, 6);
}

static void test_unknown_socket(void **state)
{
	struct rig *r = *state;

	PLAY(r, SEGMENT(RST_SENT, 0, C, ESTABLISHED),
		SEGMENT(RST_RECEIVED, 1, C, ESTABLISHED),
		SEGMENT(RETRANSMIT, 2, C, FIN_WAIT1));
	until(r, 20);
	assert_int_equal(r->n_segments, 0);
	assert_null(engine_find(r->engine, C));
}

static void orphaned(struct rig *r)
{
	connected(r);
	PLAY(r, STATE(20, C, ESTABLISHED, FIN_WAIT1, BY(100, "nc")));
}

#define GIVEN_UP(at) \
	STATE(at, C, FIN_WAIT1, CLOSE, .shutdown = 3, .write_seq = 1, \
	      BY_WITH(100, "nc", TCPSTATE_F_DEAD))

/* tcp_close(): CLOSE first, and then the RST. */
static void test_orphan_limit_at_close(void **state)
{
	struct rig *r = *state;

	orphaned(r);
	PLAY(r, GIVEN_UP(20), SEGMENT(RST_SENT, 21, C, CLOSE));
	until(r, 22);
	assert_int_equal(reason_told(r), REASON_RST_SENT);
	assert_int_equal(r->told[r->n_told - 1].t.detail, DETAIL_ORPHAN_LIMIT);
	assert_int_equal(r->told[r->n_told - 1].t.ns, AT(20));
	assert_int_equal(r->n_lines, 1);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_FIN_WAIT1), 0);
}

/* tcp_out_of_resources(): by a timer, and the RST first. */
static void test_orphan_limit_by_timer(void **state)
{
	struct rig *r = *state;

	orphaned(r);
	PLAY(r, SEGMENT(RST_SENT, 300, C, FIN_WAIT1),
		STATE(300, C, FIN_WAIT1, CLOSE, .flags = ORPHAN,
		      .write_seq = 1));
	until(r, 301);
	assert_int_equal(reason_told(r), REASON_RST_SENT);
	assert_int_equal(r->told[r->n_told - 1].t.detail, DETAIL_ORPHAN_LIMIT);
}

#define FIN_WAIT2_ENDS(at, ...) \
	STATE(at, C, FIN_WAIT1, FIN_WAIT2, .flags = ORPHAN), \
	STATE(at, C, FIN_WAIT2, CLOSE, .shutdown = 3, __VA_ARGS__)

static void check_orphan(struct rig *r, uint8_t reason, uint8_t detail)
{
	until(r, 30 + SETTLE_MS);
	assert_int_equal(reason_told(r), reason);
	assert_int_equal(r->told[r->n_told - 1].t.detail, detail);
}

/* No error, unlike with data that comes before the ACK. */
static void test_data_with_the_ack_of_the_fin(void **state)
{
	struct rig *r = *state;

	orphaned(r);
	PLAY(r, FIN_WAIT2_ENDS(20, .flags = ORPHAN),
		SEGMENT(RST_SENT, 21, C, CLOSE));
	check_orphan(r, REASON_RST_SENT, DETAIL_DATA_AFTER_CLOSE);
}

static void test_data_in_the_backlog_of_close(void **state)
{
	struct rig *r = *state;

	orphaned(r);
	PLAY(r, FIN_WAIT2_ENDS(20, BY_WITH(100, "nc", TCPSTATE_F_DEAD)),
		SEGMENT(RST_SENT, 21, C, CLOSE, .rst_reason =
			TCPSTATE_RST_TCP_ABORT_ON_DATA));
	check_orphan(r, REASON_RST_SENT, DETAIL_DATA_AFTER_CLOSE);
}

static void test_fin_wait2_in_close_without_a_reason(void **state)
{
	struct rig *r = *state;

	orphaned(r);
	PLAY(r, FIN_WAIT2_ENDS(20, BY_WITH(100, "nc", TCPSTATE_F_DEAD)),
		SEGMENT(RST_SENT, 21, C, CLOSE));
	check_orphan(r, REASON_UNKNOWN, DETAIL_NONE);
}

static void test_timer_of_fin_wait2(void **state)
{
	struct rig *r = *state;

	orphaned(r);
	PLAY(r, STATE(25, C, FIN_WAIT1, FIN_WAIT2, .flags = ORPHAN),
		SEGMENT(RST_SENT, 30, C, FIN_WAIT2),
		STATE(30, C, FIN_WAIT2, CLOSE, .shutdown = 3, .flags = ORPHAN));
	check_orphan(r, REASON_TIMEOUT, DETAIL_FIN_WAIT2);
}

static void test_a_rst_before_the_last_move_is_another(void **state)
{
	struct rig *r = *state;

	connected(r);
	PLAY(r, SEGMENT(RST_SENT, 15, C, ESTABLISHED),
		STATE(20, C, ESTABLISHED, FIN_WAIT1, BY(100, "nc")),
		GIVEN_UP(30));
	until(r, 200);
	assert_int_equal(reason_told(r), REASON_UNKNOWN);
}

static void test_given_up_without_a_word(void **state)
{
	struct rig *r = *state;

	orphaned(r);
	PLAY(r, GIVEN_UP(20));
	until(r, 25);
	assert_int_equal(r->told[r->n_told - 1].t.new_state,
			 TCPSTATE_FIN_WAIT1);
	until(r, 20 + SETTLE_MS);
	assert_int_equal(reason_told(r), REASON_UNKNOWN);
}

static void test_without_that_hook_nothing_is_waited_for(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_ALL & ~SEES_RST_SENT);
	orphaned(r);
	PLAY(r, GIVEN_UP(20));
	until(r, 25);
	assert_int_equal(reason_told(r), REASON_UNKNOWN);
}

/*
 * SO_ERROR is read without the lock, and takes the error away between the RST
 * and the CLOSE that it makes.
 */
static void check_error_taken(struct rig *r, uint8_t state, uint8_t reason)
{
	struct tcpstate_record rst = SEGMENT(RST_RECEIVED, 20, C, SYN_SENT,
					     SOFTIRQ);
	struct tcpstate_record end = STATE(20, C, SYN_SENT, CLOSE, SOFTIRQ);

	rig_restart(r);
	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "nc")),
		REC(CONNECT, 0, C, .old_state = TCPSTATE_SYN_SENT,
		    .new_state = TCPSTATE_SYN_SENT, BY(100, "nc")));
	if (state == TCPSTATE_ESTABLISHED)
		feed(r, STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
	rst.old_state = rst.new_state = end.old_state = state;
	feed(r, rst);
	feed(r, end);
	until(r, 1000);
	assert_int_equal(reason_told(r), reason);
}

static void test_error_taken_by_the_program(void **state)
{
	check_error_taken(*state, TCPSTATE_SYN_SENT, REASON_REFUSED);
	check_error_taken(*state, TCPSTATE_ESTABLISHED, REASON_RST_RECEIVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_syn_again),
		WITH_RIG(test_synack_again),
		WITH_RIG(test_synack_again_and_answered_at_once),
		WITH_RIG(test_fin_again),
		WITH_RIG(test_rst_received),
		WITH_RIG(test_late_data_is_no_rst),
		WITH_RIG(test_rst_of_a_listener),
		WITH_RIG(test_dual_stack_listener_answers_ipv4),
		WITH_RIG(test_unknown_socket),
		WITH_RIG(test_data_with_the_ack_of_the_fin),
		WITH_RIG(test_data_in_the_backlog_of_close),
		WITH_RIG(test_fin_wait2_in_close_without_a_reason),
		WITH_RIG(test_timer_of_fin_wait2),
		WITH_RIG(test_orphan_limit_at_close),
		WITH_RIG(test_orphan_limit_by_timer),
		WITH_RIG(test_a_rst_before_the_last_move_is_another),
		WITH_RIG(test_given_up_without_a_word),
		WITH_RIG(test_without_that_hook_nothing_is_waited_for),
		WITH_RIG(test_error_taken_by_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

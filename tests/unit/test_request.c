// SPDX-License-Identifier: GPL-2.0
/*
 * The passive open: SYN_RECV from the SYN on, whatever the child's own
 * records say (F7 - F10).
 */
#include "records.h"

#define L 50	/* cookie of the listener */
#define C 51	/* of the request and its child */

#define HTTPD_LISTENS(at) \
	STATE(at, L, CLOSE, LISTEN, BY(200, "httpd"), .sport = 80)
#define TOLD_LISTEN \
	TOLD(L, CLOSE, LISTEN, LISTENER, TRACEPOINT, NO_SPAN, .pid = 200)
#define TOLD_SYN(...) \
	TOLD(C, LISTEN, SYN_RECV, SERVER, PROBE, NO_SPAN, __VA_ARGS__)
#define CHILD .sport = 80, .dport = 5555
/* What a successful request looks like too, until its child follows. */
#define REQ_GONE(at, added) \
	REQ_DROP(at, C, L, .flags = TCPSTATE_F_NO_TASK | \
		 TCPSTATE_F_PROVISIONAL | (added))

/* A child before 6.18: no peer, and its listener's cookie. */
#define OLD_CHILD(at) \
	STATE(at, L, LISTEN, SYN_RECV, SOFTIRQ_NO_FILE, .sport = 80)
#define NEW_CHILD(at) \
	STATE(at, C, LISTEN, SYN_RECV, SOFTIRQ_NO_FILE, CHILD)

static void check_passive_open(struct rig *r, struct tcpstate_record child)
{
	static const uint8_t peer[16] = { 10, 0, 0, 2 };
	const struct conn *c;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L), REQ_GONE(20, 0));
	feed(r, child);
	PLAY(r, STATE(20, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD));
	until(r, 1000);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.at = 10),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 10,
		   .at = 20));
	/* The listener has not moved. */
	assert_int_equal(conn_of(r, L)->state, TCPSTATE_LISTEN);
	assert_int_equal(conn_of(r, L)->role, ROLE_LISTENER);
	c = conn_of(r, C);
	assert_int_equal(conn_origin(c)->listener, L);
	assert_int_equal(c->sport, 80);
	assert_int_equal(c->dport, 5555);
	assert_memory_equal(conn_daddr(c), peer, 4);
	assert_false(c->syncookie);
	assert_int_equal(c->born_ns, AT(10));
	assert_int_equal(c->established_ns, AT(20));
	assert_int_equal(count_of(r, NETNS, TCPSTATE_LISTEN), 1);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_ESTABLISHED), 1);
	assert_int_equal(stats_of(r).illegal, 0);
	assert_int_equal(stats_of(r).inferred, 0);
	FINISH(r);
}

static void test_child_under_its_listeners_cookie(void **state)
{
	check_passive_open(*state, OLD_CHILD(20));
}

static void test_child_under_its_own_cookie(void **state)
{
	check_passive_open(*state, NEW_CHILD(20));
}

static void test_whole_passive_close(void **state)
{
	struct rig *r = *state;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L), REQ_GONE(20, 0),
	     OLD_CHILD(20),
	     STATE(20, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD),
	     REC(ACCEPT, 25, C, CHILD, BY(201, "httpd-worker"),
		 .old_state = TCPSTATE_ESTABLISHED,
		 .new_state = TCPSTATE_ESTABLISHED),
	     STATE(100, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ, CHILD),
	     STATE(130, C, CLOSE_WAIT, LAST_ACK, BY(201, "httpd-worker"),
		   CHILD),
	     STATE(131, C, LAST_ACK, CLOSE,
		   SOFTIRQ_WITH(TCPSTATE_F_DEAD), CHILD),
	     STATE(200, L, LISTEN, CLOSE, BY(200, "httpd"), .shutdown = 3,
		   .sport = 80));
	until(r, 1000);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 10),
	      TOLD(C, ESTABLISHED, CLOSE_WAIT, SERVER, TRACEPOINT, 80,
		   .pid = 201),
	      TOLD(C, CLOSE_WAIT, LAST_ACK, SERVER, TRACEPOINT, 30,
		   .pid = 201),
	      TOLD(C, LAST_ACK, CLOSE, SERVER, TRACEPOINT, 1, .pid = 201,
		   .reason = REASON_FIN),
	      TOLD(L, LISTEN, CLOSE, LISTENER, TRACEPOINT, 200, .pid = 200,
		   .reason = REASON_CLOSED));
	assert_int_equal(r->n_accepts, 1);
	assert_int_equal(conn_origin(&r->accepts[0].conn)->pid, 201);
	/* One line for the connection, none for the listener. */
	assert_int_equal(r->n_lines, 1);
	assert_true(r->lines[0].ended);
	assert_int_equal(r->lines[0].conn.first, FIRST_PEER);
	assert_int_equal(r->lines[0].conn.accept_ns, AT(25));
	assert_int_equal(conn_closing(&r->lines[0].conn)->peer_fin_ns, AT(100));
	assert_int_equal(conn_closing(&r->lines[0].conn)->fin_ns, AT(130));
	assert_int_equal(conn_end_ns(&r->lines[0].conn), AT(131));
	FINISH_EMPTY(r);
}

static void test_loser_of_the_child_race(void **state)
{
	struct rig *r = *state;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L), REQ_GONE(20, 0),
	     OLD_CHILD(20), OLD_CHILD(20),
	     STATE(20, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD),
	     STATE(21, C, SYN_RECV, CLOSE, SOFTIRQ_NO_FILE, .cpu = 1, CHILD));
	until(r, 1000);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 10));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	assert_int_equal(r->n_lines, 0);
	FINISH(r);
}

/* The loser is done before the winner is established. */
static void test_loser_of_the_child_race_is_first(void **state)
{
	struct rig *r = *state;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L), NEW_CHILD(20),
	     NEW_CHILD(20),
	     STATE(20, C, SYN_RECV, CLOSE, SOFTIRQ_NO_FILE, .cpu = 1, CHILD),
	     REQ_GONE(21, 0),
	     STATE(22, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD));
	until(r, 1000);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 12));
	FINISH(r);
}

static void test_synack_timeout(void **state)
{
	struct rig *r = *state;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L),
	     REQ_DROP(63010, C, L, BY_TIMER, .total_retrans = 5));
	until(r, 63010 + SETTLE_MS);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, CLOSE, SERVER, PROBE, 63000,
		   .reason = REASON_TIMEOUT, .detail = DETAIL_SYNACK,
		   .at = 63010));
	assert_int_equal(r->n_lines, 1);
	assert_true(r->lines[0].ended);
	assert_int_equal(r->lines[0].conn.kind, KIND_TIMEOUT);
	assert_int_equal(r->lines[0].conn.syn_retrans, 5);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_SYN_RECV), 0);
	FINISH(r);
}

static void test_provisional_drop_waits(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(10, C, L), REQ_GONE(63010, TCPSTATE_F_TIMER));
	until(r, 63010 + SETTLE_MS - 1);
	/* It may still prove to be a success. */
	TELLS(r, TOLD_SYN(.pid = 0));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_SYN_RECV);
	until(r, 63010 + SETTLE_MS);
	TELLS(r, TOLD(C, SYN_RECV, CLOSE, SERVER, TRACEPOINT, 63000,
		      .reason = REASON_TIMEOUT, .detail = DETAIL_SYNACK,
		      .at = 63010));
	FINISH_EMPTY(r);
}

static void test_drop_then_established_is_no_drop(void **state)
{
	struct rig *r = *state;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L),
	     REQ_GONE(20, TCPSTATE_F_TIMER));
	until(r, 20 + SETTLE_MS - 1);
	PLAY(r, STATE(20 + SETTLE_MS - 1, C, SYN_RECV, ESTABLISHED,
		      SOFTIRQ_NO_FILE, CHILD));
	until(r, 5000);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT,
		   10 + SETTLE_MS - 1));
	assert_int_equal(r->n_lines, 0);
	FINISH(r);
}

/* RST, ICMP or ss -K: no timer, no child. */
static void test_drop_without_timer(void **state)
{
	struct rig *r = *state;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L),
	     REQ_DROP(15, C, L, SOFTIRQ_NO_FILE));
	until(r, 1000);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, CLOSE, SERVER, PROBE, 5,
		   .reason = REASON_UNKNOWN));
	FINISH(r);
}

static void test_drop_is_decided_at_finish(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(10, C, L), REQ_DROP(20, C, L, BY_TIMER));
	FINISH_EMPTY(r);
	TELLS(r, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, CLOSE, SERVER, PROBE, 10,
		   .reason = REASON_TIMEOUT, .detail = DETAIL_SYNACK));
}

/* By timer tracepoints each SYN-ACK is a cancel and a start. */
static void test_provisional_drop_then_add_is_a_restart(void **state)
{
	const uint32_t flags = TCPSTATE_F_NO_TASK | TCPSTATE_F_TIMER |
			       TCPSTATE_F_PROVISIONAL;
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, L),
	     REQ_DROP(1000, C, L, .flags = flags),
	     REQ_ADD(1000, C, L, .total_retrans = 1),
	     REQ_DROP(3000, C, L, .flags = flags, .total_retrans = 1),
	     REQ_ADD(3000, C, L, .total_retrans = 2));
	until(r, 4000);
	TELLS(r, TOLD_SYN(.pid = 0));
	assert_int_equal(conn_of(r, C)->syn_retrans, 2);
	assert_int_equal(conn_of(r, C)->born_ns, AT(0));
	PLAY(r, REQ_DROP(7000, C, L, .flags = flags, .total_retrans = 2));
	until(r, 8000);
	TELLS(r, TOLD(C, SYN_RECV, CLOSE, SERVER, TRACEPOINT, 7000,
		      .reason = REASON_TIMEOUT, .detail = DETAIL_SYNACK,
		      .at = 7000));
	FINISH_EMPTY(r);
}

/* reuseport migration: a second request_sock with the same cookie (F10). */
static void test_cloned_request_is_the_same_connection(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, L), REQ_ADD(500, C, L + 1),
	     REQ_GONE(600, 0),
	     STATE(600, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD));
	until(r, 2000);
	TELLS(r, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 600));
	FINISH(r);
}

static void test_syn_cookie(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, HTTPD_LISTENS(0), OLD_CHILD(20),
	     STATE(20, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD));
	until(r, 1000);
	TELLS(r, TOLD_LISTEN,
	      TOLD(C, LISTEN, SYN_RECV, SERVER, INFERENCE, NO_SPAN),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, NO_SPAN));
	c = conn_of(r, C);
	assert_true(c->syncookie);
	/* When its SYN came is not known. */
	assert_int_equal(c->born_ns, 0);
	assert_int_equal(stats_of(r).inferred, 1);
	FINISH(r);
}

/* Without the hook, that no request was seen proves nothing. */
static void test_no_request_hook_is_no_syn_cookie(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_ALL & ~(SEES_REQ_ADD | SEES_REQ_DROP));
	PLAY(r, OLD_CHILD(20),
	     STATE(20, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD));
	until(r, 1000);
	TELLS(r, TOLD(C, LISTEN, SYN_RECV, SERVER, INFERENCE, NO_SPAN),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, NO_SPAN));
	assert_false(conn_of(r, C)->syncookie);
	FINISH(r);
}

/* F14: closed by the program before the third segment. */
static void test_fast_open_child(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, OLD_CHILD(20),
	     STATE(30, C, SYN_RECV, FIN_WAIT1, CHILD,
		   BY_WITH(200, "httpd", TCPSTATE_F_FASTOPEN)));
	until(r, 1000);
	TELLS(r, TOLD(C, LISTEN, SYN_RECV, SERVER, INFERENCE, NO_SPAN),
	      TOLD(C, SYN_RECV, FIN_WAIT1, SERVER, TRACEPOINT, NO_SPAN));
	c = conn_of(r, C);
	assert_true(c->fastopen);
	assert_int_equal(stats_of(r).illegal, 0);
	FINISH(r);
}

/* Its request is in no hash: that none was seen is no SYN cookie (F7). */
static void test_fast_open_child_is_no_syn_cookie(void **state)
{
	struct rig *r = *state;

	PLAY(r, OLD_CHILD(20),
	     STATE(30, C, SYN_RECV, ESTABLISHED, CHILD,
		   SOFTIRQ_WITH(TCPSTATE_F_FASTOPEN)));
	until(r, 1000);
	assert_true(conn_of(r, C)->fastopen);
	assert_false(conn_of(r, C)->syncookie);
	FINISH(r);
}

static void test_sequence_numbers_of_a_request(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, REQ_ADD(0, C, L, .rcv_nxt = 1, .snd_nxt = 5001));
	until(r, 10);
	c = conn_of(r, C);
	assert_true(c->known & CONN_ISN_PEER);
	assert_true(c->known & CONN_ISN_LOCAL);
	assert_int_equal(c->isn_peer, 0);
	assert_int_equal(c->isn_local, 5000);
	FINISH(r);
}

/* The FIN comes with, or before, the third segment. */
static void test_fin_in_syn_recv(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, L), REQ_GONE(10, 0),
	     STATE(10, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD),
	     STATE(10, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ_NO_FILE, CHILD));
	until(r, 1000);
	TELLS(r, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 10),
	      TOLD(C, ESTABLISHED, CLOSE_WAIT, SERVER, TRACEPOINT, 0));
	FINISH(r);
}

static void test_drop_of_an_unknown_request(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_DROP(10, C, L, BY_TIMER));
	until(r, 1000);
	TELLS_NOTHING(r);
	FINISH_EMPTY(r);
}

/* TCP_DEFER_ACCEPT: the request outlives the third segment. */
static void test_deferred_accept_is_timed_from_the_syn(void **state)
{
	struct rig *r = *state;

	PLAY(r, REQ_ADD(0, C, L), REQ_GONE(3000, 0), OLD_CHILD(3000),
	     STATE(3000, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD));
	until(r, 4000);
	TELLS(r, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 3000));
	FINISH(r);
}

static void test_unaccepted_child_of_a_closing_listener(void **state)
{
	struct rig *r = *state;

	PLAY(r, HTTPD_LISTENS(0), REQ_ADD(10, C, L), REQ_GONE(20, 0),
	     OLD_CHILD(20),
	     STATE(20, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE, CHILD),
	     STATE(90, L, LISTEN, CLOSE, BY(200, "httpd"), .shutdown = 3,
		   .sport = 80),
	     STATE(90, C, ESTABLISHED, CLOSE, SOFTIRQ_NO_FILE, CHILD));
	until(r, 1000);
	TELLS(r, TOLD_LISTEN, TOLD_SYN(.pid = 0),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 10),
	      TOLD(L, LISTEN, CLOSE, LISTENER, TRACEPOINT, 90, .pid = 200,
		   .reason = REASON_CLOSED),
	      TOLD(C, ESTABLISHED, CLOSE, SERVER, TRACEPOINT, 70,
		   .reason = REASON_ABORT, .detail = DETAIL_LISTENER_CLOSED));
	FINISH_EMPTY(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_child_under_its_listeners_cookie),
		WITH_RIG(test_child_under_its_own_cookie),
		WITH_RIG(test_whole_passive_close),
		WITH_RIG(test_loser_of_the_child_race),
		WITH_RIG(test_loser_of_the_child_race_is_first),
		WITH_RIG(test_synack_timeout),
		WITH_RIG(test_provisional_drop_waits),
		WITH_RIG(test_drop_then_established_is_no_drop),
		WITH_RIG(test_drop_without_timer),
		WITH_RIG(test_drop_is_decided_at_finish),
		WITH_RIG(test_provisional_drop_then_add_is_a_restart),
		WITH_RIG(test_cloned_request_is_the_same_connection),
		WITH_RIG(test_syn_cookie),
		WITH_RIG(test_no_request_hook_is_no_syn_cookie),
		WITH_RIG(test_fast_open_child),
		WITH_RIG(test_fast_open_child_is_no_syn_cookie),
		WITH_RIG(test_sequence_numbers_of_a_request),
		WITH_RIG(test_fin_in_syn_recv),
		WITH_RIG(test_drop_of_an_unknown_request),
		WITH_RIG(test_deferred_accept_is_timed_from_the_syn),
		WITH_RIG(test_unaccepted_child_of_a_closing_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets older than the tool: what a dump tells, merged with what the hooks
 * tell at the same time.
 */
#include "records.h"

#define L 50
#define C 51

static void test_snapshot_tells_no_history(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .inode = 900, .rqueue = 3,
			 .wqueue = 4, .cgroup = 77));
	until(r, 100);
	TELLS_NOTHING(r);
	c = conn_of(r, C);
	assert_true(c->snapshot);
	assert_int_equal(c->basis, TCPSTATE_BY_SNAPSHOT);
	assert_int_equal(c->state, TCPSTATE_ESTABLISHED);
	assert_int_equal(c->inode, 900);
	assert_int_equal(c->rqueue, 3);
	assert_int_equal(c->wqueue, 4);
	assert_int_equal(conn_origin(c)->cgroup, 77);
	assert_true(c->has_uid);
	assert_int_equal(conn_origin(c)->uid, 1000);
	assert_int_equal(conn_origin(c)->pid, 0);
	assert_int_equal(c->born_ns, 0);
	assert_int_equal(c->established_ns, 0);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_ESTABLISHED), 1);
	/* It is no captured record. */
	assert_int_equal(stats_of(r).captured, 0);
	assert_int_equal(r->n_raw, 0);
	assert_int_equal(stats_of(r).lost, 0);
	FINISH(r);
}

static void test_each_state(void **state)
{
	struct rig *r = *state;

	for (unsigned int s = 1; s < TCPSTATE_STATES; s++) {
		struct tcpstate_record rec = SNAPSHOT(0, 100 + s, CLOSE);

		rec.new_state = s;
		feed(r, rec);
	}
	until(r, 100);
	TELLS_NOTHING(r);
	for (unsigned int s = 1; s < TCPSTATE_NEW_SYN_RECV; s++) {
		uint32_t n = s == TCPSTATE_SYN_RECV ? 2 :
			     s == TCPSTATE_CLOSE ? 0 : 1;

		assert_int_equal(count_of(r, NETNS, s), n);
		if (n)
			assert_int_equal(conn_of(r, 100 + s)->state, s);
	}
	/* A request_sock is SYN_RECV. */
	assert_int_equal(conn_of(r, 100 + TCPSTATE_NEW_SYN_RECV)->state,
			 TCPSTATE_SYN_RECV);
	assert_null(engine_find(r->engine, 100 + TCPSTATE_CLOSE));
	FINISH(r);
}

static void test_snapshot_then_live_moves(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .inode = 900),
	     STATE(50, C, ESTABLISHED, FIN_WAIT1, BY(100, "nc")),
	     STATE(60, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
	     TW_ADD(70, C, TIME_WAIT),
	     STATE(70, C, FIN_WAIT2, CLOSE, SOFTIRQ),
	     TW_KILL(61000, C, TIME_WAIT, BY_TIMER));
	until(r, 62000);
	TELLS(r,
	      TOLD(C, ESTABLISHED, FIN_WAIT1, UNKNOWN, TRACEPOINT, NO_SPAN,
		   .pid = 100),
	      TOLD(C, FIN_WAIT1, FIN_WAIT2, UNKNOWN, TRACEPOINT, 10,
		   .pid = 100),
	      TOLD(C, FIN_WAIT2, TIME_WAIT, UNKNOWN, PROBE, 10, .pid = 100),
	      TOLD(C, TIME_WAIT, CLOSE, UNKNOWN, PROBE, 60930, .pid = 100,
		   .reason = REASON_TW_EXPIRED));
	assert_int_equal(stats_of(r).corrected, 0);
	FINISH_EMPTY(r);
}

/* The dump is slower than the socket: the hook saw what came before. */
static void test_snapshot_shows_what_came_just_after(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, CLOSE_WAIT),
	     STATE(5, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ),
	     STATE(50, C, CLOSE_WAIT, LAST_ACK, BY(100, "nc")));
	until(r, 100);
	TELLS(r, TOLD(C, ESTABLISHED, CLOSE_WAIT, UNKNOWN, TRACEPOINT,
		      NO_SPAN),
	      TOLD(C, CLOSE_WAIT, LAST_ACK, UNKNOWN, TRACEPOINT, 45,
		   .pid = 100));
	assert_int_equal(stats_of(r).corrected, 0);
	FINISH(r);
}

/* A birth that the hook saw, and a dump that was taken before it moved on. */
static void test_live_birth_then_stale_snapshot(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "nc")),
	     REC(CONNECT, 0, C, BY(100, "nc")),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ),
	     SNAPSHOT(20, C, SYN_SENT, .inode = 900));
	until(r, 100);
	TELLS(r, TOLD(C, CLOSE, SYN_SENT, CLIENT, TRACEPOINT, NO_SPAN,
		      .pid = 100),
	      TOLD(C, SYN_SENT, ESTABLISHED, CLIENT, TRACEPOINT, 10,
		   .pid = 100));
	c = conn_of(r, C);
	assert_int_equal(c->state, TCPSTATE_ESTABLISHED);
	assert_false(c->snapshot);
	assert_int_equal(c->inode, 900);
	assert_int_equal(c->life, 1);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_SYN_SENT), 0);
	FINISH(r);
}

/* Attached first: the hook's own record of the birth is stamped later. */
static void test_snapshot_then_its_late_birth(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED),
	     STATE(1, C, CLOSE, SYN_SENT, BY(100, "nc")),
	     REC(CONNECT, 1, C, BY(100, "nc")),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
	until(r, 100);
	TELLS(r, TOLD(C, CLOSE, SYN_SENT, CLIENT, TRACEPOINT, NO_SPAN,
		      .pid = 100),
	      TOLD(C, SYN_SENT, ESTABLISHED, CLIENT, TRACEPOINT, 9,
		   .pid = 100));
	assert_int_equal(conn_of(r, C)->life, 1);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_ESTABLISHED), 1);
	assert_int_equal(stats_of(r).corrected, 0);
	FINISH(r);
}

static void test_snapshot_then_its_late_request(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, NEW_SYN_RECV, .sport = 80),
	     REQ_ADD(1, C, L), REQ_DROP(10, C, L),
	     STATE(10, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE,
		   .sport = 80));
	until(r, 1000);
	TELLS(r, TOLD(C, LISTEN, SYN_RECV, SERVER, PROBE, NO_SPAN),
	      TOLD(C, SYN_RECV, ESTABLISHED, SERVER, TRACEPOINT, 9));
	assert_int_equal(count_of(r, NETNS, TCPSTATE_SYN_RECV), 0);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_ESTABLISHED), 1);
	FINISH(r);
}

static void test_snapshot_of_a_dead_one_is_ignored(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED),
	     STATE(10, C, ESTABLISHED, CLOSE,
		   SOFTIRQ_WITH(TCPSTATE_F_DEAD), .sk_err = 104),
	     SNAPSHOT(11, C, ESTABLISHED));
	until(r, 20);
	assert_null(engine_find(r->engine, C));
	until(r, 1000);
	TELLS(r, TOLD(C, ESTABLISHED, CLOSE, UNKNOWN, TRACEPOINT, NO_SPAN,
		      .reason = REASON_RST_RECEIVED));
	FINISH_EMPTY(r);
}

static void test_roles_by_listener(void **state)
{
	struct rig *r = *state;

	/* The listener is not the first in the dump. */
	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .sport = 80, .dport = 5555),
	     SNAPSHOT(0, C + 1, ESTABLISHED, .sport = 5556, .dport = 80),
	     SNAPSHOT(0, C + 2, CLOSE_WAIT, .sport = 443),
	     SNAPSHOT(0, C + 3, SYN_SENT, .sport = 80),
	     SNAPSHOT(0, C + 4, ESTABLISHED, .sport = 80,
		      .netns_ino = NETNS + 1),
	     SNAPSHOT(0, C + 5, TIME_WAIT, .sport = 80),
	     SNAPSHOT(1, L, LISTEN, .sport = 80),
	     SNAPSHOT(1, L + 100, LISTEN, .sport = 443));
	until(r, 100);
	assert_int_equal(conn_of(r, L)->role, ROLE_LISTENER);
	assert_int_equal(conn_of(r, C)->role, ROLE_SERVER);
	assert_int_equal(conn_origin(conn_of(r, C))->listener, L);
	assert_int_equal(conn_of(r, C + 1)->role, ROLE_UNKNOWN);
	assert_int_equal(conn_of(r, C + 2)->role, ROLE_SERVER);
	assert_int_equal(conn_origin(conn_of(r, C + 2))->listener, L + 100);
	/* Whoever sends a SYN is a client, whatever its port. */
	assert_int_equal(conn_of(r, C + 3)->role, ROLE_CLIENT);
	/* The same port in another network namespace. */
	assert_int_equal(conn_of(r, C + 4)->role, ROLE_UNKNOWN);
	assert_int_equal(conn_of(r, C + 5)->role, ROLE_SERVER);
	FINISH(r);
}

/* New connections of known listeners, and a new listener of known connections. */
static void test_roles_later(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, L, LISTEN, .sport = 80),
	     SNAPSHOT(0, C, ESTABLISHED, .sport = 443, .dport = 5555));
	until(r, 100);
	assert_int_equal(conn_of(r, C)->role, ROLE_UNKNOWN);
	PLAY(r, SNAPSHOT(200, C + 1, ESTABLISHED, .sport = 80, .dport = 5556));
	until(r, 300);
	assert_int_equal(conn_of(r, C + 1)->role, ROLE_SERVER);
	assert_int_equal(conn_origin(conn_of(r, C + 1))->listener, L);
	PLAY(r, SNAPSHOT(400, L + 100, LISTEN, .sport = 443));
	until(r, 500);
	assert_int_equal(conn_of(r, C)->role, ROLE_SERVER);
	assert_int_equal(conn_origin(conn_of(r, C))->listener, L + 100);
	FINISH(r);
}

static void test_listeners_of_one_port(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, L, LISTEN, .family = 2, .sport = 80,
			 .saddr = { 127, 0, 0, 1 }),
	     SNAPSHOT(0, L + 101, LISTEN, .family = 2, .sport = 80,
		      .saddr = { 10, 0, 0, 1 }),
	     SNAPSHOT(0, L + 102, LISTEN, .family = 2, .sport = 81,
		      .saddr = { 127, 0, 0, 1 }),
	     SNAPSHOT(0, L + 103, LISTEN, .family = 10, .sport = 81),
	     /* IPV6_V6ONLY, or the other could not be there. */
	     SNAPSHOT(0, L + 104, LISTEN, .family = 10, .sport = 82),
	     SNAPSHOT(0, L + 105, LISTEN, .family = 2, .sport = 82),
	     SNAPSHOT(0, C + 6, ESTABLISHED, .sport = 82),
	     SNAPSHOT(0, C + 7, ESTABLISHED, .family = 10, .sport = 82,
		      .saddr = { 0x20, 1 }, .dport = 4000),
	     SNAPSHOT(0, C, ESTABLISHED, .sport = 80),
	     SNAPSHOT(0, C + 4, ESTABLISHED, .sport = 81),
	     SNAPSHOT(0, C + 5, ESTABLISHED, .family = 2, .sport = 80,
		      .saddr = { 10, 0, 0, 9 }, .dport = 4000));
	until(r, 100);
	assert_int_equal(conn_origin(conn_of(r, C))->listener, L + 101);
	assert_int_equal(conn_origin(conn_of(r, C + 4))->listener, L + 103);
	assert_int_equal(conn_origin(conn_of(r, C + 6))->listener, L + 105);
	assert_int_equal(conn_origin(conn_of(r, C + 7))->listener, L + 104);
	/* Nobody listens there. */
	assert_int_equal(conn_origin(conn_of(r, C + 5))->listener, 0);
	assert_int_equal(conn_of(r, C + 5)->role, ROLE_UNKNOWN);
	FINISH(r);
}

/* They move while the dump is made: after it came to them, or before. */
static void test_roles_of_what_moves(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, L, LISTEN, .sport = 80));
	until(r, 20);
	PLAY(r, STATE(30, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ, .sport = 80,
		      .dport = 5555),
	     SNAPSHOT(31, C, CLOSE_WAIT, .sport = 80, .dport = 5555));
	until(r, 100);
	PLAY(r, SNAPSHOT(130, C + 1, ESTABLISHED, .sport = 80, .dport = 5556),
	     STATE(131, C + 1, ESTABLISHED, CLOSE_WAIT, SOFTIRQ, .sport = 80,
		   .dport = 5556));
	until(r, 200);
	for (uint64_t id = C; id <= C + 1; id++) {
		assert_int_equal(conn_of(r, id)->role, ROLE_SERVER);
		assert_int_equal(conn_origin(conn_of(r, id))->listener, L);
	}
	FINISH(r);
}

/* It sent a SYN, whoever listens to its port. */
static void test_client_in_the_middle(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, L, LISTEN, .sport = 80));
	until(r, 20);
	PLAY(r, STATE(30, C, SYN_SENT, ESTABLISHED, SOFTIRQ, .sport = 80));
	until(r, 100);
	assert_int_equal(conn_of(r, C)->role, ROLE_CLIENT);
	assert_int_equal(conn_origin(conn_of(r, C))->listener, 0);
	FINISH(r);
}

/* F23: the FIN carried an ACK, so its age bounds that of CLOSE_WAIT. */
static void test_age_of_close_wait(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, SNAPSHOT(0, C, CLOSE_WAIT, .age_ms = 3600000));
	until(r, 100);
	c = conn_of(r, C);
	assert_int_equal(c->state_ns, AT(0) - MS(3600000));
	assert_true(c->snapshot);
	assert_int_equal(c->first, FIRST_PEER);
	FINISH(r);
}

static void test_age_of_other_states_is_not_that(void **state)
{
	struct rig *r = *state;

	/* The last ACK came an hour ago; how old it is, nobody knows. */
	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .age_ms = 3600000));
	until(r, 100);
	assert_int_equal(conn_of(r, C)->state_ns, AT(0));
	FINISH(r);
}

static void test_age_beyond_the_clock(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, CLOSE_WAIT, .age_ms = UINT32_MAX));
	until(r, 100);
	TELLS_NOTHING(r);
	assert_true(conn_of(r, C)->state_ns <= AT(0));
	FINISH(r);
}

/* A bound is no span. */
static void test_old_close_wait_moves_on(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, CLOSE_WAIT, .age_ms = 60000, .inode = 900),
	     STATE(50, C, CLOSE_WAIT, LAST_ACK, BY(100, "nc")),
	     STATE(60, C, LAST_ACK, CLOSE, SOFTIRQ_WITH(TCPSTATE_F_DEAD)));
	until(r, 1000);
	TELLS(r, TOLD(C, CLOSE_WAIT, LAST_ACK, UNKNOWN, TRACEPOINT, NO_SPAN,
		      .pid = 100),
	      TOLD(C, LAST_ACK, CLOSE, UNKNOWN, TRACEPOINT, 10, .pid = 100,
		   .reason = REASON_FIN));
	assert_int_equal(r->lines[0].conn.first, FIRST_PEER);
	FINISH_EMPTY(r);
}

static void test_old_time_wait_ends(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, TIME_WAIT, .age_ms = 20000),
	     TW_KILL(40900, C, TIME_WAIT, BY_TIMER));
	until(r, 1000);
	assert_true(conn_of(r, C)->mini);
	assert_int_equal(conn_of(r, C)->state_ns, AT(0) - MS(20000));
	until(r, 41000);
	TELLS(r, TOLD(C, TIME_WAIT, CLOSE, UNKNOWN, PROBE, NO_SPAN,
		      .reason = REASON_TW_EXPIRED));
	FINISH_EMPTY(r);
}

static void test_old_orphan(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, FIN_WAIT2, .timeout_ms = 30000),
	     TW_REARM(1000, C, TIME_WAIT),
	     TW_KILL(62000, C, TIME_WAIT, BY_TIMER));
	until(r, 100);
	assert_true(conn_of(r, C)->mini);
	until(r, 63000);
	TELLS(r, TOLD(C, FIN_WAIT2, TIME_WAIT, UNKNOWN, PROBE, NO_SPAN),
	      TOLD(C, TIME_WAIT, CLOSE, UNKNOWN, PROBE, 61000,
		   .reason = REASON_TW_EXPIRED));
	FINISH_EMPTY(r);
}

static void test_fresh_dump_brings_queues_and_inode(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, REQ_ADD(0, C, L),
	     STATE(10, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE),
	     STATE(20, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ),
	     SNAPSHOT(100, C, CLOSE_WAIT, .rqueue = 1, .inode = 900,
		      .age_ms = 1, .sport = 80));
	until(r, 200);
	c = conn_of(r, C);
	assert_int_equal(c->rqueue, 1);
	assert_int_equal(c->inode, 900);
	assert_true(c->accepted);
	/* The hook's time is exact: the dump's bound does not replace it. */
	assert_int_equal(c->state_ns, AT(20));
	assert_false(c->snapshot);
	assert_int_equal(c->role, ROLE_SERVER);
	FINISH(r);
}

/* A mini-socket's message has neither uid nor inode. */
static void test_dump_of_a_mini_socket_takes_no_uid_away(void **state)
{
	struct rig *r = *state;
	struct tcpstate_record rec = SNAPSHOT(50, C, TIME_WAIT, .age_ms = 10,
					      .timeout_ms = 59990);

	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, BY(100, "nc")),
	     STATE(10, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
	     TW_ADD(20, C, TIME_WAIT),
	     STATE(20, C, FIN_WAIT2, CLOSE, SOFTIRQ));
	rec.uid = 0;
	feed(r, rec);
	until(r, 200);
	assert_true(conn_of(r, C)->has_uid);
	assert_int_equal(conn_origin(conn_of(r, C))->uid, 1000);
	assert_int_equal(conn_origin(conn_of(r, C))->pid, 100);
	FINISH(r);
}

/*
 * A dump has the time of its beginning, and may show what came a little later:
 * where a hook tells of it, that is waited for.
 */
static void test_dump_before_the_hook(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, BY(100, "nc")),
	     STATE(10, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
	     TW_ADD(20, C, FIN_WAIT2, .timeout_ms = 60000),
	     STATE(20, C, FIN_WAIT2, CLOSE, SOFTIRQ),
	     SNAPSHOT(100, C, TIME_WAIT, .age_ms = 0, .timeout_ms = 60000),
	     TW_REARM(101, C, TIME_WAIT));
	until(r, 300);
	TELLS(r,
	      TOLD(C, ESTABLISHED, FIN_WAIT1, UNKNOWN, TRACEPOINT, NO_SPAN,
		   .pid = 100),
	      TOLD(C, FIN_WAIT1, FIN_WAIT2, UNKNOWN, TRACEPOINT, 10,
		   .pid = 100),
	      TOLD(C, FIN_WAIT2, TIME_WAIT, UNKNOWN, PROBE, 91, .pid = 100));
	assert_int_equal(conn_closing(conn_of(r, C))->tw_restarts, 0);
	FINISH(r);
}

static void test_uid_of_an_old_mini_socket_is_not_known(void **state)
{
	struct rig *r = *state;
	struct tcpstate_record rec = SNAPSHOT(0, C, TIME_WAIT,
					      .timeout_ms = 1000);

	rec.uid = 0;
	feed(r, rec);
	until(r, 200);
	assert_false(conn_of(r, C)->has_uid);
	FINISH(r);
}

static void test_netns_of_its_own(void **state)
{
	struct rig *r = *state;
	const struct engine_counts *counts;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED),
	     SNAPSHOT(0, C + 1, ESTABLISHED, .netns_ino = NETNS + 1),
	     SNAPSHOT(0, C + 2, LISTEN, .netns_ino = NETNS + 1));
	until(r, 100);
	assert_int_equal(engine_get_counts(r->engine, &counts), 2);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_ESTABLISHED), 1);
	assert_int_equal(count_of(r, NETNS + 1, TCPSTATE_ESTABLISHED), 1);
	assert_int_equal(count_of(r, NETNS + 1, TCPSTATE_LISTEN), 1);
	FINISH(r);
}

static void test_twice_is_once(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .rqueue = 1),
	     SNAPSHOT(500, C, ESTABLISHED, .rqueue = 2));
	until(r, 1000);
	TELLS_NOTHING(r);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_ESTABLISHED), 1);
	assert_int_equal(conn_of(r, C)->rqueue, 2);
	FINISH(r);
}

static void test_v4_mapped(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff,
					    [12] = 192, 0, 2, 9 };
	static const uint8_t plain[16] = { 192, 0, 2, 9 };
	struct rig *r = *state;
	struct tcpstate_record rec = SNAPSHOT(0, C, ESTABLISHED, .family = 10,
					      .sport = 80, .dport = 5555);

	memcpy(rec.saddr, mapped, 16);
	memcpy(rec.daddr, mapped, 16);
	feed(r, rec);
	until(r, 100);
	assert_int_equal(conn_of(r, C)->family, 4);
	assert_memory_equal(conn_saddr(conn_of(r, C)), plain, 4);
	assert_memory_equal(conn_daddr(conn_of(r, C)), plain, 4);
	FINISH(r);
}

static size_t dump_once(struct rig *r, uint64_t ms,
			struct tcpstate_record *recs, size_t n)
{
	const uint32_t netns[] = { NETNS };

	engine_dump_begin(r->engine);
	for (size_t i = 0; i < n; i++)
		feed(r, recs[i]);
	until(r, ms + 100);
	return engine_dump_end(r->engine, AT(ms), netns, 1);
}

/* As a run does: a second one where the first leaves a doubt. */
static void dump_at(struct rig *r, uint64_t ms, struct tcpstate_record *recs,
		    size_t n)
{
	if (dump_once(r, ms, recs, n))
		assert_int_equal(dump_once(r, ms, recs, n), 0);
}

#define DUMP(r, ms, ...) \
	dump_at(r, ms, (struct tcpstate_record[]){ __VA_ARGS__ }, \
		sizeof((struct tcpstate_record[]){ __VA_ARGS__ }) / \
		sizeof(struct tcpstate_record))

/* sock_diag may pass over a socket, once. */
static void test_one_dump_alone_mends_nothing(void **state)
{
	struct rig *r = *state;
	struct tcpstate_record shown = SNAPSHOT(100, C, ESTABLISHED);

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "nc")),
	     REC(CONNECT, 0, C, BY(100, "nc")),
	     STATE(1, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
	until(r, 50);
	assert_int_equal(dump_once(r, 100, NULL, 0), 1);
	shown.mono_ns = AT(300);
	assert_int_equal(dump_once(r, 300, &shown, 1), 0);
	assert_int_equal(dump_once(r, 500, NULL, 0), 1);
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_ESTABLISHED);
	assert_int_equal(stats_of(r).corrected, 0);
	assert_int_equal(dump_once(r, 700, NULL, 0), 0);
	assert_int_equal(stats_of(r).corrected, 1);
	FINISH(r);
}

/* The line that TIME_WAIT has is told, though its moves were lost. */
static void test_dump_tells_the_line_of_a_time_wait(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "nc")),
	     REC(CONNECT, 0, C, BY(100, "nc")),
	     STATE(1, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
	until(r, 50);
	DUMP(r, 100, SNAPSHOT(100, C, TIME_WAIT, .age_ms = 10,
			      .timeout_ms = 59990));
	assert_int_equal(conn_of(r, C)->state, TCPSTATE_TIME_WAIT);
	assert_int_equal(r->n_lines, 1);
	assert_false(r->lines[0].ended);
	FINISH(r);
}

/* Two moves and an end were lost; a third connection is as it is told. */
static void test_dump_mends_what_was_lost(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .inode = 1),
	     SNAPSHOT(0, C + 1, ESTABLISHED, .inode = 2),
	     SNAPSHOT(0, C + 2, ESTABLISHED, .inode = 3));
	until(r, 100);
	DUMP(r, 5000, SNAPSHOT(5000, C, CLOSE_WAIT, .inode = 1),
	     SNAPSHOT(5000, C + 2, ESTABLISHED, .inode = 3));
	TELLS(r,
	      TOLD(C, ESTABLISHED, CLOSE_WAIT, UNKNOWN, INFERENCE, NO_SPAN),
	      TOLD(C + 1, ESTABLISHED, CLOSE, UNKNOWN, INFERENCE, NO_SPAN,
		   .reason = REASON_UNKNOWN));
	assert_int_equal(stats_of(r).corrected, 2);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_ESTABLISHED), 1);
	assert_int_equal(count_of(r, NETNS, TCPSTATE_CLOSE_WAIT), 1);
	FINISH(r);
}

/* What moved after the dump was begun may have been read before or after. */
static void test_dump_proves_nothing_of_what_moves(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .inode = 1),
	     SNAPSHOT(0, C + 1, ESTABLISHED, .inode = 2));
	until(r, 100);
	feed(r, STATE(5010, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ));
	feed(r, STATE(5010, C + 1, ESTABLISHED, CLOSE_WAIT, SOFTIRQ));
	DUMP(r, 5000, SNAPSHOT(5001, C, ESTABLISHED, .inode = 1));
	TELLS(r,
	      TOLD(C, ESTABLISHED, CLOSE_WAIT, UNKNOWN, TRACEPOINT, NO_SPAN),
	      TOLD(C + 1, ESTABLISHED, CLOSE_WAIT, UNKNOWN, TRACEPOINT,
		   NO_SPAN));
	assert_int_equal(stats_of(r).corrected, 0);
	FINISH(r);
}

/* A namespace that was not read may still have it; a TIME_WAIT is over. */
/* More sockets than may be held: part of it is taken while it lasts. */
static void test_dump_is_long(void **state)
{
	const uint64_t sockets = 1 << 17;
	const uint32_t netns = NETNS;
	struct rig *r = *state;

	r->cfg.max_conns = 2 * sockets;
	rig_restart(r);
	for (uint64_t dump = 0; dump < 2; dump++) {
		const uint64_t at = 1000 * dump;

		engine_dump_begin(r->engine);
		for (uint64_t i = 0; i < sockets; i++) {
			assert_false(engine_is_crowded(r->engine));
			feed(r, SNAPSHOT(at + 1, 1000 + i, ESTABLISHED,
					 .inode = 900));
		}
		assert_true(engine_is_crowded(r->engine));
		until(r, at + 20);
		assert_false(engine_is_crowded(r->engine));
		assert_int_equal(engine_dump_end(r->engine, AT(at), &netns, 1),
				 0);
	}
	assert_int_equal(stats_of(r).live, sockets);
	assert_int_equal(stats_of(r).corrected, 0);
	assert_int_equal(stats_of(r).evicted, 0);
}

static void test_dump_of_other_namespaces(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .netns_ino = NETNS + 1),
	     SNAPSHOT(0, C + 1, TIME_WAIT, .netns_ino = NETNS + 1));
	until(r, 100);
	DUMP(r, 60000, SNAPSHOT(60000, C + 2, LISTEN));
	TELLS_NOTHING(r);
	DUMP(r, 66000, SNAPSHOT(66000, C + 2, LISTEN));
	TELLS(r, TOLD(C + 1, TIME_WAIT, CLOSE, UNKNOWN, INFERENCE, NO_SPAN,
		      .reason = REASON_UNKNOWN));
	assert_int_equal(count_of(r, NETNS + 1, TCPSTATE_ESTABLISHED), 1);
	FINISH(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_one_dump_alone_mends_nothing),
		WITH_RIG(test_dump_tells_the_line_of_a_time_wait),
		WITH_RIG(test_dump_mends_what_was_lost),
		WITH_RIG(test_dump_proves_nothing_of_what_moves),
		WITH_RIG(test_dump_of_other_namespaces),
		WITH_RIG(test_dump_is_long),
		WITH_RIG(test_snapshot_tells_no_history),
		WITH_RIG(test_each_state),
		WITH_RIG(test_snapshot_then_live_moves),
		WITH_RIG(test_snapshot_shows_what_came_just_after),
		WITH_RIG(test_live_birth_then_stale_snapshot),
		WITH_RIG(test_snapshot_then_its_late_birth),
		WITH_RIG(test_snapshot_then_its_late_request),
		WITH_RIG(test_snapshot_of_a_dead_one_is_ignored),
		WITH_RIG(test_roles_by_listener),
		WITH_RIG(test_roles_later),
		WITH_RIG(test_listeners_of_one_port),
		WITH_RIG(test_roles_of_what_moves),
		WITH_RIG(test_client_in_the_middle),
		WITH_RIG(test_age_of_close_wait),
		WITH_RIG(test_age_of_other_states_is_not_that),
		WITH_RIG(test_age_beyond_the_clock),
		WITH_RIG(test_old_close_wait_moves_on),
		WITH_RIG(test_old_time_wait_ends),
		WITH_RIG(test_old_orphan),
		WITH_RIG(test_fresh_dump_brings_queues_and_inode),
		WITH_RIG(test_dump_of_a_mini_socket_takes_no_uid_away),
		WITH_RIG(test_dump_before_the_hook),
		WITH_RIG(test_uid_of_an_old_mini_socket_is_not_known),
		WITH_RIG(test_netns_of_its_own),
		WITH_RIG(test_twice_is_once),
		WITH_RIG(test_v4_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The arithmetic of RFC 9293 section 3.4 between a connection's numbers, and
 * how many segments its close took.
 */
#include "records.h"

#include "engine/leaks.h"
#include "output/finding_words.h"

#define C 7
#define NC BY(100, "nc")
#define ORPHAN SOFTIRQ_WITH(TCPSTATE_F_DEAD)

/* ISNs 1000 and 2000; the client sends 312 bytes and is sent 20. */
#define OPEN(at) \
	STATE((at), C, CLOSE, SYN_SENT, NC), \
	REC(CONNECT, (at), C, .old_state = TCPSTATE_SYN_SENT, \
	    .new_state = TCPSTATE_SYN_SENT, .write_seq = 1000, NC), \
	STATE((at) + 1, C, SYN_SENT, ESTABLISHED, SOFTIRQ, .snd_una = 1001, \
	      .bytes_acked = 1, .rcv_nxt = 2001)
#define SENT .snd_una = 1313, .write_seq = 1313, .bytes_acked = 313, \
	.data_segs_out = 4, .segs_out = 6
#define ACKED .snd_una = 1314, .write_seq = 1314, .bytes_acked = 314, \
	.data_segs_out = 4, .segs_out = 6
#define RECEIVED .rcv_nxt = 2021, .bytes_received = 20, .data_segs_in = 1
#define WITH_FIN .rcv_nxt = 2022, .bytes_received = 21, .data_segs_in = 1
#define CLOSED(at) STATE((at), C, ESTABLISHED, FIN_WAIT1, NC, SENT, RECEIVED)

static uint64_t bytes(bool (*of)(const struct conn *, uint64_t *),
		      const struct conn *c)
{
	uint64_t n;

	return of(c, &n) ? n : UINT64_MAX;
}

static void test_bytes_are_text(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, OPEN(0), CLOSED(10));
	until(r, 100);
	c = conn_of(r, C);
	assert_int_equal(bytes(conn_bytes_out, c), 312);
	assert_int_equal(bytes(conn_bytes_in, c), 20);
	PLAY(r, STATE(110, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, ACKED, RECEIVED,
		      .segs_in = 3),
	     TW_ADD(120, C, TIME_WAIT, .rcv_nxt = 2022),
	     STATE(120, C, FIN_WAIT2, CLOSE, SOFTIRQ, ACKED, WITH_FIN,
		   .segs_in = 4));
	until(r, 1000);
	c = conn_of(r, C);
	assert_int_equal(bytes(conn_bytes_out, c), 312);
	assert_int_equal(bytes(conn_bytes_in, c), 20);
	assert_int_equal(conn_closing(c)->ack_seq, 2021);
	assert_int_equal(conn_closing(c)->fin_local, 1313);
	assert_int_equal(conn_closing(c)->fin_peer, 2021);
	assert_int_equal(c->contradicts, 0);
	assert_int_equal(c->derived, 0);
	FINISH(r);
}

/* An orphan's mini-socket takes the FIN, which the counter never has. */
static void test_bytes_of_an_orphan(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, OPEN(0), CLOSED(10),
	     STATE(20, C, FIN_WAIT1, FIN_WAIT2, ORPHAN, ACKED, RECEIVED),
	     TW_ADD(20, C, FIN_WAIT2, .rcv_nxt = 2021),
	     STATE(20, C, FIN_WAIT2, CLOSE, ORPHAN, ACKED, RECEIVED),
	     TW_REARM(50, C, TIME_WAIT, .rcv_nxt = 2022));
	until(r, 1000);
	c = conn_of(r, C);
	assert_int_equal(conn_closing(c)->fin_peer, 2021);
	assert_int_equal(bytes(conn_bytes_in, c), 20);
	assert_int_equal(bytes(conn_bytes_out, c), 312);
	FINISH(r);
}

static void test_bytes_before_anything_came(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, OPEN(0));
	until(r, 100);
	c = conn_of(r, C);
	assert_int_equal(bytes(conn_bytes_out, c), 0);
	assert_int_equal(bytes(conn_bytes_in, c), 0);
	FINISH(r);
}

/* Only the counters know of a handshake that nobody saw. */
static void test_derived(void **state)
{
	struct rig *r = *state;
	const struct conn *c;

	PLAY(r, SNAPSHOT(0, C, LISTEN), SNAPSHOT(0, C + 1, ESTABLISHED,
						 .sport = 40000),
	     STATE(10, C + 1, ESTABLISHED, CLOSE_WAIT, SOFTIRQ, .snd_una = 1101,
		   .bytes_acked = 100, .rcv_nxt = 2052, .bytes_received = 51,
		   .snd_nxt = 1101));
	until(r, 100);
	c = conn_of(r, C + 1);
	assert_int_equal(c->derived & CONN_ISN_PEER, CONN_ISN_PEER);
	assert_int_equal(c->derived & CONN_FIN_PEER, 0);
	assert_int_equal(c->isn_peer, 2000);
	FINISH(r);
}

static void check_contradiction(struct rig *r, struct tcpstate_record rec,
				uint8_t what)
{
	rig_restart(r);
	PLAY(r, OPEN(0), CLOSED(10));
	feed(r, rec);
	until(r, 1000);
	assert_int_equal(conn_of(r, C)->contradicts, what);
	FINISH(r);
}

static void test_contradictions(void **state)
{
	struct rig *r = *state;

	check_contradiction(r, STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ,
				     ACKED, RECEIVED), 0);
	/* A number of the peer that nobody counted. */
	check_contradiction(r, STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ,
				     ACKED, .rcv_nxt = 2022,
				     .bytes_received = 20), CONN_ISN_PEER);
	/* A FIN that took no number, or two. */
	check_contradiction(r, STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, SENT,
				     RECEIVED), CONN_FIN_LOCAL);
	check_contradiction(r, STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ,
				     .snd_una = 1315, .bytes_acked = 315,
				     RECEIVED), CONN_FIN_LOCAL);
	check_contradiction(r, STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ,
				     .snd_una = 1314, .bytes_acked = 300,
				     RECEIVED), CONN_ISN_LOCAL);
	/* The second FIN before the ACK of the first one. */
	rig_restart(r);
	PLAY(r, OPEN(0), CLOSED(10),
	     STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, ACKED, RECEIVED),
	     TW_ADD(30, C, TIME_WAIT, .rcv_nxt = 1922),
	     STATE(30, C, FIN_WAIT2, CLOSE, SOFTIRQ, ACKED, .rcv_nxt = 1922,
		   .bytes_received = 21));
	until(r, 1000);
	assert_true(conn_of(r, C)->contradicts & CONN_ACK_SEQ);
	FINISH(r);
	/* TCP_REPAIR sets the numbers. */
	check_contradiction(r, STATE(20, C, FIN_WAIT1, FIN_WAIT2,
				     SOFTIRQ_WITH(TCPSTATE_F_REPAIR),
				     .snd_una = 1314, .rcv_nxt = 9), 0);
}

/* Told once, with the connection; and a move that figure 5 does not have. */
static void test_what_is_not_in_the_rfc_is_a_finding(void **state)
{
	const struct stuck_config cfg = { .now_ns = AT(2000) };
	struct rig *r = *state;
	const struct oddity *list;
	struct finding *findings;
	struct leaks *l = leaks_new(&cfg);
	char words[256];
	size_t n;

	PLAY(r, OPEN(0), CLOSED(10),
	     STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, ACKED, .rcv_nxt = 2022,
		   .bytes_received = 20),
	     STATE(30, C, FIN_WAIT2, CLOSE, SOFTIRQ, ACKED, .sk_err = 104),
	     STATE(0, C + 1, CLOSE, LISTEN, BY(200, "srv")),
	     STATE(50, C + 1, LISTEN, ESTABLISHED, BY(200, "srv")));
	until(r, 1000);
	list = engine_oddities(r->engine, &n);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(leaks_add_oddity(l, &list[i]), 0);
	findings = leaks_findings(l, &n);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(findings[i].rule, RULE_ILLEGAL);
		finding_verdict(&findings[i], words, sizeof(words));
		assert_non_null(strstr(words, findings[i].pid == 200 ?
				       "no move LISTEN -> ESTABLISHED" :
				       "the peer's first number"));
	}
	leaks_free(l);
	/* What was lost in between is told, and nobody's move. */
	rig_restart(r);
	PLAY(r, OPEN(0), STATE(500, C, LAST_ACK, CLOSE, SOFTIRQ));
	until(r, 1000);
	engine_oddities(r->engine, &n);
	assert_int_equal(n, 0);
	assert_true(stats_of(r).illegal > 0);
	rig_restart(r);
}

/* ---- three or four ---- */

static uint8_t kind_told(struct rig *r)
{
	uint8_t kind;

	until(r, 1000);
	kind = conn_of(r, C)->kind;
	FINISH(r);
	return kind;
}

static uint8_t active_kind(struct rig *r, uint32_t segs_fw2, uint32_t fw2,
			   uint32_t segs_end, uint32_t end)
{
	rig_restart(r);
	PLAY(r, OPEN(0), CLOSED(10),
	     STATE(20, C, FIN_WAIT1, FIN_WAIT2, ACKED, RECEIVED,
		   .segs_in = segs_fw2, .flags = TCPSTATE_F_NO_TASK | fw2),
	     TW_ADD(30, C, TIME_WAIT, .rcv_nxt = 2022),
	     STATE(30, C, FIN_WAIT2, CLOSE, ACKED, WITH_FIN,
		   .segs_in = segs_end, .flags = TCPSTATE_F_NO_TASK | end));
	return kind_told(r);
}

static void test_kind_of_who_closed_first(void **state)
{
	struct rig *r = *state;
	const uint32_t owned = TCPSTATE_F_OWNED, ooo = TCPSTATE_F_OOO;

	assert_int_equal(active_kind(r, 5, 0, 6, 0), KIND_FOUR_SEGMENT);
	assert_int_equal(active_kind(r, 5, 0, 5, 0), KIND_THREE_SEGMENT);
	/* Counted when they came, and taken later: it may be two of them. */
	assert_int_equal(active_kind(r, 5, owned, 5, 0), KIND_UNKNOWN);
	assert_int_equal(active_kind(r, 5, 0, 5, owned), KIND_UNKNOWN);
	/* .. but two are two. */
	assert_int_equal(active_kind(r, 5, owned, 6, owned), KIND_FOUR_SEGMENT);
	/* Text came with the FIN: GRO may have joined several segments. */
	rig_restart(r);
	PLAY(r, OPEN(0), CLOSED(10),
	     STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ_NO_FILE, ACKED, RECEIVED,
		   .segs_in = 5),
	     TW_ADD(20, C, TIME_WAIT, .rcv_nxt = 6022),
	     STATE(20, C, FIN_WAIT2, CLOSE, SOFTIRQ_NO_FILE, ACKED,
		   .rcv_nxt = 6022, .bytes_received = 4021, .segs_in = 5));
	assert_int_equal(kind_told(r), KIND_UNKNOWN);
	/* The ACK's own FIN may have waited for what was missing before it. */
	assert_int_equal(active_kind(r, 5, ooo, 6, 0), KIND_UNKNOWN);
}

static uint8_t passive_kind(struct rig *r, uint32_t rcv_wup, uint32_t una,
			    uint32_t nxt)
{
	rig_restart(r);
	PLAY(r, OPEN(0),
	     STATE(10, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ, .snd_una = 1001,
		   .bytes_acked = 1, .snd_nxt = 1001, WITH_FIN),
	     STATE(20, C, CLOSE_WAIT, LAST_ACK, NC, WITH_FIN,
		   .rcv_wup = rcv_wup, .snd_una = una,
		   .bytes_acked = una - 1000, .snd_nxt = nxt,
		   .write_seq = 1313));
	return kind_told(r);
}

static void test_kind_of_who_closed_second(void **state)
{
	struct rig *r = *state;

	assert_int_equal(passive_kind(r, 2022, 1313, 1313), KIND_FOUR_SEGMENT);
	assert_int_equal(passive_kind(r, 2021, 1313, 1313), KIND_THREE_SEGMENT);
	/* What waits before the FIN may carry the ACK, or a timer send it. */
	assert_int_equal(passive_kind(r, 2021, 1001, 1001), KIND_UNKNOWN);
	assert_int_equal(passive_kind(r, 2021, 1001, 1313), KIND_UNKNOWN);
	assert_int_equal(passive_kind(r, 2022, 1001, 1001), KIND_FOUR_SEGMENT);
}

/* ---- the last ACK ---- */

static void test_fin_again_in_time_wait(void **state)
{
	struct rig *r = *state;

	PLAY(r, OPEN(0), CLOSED(10),
	     STATE(20, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, ACKED, RECEIVED),
	     TW_ADD(30, C, TIME_WAIT, .rcv_nxt = 2022),
	     STATE(30, C, FIN_WAIT2, CLOSE, SOFTIRQ, ACKED, WITH_FIN),
	     /* A bare ACK restarts 2MSL as well. */
	     TW_REARM(500, C, TIME_WAIT, .rcv_nxt = 2022),
	     REC(TW_FIN, 1000, C, .old_state = TCPSTATE_TIME_WAIT,
		 .new_state = TCPSTATE_TIME_WAIT, .rcv_nxt = 2022),
	     TW_REARM(1000, C, TIME_WAIT, .rcv_nxt = 2022));
	until(r, 2000);
	assert_int_equal(conn_closing(conn_of(r, C))->tw_restarts, 2);
	assert_int_equal(conn_closing(conn_of(r, C))->tw_fins, 1);
	assert_int_equal(r->n_segments, 1);
	assert_int_equal(r->segments[0].kind, SEGMENT_FIN_RECEIVED);
	assert_int_equal(r->segments[0].seq, 2021);
	assert_int_equal(r->segments[0].ns, AT(1000));
	FINISH(r);
}

/* Of a socket that is connected again, or gone: nobody's. */
static void test_fin_again_for_nobody(void **state)
{
	struct rig *r = *state;

	PLAY(r, REC(TW_FIN, 0, C, .old_state = TCPSTATE_TIME_WAIT,
		    .new_state = TCPSTATE_TIME_WAIT),
	     OPEN(10),
	     REC(TW_FIN, 20, C, .old_state = TCPSTATE_TIME_WAIT,
		 .new_state = TCPSTATE_TIME_WAIT));
	until(r, 1000);
	assert_int_equal(r->n_segments, 0);
	FINISH(r);
}

static void test_keepalive(void **state)
{
	struct rig *r = *state;

	PLAY(r, OPEN(0),
	     STATE(9000, C, ESTABLISHED, CLOSE, SOFTIRQ, .sk_err = 110,
		   .probes_out = 3, .idle_ms = 8000));
	until(r, 9900);
	assert_int_equal(r->n_lines, 1);
	assert_int_equal(conn_closing(&r->lines[0].conn)->probes, 3);
	assert_int_equal(conn_closing(&r->lines[0].conn)->idle_ms, 8000);
	FINISH(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_bytes_are_text),
		WITH_RIG(test_bytes_of_an_orphan),
		WITH_RIG(test_bytes_before_anything_came),
		WITH_RIG(test_derived),
		WITH_RIG(test_contradictions),
		WITH_RIG(test_what_is_not_in_the_rfc_is_a_finding),
		WITH_RIG(test_kind_of_who_closed_first),
		WITH_RIG(test_kind_of_who_closed_second),
		WITH_RIG(test_fin_again_in_time_wait),
		WITH_RIG(test_fin_again_for_nobody),
		WITH_RIG(test_keepalive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

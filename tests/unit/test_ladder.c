// SPDX-License-Identifier: GPL-2.0
/* Connections as records tell them, and as they are drawn. */
#include <errno.h>

#include "records.h"

#include "engine/history.h"
#include "output/ladder.h"

#include "ladder_expected.h"

#define C 7	/* the client's cookie */
#define D 8	/* the server's */

#define TO_SERVER .family = 2, .sport = 40000, .dport = 9999, \
	.saddr = { 10, 0, 1, 5 }, .daddr = { 10, 0, 3, 17 }
#define TO_CLIENT .family = 2, .sport = 9999, .dport = 40000, \
	.saddr = { 10, 0, 3, 17 }, .daddr = { 10, 0, 1, 5 }
#define NC BY(100, "nc"), TO_SERVER
#define FROM_NET SOFTIRQ, TO_SERVER
#define SRV BY(200, "srv"), TO_CLIENT
#define AT_SRV SOFTIRQ, TO_CLIENT

/* x = 1000, y = 2000; the client sends 312 bytes. */
#define CLIENT_OPEN(at) \
	STATE((at), C, CLOSE, SYN_SENT, NC), \
	REC(CONNECT, (at), C, .old_state = TCPSTATE_SYN_SENT, \
	    .new_state = TCPSTATE_SYN_SENT, .write_seq = 1000, NC)
#define CLIENT_ESTABLISHED(at) \
	STATE((at), C, SYN_SENT, ESTABLISHED, FROM_NET, .snd_una = 1001, \
	      .bytes_acked = 1, .rcv_nxt = 2001)
#define CLIENT_NUMBERS .snd_una = 1313, .bytes_acked = 313, .write_seq = 1313, \
	.data_segs_out = 4, .rcv_nxt = 2001
#define ACKED_WITH(nxt, bytes) .snd_una = 1314, .bytes_acked = 314, \
	.write_seq = 1314, .data_segs_out = 4, .rcv_nxt = (nxt), \
	.bytes_received = (bytes)
#define CLIENT_ACKED ACKED_WITH(2001, 0)
#define CLIENT_CLOSED ACKED_WITH(2002, 1)

struct drawn {
	struct engine *engine;
	struct histories *histories;
};

static void on_move(void *ctx, const struct transition *t)
{
	histories_transition(((struct drawn *)ctx)->histories, t);
}

static void on_seg(void *ctx, const struct segment *s)
{
	histories_segment(((struct drawn *)ctx)->histories, s);
}

static void on_end(void *ctx, const struct conn *conn, bool ended)
{
	histories_conn(((struct drawn *)ctx)->histories, conn, ended, 1);
}

static const struct ladder_style letters;
static struct ladder ladder;

/* The ladder of cookie C, or of D if there is no C. */
static void check_ladder(const struct tcpstate_record *recs, size_t n,
			 const struct ladder_style *style, const char *expected)
{
	static const struct engine_sink sink = {
		.transition = on_move, .segment = on_seg, .conn = on_end };
	const struct engine_config cfg = { .max_conns = 100,
		.holdback_ns = MS(HOLDBACK_MS), .settle_ns = MS(SETTLE_MS),
		.hooks = SEES_ALL, .self = 1 };
	struct drawn d = { .histories = histories_new(100) };
	struct history *one;
	char *text = NULL;
	size_t len;
	FILE *f;

	d.engine = engine_new(&cfg, &sink, &d);
	assert_non_null(d.engine);
	for (size_t i = 0; i < n; i++) {
		struct tcpstate_record rec = rec_fill(recs[i]);

		rec.seq = i;
		assert_int_equal(engine_feed(d.engine, &rec, sizeof(rec)), 0);
	}
	engine_advance(d.engine, AT(100000));
	engine_finish(d.engine);
	one = histories_find(d.histories, C, 1);
	if (!one)
		one = histories_find(d.histories, D, 1);
	assert_non_null(one);
	ladder_build(&ladder, one, histories_mate(one));
	f = open_memstream(&text, &len);
	ladder_text(f, &ladder, style);
	fclose(f);
	if (getenv("TCPSTATE_PRINT"))
		printf("%s\n", text);
	else
		assert_string_equal(text, expected);
	free(text);
	engine_free(d.engine);
	histories_free(d.histories);
}

#define CHECK(recs, style, expected) \
	check_ladder((recs), COUNT_OF(recs), (style), (expected))

#define SERVER_OPEN(at) \
	REC(REQ_ADD, (at), D, .old_state = TCPSTATE_LISTEN, \
	    .new_state = TCPSTATE_NEW_SYN_RECV, .listener = 99, \
	    .snd_nxt = 2001, .rcv_nxt = 1001, AT_SRV)
#define SERVER_ESTABLISHED(at) \
	STATE((at), D, SYN_RECV, ESTABLISHED, AT_SRV, .snd_una = 2001, \
	      .rcv_nxt = 1001)

#define FOUR_MAX 16

static size_t four(struct tcpstate_record *to)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		SERVER_OPEN(1),
		CLIENT_ESTABLISHED(2),
		SERVER_ESTABLISHED(3),
		STATE(50, C, ESTABLISHED, FIN_WAIT1, NC, CLIENT_NUMBERS),
		STATE(51, D, ESTABLISHED, CLOSE_WAIT, AT_SRV, .snd_una = 2001,
		      .snd_nxt = 2001, .rcv_nxt = 1314, .bytes_received = 313, .data_segs_in = 4),
		STATE(52, C, FIN_WAIT1, FIN_WAIT2, FROM_NET, CLIENT_ACKED,
		      .segs_in = 5),
		STATE(90, D, CLOSE_WAIT, LAST_ACK, SRV, .snd_una = 2001,
		      .write_seq = 2001, .rcv_nxt = 1314, .rcv_wup = 1314,
		      .bytes_received = 313, .data_segs_in = 4),
		TW_ADD(91, C, TIME_WAIT, TO_SERVER, .rcv_nxt = 2002,
		       .snd_nxt = 1314),
		STATE(91, C, FIN_WAIT2, CLOSE, FROM_NET, CLIENT_CLOSED,
		      .segs_in = 6),
		STATE(92, D, LAST_ACK, CLOSE, AT_SRV, .snd_una = 2002,
		      .write_seq = 2002, .bytes_acked = 1, .rcv_nxt = 1314, .bytes_received = 313,
		      .data_segs_in = 4),
		TW_KILL(61000, C, TIME_WAIT, BY_TIMER, TO_SERVER),
	};

	memcpy(to, recs, sizeof(recs));
	return COUNT_OF(recs);
}

static void test_four_segments(void **state)
{
	const struct ladder_style exercise = { .ascii = true, .renumber = true,
					       .isn = { 100, 200 } };

	struct tcpstate_record recs[FOUR_MAX];
	size_t n = four(recs);

	(void)state;
	check_ladder(recs, n, &letters, FOUR);
	check_ladder(recs, n, &exercise, EXERCISE);
}

/* Without the records of the other end. */
static size_t only(const struct tcpstate_record *recs, size_t n,
		   uint64_t cookie, struct tcpstate_record *to)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (recs[i].cookie == cookie)
			to[kept++] = recs[i];
	return kept;
}

static void test_one_end(void **state)
{
	struct tcpstate_record all[FOUR_MAX], recs[FOUR_MAX];
	size_t n = only(all, four(all), C, recs);

	(void)state;
	check_ladder(recs, n, &letters, CLIENT_ALONE);
	n = only(all, four(all), D, recs);
	check_ladder(recs, n, &letters, SERVER_ALONE);
}

static void test_refused(void **state)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		STATE(1, C, SYN_SENT, CLOSE, FROM_NET, .sk_err = ECONNREFUSED),
	};

	(void)state;
	CHECK(recs, &letters, REFUSED);
}

static void test_syn_lost(void **state)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		SEGMENT(RETRANSMIT, 1000, C, SYN_SENT, FROM_NET),
		SERVER_OPEN(1001),
		CLIENT_ESTABLISHED(1002),
		SERVER_ESTABLISHED(1003),
		STATE(1050, D, ESTABLISHED, CLOSE, SRV, .sk_err = 0,
		      .shutdown = 3, .rcv_nxt = 1001, .copied_seq = 1001),
		SEGMENT(RST_RECEIVED, 1051, C, ESTABLISHED, FROM_NET),
		STATE(1051, C, ESTABLISHED, CLOSE, FROM_NET,
		      .sk_err = ECONNRESET),
	};

	(void)state;
	CHECK(recs, &letters, SYN_LOST);
}

static void test_never_answered(void **state)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		SEGMENT(RETRANSMIT, 1000, C, SYN_SENT, FROM_NET),
		SEGMENT(RETRANSMIT, 3000, C, SYN_SENT, FROM_NET),
		STATE(7000, C, SYN_SENT, CLOSE, FROM_NET, .sk_err = ETIMEDOUT,
		      .retransmits = 2, .total_retrans = 2),
	};

	(void)state;
	CHECK(recs, &letters, NEVER_ANSWERED);
}

static size_t simultaneous(struct tcpstate_record *to)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		SERVER_OPEN(1),
		CLIENT_ESTABLISHED(2),
		SERVER_ESTABLISHED(3),
		STATE(50, C, ESTABLISHED, FIN_WAIT1, NC, .snd_una = 1001,
		      .write_seq = 1001, .bytes_acked = 1, .rcv_nxt = 2001),
		STATE(50, D, ESTABLISHED, FIN_WAIT1, SRV, .snd_una = 2001,
		      .write_seq = 2001, .rcv_nxt = 1001),
		STATE(55, C, FIN_WAIT1, CLOSING, FROM_NET, .snd_una = 1001,
		      .write_seq = 1002, .bytes_acked = 1, .rcv_nxt = 2002,
		      .bytes_received = 1),
		STATE(55, D, FIN_WAIT1, CLOSING, AT_SRV, .snd_una = 2001,
		      .write_seq = 2002, .rcv_nxt = 1002, .bytes_received = 1),
		TW_ADD(60, C, TIME_WAIT, TO_SERVER),
		STATE(60, C, CLOSING, CLOSE, FROM_NET, .snd_una = 1002,
		      .write_seq = 1001, .bytes_acked = 2, .rcv_nxt = 2002),
		TW_ADD(60, D, TIME_WAIT, TO_CLIENT),
		STATE(60, D, CLOSING, CLOSE, AT_SRV, .snd_una = 2002,
		      .write_seq = 2001, .bytes_acked = 1, .rcv_nxt = 1002),
	};

	memcpy(to, recs, sizeof(recs));
	return COUNT_OF(recs);
}

static void test_simultaneous_close(void **state)
{
	struct tcpstate_record all[FOUR_MAX], recs[FOUR_MAX];
	size_t n = simultaneous(all);

	(void)state;
	check_ladder(all, n, &letters, SIMULTANEOUS_CLOSE);
	/* CLOSING proves that the FINs crossed. */
	n = only(all, n, C, recs);
	check_ladder(recs, n, &letters, SIMULTANEOUS_ALONE);
}

/* The SYN came, the first answer did not: nothing of the SYNs is lost. */
static void test_answer_lost(void **state)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		SERVER_OPEN(1),
		SEGMENT(RETRANSMIT, 1000, C, SYN_SENT, FROM_NET),
		SEGMENT(SYNACK_AGAIN, 1001, D, NEW_SYN_RECV, AT_SRV),
		CLIENT_ESTABLISHED(1002),
		SERVER_ESTABLISHED(1003),
	};

	(void)state;
	CHECK(recs, &letters, ANSWER_LOST);
}

/* RFC 9293 figure 9: a RST in the handshake, and another one at the end. */
static void test_two_resets(void **state)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		SEGMENT(RST_SENT, 1, C, SYN_SENT, FROM_NET),
		SEGMENT(RETRANSMIT, 1000, C, SYN_SENT, FROM_NET),
		CLIENT_ESTABLISHED(1002),
		STATE(5000, C, ESTABLISHED, CLOSE, BY_WITH(100, "nc",
		      TCPSTATE_F_LINGER0), TO_SERVER, .shutdown = 3),
	};

	(void)state;
	CHECK(recs, &letters, TWO_RESETS);
}

static void test_older_than_the_tool(void **state)
{
	const struct tcpstate_record recs[] = {
		SNAPSHOT(0, C, ESTABLISHED, .inode = 5, TO_SERVER),
		STATE(50, C, ESTABLISHED, FIN_WAIT1, NC, CLIENT_NUMBERS),
		STATE(52, C, FIN_WAIT1, FIN_WAIT2, FROM_NET, CLIENT_ACKED),
		TW_ADD(91, C, TIME_WAIT, TO_SERVER, .rcv_nxt = 2002,
		       .snd_nxt = 1314),
		STATE(91, C, FIN_WAIT2, CLOSE, FROM_NET, CLIENT_CLOSED),
	};

	(void)state;
	CHECK(recs, &letters, OLDER);
}

/* Sent as four segments, and one of them did for two where they came. */
static void test_ack_of_fin_lost(void **state)
{
	struct tcpstate_record recs[FOUR_MAX];
	size_t n = four(recs);

	(void)state;
	for (size_t i = 0; i < n; i++)
		if (recs[i].cookie == C &&
		    recs[i].new_state == TCPSTATE_FIN_WAIT2) {
			recs[i].mono_ns = AT(91);
			recs[i].segs_in = 6;
		}
	check_ladder(recs, n, &letters, LOST_ACK_OF_FIN);
}

/*
 * 20 bytes after the first FIN; the last ACK is lost, and 2MSL begins anew.  Both
 * ends, and each alone.
 */
static void test_half_close_and_lost_ack(void **state)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		SERVER_OPEN(1),
		CLIENT_ESTABLISHED(2),
		SERVER_ESTABLISHED(3),
		STATE(50, C, ESTABLISHED, FIN_WAIT1, NC, CLIENT_NUMBERS),
		STATE(51, D, ESTABLISHED, CLOSE_WAIT, AT_SRV, .snd_una = 2001,
		      .snd_nxt = 2001, .rcv_nxt = 1314, .bytes_received = 313,
		      .data_segs_in = 4),
		STATE(52, C, FIN_WAIT1, FIN_WAIT2, FROM_NET, CLIENT_ACKED,
		      .segs_in = 5),
		STATE(90, D, CLOSE_WAIT, LAST_ACK, SRV, .snd_una = 2021,
		      .bytes_acked = 20, .write_seq = 2021, .rcv_nxt = 1314,
		      .rcv_wup = 1314, .bytes_received = 313,
		      .data_segs_in = 4, .data_segs_out = 2),
		TW_ADD(91, C, TIME_WAIT, TO_SERVER, .rcv_nxt = 2022,
		       .snd_nxt = 1314),
		STATE(91, C, FIN_WAIT2, CLOSE, .flags = TCPSTATE_F_NO_TASK,
		      TO_SERVER, .snd_una = 1314, .bytes_acked = 314,
		      .write_seq = 1314, .data_segs_out = 4, .rcv_nxt = 2022,
		      .bytes_received = 21, .data_segs_in = 2, .segs_in = 8),
		SEGMENT(RETRANSMIT, 290, D, LAST_ACK, AT_SRV, .write_seq = 2022),
		REC(TW_FIN, 291, C, .old_state = TCPSTATE_TIME_WAIT,
		    .new_state = TCPSTATE_TIME_WAIT, FROM_NET, .rcv_nxt = 2022),
		TW_REARM(291, C, TIME_WAIT, TO_SERVER, .rcv_nxt = 2022),
		STATE(292, D, LAST_ACK, CLOSE, AT_SRV, .snd_una = 2022,
		      .write_seq = 2022, .bytes_acked = 21, .rcv_nxt = 1314,
		      .bytes_received = 313, .data_segs_in = 4,
		      .data_segs_out = 2, .total_retrans = 1),
		TW_KILL(61000, C, TIME_WAIT, BY_TIMER, TO_SERVER),
	};
	struct tcpstate_record one[COUNT_OF(recs)];
	size_t n;

	(void)state;
	CHECK(recs, &letters, LOST_LAST_ACK);
	n = only(recs, COUNT_OF(recs), C, one);
	check_ladder(one, n, &letters, LOST_LAST_ACK_CLIENT);
	n = only(recs, COUNT_OF(recs), D, one);
	check_ladder(one, n, &letters, LOST_LAST_ACK_SERVER);
}

static void test_keepalive(void **state)
{
	const struct tcpstate_record recs[] = {
		CLIENT_OPEN(0),
		CLIENT_ESTABLISHED(2),
		STATE(9000, C, ESTABLISHED, CLOSE, .flags = TCPSTATE_F_NO_TASK |
		      TCPSTATE_F_HAS_FILE | TCPSTATE_F_KEEPALIVE, TO_SERVER,
		      .sk_err = ETIMEDOUT, .probes_out = 3, .idle_ms = 8998),
	};

	(void)state;
	CHECK(recs, &letters, KEEPALIVE);
}

/* A TIME_WAIT that ends has been drawn; its port may be another's by then. */
static void test_end_of_time_wait_alone(void **state)
{
	struct histories *h = histories_new(10);
	struct conn c = { .cookie = C, .life = 1, .family = 4,
			  .state = TCPSTATE_CLOSE };
	const struct transition t = { .conn = &c, .ns = 1,
		.old_state = TCPSTATE_TIME_WAIT, .new_state = TCPSTATE_CLOSE };

	(void)state;
	histories_transition(h, &t);
	assert_null(histories_find(h, C, 1));
	histories_free(h);
}

/* Names are anybody's; and what has no end is drawn as far as there is room. */
static void test_hostile(void **state)
{
	static const struct origin hostile = {
		.pid = 1, .comm = "<&\"\x1b[2J>",
	};
	static struct history one = {
		.conn = { .cookie = C, .life = 1, .family = 4,
			  .state = TCPSTATE_SYN_SENT, .origin = &hostile },
	};
	char *text = NULL;
	size_t len;
	FILE *f;

	(void)state;
	for (int i = 0; i < HISTORY_STEPS; i++)
		one.steps[one.n++] = (struct step){ .ns = AT(i),
			.kind = i ? STEP_AGAIN : STEP_MOVE,
			.old_state = i ? TCPSTATE_SYN_SENT : TCPSTATE_CLOSE,
			.new_state = TCPSTATE_SYN_SENT,
			.flags = SEGMENT_SYN };
	one.left_out = 7;
	ladder_build(&ladder, &one, NULL);
	assert_int_equal(ladder.n, HISTORY_STEPS);
	f = open_memstream(&text, &len);
	ladder_svg(f, &ladder, &letters);
	ladder_text(f, &ladder, &letters);
	fclose(f);
	assert_non_null(strstr(text, "&lt;&amp;&quot;?[2J&gt;[1]"));
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "7 steps are not drawn"));
	free(text);
	/* One that never moved. */
	one.n = 0;
	ladder_build(&ladder, &one, NULL);
	assert_int_equal(ladder.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_four_segments),
		cmocka_unit_test(test_one_end),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_syn_lost),
		cmocka_unit_test(test_never_answered),
		cmocka_unit_test(test_simultaneous_close),
		cmocka_unit_test(test_answer_lost),
		cmocka_unit_test(test_two_resets),
		cmocka_unit_test(test_older_than_the_tool),
		cmocka_unit_test(test_ack_of_fin_lost),
		cmocka_unit_test(test_half_close_and_lost_ack),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_end_of_time_wait_alone),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

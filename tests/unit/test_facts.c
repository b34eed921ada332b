// SPDX-License-Identifier: GPL-2.0
/*
 * What a record proves of a connection: its owner, its sequence numbers, its
 * addresses.
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
		assert_int_equal(conn_origin(&r->told[i].conn)->pid, 0);
	FINISH(r);
}

static void check_no_owner(struct rig *r, uint32_t flags, uint32_t tgid)
{
	rig_restart(r);
	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, .tgid = tgid,
		      .comm = "x", .shutdown = 3, .flags = flags));
	until(r, 100);
	assert_int_equal(r->n_told, 1);
	assert_int_equal(conn_origin(&r->told[0].conn)->pid, 0);
	assert_string_equal(conn_origin(&r->told[0].conn)->comm, "");
	/* The uid is the socket's, in any context. */
	assert_true(r->told[0].conn.has_uid);
	assert_int_equal(conn_origin(&r->told[0].conn)->uid, 1000);
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
	/* It dropped the last reference to a file that it never opened. */
	check_no_owner(r, owned | TCPSTATE_F_STRANGER, 100);
	check_no_owner(r, owned | TCPSTATE_F_STRANGER | TCPSTATE_F_EXITING,
		       100);
	check_no_owner(r, TCPSTATE_F_HAS_FILE, 100);
	check_no_owner(r, TCPSTATE_F_OWNED, 100);
	check_no_owner(r, owned, 0);
}

/* shutdown(), and connect() to nowhere: not without its descriptor. */
static void test_stranger_with_descriptor(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, .shutdown = 2,
		      BY_WITH(100, "child", TCPSTATE_F_STRANGER)),
	     STATE(0, C + 1, ESTABLISHED, CLOSE,
		   BY_WITH(101, "child", TCPSTATE_F_STRANGER)));
	until(r, 1000);
	assert_int_equal(r->n_told, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(conn_origin(&r->told[i].conn)->pid, 100 + i);
	FINISH(r);
}

/* Where accept() is not seen: a server that forks after it. */
static void test_owner_by_close_of_a_stranger(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_ALL & ~SEES_ACCEPT);
	PLAY(r, STATE(0, C, ESTABLISHED, FIN_WAIT1, .shutdown = 3,
		      BY_WITH(100, "inetd", TCPSTATE_F_STRANGER)),
	     STATE(0, C + 1, ESTABLISHED, FIN_WAIT1, .shutdown = 3,
		   BY_WITH(101, "tcpstate-watch", TCPSTATE_F_STRANGER)));
	until(r, 100);
	assert_int_equal(conn_origin(conn_of(r, C))->pid, 100);
	assert_int_equal(conn_origin(conn_of(r, C + 1))->pid, 0);
	FINISH(r);
}

static void test_owner_by_close(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, C, CLOSE_WAIT, LAST_ACK, NC),
	     STATE(0, C + 1, ESTABLISHED, FIN_WAIT1, BY(101, "b")));
	until(r, 100);
	assert_int_equal(conn_origin(conn_of(r, C))->pid, 100);
	assert_string_equal(conn_origin(conn_of(r, C))->comm, "nc");
	assert_int_equal(conn_origin(conn_of(r, C + 1))->pid, 101);
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
	assert_int_equal(conn_origin(conn_of(r, C))->pid, 100);
	assert_true(conn_of(r, C)->accepted);
	assert_int_equal(conn_of(r, C)->accept_ns, AT(5));
	assert_int_equal(conn_origin(conn_of(r, C))->cgroup, 77);
	assert_int_equal(r->n_accepts, 1);
	FINISH(r);
}

/* The listener's own: leaks says how long ago. */
static void test_last_accept(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(0, 1, CLOSE, LISTEN, BY(100, "httpd")),
	     REQ_ADD(1, C, 1),
	     STATE(2, C, SYN_RECV, ESTABLISHED, SOFTIRQ_NO_FILE));
	until(r, 3);
	assert_int_equal(conn_of(r, 1)->accept_ns, 0);
	PLAY(r, REC(ACCEPT, 5, C, BY(100, "httpd")));
	until(r, 6);
	assert_int_equal(conn_of(r, 1)->accept_ns, AT(5));
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
	assert_int_equal(conn_origin(conn_of(r, C))->pid, 0);
	FINISH(r);
}

static void test_owner_by_descriptor_table(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, ESTABLISHED, .inode = 5));
	until(r, 100);
	engine_set_owner(r->engine, C, 300, "a-name-that-is-too-long");
	assert_int_equal(conn_origin(conn_of(r, C))->pid, 300);
	assert_string_equal(conn_origin(conn_of(r, C))->comm, "a-name-that-is-");
	/* What is known is kept. */
	engine_set_owner(r->engine, C, 301, "other");
	assert_int_equal(conn_origin(conn_of(r, C))->pid, 300);
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

/* Of a listener too; but ss -K, which ends them alike, is no owner. */
static void test_listener_by_exit(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(10, C, CLOSE, LISTEN, SOFTIRQ),
	     STATE(20, C, LISTEN, CLOSE,
		   BY_WITH(100, "ss", TCPSTATE_F_EXITING)));
	until(r, 1000);
	assert_int_equal(r->n_told, 2);
	assert_true(r->told[1].t.by_exit);
	assert_int_equal(conn_origin(&r->told[1].conn)->pid, 0);
	FINISH_EMPTY(r);
}

/* Nobody answered, however often it asked. */
static void test_syns_sent_again_in_vain(void **state)
{
	struct rig *r = *state;

	PLAY(r, STATE(10, C, CLOSE, SYN_SENT, NC),
	     STATE(20, C, SYN_SENT, CLOSE, SOFTIRQ, .sk_err = ETIMEDOUT,
		   .total_retrans = 3));
	until(r, 1000);
	assert_int_equal(r->n_lines, 1);
	assert_int_equal(r->lines[0].conn.syn_retrans, 3);
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
	     STATE(110, C, FIN_WAIT1, FIN_WAIT2, SOFTIRQ, .write_seq = 501,
		   .snd_una = 501, .bytes_acked = 504, .rcv_nxt = 902,
		   .bytes_received = 904),
	     TW_ADD(120, C, TIME_WAIT, .rcv_nxt = 903, .snd_nxt = 501));
	until(r, 200);
	c = conn_of(r, C);
	assert_int_equal(c->known, CONN_ISN_LOCAL | CONN_ISN_PEER |
				   CONN_FIN_LOCAL | CONN_FIN_PEER |
				   CONN_ACK_SEQ);
	assert_int_equal(conn_closing(c)->ack_seq, 902);
	assert_int_equal(c->contradicts, 0);
	assert_int_equal(c->isn_local, (uint32_t)-3);
	assert_int_equal(c->isn_peer, (uint32_t)-3);
	assert_int_equal(conn_closing(c)->fin_local, 500);
	assert_int_equal(conn_closing(c)->fin_peer, 902);
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
		   .bytes_received = 51, .snd_nxt = 1151),
	     STATE(30, C, CLOSE_WAIT, LAST_ACK, NC, .write_seq = 1201,
		   .snd_una = 1101, .bytes_acked = 100, .rcv_nxt = 2052,
		   .bytes_received = 51));
	until(r, 100);
	c = conn_of(r, C);
	assert_int_equal(c->known, CONN_ISN_LOCAL | CONN_ISN_PEER |
				   CONN_FIN_LOCAL | CONN_FIN_PEER |
				   CONN_ACK_SEQ);
	assert_int_equal(conn_closing(c)->ack_seq, 1151);
	assert_int_equal(c->derived, 0);
	assert_int_equal(c->contradicts, 0);
	assert_int_equal(c->isn_local, 1000);
	assert_int_equal(c->isn_peer, 2000);
	assert_int_equal(conn_closing(c)->fin_peer, 2051);
	assert_int_equal(conn_closing(c)->fin_local, 1201);
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
	assert_int_equal(conn_closing(c)->fin_local, 1101);
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
	assert_memory_equal(conn_daddr(&r->told[0].conn), peer, 4);
	assert_int_equal(r->told[1].conn.family, 4);
	assert_memory_equal(conn_saddr(&r->told[1].conn), local, 4);
	assert_memory_equal(conn_daddr(&r->told[1].conn), peer, 4);
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
	assert_memory_equal(conn_daddr(conn_of(r, C)), rec.daddr, 16);
	assert_int_equal(conn_of(r, C + 1)->family, 6);
	FINISH(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_bystander_in_softirq),
		WITH_RIG(test_bystander_in_backlog),
		WITH_RIG(test_who_is_no_owner),
		WITH_RIG(test_stranger_with_descriptor),
		WITH_RIG(test_owner_by_close_of_a_stranger),
		WITH_RIG(test_owner_by_close),
		WITH_RIG(test_owner_stays),
		WITH_RIG(test_owner_by_accept),
		WITH_RIG(test_last_accept),
		WITH_RIG(test_kernel_thread_accepts),
		WITH_RIG(test_owner_by_descriptor_table),
		WITH_RIG(test_by_exit),
		WITH_RIG(test_listener_by_exit),
		WITH_RIG(test_syns_sent_again_in_vain),
		WITH_RIG(test_by_exit_of_a_bystander),
		WITH_RIG(test_abort_by_exit),
		WITH_RIG(test_unknown_owner_is_counted),
		WITH_RIG(test_sequence_numbers_of_a_client),
		WITH_RIG(test_sequence_numbers_of_a_server),
		WITH_RIG(test_sequence_numbers_in_the_middle),
		WITH_RIG(test_unread_and_bytes),
		WITH_RIG(test_v4_mapped_is_v4),
		WITH_RIG(test_v6_is_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

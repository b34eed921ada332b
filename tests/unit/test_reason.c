// SPDX-License-Identifier: GPL-2.0
/*
 * Why a connection is CLOSE: a row for each thing that a kernel does.
 */
#include <errno.h>

#include "records.h"

#include "engine/reason.h"

#define OWNED	TCPSTATE_F_OWNED
#define FILE_	TCPSTATE_F_HAS_FILE
#define DEAD	TCPSTATE_F_DEAD
#define DONE	TCPSTATE_F_DONE
#define LINGER0	TCPSTATE_F_LINGER0
#define REPAIR	TCPSTATE_F_REPAIR
#define KEEP	TCPSTATE_F_KEEPALIVE

struct row {
	const char *what;
	uint8_t old_state;
	uint8_t role;
	uint32_t flags;
	uint32_t sk_err;
	uint8_t shutdown;
	uint32_t unread;	/* rcv_nxt - copied_seq */
	uint32_t unacked;	/* write_seq - snd_una */
	int32_t linger2;
	bool no_port, accepted;
	uint8_t reason, detail;
};

static struct verdict verdict_of(const struct row *row)
{
	const struct conn conn = {
		.cookie = 1,
		.role = row->role,
		.state = row->old_state,
		.sport = row->no_port ? 0 : 40000,
		.accepted = row->accepted,
	};
	const struct tcpstate_record rec = {
		.type = TCPSTATE_STATE,
		.old_state = row->old_state,
		.new_state = TCPSTATE_CLOSE,
		.flags = row->flags,
		.sk_err = row->sk_err,
		.shutdown = row->shutdown,
		.linger2 = row->linger2,
		/* Close to the end of the sequence space. */
		.copied_seq = 0xffffffffU,
		.rcv_nxt = 0xffffffffU + row->unread,
		.snd_una = 0xfffffffeU,
		.write_seq = 0xfffffffeU + row->unacked,
	};

	return reason_of_close(&conn, row->old_state, &rec);
}

static void check_rows(const struct row *rows, size_t n)
{
	unsigned int wrong = 0;

	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		struct verdict v = verdict_of(row);

		if (v.reason == row->reason && v.detail == row->detail)
			continue;
		wrong++;
		print_error("%s: %s/%s, expected %s/%s\n", row->what,
			    reason_name(v.reason),
			    v.detail ? detail_name(v.detail) : "-",
			    reason_name(row->reason),
			    row->detail ? detail_name(row->detail) : "-");
	}
	assert_int_equal(wrong, 0);
}

#define CHECK(rows) check_rows(rows, COUNT_OF(rows))
#define IN(s) .old_state = TCPSTATE_##s
#define CLIENT .role = ROLE_CLIENT
#define SERVER .role = ROLE_SERVER
#define IS(r) .reason = REASON_##r
#define IS_BY(r, d) .reason = REASON_##r, .detail = DETAIL_##d
/* close() has set both directions by the time of the move. */
#define BY_CLOSE(more) .flags = OWNED | FILE_ | (more), .shutdown = 3

static void test_listener(void **state)
{
	static const struct row rows[] = {
		{ "close() of a listener", IN(LISTEN), .role = ROLE_LISTENER,
		  BY_CLOSE(0), IS(CLOSED) },
		{ "shutdown() of a listener", IN(LISTEN),
		  .role = ROLE_LISTENER, .flags = OWNED | FILE_, IS(CLOSED) },
	};

	(void)state;
	CHECK(rows);
}

static void test_before_established(void **state)
{
	static const struct row rows[] = {
		{ "RST to our SYN", IN(SYN_SENT), CLIENT, .flags = FILE_,
		  .sk_err = ECONNREFUSED, IS(REFUSED) },
		{ "no answer to our SYNs", IN(SYN_SENT), CLIENT,
		  .flags = FILE_, .sk_err = ETIMEDOUT, IS_BY(TIMEOUT, SYN) },
		{ "ICMP host unreachable", IN(SYN_SENT), CLIENT,
		  .flags = FILE_, .sk_err = EHOSTUNREACH, IS(UNREACHABLE) },
		{ "ICMP network unreachable", IN(SYN_SENT), CLIENT,
		  .flags = FILE_, .sk_err = ENETUNREACH, IS(UNREACHABLE) },
		{ "F24: EADDRNOTAVAIL, no SYN was sent", IN(SYN_SENT), CLIENT,
		  .flags = OWNED | FILE_, .no_port = true, IS(NO_PORT) },
		{ "TCP_FASTOPEN_CONNECT, and no SYN before close()",
		  IN(SYN_SENT), CLIENT, .no_port = true, BY_CLOSE(0),
		  IS(CLOSED) },
		{ "close() before the answer", IN(SYN_SENT), CLIENT,
		  BY_CLOSE(0), IS(CLOSED) },
		{ "no answer to our SYN-ACKs", IN(SYN_RECV), CLIENT,
		  .flags = FILE_, .sk_err = ETIMEDOUT,
		  IS_BY(TIMEOUT, SYNACK) },
		{ "RST to a simultaneous open", IN(SYN_RECV), CLIENT,
		  .flags = FILE_, .sk_err = ECONNREFUSED, IS(REFUSED) },
	};

	(void)state;
	CHECK(rows);
}

static void test_reset_by_peer(void **state)
{
	static const struct row rows[] = {
		{ "RST", IN(ESTABLISHED), CLIENT, .flags = FILE_,
		  .sk_err = ECONNRESET, IS(RST_RECEIVED) },
		{ "RST after its FIN", IN(CLOSE_WAIT), CLIENT, .flags = FILE_,
		  .sk_err = EPIPE, IS(RST_RECEIVED) },
		{ "RST to our FIN", IN(FIN_WAIT1), CLIENT, .flags = DEAD,
		  .sk_err = ECONNRESET, IS(RST_RECEIVED) },
		{ "data that nobody will read", IN(FIN_WAIT1), CLIENT,
		  .flags = DEAD | TCPSTATE_F_LATE_DATA, .sk_err = ECONNRESET,
		  .shutdown = 3, .reason = REASON_RST_SENT,
		  .detail = DETAIL_DATA_AFTER_CLOSE },
		{ "F6: RST in FIN_WAIT2", IN(FIN_WAIT2), CLIENT,
		  .flags = FILE_, .sk_err = ECONNRESET, IS(RST_RECEIVED) },
		{ "F6: RST in CLOSING", IN(CLOSING), CLIENT, .flags = DEAD,
		  .sk_err = ECONNRESET, .unacked = 1, IS(RST_RECEIVED) },
		{ "F6: RST in LAST_ACK", IN(LAST_ACK), CLIENT, .flags = DEAD,
		  .sk_err = ECONNRESET, .unacked = 1, IS(RST_RECEIVED) },
	};

	(void)state;
	CHECK(rows);
}

static void test_by_fin(void **state)
{
	static const struct row rows[] = {
		{ "the last ACK came", IN(LAST_ACK), SERVER, .flags = DEAD,
		  IS(FIN) },
		{ "the last ACK came to a shut down socket", IN(LAST_ACK),
		  CLIENT, .flags = FILE_, IS(FIN) },
	};

	(void)state;
	CHECK(rows);
}

/* Without the ACK of our FIN it was not the FIN that ended it (F6). */
static void test_unacknowledged_fin_is_no_fin(void **state)
{
	static const struct row rows[] = {
		{ "LAST_ACK given up", IN(LAST_ACK), SERVER, .flags = DEAD,
		  .unacked = 1, IS(UNKNOWN) },
	};

	(void)state;
	CHECK(rows);
}

/* Only a CLOSING whose FIN was acknowledged would be TIME_WAIT (F6). */
static void test_unacknowledged_closing_is_no_overflow(void **state)
{
	static const struct row rows[] = {
		{ "CLOSING given up", IN(CLOSING), CLIENT, .flags = DEAD,
		  .unacked = 1, IS(UNKNOWN) },
	};

	(void)state;
	CHECK(rows);
}

static void test_timeouts(void **state)
{
	static const struct row rows[] = {
		{ "data without ACK", IN(ESTABLISHED), CLIENT, .flags = FILE_,
		  .sk_err = ETIMEDOUT, .unacked = 100, IS_BY(TIMEOUT, DATA) },
		{ "TCP_USER_TIMEOUT", IN(ESTABLISHED), CLIENT,
		  .flags = FILE_ | TCPSTATE_F_USER_TIMEOUT,
		  .sk_err = ETIMEDOUT, .unacked = 100,
		  IS_BY(TIMEOUT, USER_TIMEOUT) },
		{ "TCP_USER_TIMEOUT, of keepalive", IN(ESTABLISHED), CLIENT,
		  .flags = FILE_ | KEEP | TCPSTATE_F_USER_TIMEOUT,
		  .sk_err = ETIMEDOUT, IS_BY(TIMEOUT, USER_TIMEOUT) },
		{ "data without ACK, keepalive set", IN(ESTABLISHED), CLIENT,
		  .flags = FILE_ | KEEP, .sk_err = ETIMEDOUT, .unacked = 100,
		  IS_BY(TIMEOUT, DATA) },
		{ "data without ACK in CLOSE_WAIT", IN(CLOSE_WAIT), CLIENT,
		  .flags = FILE_, .sk_err = ETIMEDOUT, .unacked = 1,
		  IS_BY(TIMEOUT, DATA) },
		{ "our FIN without ACK", IN(FIN_WAIT1), CLIENT, .flags = DEAD,
		  .sk_err = ETIMEDOUT, .unacked = 1, IS_BY(TIMEOUT, FIN) },
		{ "F6: CLOSING without ACK", IN(CLOSING), CLIENT,
		  .flags = DEAD, .sk_err = ETIMEDOUT, .unacked = 1,
		  IS_BY(TIMEOUT, FIN) },
		{ "F6: LAST_ACK without ACK", IN(LAST_ACK), SERVER,
		  .flags = DEAD, .sk_err = ETIMEDOUT, .unacked = 1,
		  IS_BY(TIMEOUT, FIN) },
		{ "keepalive", IN(ESTABLISHED), CLIENT, .flags = FILE_ | KEEP,
		  .sk_err = ETIMEDOUT, IS(KEEPALIVE) },
		{ "keepalive in CLOSE_WAIT", IN(CLOSE_WAIT), SERVER,
		  .flags = FILE_ | KEEP, .sk_err = ETIMEDOUT, IS(KEEPALIVE) },
	};

	(void)state;
	CHECK(rows);
}

static void test_abort_by_close(void **state)
{
	static const struct row rows[] = {
		{ "unread data", IN(ESTABLISHED), CLIENT, BY_CLOSE(0),
		  .unread = 5, IS_BY(ABORT, UNREAD_DATA) },
		{ "unread data wins over linger0", IN(ESTABLISHED), CLIENT,
		  BY_CLOSE(LINGER0), .unread = 5, IS_BY(ABORT, UNREAD_DATA) },
		{ "linger0", IN(ESTABLISHED), CLIENT, BY_CLOSE(LINGER0),
		  IS_BY(ABORT, LINGER0) },
		{ "linger0 in CLOSE_WAIT, all read", IN(CLOSE_WAIT), SERVER,
		  BY_CLOSE(LINGER0 | DONE), IS_BY(ABORT, LINGER0) },
		{ "linger0 in CLOSE_WAIT, only the FIN unread",
		  IN(CLOSE_WAIT), SERVER, BY_CLOSE(LINGER0 | DONE),
		  .unread = 1, IS_BY(ABORT, LINGER0) },
		{ "CLOSE_WAIT, one byte and the FIN unread", IN(CLOSE_WAIT),
		  SERVER, BY_CLOSE(LINGER0 | DONE), .unread = 2,
		  IS_BY(ABORT, UNREAD_DATA) },
		{ "repair", IN(ESTABLISHED), CLIENT, BY_CLOSE(REPAIR),
		  IS_BY(ABORT, REPAIR) },
		{ "repair wins over unread data", IN(ESTABLISHED), CLIENT,
		  BY_CLOSE(REPAIR), .unread = 5, IS_BY(ABORT, REPAIR) },
		{ "F6: FIN_WAIT2, unread data", IN(FIN_WAIT2), CLIENT,
		  BY_CLOSE(0), .unread = 5, IS_BY(ABORT, UNREAD_DATA) },
	};

	(void)state;
	CHECK(rows);
}

/* F24: CLOSE comes before sk_err, so it is 0 here. */
static void test_abort_by_disconnect(void **state)
{
	static const struct row rows[] = {
		{ "connect(AF_UNSPEC)", IN(ESTABLISHED), CLIENT,
		  .flags = OWNED | FILE_, IS_BY(ABORT, DISCONNECT) },
		{ "connect(AF_UNSPEC) with unread data", IN(ESTABLISHED),
		  CLIENT, .flags = OWNED | FILE_, .unread = 5,
		  IS_BY(ABORT, DISCONNECT) },
		{ "connect(AF_UNSPEC) with linger0 set", IN(ESTABLISHED),
		  CLIENT, .flags = OWNED | FILE_ | LINGER0,
		  IS_BY(ABORT, DISCONNECT) },
		{ "F6: connect(AF_UNSPEC) in FIN_WAIT2", IN(FIN_WAIT2), CLIENT,
		  .flags = OWNED | FILE_, .shutdown = 2,
		  IS_BY(ABORT, DISCONNECT) },
	};

	(void)state;
	CHECK(rows);
}

static void test_listener_closed(void **state)
{
	static const struct row rows[] = {
		/* F16: owned is 0 though a task decides. */
		{ "an unaccepted child", IN(ESTABLISHED), SERVER, .flags = 0,
		  IS_BY(ABORT, LISTENER_CLOSED) },
		{ "an unaccepted child with data", IN(ESTABLISHED), SERVER,
		  .flags = 0, .unread = 9, IS_BY(ABORT, LISTENER_CLOSED) },
		{ "an unaccepted child in CLOSE_WAIT", IN(CLOSE_WAIT), SERVER,
		  .flags = DONE, IS_BY(ABORT, LISTENER_CLOSED) },
	};

	(void)state;
	CHECK(rows);
}

static void test_not_by_the_listener(void **state)
{
	static const struct row rows[] = {
		{ "an accepted child", IN(ESTABLISHED), SERVER,
		  .accepted = true, IS(UNKNOWN) },
		{ "a child in a file", IN(ESTABLISHED), SERVER,
		  .flags = FILE_, IS(UNKNOWN) },
		{ "a client", IN(ESTABLISHED), CLIENT, IS(UNKNOWN) },
	};

	(void)state;
	CHECK(rows);
}

static void test_killed(void **state)
{
	static const struct row rows[] = {
		{ "ss -K", IN(ESTABLISHED), CLIENT, .flags = OWNED | FILE_,
		  .sk_err = ECONNABORTED, IS(KILLED) },
		{ "ss -K in SYN_SENT", IN(SYN_SENT), CLIENT,
		  .flags = OWNED | FILE_, .sk_err = ECONNABORTED,
		  IS(KILLED) },
		{ "ss -K in CLOSE_WAIT with unread data", IN(CLOSE_WAIT),
		  SERVER, .flags = OWNED | FILE_ | DONE,
		  .sk_err = ECONNABORTED, .unread = 5, .accepted = true,
		  IS(KILLED) },
		{ "F6: ss -K in FIN_WAIT2", IN(FIN_WAIT2), CLIENT,
		  .flags = OWNED | FILE_, .sk_err = ECONNABORTED,
		  IS(KILLED) },
	};

	(void)state;
	CHECK(rows);
}

/* The rest of the five meanings of FIN_WAIT2 -> CLOSE. */
static void test_fin_wait2_without_mini_socket(void **state)
{
	static const struct row rows[] = {
		{ "F6: bucket overflow", IN(FIN_WAIT2), CLIENT,
		  .flags = DONE | DEAD, IS(TW_OVERFLOW) },
		{ "F6: TCP_LINGER2 < 0", IN(FIN_WAIT2), CLIENT, .flags = DEAD,
		  .linger2 = -1, IS_BY(RST_SENT, LINGER2) },
		{ "F6: TCP_LINGER2 < 0, by close() itself", IN(FIN_WAIT2),
		  CLIENT, .flags = OWNED | DEAD, .shutdown = 3, .linger2 = -1,
		  IS_BY(RST_SENT, LINGER2) },
		{ "an orphan's end that nothing proves", IN(FIN_WAIT2),
		  CLIENT, .flags = DEAD, IS(UNKNOWN) },
	};

	(void)state;
	CHECK(rows);
}

static void test_closing_without_mini_socket(void **state)
{
	static const struct row rows[] = {
		{ "F6: bucket overflow", IN(CLOSING), CLIENT,
		  .flags = DEAD | DONE, IS(TW_OVERFLOW) },
	};

	(void)state;
	CHECK(rows);
}

static void test_kinds(void **state)
{
	static const struct {
		struct row row;
		uint8_t kind;
	} rows[] = {
		{ { "refused", IN(SYN_SENT), CLIENT, .sk_err = ECONNREFUSED },
		  KIND_REFUSED },
		{ { "reset", IN(ESTABLISHED), CLIENT, .sk_err = ECONNRESET },
		  KIND_RST },
		{ { "timed out", IN(ESTABLISHED), CLIENT, .unacked = 1,
		    .sk_err = ETIMEDOUT }, KIND_TIMEOUT },
		{ { "keepalive", IN(ESTABLISHED), CLIENT, .flags = KEEP,
		    .sk_err = ETIMEDOUT }, KIND_TIMEOUT },
		{ { "linger0", IN(ESTABLISHED), CLIENT, BY_CLOSE(LINGER0) },
		  KIND_RST },
		{ { "disconnect", IN(ESTABLISHED), CLIENT,
		    .flags = OWNED | FILE_ }, KIND_RST },
		{ { "linger2", IN(FIN_WAIT2), CLIENT, .flags = DEAD,
		    .linger2 = -1 }, KIND_RST },
		/* Three or four segments: the numbers tell, not the reason. */
		{ { "last ACK", IN(LAST_ACK), SERVER, .flags = DEAD },
		  KIND_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (verdict_of(&rows[i].row).kind != rows[i].kind)
			fail_msg("%s: kind %u", rows[i].row.what,
				 verdict_of(&rows[i].row).kind);
}

static struct verdict mini_end(uint8_t old_state, uint32_t flags)
{
	const struct tcpstate_record rec = { .flags = flags };

	return reason_of_mini_end(old_state, &rec);
}

static void test_mini_sockets(void **state)
{
	const uint32_t timer = TCPSTATE_F_TIMER;
	struct verdict v;

	(void)state;
	v = mini_end(TCPSTATE_TIME_WAIT, timer);
	assert_int_equal(v.reason, REASON_TW_EXPIRED);
	v = mini_end(TCPSTATE_FIN_WAIT2, timer);
	assert_int_equal(v.reason, REASON_TIMEOUT);
	assert_int_equal(v.detail, DETAIL_FIN_WAIT2);
	v = mini_end(TCPSTATE_SYN_RECV, timer);
	assert_int_equal(v.reason, REASON_TIMEOUT);
	assert_int_equal(v.detail, DETAIL_SYNACK);
	/* The timer did not do it; what did, no hook says. */
	v = mini_end(TCPSTATE_TIME_WAIT, 0);
	assert_int_equal(v.reason, REASON_UNKNOWN);
	v = mini_end(TCPSTATE_FIN_WAIT2, 0);
	assert_int_equal(v.reason, REASON_UNKNOWN);
	v = mini_end(TCPSTATE_SYN_RECV, 0);
	assert_int_equal(v.reason, REASON_UNKNOWN);
}

#define ENDS(in, by, why, how) { TCPSTATE_##in, TCPSTATE_CAUSE_##by, \
				 REASON_##why, DETAIL_##how }

static void test_causes_of_a_mini_sockets_end(void **state)
{
	static const struct {
		uint8_t state, cause, reason, detail;
	} rows[] = {
		ENDS(TIME_WAIT, RST, TW_RST, NONE),
		ENDS(TIME_WAIT, INPUT, TW_REUSED, NONE),
		ENDS(TIME_WAIT, CONNECT, TW_REUSED, NONE),
		ENDS(TIME_WAIT, ABORT, KILLED, NONE),
		ENDS(TIME_WAIT, NETNS, NETNS, NONE),
		ENDS(FIN_WAIT2, RST, RST_RECEIVED, NONE),
		ENDS(FIN_WAIT2, INPUT, RST_SENT, DATA_AFTER_CLOSE),
		ENDS(FIN_WAIT2, ABORT, KILLED, NONE),
		ENDS(FIN_WAIT2, NETNS, NETNS, NONE),
		ENDS(SYN_RECV, RST, RST_RECEIVED, NONE),
		ENDS(SYN_RECV, INPUT, ABORT, LISTENER_CLOSED),
		ENDS(SYN_RECV, ABORT, KILLED, NONE),
		ENDS(SYN_RECV, ICMP, UNREACHABLE, NONE),
		ENDS(SYN_RECV, NETNS, NETNS, NONE),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct tcpstate_record rec = { .cause = rows[i].cause };
		struct verdict v = reason_of_mini_end(rows[i].state, &rec);

		assert_int_equal(v.reason, rows[i].reason);
		assert_int_equal(v.detail, rows[i].detail);
	}
}

/* tcp_abort_on_overflow: more wait for accept() than the backlog has room for. */
static void test_request_without_room(void **state)
{
	const struct tcpstate_record full = {
		.cause = TCPSTATE_CAUSE_RST, .rqueue = 6, .wqueue = 5,
	};
	const struct tcpstate_record room = {
		.cause = TCPSTATE_CAUSE_RST, .rqueue = 5, .wqueue = 5,
	};
	struct verdict v;

	(void)state;
	v = reason_of_mini_end(TCPSTATE_SYN_RECV, &full);
	assert_int_equal(v.reason, REASON_OVERFLOW);
	v = reason_of_mini_end(TCPSTATE_SYN_RECV, &room);
	assert_int_equal(v.reason, REASON_RST_RECEIVED);
}

/* Its timer ran out; that is not why it came to nothing. */
static void test_request_whose_timer_found_more(void **state)
{
	static const struct {
		struct tcpstate_record rec;
		uint8_t reason, detail;
	} rows[] = {
		/* no room for a child when the third segment came */
		{ { .flags = TCPSTATE_F_TIMER | TCPSTATE_F_ACKED,
		    .rqueue = 6, .wqueue = 5 }, REASON_OVERFLOW, DETAIL_NONE },
		/* accept() was deferred */
		{ { .flags = TCPSTATE_F_TIMER | TCPSTATE_F_ACKED,
		    .rqueue = 5, .wqueue = 5 }, REASON_TIMEOUT, DETAIL_SYNACK },
		/* it never came: the queue has nothing to do with it */
		{ { .flags = TCPSTATE_F_TIMER, .rqueue = 6, .wqueue = 5 },
		  REASON_TIMEOUT, DETAIL_SYNACK },
		{ { .flags = TCPSTATE_F_TIMER, .cause = TCPSTATE_CAUSE_INPUT },
		  REASON_ABORT, DETAIL_LISTENER_CLOSED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct verdict v = reason_of_mini_end(TCPSTATE_SYN_RECV,
						      &rows[i].rec);

		assert_int_equal(v.reason, rows[i].reason);
		assert_int_equal(v.detail, rows[i].detail);
	}
}

/* Whatever a record holds, there is a reason. */
static void test_there_is_always_a_reason(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		struct row row = { 0 };
		struct verdict v;

		x = x * 1664525 + 1013904223;
		row.old_state = 1 + (x >> 8) % 11;
		row.role = (x >> 12) % ROLES;
		row.flags = x >> 13 & 0x7ff;
		row.shutdown = x >> 24 & 3;
		x = x * 1664525 + 1013904223;
		row.sk_err = x >> 31 ? 0 : x >> 16 & 0x7f;
		row.unread = x >> 8 & 3;
		row.unacked = x >> 10 & 3;
		row.linger2 = (int32_t)(x >> 12 & 3) - 1;
		row.no_port = x >> 14 & 1;
		row.accepted = x >> 15 & 1;
		v = verdict_of(&row);
		assert_in_range(v.reason, REASON_NONE + 1, REASONS - 1);
		assert_in_range(v.detail, DETAIL_NONE, DETAILS - 1);
		assert_in_range(v.kind, KIND_UNKNOWN, KINDS - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_before_established),
		cmocka_unit_test(test_reset_by_peer),
		cmocka_unit_test(test_by_fin),
		cmocka_unit_test(test_unacknowledged_fin_is_no_fin),
		cmocka_unit_test(test_unacknowledged_closing_is_no_overflow),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_abort_by_close),
		cmocka_unit_test(test_abort_by_disconnect),
		cmocka_unit_test(test_listener_closed),
		cmocka_unit_test(test_not_by_the_listener),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_fin_wait2_without_mini_socket),
		cmocka_unit_test(test_closing_without_mini_socket),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_mini_sockets),
		cmocka_unit_test(test_causes_of_a_mini_sockets_end),
		cmocka_unit_test(test_request_without_room),
		cmocka_unit_test(test_request_whose_timer_found_more),
		cmocka_unit_test(test_there_is_always_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

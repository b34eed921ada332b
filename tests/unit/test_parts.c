// SPDX-License-Identifier: GPL-2.0
/*
 * A copy of a connection is its own: the engine may use its memory again.
 */
#include "records.h"

struct copy {
	struct conn conn;
	struct conn_parts parts;
};

static void test_copy_outlives(void **state)
{
	struct closing end = { .fin_ns = 3, .fin_peer = 900 };
	struct origin nc = { .pid = 175, .comm = "nc" };
	struct conn c = { .cookie = 7, .closing = &end, .origin = &nc };
	struct copy copy;

	(void)state;
	conn_copy(&copy.conn, &copy.parts, &c);
	memset(&end, 0xff, sizeof(end));
	memset(&nc, 0xff, sizeof(nc));
	memset(&c, 0xff, sizeof(c));
	assert_int_equal(copy.conn.cookie, 7);
	assert_int_equal(conn_closing(&copy.conn)->fin_ns, 3);
	assert_int_equal(conn_closing(&copy.conn)->fin_peer, 900);
	assert_int_equal(conn_origin(&copy.conn)->pid, 175);
	assert_string_equal(conn_origin(&copy.conn)->comm, "nc");
}

static void test_copy_moves(void **state)
{
	struct closing end = { .tw_ns = 5 };
	struct address_pair pair = { .saddr = { 0x20 }, .daddr = { 0x21 } };
	struct origin nc = { .pid = 175 };
	struct conn c = { .cookie = 7, .family = 6, .v6 = &pair,
			  .closing = &end, .origin = &nc };
	struct copy here, there;

	(void)state;
	conn_copy(&here.conn, &here.parts, &c);
	there = here;
	memset(&here, 0xff, sizeof(here));
	memset(&pair, 0xff, sizeof(pair));
	memset(&nc, 0xff, sizeof(nc));
	conn_moved(&there.conn, &there.parts);
	assert_int_equal(conn_closing(&there.conn)->tw_ns, 5);
	assert_int_equal(conn_saddr(&there.conn)[0], 0x20);
	assert_int_equal(conn_daddr(&there.conn)[0], 0x21);
	assert_int_equal(conn_origin(&there.conn)->pid, 175);
}

static void test_nothing_to_point_at(void **state)
{
	struct conn c = { .cookie = 7 };
	struct copy copy;

	(void)state;
	conn_copy(&copy.conn, &copy.parts, &c);
	assert_int_equal(conn_daddr(&copy.conn)[0], 0);
	conn_moved(&copy.conn, &copy.parts);
	assert_int_equal(conn_closing(&copy.conn)->fin_ns, 0);
	assert_int_equal(conn_origin(&copy.conn)->pid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_outlives),
		cmocka_unit_test(test_copy_moves),
		cmocka_unit_test(test_nothing_to_point_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Commas mean or, different filters mean and, and what is unknown matches no
 * filter that asks for it.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "filter.h"
#include "origin.h"

static struct parse_error err;

/* 10.0.1.5:8080 -> 10.0.7.12:51544, CLOSE_WAIT, java[2211] of user 1000 */
static struct conn java(void)
{
	struct conn c = {
		.cookie = 0x1a2b, .life = 1, .netns = 4026531840, .family = 4,
		.sport = 8080, .dport = 51544, .role = ROLE_SERVER,
		.state = TCPSTATE_CLOSE_WAIT, .has_uid = true,
		.origin = ORIGIN(.pid = 2211, .comm = "java", .uid = 1000,
				 .cgroup = 1234),
	};

	inet_pton(AF_INET, "10.0.1.5", c.v4.saddr);
	inet_pton(AF_INET, "10.0.7.12", c.v4.daddr);
	return c;
}

static void test_empty(void **state)
{
	struct filter f = {};
	struct conn c = java(), nothing = {};

	(void)state;
	assert_true(filter_is_empty(&f));
	assert_true(filter_conn(&f, &c));
	assert_true(filter_conn(&f, &nothing));
	f.family = FILTER_IPV4;
	assert_false(filter_is_empty(&f));
}

static bool ports_match(const char *port, const char *sport, const char *dport,
			const struct conn *c)
{
	struct filter f = {};
	bool ret;

	if (port)
		assert_int_equal(parse_ports(port, &f.port, &err), 0);
	if (sport)
		assert_int_equal(parse_ports(sport, &f.sport, &err), 0);
	if (dport)
		assert_int_equal(parse_ports(dport, &f.dport, &err), 0);
	ret = filter_conn(&f, c);
	filter_free(&f);
	return ret;
}

static void test_ports(void **state)
{
	struct conn c = java(), unknown = java();

	(void)state;
	unknown.sport = 0;
	assert_true(ports_match("8080", NULL, NULL, &c));
	assert_true(ports_match("51544", NULL, NULL, &c));
	assert_true(ports_match("1,8000-8080", NULL, NULL, &c));
	assert_false(ports_match("8081-51543", NULL, NULL, &c));
	assert_true(ports_match(NULL, "8080", NULL, &c));
	assert_false(ports_match(NULL, "51544", NULL, &c));
	assert_true(ports_match(NULL, NULL, "51544", &c));
	assert_false(ports_match(NULL, NULL, "8080", &c));
	assert_true(ports_match(NULL, "8080", "51544", &c));
	assert_false(ports_match(NULL, "8080", "1", &c));
	assert_false(ports_match(NULL, "1-65535", NULL, &unknown));
	assert_true(ports_match("51544", NULL, NULL, &unknown));
}

static bool addr_matches(const char *text, const struct conn *c)
{
	struct filter f = {};
	bool ret;

	assert_int_equal(parse_cidrs(text, &f.addr, &err), 0);
	ret = filter_conn(&f, c);
	filter_free(&f);
	return ret;
}

static void test_addr(void **state)
{
	struct conn c = java(), v6 = java(), unknown = java();
	struct address_pair pair;

	(void)state;
	assert_true(addr_matches("10.0.1.5", &c));
	assert_true(addr_matches("10.0.7.12", &c));
	assert_true(addr_matches("10.0.6.0/23", &c));
	assert_false(addr_matches("10.0.4.0/23", &c));
	assert_true(addr_matches("192.0.2.1,10.0.0.0/8", &c));
	assert_true(addr_matches("0.0.0.0/0", &c));
	assert_false(addr_matches("::/0", &c));
	assert_true(addr_matches("::ffff:10.0.1.0/120", &c));

	v6.family = 6;
	v6.v6 = &pair;
	inet_pton(AF_INET6, "2001:db8::1", pair.saddr);
	inet_pton(AF_INET6, "2001:db8:7::2", pair.daddr);
	assert_true(addr_matches("2001:db8:7::/47", &v6));
	assert_false(addr_matches("2001:db8:8::/47", &v6));
	assert_false(addr_matches("0.0.0.0/0", &v6));

	/* The peer of a SYN_SENT without address is unknown, not 0.0.0.0. */
	memset(unknown.v4.daddr, 0, sizeof(unknown.v4.daddr));
	unknown.dport = 0;
	assert_false(addr_matches("0.0.0.0/32", &unknown));
}

static void test_family(void **state)
{
	struct filter f = { .family = FILTER_IPV6 };
	struct conn c = java();
	struct address_pair pair = { 0 };

	(void)state;
	assert_false(filter_conn(&f, &c));
	f.family = FILTER_IPV4;
	assert_true(filter_conn(&f, &c));
	f.family = FILTER_IPV4 | FILTER_IPV6;
	assert_true(filter_conn(&f, &c));
	c.family = 6;
	c.v6 = &pair;
	assert_true(filter_conn(&f, &c));
	f.family = FILTER_IPV4;
	assert_false(filter_conn(&f, &c));
}

static bool in_cgroup(void *ctx, uint64_t id)
{
	return id == *(uint64_t *)ctx;
}

static void test_owner(void **state)
{
	struct conn c = java(), unknown = {};
	struct filter pid = {}, comm = {}, uid = {}, netns = {}, cgroup = {};
	uint64_t id = 1234;

	(void)state;
	assert_int_equal(parse_pids("1,2211", &pid.pid, &err), 0);
	assert_int_equal(parse_words("nginx,j*a", &comm.comm, &err), 0);
	assert_int_equal(parse_uids("0,1000", &uid.uid, &err), 0);
	assert_int_equal(parse_netns("4026531840", &netns.netns, &err), 0);
	assert_int_equal(parse_words("/x", &cgroup.cgroup, &err), 0);
	cgroup.in_cgroup = in_cgroup;
	cgroup.cgroup_ctx = &id;

	assert_true(filter_conn(&pid, &c));
	assert_true(filter_conn(&comm, &c));
	assert_true(filter_conn(&uid, &c));
	assert_true(filter_conn(&netns, &c));
	assert_true(filter_conn(&cgroup, &c));

	assert_false(filter_conn(&pid, &unknown));
	assert_false(filter_conn(&comm, &unknown));
	/* 0 is root and must be known to be. */
	assert_false(filter_conn(&uid, &unknown));
	assert_false(filter_conn(&netns, &unknown));
	assert_false(filter_conn(&cgroup, &unknown));

	c.origin = ORIGIN(.pid = 2212, .comm = "javac", .uid = 1,
			  .cgroup = 1235);
	c.netns--;
	assert_false(filter_conn(&pid, &c));
	assert_false(filter_conn(&comm, &c));
	assert_false(filter_conn(&uid, &c));
	assert_false(filter_conn(&netns, &c));
	assert_false(filter_conn(&cgroup, &c));

	filter_free(&pid);
	filter_free(&comm);
	filter_free(&uid);
	filter_free(&netns);
	filter_free(&cgroup);
}

/* An unknown comm is not one that "*" matches. */
static void test_any_comm(void **state)
{
	struct conn c = java(), unknown = {};
	struct filter f = {};

	(void)state;
	assert_int_equal(parse_words("*", &f.comm, &err), 0);
	assert_true(filter_conn(&f, &c));
	assert_false(filter_conn(&f, &unknown));
	filter_free(&f);
}

static void test_state(void **state)
{
	struct conn c = java();
	struct transition t = {
		.conn = &c,
		.old_state = TCPSTATE_ESTABLISHED,
		.new_state = TCPSTATE_CLOSE_WAIT,
	};
	struct filter f = {};

	(void)state;
	assert_int_equal(parse_states("listen,established", &f.states, &err),
			 0);
	assert_false(filter_conn(&f, &c));
	assert_true(filter_transition(&f, &t));
	t.old_state = TCPSTATE_SYN_RECV;
	assert_false(filter_transition(&f, &t));
	assert_int_equal(parse_states("close-wait", &f.states, &err), 0);
	assert_true(filter_conn(&f, &c));
	assert_true(filter_transition(&f, &t));
}

static void test_and(void **state)
{
	struct conn c = java();
	struct filter f = {};

	(void)state;
	assert_int_equal(parse_ports("8080", &f.sport, &err), 0);
	assert_int_equal(parse_words("java", &f.comm, &err), 0);
	assert_true(filter_conn(&f, &c));
	memcpy(own_origin(&c)->comm, "perl", 5);
	assert_false(filter_conn(&f, &c));
	filter_free(&f);
}

static void test_record(void **state)
{
	struct tcpstate_record rec = {
		.family = AF_INET6, .sport = 80, .tgid = 7, .comm = "nginx",
		.old_state = TCPSTATE_LISTEN,
		.new_state = TCPSTATE_NEW_SYN_RECV,
	};
	struct filter f = { .family = FILTER_IPV4 };

	(void)state;
	inet_pton(AF_INET6, "::ffff:10.0.1.5", rec.saddr);
	inet_pton(AF_INET6, "::ffff:10.0.7.12", rec.daddr);
	assert_true(filter_record(&f, &rec));
	assert_int_equal(parse_cidrs("10.0.7.0/24", &f.addr, &err), 0);
	assert_true(filter_record(&f, &rec));
	assert_int_equal(parse_pids("7", &f.pid, &err), 0);
	assert_true(filter_record(&f, &rec));
	rec.flags = TCPSTATE_F_NO_TASK;
	assert_false(filter_record(&f, &rec));
	numbers_free(&f.pid);
	f.states = 1U << TCPSTATE_NEW_SYN_RECV;
	assert_true(filter_record(&f, &rec));
	f.states = 1U << TCPSTATE_CLOSE;
	assert_false(filter_record(&f, &rec));
	filter_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_addr),
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_any_comm),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_and),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

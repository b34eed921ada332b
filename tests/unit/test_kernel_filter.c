// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel's side keeps back is nothing that the reader would have told,
 * and what it can tell for certain it keeps back.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel_filter.h"

static struct parse_error err;

static struct tcpstate_record record(uint16_t sport, uint16_t dport)
{
	struct tcpstate_record r = {
		.size = sizeof(r), .version = TCPSTATE_RECORD_VERSION,
		.type = TCPSTATE_STATE, .family = AF_INET, .protocol = 6,
		.sport = sport, .dport = dport, .netns_ino = 4026531840,
		.old_state = TCPSTATE_SYN_SENT,
		.new_state = TCPSTATE_ESTABLISHED,
	};

	inet_pton(AF_INET, "10.0.1.5", r.saddr);
	inet_pton(AF_INET, "10.0.7.12", r.daddr);
	return r;
}

static enum tcpstate_verdict judge(struct filter *f, enum kernel_filter_for what,
				   const struct tcpstate_record *r)
{
	struct kernel_filter kf;

	return kernel_filter_make(&kf, f, what) ? kernel_filter_judge(&kf, r) :
						  TCPSTATE_WANTED;
}

static enum tcpstate_verdict judge_ports(const char *port, const char *sport,
					 const char *dport, uint16_t from,
					 uint16_t to)
{
	struct tcpstate_record r = record(from, to);
	enum tcpstate_verdict verdict;
	struct filter f = {};

	if (port)
		assert_int_equal(parse_ports(port, &f.port, &err), 0);
	if (sport)
		assert_int_equal(parse_ports(sport, &f.sport, &err), 0);
	if (dport)
		assert_int_equal(parse_ports(dport, &f.dport, &err), 0);
	verdict = judge(&f, FOR_SOCKETS, &r);
	filter_free(&f);
	return verdict;
}

static void test_ports(void **state)
{
	(void)state;
	assert_int_equal(judge_ports("80", NULL, NULL, 4000, 80),
			 TCPSTATE_WANTED);
	assert_int_equal(judge_ports("80", NULL, NULL, 0, 80), TCPSTATE_WANTED);
	assert_int_equal(judge_ports("80", NULL, NULL, 4000, 81),
			 TCPSTATE_UNWANTED);
	/* connect() has not chosen its port; a listener has no peer. */
	assert_int_equal(judge_ports("80", NULL, NULL, 0, 81),
			 TCPSTATE_UNDECIDED);
	assert_int_equal(judge_ports(NULL, "80", NULL, 0, 80),
			 TCPSTATE_UNDECIDED);
	assert_int_equal(judge_ports(NULL, NULL, "80", 80, 0),
			 TCPSTATE_UNDECIDED);
	assert_int_equal(judge_ports(NULL, "1-9,80", "443", 80, 443),
			 TCPSTATE_WANTED);
	assert_int_equal(judge_ports(NULL, "80", "443", 0, 444),
			 TCPSTATE_UNWANTED);
	/* More than it has room for: the reader's alone. */
	assert_int_equal(judge_ports("1,2,3,4,5,6,7,8,9", NULL, NULL, 80, 443),
			 TCPSTATE_WANTED);
}

static enum tcpstate_verdict judge_addr(const char *cidrs, unsigned int family,
					const char *from, const char *to)
{
	struct tcpstate_record r = record(1, 2);
	enum tcpstate_verdict verdict;
	struct filter f = { .family = family };

	r.family = strchr(from, ':') ? AF_INET6 : AF_INET;
	memset(r.saddr, 0, sizeof(r.saddr));
	memset(r.daddr, 0, sizeof(r.daddr));
	inet_pton(r.family, from, r.saddr);
	inet_pton(r.family, to, r.daddr);
	if (cidrs)
		assert_int_equal(parse_cidrs(cidrs, &f.addr, &err), 0);
	verdict = judge(&f, FOR_SOCKETS, &r);
	filter_free(&f);
	return verdict;
}

static void test_addresses(void **state)
{
	(void)state;
	assert_int_equal(judge_addr("10.0.7.0/28", 0, "10.0.1.5", "10.0.7.12"),
			 TCPSTATE_WANTED);
	assert_int_equal(judge_addr("10.0.7.0/29", 0, "10.0.1.5", "10.0.7.12"),
			 TCPSTATE_UNWANTED);
	assert_int_equal(judge_addr("0.0.0.0/0", 0, "10.0.1.5", "10.0.7.12"),
			 TCPSTATE_WANTED);
	assert_int_equal(judge_addr("::/0", 0, "10.0.1.5", "10.0.7.12"),
			 TCPSTATE_UNWANTED);
	assert_int_equal(judge_addr("10.0.0.0/8", 0, "::ffff:10.0.1.5",
				    "::ffff:10.0.7.12"), TCPSTATE_WANTED);
	assert_int_equal(judge_addr("fe80::/10", 0, "fe80::1", "fe80::2"),
			 TCPSTATE_WANTED);
	assert_int_equal(judge_addr("fe80::/10", 0, "2001:db8::1",
				    "2001:db8::2"), TCPSTATE_UNWANTED);
	/* Bound to no address, a request for a listener of both families. */
	assert_int_equal(judge_addr("10.0.0.0/8", 0, "0.0.0.0", "1.2.3.4"),
			 TCPSTATE_UNDECIDED);
	assert_int_equal(judge_addr("10.0.0.0/8", FILTER_IPV4, "::", "::"),
			 TCPSTATE_UNDECIDED);
	assert_int_equal(judge_addr(NULL, FILTER_IPV4, "::1", "::1"),
			 TCPSTATE_UNWANTED);
	assert_int_equal(judge_addr(NULL, FILTER_IPV6, "::ffff:10.0.1.5",
				    "::ffff:10.0.7.12"), TCPSTATE_UNWANTED);
	assert_int_equal(judge_addr(NULL, FILTER_IPV4 | FILTER_IPV6, "::1",
				    "::1"), TCPSTATE_WANTED);
}

static bool even(void *ctx, uint64_t id)
{
	(void)ctx;
	return id % 2 == 0;
}

static void test_what_is_pushed(void **state)
{
	struct kernel_filter kf;
	uint64_t netns = 4026531840;
	char *words[] = { "x" };
	struct filter f = {
		.netns = { .v = &netns, .n = 1 },
		.cgroup = { .v = words, .n = 1 }, .in_cgroup = even,
		.states = 1 << TCPSTATE_ESTABLISHED,
	};
	struct tcpstate_record r = record(1, 2);

	(void)state;
	/* Both ends of a connection may be in two namespaces. */
	assert_false(kernel_filter_make(&kf, &f, FOR_BOTH_ENDS));
	assert_true(kernel_filter_make(&kf, &f, FOR_SOCKETS));
	assert_int_equal(kf.kernel.n_netns, 1);
	/* Another one's idea of cgroups cannot be pushed. */
	assert_int_equal(kf.kernel.n_cgroup, 0);
	/* Connections need all their moves. */
	assert_int_equal(kf.kernel.states, 0);
	assert_int_equal(kernel_filter_judge(&kf, &r), TCPSTATE_WANTED);
	r.netns_ino++;
	assert_int_equal(kernel_filter_judge(&kf, &r), TCPSTATE_UNWANTED);
	assert_true(kernel_filter_make(&kf, &f, FOR_RECORDS));
	assert_int_equal(kf.kernel.states, 1 << TCPSTATE_ESTABLISHED);
}

/* ---- any filter, any record ---- */

static const char *const ports[] = { "80", "443-444", "80,1000-2000", "1-65535" };
static const uint16_t port[] = { 0, 80, 443, 444, 1500, 65535 };
static const char *const cidrs[] = { "10.0.0.0/8", "10.0.1.5", "::/0", "::1",
				     "10.0.7.8/29,fe80::/10" };
static const char *const addr4[] = { "0.0.0.0", "10.0.1.5", "10.0.7.12",
				     "127.0.0.1" };
static const char *const addr6[] = { "::", "::1", "fe80::1",
				     "::ffff:10.0.1.5", "::ffff:127.0.0.1" };

#define ANY(list)	list[(size_t)rand() % (sizeof(list) / sizeof(*list))]

static void any_filter(struct filter *f)
{
	if (rand() % 2)
		parse_ports(ANY(ports), &f->port, &err);
	if (rand() % 4 == 0)
		parse_ports(ANY(ports), &f->sport, &err);
	if (rand() % 4 == 0)
		parse_ports(ANY(ports), &f->dport, &err);
	if (rand() % 3 == 0)
		parse_cidrs(ANY(cidrs), &f->addr, &err);
	if (rand() % 3 == 0)
		f->family = (unsigned int)rand() % 4;
	if (rand() % 5 == 0)
		f->states = (uint32_t)rand() & 0xfff;
}

static void any_record(struct tcpstate_record *r)
{
	*r = record(ANY(port), ANY(port));
	r->old_state = (uint8_t)(1 + rand() % 12);
	r->new_state = (uint8_t)(1 + rand() % 12);
	r->type = (uint8_t)(1 + rand() % 8);
	memset(r->saddr, 0, sizeof(r->saddr));
	memset(r->daddr, 0, sizeof(r->daddr));
	r->family = rand() % 2 ? AF_INET : AF_INET6;
	inet_pton(r->family, r->family == AF_INET ? ANY(addr4) : ANY(addr6),
		  r->saddr);
	inet_pton(r->family, r->family == AF_INET ? ANY(addr4) : ANY(addr6),
		  r->daddr);
}

static void test_nothing_told_is_kept_back(void **state)
{
	unsigned int kept_back = 0, told = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 200000; i++) {
		struct tcpstate_record r;
		struct kernel_filter kf;
		struct filter f = {};
		bool pushed;

		any_filter(&f);
		any_record(&r);
		pushed = kernel_filter_make(&kf, &f, FOR_SOCKETS);
		if (filter_record(&f, &r)) {
			told++;
			if (pushed)
				assert_int_not_equal(kernel_filter_judge(&kf, &r),
						     TCPSTATE_UNWANTED);
		} else if (pushed && kernel_filter_judge(&kf, &r) ==
				     TCPSTATE_UNWANTED) {
			kept_back++;
		}
		filter_free(&f);
	}
	/* A test of nothing would pass as well. */
	assert_true(told > 20000);
	assert_true(kept_back > 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_what_is_pushed),
		cmocka_unit_test(test_nothing_told_is_kept_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

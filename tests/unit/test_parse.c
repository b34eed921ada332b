// SPDX-License-Identifier: GPL-2.0
/*
 * Words of the command line become the values they say, and everything else
 * is refused with a clause that tells why.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "parse.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define BAD UINT64_MAX

static const struct {
	const char *text;
	uint64_t ns;
} durations[] = {
	{ "0", 0 },
	{ "5", 5 * S },
	{ "5s", 5 * S },
	{ "250ms", 250 * MS },
	{ "1.5", 1500 * MS },
	{ "1.5m", 90 * S },
	{ ".5s", 500 * MS },
	{ "2h", 7200 * S },
	{ "1d", 86400 * S },
	{ "0.000000001", 1 },
	{ "0.0000000009", 0 },
	{ "1.9999999999999999999999999999", 1999999999 },
	{ "53375d", UINT64_C(53375) * 86400 * S },
	{ "", BAD },
	{ "s", BAD },
	{ ".", BAD },
	{ ".s", BAD },
	{ "1.", BAD },
	{ "1.s", BAD },
	{ "-5", BAD },
	{ "-0", BAD },
	{ "+5", BAD },
	{ " 5", BAD },
	{ "5 s", BAD },
	{ "5x", BAD },
	{ "5sec", BAD },
	{ "5S", BAD },
	{ "5us", BAD },
	{ "1.2.3", BAD },
	{ "1e3", BAD },
	{ "0x10", BAD },
	{ "inf", BAD },
	{ "nan", BAD },
	{ "106751d", BAD },
	{ "18446744073709551616", BAD },
	{ "99999999999999999999999999", BAD },
	{ "18446744073709551615d", BAD },
};

static const struct {
	const char *text;
	uint64_t bytes;		/* 0: refused */
} sizes[] = {
	{ "1", 1 }, { "4096", 4096 }, { "512K", 524288 }, { "64M", 67108864 },
	{ "2G", 2147483648 }, { "17179869183G", 17179869183ULL << 30 },
	{ "17179869184G", 0 }, { "18446744073709551616", 0 }, { "0", 0 },
	{ "0K", 0 }, { "", 0 }, { "K", 0 }, { "-1", 0 }, { "1.5M", 0 },
	{ "1k", 0 }, { "1KB", 0 }, { " 1", 0 },
};

static void test_bytes(void **state)
{
	struct parse_error err;
	uint64_t bytes;
	int ret;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		print_message("size \"%s\"\n", sizes[i].text);
		ret = parse_bytes(sizes[i].text, &bytes, &err);
		assert_int_equal(ret, sizes[i].bytes ? 0 : -EINVAL);
		if (!ret)
			assert_true(bytes == sizes[i].bytes);
		else
			assert_true(strlen(err.why) > 0);
	}
}

static void test_durations(void **state)
{
	struct parse_error err;
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(durations) / sizeof(*durations); i++) {
		int ret;

		print_message("duration \"%s\"\n", durations[i].text);
		ns = 42;
		err.why[0] = '\0';
		ret = parse_duration(durations[i].text, &ns, &err);
		if (durations[i].ns == BAD) {
			assert_int_not_equal(ret, 0);
			assert_true(strlen(err.why) > 0);
			assert_int_equal(ns, 42);
			continue;
		}
		assert_int_equal(ret, 0);
		assert_true(ns == durations[i].ns);
	}
}

static void test_numbers(void **state)
{
	static const char *const bad[] = {
		"", "0", "11", "-1", "+1", " 1", "1 ", "1x", "0x1", "1.0",
		"18446744073709551617",
	};
	struct parse_error err;
	uint64_t value = 0;
	size_t i;

	(void)state;
	assert_int_equal(parse_number("7", 1, 10, &value, &err), 0);
	assert_int_equal(value, 7);
	assert_int_equal(parse_number("007", 1, 10, &value, &err), 0);
	assert_int_equal(value, 7);
	assert_int_equal(parse_number("18446744073709551615", 0, UINT64_MAX,
				      &value, &err), 0);
	assert_true(value == UINT64_MAX);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(parse_number(bad[i], 1, 10, &value, &err),
				     0);
	assert_string_equal(err.why, "not a whole number from 1 to 10");
}

static void test_ports(void **state)
{
	static const char *const bad[] = {
		"", ",", "80,", ",80", "80,,81", "0", "0-5", "65536", "5-65536",
		"9-8", "-80", "80-", "a", "80a", "80-90-100", "http",
		"99999999999999999999",
	};
	struct parse_error err;
	struct ports ports = {};
	size_t i;

	(void)state;
	assert_int_equal(parse_ports("80,443,8000-8010", &ports, &err), 0);
	assert_int_equal(parse_ports("1-65535", &ports, &err), 0);
	assert_int_equal(ports.n, 4);
	assert_int_equal(ports.v[0].lo, 80);
	assert_int_equal(ports.v[0].hi, 80);
	assert_int_equal(ports.v[2].lo, 8000);
	assert_int_equal(ports.v[2].hi, 8010);
	assert_int_equal(ports.v[3].lo, 1);
	assert_int_equal(ports.v[3].hi, 65535);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(parse_ports(bad[i], &ports, &err), 0);
	free(ports.v);
}

static void test_cidrs(void **state)
{
	static const char *const bad[] = {
		"", "10.0.0.0/33", "::1/129", "10.0.0", "10.0.0.0/", "/8",
		"10.0.0.0/-1", "10.0.0.0/8/8", "host", "1.2.3.4,",
		"fe80::1%eth0",
		"00000000000000000000000000000000000000000000000000000:1",
	};
	static const uint8_t masked[4] = { 10, 1, 0xf0, 0 };
	static const uint8_t loopback[16] = { [15] = 1 };
	static const uint8_t v4[4] = { 192, 0, 2, 0 };
	struct cidrs cidrs = {};
	struct parse_error err;
	size_t i;

	(void)state;
	assert_int_equal(parse_cidrs("10.1.255.7/20,::1", &cidrs, &err), 0);
	assert_int_equal(parse_cidrs("::ffff:192.0.2.9/120", &cidrs, &err), 0);
	assert_int_equal(parse_cidrs("0.0.0.0/0,::/0", &cidrs, &err), 0);
	assert_int_equal(cidrs.n, 5);
	/* Host bits are ignored. */
	assert_int_equal(cidrs.v[0].family, 4);
	assert_int_equal(cidrs.v[0].bits, 20);
	assert_memory_equal(cidrs.v[0].addr, masked, 4);
	assert_int_equal(cidrs.v[1].family, 6);
	assert_int_equal(cidrs.v[1].bits, 128);
	assert_memory_equal(cidrs.v[1].addr, loopback, 16);
	/* v4-mapped is IPv4. */
	assert_int_equal(cidrs.v[2].family, 4);
	assert_int_equal(cidrs.v[2].bits, 24);
	assert_memory_equal(cidrs.v[2].addr, v4, 4);
	/* ::/0 is all of IPv6, and only that. */
	assert_int_equal(cidrs.v[4].family, 6);
	assert_int_equal(cidrs.v[4].bits, 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(parse_cidrs(bad[i], &cidrs, &err), 0);
	free(cidrs.v);
}

static void test_states(void **state)
{
	struct parse_error err;
	uint32_t states = 0;

	(void)state;
	assert_int_equal(parse_states("close-wait,FIN_WAIT2", &states, &err),
			 0);
	assert_int_equal(parse_states("Time-Wait", &states, &err), 0);
	assert_int_equal(states, 1 << TCPSTATE_CLOSE_WAIT |
				 1 << TCPSTATE_FIN_WAIT2 |
				 1 << TCPSTATE_TIME_WAIT);
	assert_int_not_equal(parse_states("foo", &states, &err), 0);
	assert_int_not_equal(parse_states("", &states, &err), 0);
	assert_string_equal(err.why, "a value is missing");
}

static void test_ids(void **state)
{
	struct numbers pids = {}, uids = {};
	struct parse_error err;

	(void)state;
	assert_int_equal(parse_pids("1,4194304", &pids, &err), 0);
	assert_int_equal(pids.n, 2);
	assert_int_equal(pids.v[1], 4194304);
	assert_int_not_equal(parse_pids("0", &pids, &err), 0);
	assert_int_not_equal(parse_pids("4194305", &pids, &err), 0);
	assert_int_not_equal(parse_pids("init", &pids, &err), 0);

	assert_int_equal(parse_uids("root,1000,0", &uids, &err), 0);
	assert_int_equal(uids.n, 3);
	assert_int_equal(uids.v[0], 0);
	assert_int_equal(uids.v[1], 1000);
	assert_int_not_equal(parse_uids("4294967295", &uids, &err), 0);
	assert_int_not_equal(parse_uids("no such user", &uids, &err), 0);
	assert_string_equal(err.why, "there is no user \"no such user\"");
	numbers_free(&pids);
	numbers_free(&uids);
}

static void test_words(void **state)
{
	struct words words = {};
	struct parse_error err;

	(void)state;
	assert_int_equal(parse_words("nginx,php*", &words, &err), 0);
	assert_int_equal(words.n, 2);
	assert_string_equal(words.v[1], "php*");
	assert_int_not_equal(parse_words("a,,b", &words, &err), 0);
	words_free(&words);
}

static void test_netns(void **state)
{
	struct numbers inodes = {};
	struct parse_error err;
	struct stat st;
	char own[32];

	(void)state;
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	snprintf(own, sizeof(own), "pid:%d", getpid());
	assert_int_equal(parse_netns(own, &inodes, &err), 0);
	assert_int_equal(inodes.v[0], st.st_ino);
	assert_int_equal(parse_netns("/proc/self/ns/net,4026531840", &inodes,
				     &err), 0);
	assert_int_equal(inodes.n, 3);
	assert_int_equal(inodes.v[1], st.st_ino);
	assert_int_equal(inodes.v[2], 4026531840);
	assert_int_not_equal(parse_netns("no-such-netns", &inodes, &err), 0);
	assert_int_not_equal(parse_netns("pid:x", &inodes, &err), 0);
	assert_int_not_equal(parse_netns("pid:", &inodes, &err), 0);
	assert_int_not_equal(parse_netns("0", &inodes, &err), 0);
	numbers_free(&inodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_cidrs),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_netns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

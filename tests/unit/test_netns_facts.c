// SPDX-License-Identifier: GPL-2.0
/* Reserved ports as sysctl prints them, and the facts of our own namespace. */
#include "records.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "source/netns_facts.h"

static uint8_t map[65536 / 8];

static bool reserved(const char *text, unsigned int port)
{
	memset(map, 0, sizeof(map));
	netns_facts_parse_ports(text, map);
	return map[port / 8] >> port % 8 & 1;
}

static void test_reserved_ports(void **state)
{
	static const char list[] = "22,8080,9000-9010,65535\n";

	(void)state;
	assert_true(reserved(list, 22));
	assert_false(reserved(list, 23));
	assert_true(reserved(list, 8080));
	assert_false(reserved(list, 8999));
	assert_true(reserved(list, 9000));
	assert_true(reserved(list, 9010));
	assert_false(reserved(list, 9011));
	assert_true(reserved(list, 65535));
	assert_false(reserved("\n", 0));
}

/* What is no list of ports is not written beyond the map. */
static void test_no_ports(void **state)
{
	static const char *const bad[] = {
		"", "x", "70000", "22-70000", "9-8", "99999999999999999999999",
		"-1", "18446744073709551615-1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (unsigned int port = 0; port < 65536; port++)
			if (reserved(bad[i], port))
				fail_msg("%s reserves %u", bad[i], port);
}

static long long setting(const char *path)
{
	long long value = -1;
	FILE *file = fopen(path, "r");

	if (file && fscanf(file, "%lld", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

static void test_own_namespace(void **state)
{
	const struct netns_facts *facts;
	struct netns_facts_list list;
	struct stat st;

	(void)state;
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_equal(netns_facts_take(&list), 0);
	facts = netns_facts_of(&list, (uint32_t)st.st_ino);
	assert_non_null(facts);
	assert_int_equal(facts->port_first,
			 setting("/proc/sys/net/ipv4/ip_local_port_range"));
	assert_true(facts->port_last >= facts->port_first);
	assert_int_equal(facts->tcp_tw_reuse,
			 setting("/proc/sys/net/ipv4/tcp_tw_reuse"));
	assert_int_equal(facts->tcp_max_tw_buckets,
			 setting("/proc/sys/net/ipv4/tcp_max_tw_buckets"));
	assert_true(facts->time_waits >= 0);
	assert_true(facts->tw_overflows >= 0);
	assert_true(facts->challenge_acks >= 0);
	assert_null(netns_facts_of(&list, 1));
	netns_facts_free(&list);
	assert_null(netns_facts_of(&list, (uint32_t)st.st_ino));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserved_ports),
		cmocka_unit_test(test_no_ports),
		cmocka_unit_test(test_own_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

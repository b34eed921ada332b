// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "redact.h"

/* What it is shown as. */
static const char *shown(struct redact *r, int family, const char *addr)
{
	static char text[INET6_ADDRSTRLEN];
	struct tcpstate_record rec = { .family = (uint8_t)family };

	assert_int_equal(inet_pton(family, addr, rec.saddr), 1);
	redact_record(r, &rec);
	assert_non_null(inet_ntop(family, rec.saddr, text, sizeof(text)));
	return text;
}

static void test_addresses(void **state)
{
	struct redact *r = redact_new();

	(void)state;
	assert_non_null(r);
	assert_string_equal(shown(r, AF_INET, "192.0.2.7"), "10.0.0.1");
	assert_string_equal(shown(r, AF_INET, "192.0.2.8"), "10.0.0.2");
	assert_string_equal(shown(r, AF_INET, "192.0.2.7"), "10.0.0.1");
	/* The same host, to a socket of both families. */
	assert_string_equal(shown(r, AF_INET6, "::ffff:192.0.2.8"),
			    "::ffff:10.0.0.2");
	assert_string_equal(shown(r, AF_INET6, "2001:db8::1"), "fd00::1");
	assert_string_equal(shown(r, AF_INET6, "2001:db8::2"), "fd00::2");
	assert_string_equal(shown(r, AF_INET6, "2001:db8::1"), "fd00::1");
	/* They tell nothing. */
	assert_string_equal(shown(r, AF_INET, "0.0.0.0"), "0.0.0.0");
	assert_string_equal(shown(r, AF_INET, "127.3.2.1"), "127.3.2.1");
	assert_string_equal(shown(r, AF_INET6, "::"), "::");
	assert_string_equal(shown(r, AF_INET6, "::1"), "::1");
	assert_string_equal(shown(r, AF_INET6, "::ffff:127.0.0.1"),
			    "::ffff:127.0.0.1");
	redact_free(r);
	redact_free(NULL);
}

static void test_many(void **state)
{
	struct redact *r = redact_new();
	char addr[INET_ADDRSTRLEN];
	struct in_addr in;

	(void)state;
	for (uint32_t n = 1; n <= 70000; n++) {
		in.s_addr = htonl(0xc0000000 + n);
		assert_non_null(inet_ntop(AF_INET, &in, addr, sizeof(addr)));
		in.s_addr = htonl(0x0a000000 + n);
		assert_string_equal(shown(r, AF_INET, addr), inet_ntoa(in));
	}
	redact_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

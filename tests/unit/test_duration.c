// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/duration.h"
#include "output/histogram.h"

static void test_names(void **state)
{
	(void)state;
	for (enum duration d = 0; d < DURATIONS; d++)
		assert_int_equal(duration_named(duration_name(d)), d);
	assert_int_equal(duration_named("years"), DURATIONS);
	assert_int_equal(duration_named(""), DURATIONS);
	assert_null(duration_name(DURATIONS));
}

static int64_t of(const struct conn *c, enum duration d)
{
	uint64_t ns;

	return conn_duration(c, d, &ns) ? (int64_t)ns : -1;
}

static void test_durations(void **state)
{
	struct closing end = { .peer_fin_ns = 300, .fin_ns = 450 };
	struct conn c = { .state = TCPSTATE_CLOSE, .state_ns = 500,
			  .born_ns = 100, .established_ns = 130,
			  .accept_ns = 190, .closing = &end };

	(void)state;
	assert_int_equal(of(&c, DURATION_HANDSHAKE), 30);
	assert_int_equal(of(&c, DURATION_ACCEPT), 60);
	assert_int_equal(of(&c, DURATION_HALF_CLOSE), 150);
	assert_int_equal(of(&c, DURATION_CLOSE_WAIT), 150);
	assert_int_equal(of(&c, DURATION_LIFE), 400);
	assert_int_equal(of(&c, DURATION_TIME_WAIT), -1);
	/* The one that closes first has no CLOSE_WAIT, but a TIME_WAIT. */
	end = (struct closing){ .fin_ns = 300, .peer_fin_ns = 320,
				.tw_ns = 320 };
	c = (struct conn){ .born_ns = 100, .closing = &end };
	assert_int_equal(of(&c, DURATION_HANDSHAKE), -1);
	assert_int_equal(of(&c, DURATION_ACCEPT), -1);
	assert_int_equal(of(&c, DURATION_HALF_CLOSE), 20);
	assert_int_equal(of(&c, DURATION_CLOSE_WAIT), -1);
	assert_int_equal(of(&c, DURATION_LIFE), 220);
	assert_int_equal(of(&c, DURATION_TIME_WAIT), -1);
	c.state = TCPSTATE_CLOSE;
	c.state_ns = 60320;
	assert_int_equal(of(&c, DURATION_TIME_WAIT), 60000);
	assert_int_equal(of(&c, DURATION_LIFE), 220);
	/* Nothing is known of one that was never seen. */
	c = (struct conn){ 0 };
	for (enum duration d = 0; d < DURATIONS; d++)
		assert_int_equal(of(&c, d), -1);
}

static void check_json(const struct histogram *h, const char *expected)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	histogram_json(f, h, "life");
	histogram_text(f, h, "life");
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, expected);
	free(text);
}

static void test_histogram(void **state)
{
	struct histogram h = { .count = 0 };

	(void)state;
	check_json(&h, "{\"event\":\"histogram\",\"of\":\"life\",\"count\":0,\"buckets\":[]}");
	histogram_add(&h, 999);
	histogram_add(&h, 1000);
	histogram_add(&h, 1999);
	histogram_add(&h, 4000);
	check_json(&h, "{\"event\":\"histogram\",\"of\":\"life\",\"count\":4,\"min_us\":0,\"max_us\":4,\"buckets\":["
		   "{\"from_us\":0,\"to_us\":1,\"count\":1},{\"from_us\":1,\"to_us\":2,\"count\":2},"
		   "{\"from_us\":2,\"to_us\":4,\"count\":0},{\"from_us\":4,\"to_us\":8,\"count\":1}]}");
	/* As long as can be: in the last one. */
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(h.buckets[HISTOGRAM_BUCKETS - 1], 1);
	assert_true(h.max_ns == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_histogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Thresholds are reached at or above, and shares are compared exactly.
 */
#include "records.h"

#include "engine/thresholds.h"

static void test_rate(void **state)
{
	static const struct {
		struct threshold t;
		uint64_t value;
		enum rating rating;
	} rows[] = {
		{ { 10, 100 }, 0, RATING_OK },
		{ { 10, 100 }, 9, RATING_OK },
		{ { 10, 100 }, 10, RATING_WARNING },
		{ { 10, 100 }, 99, RATING_WARNING },
		{ { 10, 100 }, 100, RATING_CRITICAL },
		{ { 10, 100 }, UINT64_MAX, RATING_CRITICAL },
		{ { 10, 10 }, 9, RATING_OK },
		{ { 10, 10 }, 10, RATING_CRITICAL },
		{ { THRESHOLD_NEVER, 5 }, 4, RATING_OK },
		{ { THRESHOLD_NEVER, 5 }, 5, RATING_CRITICAL },
		{ { 5, THRESHOLD_NEVER }, UINT64_MAX, RATING_WARNING },
		{ { THRESHOLD_NEVER, THRESHOLD_NEVER }, UINT64_MAX,
		  RATING_OK },
		{ { 0, 1 }, 0, RATING_WARNING },
		{ { 0, 0 }, 0, RATING_CRITICAL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(threshold_rate(&rows[i].t, rows[i].value),
				 rows[i].rating);
}

static void test_rate_share(void **state)
{
	static const struct {
		uint64_t used, of;
		enum rating rating;
	} rows[] = {
		{ 0, 1000, RATING_OK },
		{ 799, 1000, RATING_OK },
		{ 79999999, 100000000, RATING_OK },
		{ 800, 1000, RATING_WARNING },
		{ 949, 1000, RATING_WARNING },
		{ 950, 1000, RATING_CRITICAL },
		{ 2000, 1000, RATING_CRITICAL },
		/* Neither a hundredth of the limit nor of the use overflows. */
		{ UINT64_MAX / 2, UINT64_MAX - 1, RATING_OK },
		{ UINT64_MAX - 1, UINT64_MAX - 1, RATING_CRITICAL },
		/* Unlimited, unknown. */
		{ 5, UINT64_MAX, RATING_OK },
		{ UINT64_MAX, UINT64_MAX, RATING_OK },
		{ 5, 0, RATING_OK },
	};
	const struct threshold t = { 80, 95 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(threshold_rate_share(&t, rows[i].used,
						      rows[i].of),
				 rows[i].rating);
}

static void test_share_without_a_warning(void **state)
{
	const struct threshold t = { THRESHOLD_NEVER, 100 };

	(void)state;
	assert_int_equal(threshold_rate_share(&t, 99, 100), RATING_OK);
	assert_int_equal(threshold_rate_share(&t, 100, 100), RATING_CRITICAL);
}

/* The contract of check. */
static void test_defaults(void **state)
{
	const struct thresholds t = THRESHOLDS_DEFAULT;

	(void)state;
	assert_int_equal(t.close_wait_age.warn, MS(60000));
	assert_int_equal(t.close_wait_age.crit, THRESHOLD_NEVER);
	assert_int_equal(t.close_wait_count.warn, 10);
	assert_int_equal(t.close_wait_count.crit, 100);
	assert_int_equal(t.fds_used.warn, 80);
	assert_int_equal(t.fds_used.crit, 95);
	assert_int_equal(t.ports_used.warn, 70);
	assert_int_equal(t.ports_used.crit, 90);
	assert_int_equal(t.time_wait.warn, 70);
	assert_int_equal(t.time_wait.crit, 95);
	assert_int_equal(t.syn_recv.warn, 70);
	assert_int_equal(t.syn_recv.crit, 95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_rate_share),
		cmocka_unit_test(test_share_without_a_warning),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

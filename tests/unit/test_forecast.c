// SPDX-License-Identifier: GPL-2.0
/* When TIME_WAITs will have used up all: they end, so it may be never. */
#include "records.h"

#include <math.h>

#include "engine/forecast.h"

#define SECOND	UINT64_C(1000000000)

static double seconds(const struct forecast *f)
{
	double s = -1;

	return forecast_reaches(f, &s) ? s : -1;
}

static void assert_about(double a, double b, double within)
{
	if (fabs(a - b) > within)
		fail_msg("%g is not %g", a, b);
}

static void test_begins(void **state)
{
	struct forecast f = { .per_s = 20, .limit = 200 };

	(void)state;
	assert_about(seconds(&f), 10, 0.01);
	f.others = 100;
	assert_about(seconds(&f), 5, 0.01);
	f.limit = 100;
	assert_about(seconds(&f), 0, 0);
}

/* What a minute brings is all there will ever be. */
static void test_levels_off(void **state)
{
	struct forecast f = { .per_s = 20, .limit = 1221 };

	(void)state;
	assert_about(forecast_level(&f), 1220, 0.01);
	assert_true(seconds(&f) < 0);
	f.limit = 1220;
	assert_about(seconds(&f), 61, 0.01);
	f.others = 7;
	assert_about(forecast_level(&f), 1227, 0.01);
}

/* A minute's worth is there, one ends as one begins: it stays so. */
static void test_steady(void **state)
{
	struct forecast f = { .per_s = 10, .limit = 700 };

	(void)state;
	for (uint64_t ms = 0; ms < 61000; ms += 100)
		forecast_add(&f, ms * 1000000);
	assert_true(seconds(&f) < 0);
	f.per_s = 13;
	assert_about(seconds(&f), 30, 2);
}

/* An old crowd goes before the new one has come. */
static void test_old_ones_go(void **state)
{
	struct forecast f = { .per_s = 10, .limit = 300 };

	(void)state;
	for (int i = 0; i < 200; i++)
		forecast_add(&f, 55 * SECOND);
	assert_about(seconds(&f), 30, 0.01);
	f = (struct forecast){ .per_s = 10, .limit = 300 };
	for (int i = 0; i < 200; i++)
		forecast_add(&f, 0);
	assert_about(seconds(&f), 10, 0.01);
	/* Older than they can be: they are as good as gone. */
	f = (struct forecast){ .per_s = 10, .limit = 300 };
	for (int i = 0; i < 200; i++)
		forecast_add(&f, 100 * SECOND);
	assert_about(seconds(&f), 30, 0.01);
}

/* Connections that are never closed do not level off. */
static void test_others_grow(void **state)
{
	struct forecast f = { .others = 100, .others_per_s = 1, .limit = 700 };

	(void)state;
	assert_about(seconds(&f), 600, 1);
	f.per_s = 5;
	assert_about(seconds(&f), 295, 1);
	f.others_per_s = -1;
	assert_true(seconds(&f) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins),
		cmocka_unit_test(test_levels_off),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_old_ones_go),
		cmocka_unit_test(test_others_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

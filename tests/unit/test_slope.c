// SPDX-License-Identifier: GPL-2.0
/* A rate is told when it was measured, and an ETA when its sign is certain. */
#include "records.h"

#include <math.h>

#include "engine/slope.h"

#define SECOND	UINT64_C(1000000000)

static struct slope line(size_t n, uint64_t step_ns, double from, double each)
{
	struct slope s = {};

	for (size_t i = 0; i < n; i++)
		slope_add(&s, 1000 * SECOND + i * step_ns,
			  from + each * (double)i);
	return s;
}

static void assert_near(double a, double b)
{
	if (fabs(a - b) > 1e-6 * (fabs(a) + fabs(b)) + 1e-9)
		fail_msg("%g is not %g", a, b);
}

static void test_measured(void **state)
{
	struct slope s = {};

	(void)state;
	assert_false(slope_measured(&s));
	assert_near(slope_per_min(&s), 0);
	s = line(4, 10 * SECOND, 0, 1);		/* too few */
	assert_false(slope_measured(&s));
	assert_int_equal(slope_sign(&s), 0);
	s = line(100, SECOND / 100, 0, 1);	/* too short */
	assert_false(slope_measured(&s));
	s = line(5, 5 * SECOND / 4, 0, 1);	/* both are just reached */
	assert_true(slope_measured(&s));
	assert_int_equal(slope_sign(&s), 1);
}

static void test_line(void **state)
{
	struct slope s = line(21, SECOND / 4, 19310, 55);
	uint64_t eta;

	(void)state;
	assert_near(slope_per_min(&s), 220 * 60);
	assert_int_equal(slope_sign(&s), 1);
	/* 20,410 now; 28,232 in 35.6 s */
	assert_true(slope_eta(&s, 28232, &eta));
	assert_int_equal(eta, 36);
	assert_true(slope_eta(&s, 20410 + 220 * 1234, &eta));
	assert_int_equal(eta, 1200);
	assert_true(slope_eta(&s, 100, &eta));
	assert_int_equal(eta, 0);
}

static void test_shrinks(void **state)
{
	struct slope s = line(10, SECOND, 100, -2);
	uint64_t eta = 77;

	(void)state;
	assert_near(slope_per_min(&s), -120);
	assert_int_equal(slope_sign(&s), -1);
	assert_false(slope_eta(&s, 1000, &eta));
	assert_int_equal(eta, 77);
}

static void test_flat(void **state)
{
	struct slope s = line(10, SECOND, 100, 0);
	uint64_t eta;

	(void)state;
	assert_true(slope_measured(&s));
	assert_near(slope_per_min(&s), 0);
	assert_int_equal(slope_sign(&s), 0);
	assert_false(slope_eta(&s, 1000, &eta));
}

/* Up and down about a line; @noise against a growth of 1 each second. */
static struct slope noisy(size_t n, double noise)
{
	struct slope s = {};

	for (size_t i = 0; i < n; i++)
		slope_add(&s, i * SECOND, (double)i + (i & 1 ? noise : -noise));
	return s;
}

static void test_noise(void **state)
{
	struct slope s = noisy(20, 1);
	uint64_t eta;

	(void)state;
	assert_int_equal(slope_sign(&s), 1);
	s = noisy(20, 30);
	assert_true(slope_measured(&s));
	assert_int_equal(slope_sign(&s), 0);
	assert_false(slope_eta(&s, 1000, &eta));
	/* It shows when it is watched for longer. */
	s = noisy(200, 30);
	assert_int_equal(slope_sign(&s), 1);
}

/* Counts of 21 samples in 5 s, as long as @from <= i < @to one more each. */
static int sign_of_burst(int from, int to)
{
	struct slope s = {};
	int count = 100;

	for (int i = 0; i < 21; i++) {
		count += i >= from && i < to;
		slope_add(&s, (uint64_t)i * SECOND / 4, count);
	}
	assert_true(slope_per_min(&s) > 0);
	return slope_sign(&s);
}

/* Growth that is over, or has just begun, tells nothing of what comes. */
static void test_burst(void **state)
{
	(void)state;
	assert_int_equal(sign_of_burst(1, 21), 1);
	assert_int_equal(sign_of_burst(1, 2), 0);
	assert_int_equal(sign_of_burst(1, 8), 0);
	assert_int_equal(sign_of_burst(10, 11), 0);
	assert_int_equal(sign_of_burst(14, 21), 0);
	assert_int_equal(sign_of_burst(5, 17), 1);
}

/* Two leaks in five seconds: no step back, but too few to be certain of it. */
static void test_few_steps(void **state)
{
	static const int late[] = { 0, 1, 1, 1, 1, 1, 1, 2, 1, 2 };
	struct slope s = {};

	(void)state;
	for (int i = 0; i < 10; i++)
		slope_add(&s, (uint64_t)i * SECOND, late[i]);
	assert_int_equal(slope_sign(&s), 1);
	s = (struct slope){};
	for (int i = 0; i < 10; i++)
		slope_add(&s, (uint64_t)i * SECOND, i == 2 ? 1 : i == 8 ? 1 : 0);
	assert_int_equal(slope_sign(&s), 0);
}

static void test_late_sample(void **state)
{
	struct slope s = line(10, SECOND, 0, 1);
	struct slope before = s;

	(void)state;
	slope_add(&s, s.last_ns, 1e6);
	slope_add(&s, s.first_ns, 1e6);
	assert_memory_equal(&s, &before, sizeof(s));
}

static void test_two_digits(void **state)
{
	(void)state;
	assert_near(slope_two_digits(0), 0);
	assert_near(slope_two_digits(4312), 4300);
	assert_near(slope_two_digits(-4360), -4400);
	assert_near(slope_two_digits(99.6), 100);
	assert_near(slope_two_digits(42), 42);
	assert_near(slope_two_digits(4.26), 4.3);
	assert_near(slope_two_digits(0.0567), 0.057);
	assert_near(slope_two_digits(271), 270);
	assert_near(slope_two_digits(1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_measured),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_shrinks),
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_few_steps),
		cmocka_unit_test(test_late_sample),
		cmocka_unit_test(test_two_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

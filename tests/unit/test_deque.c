// SPDX-License-Identifier: GPL-2.0
/*
 * Pointers come out as they went in, also when the buffer grows while its begin is
 * somewhere in the middle.
 */
#include "records.h"

#include "engine/deque.h"

static int numbers[1000];

static void push(struct deque *d, int n)
{
	assert_true(deque_push(d, &numbers[n]));
}

static void pops(struct deque *d, int n)
{
	assert_ptr_equal(deque_pop(d), &numbers[n]);
}

static void test_first_in_first_out(void **state)
{
	struct deque d = { 0 };

	(void)state;
	push(&d, 1);
	push(&d, 2);
	pops(&d, 1);
	push(&d, 3);
	assert_int_equal(d.used, 2);
	assert_ptr_equal(*deque_at(&d, 1), &numbers[3]);
	pops(&d, 2);
	pops(&d, 3);
	assert_int_equal(d.used, 0);
	deque_free(&d);
}

static void test_grows_from_the_middle(void **state)
{
	struct deque d = { 0 };
	int in = 0, out = 0;

	(void)state;
	while (in < 50)
		push(&d, in++);
	while (out < 40)
		pops(&d, out++);
	/* 64 slots at first: these go over their end, and then over their room. */
	while (in < 1000)
		push(&d, in++);
	while (out < 1000)
		pops(&d, out++);
	assert_int_equal(d.used, 0);
	deque_free(&d);
}

static void test_is_usable_after_free(void **state)
{
	struct deque d = { 0 };

	(void)state;
	push(&d, 1);
	deque_free(&d);
	assert_int_equal(d.used, 0);
	push(&d, 2);
	pops(&d, 2);
	deque_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_in_first_out),
		cmocka_unit_test(test_grows_from_the_middle),
		cmocka_unit_test(test_is_usable_after_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Pieces are zeroed, apart from each other, and used again.
 */
#include "records.h"

#include "engine/pool.h"

enum { SIZE = 64, N = 1000 };

static void test_pieces_are_apart(void **state)
{
	struct pool p = { .size = SIZE };
	static unsigned char *pieces[N];

	(void)state;
	for (int i = 0; i < N; i++) {
		pieces[i] = pool_take(&p);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % POOL_ALIGN, 0);
		memset(pieces[i], i, SIZE);
	}
	for (int i = 0; i < N; i++)
		for (int k = 0; k < SIZE; k++)
			assert_int_equal(pieces[i][k], i & 255);
	pool_free(&p);
}

static void test_used_again_and_zeroed(void **state)
{
	struct pool p = { .size = SIZE };
	static const unsigned char zero[SIZE];
	void *a, *b;

	(void)state;
	a = memset(pool_take(&p), 1, SIZE);
	b = memset(pool_take(&p), 2, SIZE);
	assert_ptr_not_equal(a, b);
	pool_give(&p, a);
	assert_ptr_equal(pool_take(&p), a);
	assert_memory_equal(a, zero, SIZE);
	pool_give(&p, b);
	pool_give(&p, a);
	assert_ptr_equal(pool_take(&p), a);
	assert_ptr_equal(pool_take(&p), b);
	assert_memory_equal(b, zero, SIZE);
	pool_free(&p);
}

/* One that is reserved is not a second one. */
static void test_reserved(void **state)
{
	struct pool p = { .size = sizeof(void *) };
	void *a;

	(void)state;
	assert_true(pool_reserve(&p));
	assert_true(pool_reserve(&p));
	a = p.free;
	assert_ptr_equal(pool_take(&p), a);
	pool_free(&p);
	/* It is empty, and may be used anew. */
	assert_non_null(pool_take(&p));
	pool_free(&p);
}

static void test_no_memory(void **state)
{
	/* More than any machine has. */
	struct pool p = { .size = SIZE_MAX / 1024 };

	(void)state;
	assert_false(pool_reserve(&p));
	assert_null(pool_take(&p));
	pool_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_apart),
		cmocka_unit_test(test_used_again_and_zeroed),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

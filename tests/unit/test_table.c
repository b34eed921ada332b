// SPDX-License-Identifier: GPL-2.0
/*
 * The connection table: identity, lists in the order of age, and the bound.
 */
#include "records.h"

#include "engine/table.h"

static int setup(void **state)
{
	*state = table_new(1 << 20, 0);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	table_free(*state);
	return 0;
}

static struct entry *add(struct table *t, uint64_t cookie)
{
	struct entry *entry = table_add(t, cookie);

	assert_non_null(entry);
	return entry;
}

static void test_empty(void **state)
{
	struct table *t = *state;

	assert_null(table_find(t, 1));
	for (enum list list = 0; list < LISTS; list++) {
		assert_null(table_oldest(t, list));
		assert_int_equal(table_count(t, list), 0);
	}
	assert_false(table_is_full(t));
}

static void test_free_takes_null(void **state)
{
	(void)state;
	table_free(NULL);
}

static void test_new_entry_is_zeroed_and_live(void **state)
{
	struct table *t = *state;
	struct entry *entry = add(t, 77);
	const struct conn none = { .cookie = 77 };

	assert_memory_equal(&entry->conn, &none, sizeof(none));
	assert_int_equal(entry->list, LIST_LIVE);
	assert_int_equal(entry->pending, PENDING_NONE);
	assert_false(entry->dead);
	assert_int_equal(table_count(t, LIST_LIVE), 1);
}

static void test_find(void **state)
{
	struct table *t = *state;
	struct entry *a = add(t, 1), *b = add(t, UINT64_MAX);
	struct entry *c = add(t, 1ULL << 32);

	assert_ptr_equal(table_find(t, 1), a);
	assert_ptr_equal(table_find(t, UINT64_MAX), b);
	assert_ptr_equal(table_find(t, 1ULL << 32), c);
	assert_null(table_find(t, 2));
}

static void test_remove(void **state)
{
	struct table *t = *state;

	add(t, 1);
	add(t, 2);
	add(t, 3);
	table_remove(t, table_find(t, 2));
	assert_null(table_find(t, 2));
	assert_non_null(table_find(t, 1));
	assert_non_null(table_find(t, 3));
	assert_int_equal(table_count(t, LIST_LIVE), 2);
	table_remove(t, table_find(t, 1));
	table_remove(t, table_find(t, 3));
	assert_int_equal(table_count(t, LIST_LIVE), 0);
	assert_null(table_oldest(t, LIST_LIVE));
	add(t, 2);
	assert_non_null(table_find(t, 2));
}

/* Cookies as four CPUs deal them, each from batches of 4096 of its own. */
static uint64_t nth_cookie(uint64_t i)
{
	uint64_t cpu = i & 3, n = i >> 2;

	return ((n >> 12) * 4 + cpu) << 12 | (n & 4095);
}

/* Well over the first number of buckets. */
static void test_growth(void **state)
{
	enum { N = 40000 };
	struct table *t = *state;

	for (uint64_t i = 1; i <= N; i++)
		add(t, nth_cookie(i));
	for (uint64_t i = 1; i <= N; i++) {
		struct entry *entry = table_find(t, nth_cookie(i));

		assert_non_null(entry);
		assert_int_equal(entry->conn.cookie, nth_cookie(i));
		assert_null(table_find(t, nth_cookie(N + i)));
	}
	assert_int_equal(table_count(t, LIST_LIVE), N);
	for (uint64_t i = 1; i <= N; i += 2)
		table_remove(t, table_find(t, nth_cookie(i)));
	for (uint64_t i = 1; i <= N; i++)
		assert_int_equal(!!table_find(t, nth_cookie(i)), !(i & 1));
	assert_int_equal(table_count(t, LIST_LIVE), N / 2);
}

static void test_oldest_first(void **state)
{
	struct table *t = *state;
	struct entry *a = add(t, 1), *b = add(t, 2), *c = add(t, 3);

	assert_ptr_equal(table_oldest(t, LIST_LIVE), a);
	/* A move to its own list makes it the youngest. */
	table_move(t, a, LIST_LIVE);
	assert_ptr_equal(table_oldest(t, LIST_LIVE), b);
	table_remove(t, b);
	assert_ptr_equal(table_oldest(t, LIST_LIVE), c);
	table_move(t, c, LIST_LIVE);
	assert_ptr_equal(table_oldest(t, LIST_LIVE), a);
	table_move(t, a, LIST_LIVE);
	assert_ptr_equal(table_oldest(t, LIST_LIVE), c);
}

static void test_lists(void **state)
{
	struct table *t = *state;
	struct entry *entries[LISTS];

	for (enum list list = 0; list < LISTS; list++) {
		entries[list] = add(t, list + 1);
		table_move(t, entries[list], list);
	}
	for (enum list list = 0; list < LISTS; list++) {
		assert_int_equal(table_count(t, list), 1);
		assert_ptr_equal(table_oldest(t, list), entries[list]);
		assert_int_equal(entries[list]->list, list);
	}
	table_move(t, entries[LIST_LIVE], LIST_DORMANT);
	assert_int_equal(table_count(t, LIST_LIVE), 0);
	assert_int_equal(table_count(t, LIST_DORMANT), 2);
	assert_ptr_equal(table_oldest(t, LIST_DORMANT),
			 entries[LIST_DORMANT]);
	/* An entry is found whatever list it is in. */
	for (enum list list = 0; list < LISTS; list++)
		assert_ptr_equal(table_find(t, list + 1), entries[list]);
	for (enum list list = 0; list < LISTS; list++)
		table_remove(t, entries[list]);
	for (enum list list = 0; list < LISTS; list++)
		assert_int_equal(table_count(t, list), 0);
}

static void test_bound(void **state)
{
	struct table *t = table_new(3, 0);

	(void)state;
	assert_non_null(t);
	add(t, 1);
	add(t, 2);
	assert_false(table_is_full(t));
	add(t, 3);
	assert_true(table_is_full(t));
	assert_null(table_add(t, 4));
	/* Entries of every list count. */
	table_move(t, table_find(t, 1), LIST_DORMANT);
	assert_true(table_is_full(t));
	table_remove(t, table_find(t, 1));
	assert_false(table_is_full(t));
	add(t, 4);
	assert_true(table_is_full(t));
	table_free(t);
}

/* A connection that closes gets a part of its own, and leaves it to others. */
static void test_closing(void **state)
{
	struct table *t = *state;
	struct entry *a = add(t, 1), *b = add(t, 2);
	struct closing *end;

	assert_int_equal(conn_closing(&a->conn)->fin_ns, 0);
	assert_true(table_reserve(t));
	end = table_closing(t, a);
	assert_non_null(end);
	assert_ptr_equal(table_closing(t, a), end);
	end->fin_ns = 7;
	assert_int_equal(conn_closing(&a->conn)->fin_ns, 7);
	assert_int_equal(conn_closing(&b->conn)->fin_ns, 0);
	table_reset(t, a);
	assert_int_equal(a->conn.cookie, 0);
	assert_int_equal(conn_closing(&a->conn)->fin_ns, 0);
	a->conn.cookie = 1;
	assert_ptr_equal(table_closing(t, b), end);
	assert_int_equal(end->fin_ns, 0);
	table_remove(t, b);
	assert_ptr_equal(table_closing(t, a), end);
}

/* Addresses of IPv6 are the connection's until it has none. */
static void test_pair(void **state)
{
	struct table *t = *state;
	struct entry *a = add(t, 1), *b = add(t, 2);
	struct address_pair *pair = table_pair(t, a);

	assert_non_null(pair);
	a->conn.family = 6;
	a->conn.v6 = pair;
	assert_ptr_equal(table_pair(t, a), pair);
	assert_ptr_not_equal(table_pair(t, b), pair);
	table_drop_pair(t, a);
	a->conn.family = 4;
	assert_ptr_equal(table_pair(t, b), pair);
	b->conn.family = 6;
	b->conn.v6 = pair;
	table_remove(t, b);
	assert_ptr_equal(table_pair(t, a), pair);
}

struct visit {
	uint64_t sum;
	unsigned int n, stop_at;
	struct table *remove_from;
};

static int visit(void *ctx, struct entry *entry)
{
	struct visit *v = ctx;

	v->sum += entry->conn.cookie;
	v->n++;
	if (v->remove_from)
		table_remove(v->remove_from, entry);
	return v->n == v->stop_at ? 42 : 0;
}

static void test_each(void **state)
{
	struct table *t = *state;
	struct visit v = { 0 };

	for (uint64_t i = 1; i <= 100; i++)
		table_move(t, add(t, i), i % LISTS);
	assert_int_equal(table_each(t, visit, &v), 0);
	assert_int_equal(v.n, 100);
	assert_int_equal(v.sum, 5050);
}

static void test_each_stops(void **state)
{
	struct table *t = *state;
	struct visit v = { .stop_at = 3 };

	for (uint64_t i = 1; i <= 10; i++)
		add(t, i);
	assert_int_equal(table_each(t, visit, &v), 42);
	assert_int_equal(v.n, 3);
}

static void test_each_may_remove(void **state)
{
	struct table *t = *state;
	struct visit v = { .remove_from = t };

	for (uint64_t i = 1; i <= 100; i++)
		table_move(t, add(t, i), i % LISTS);
	assert_int_equal(table_each(t, visit, &v), 0);
	assert_int_equal(v.n, 100);
	for (enum list list = 0; list < LISTS; list++)
		assert_int_equal(table_count(t, list), 0);
}

#define WITH_TABLE(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TABLE(test_empty),
		cmocka_unit_test(test_free_takes_null),
		WITH_TABLE(test_new_entry_is_zeroed_and_live),
		WITH_TABLE(test_find),
		WITH_TABLE(test_remove),
		WITH_TABLE(test_growth),
		WITH_TABLE(test_oldest_first),
		WITH_TABLE(test_lists),
		cmocka_unit_test(test_bound),
		WITH_TABLE(test_closing),
		WITH_TABLE(test_pair),
		WITH_TABLE(test_each),
		WITH_TABLE(test_each_stops),
		WITH_TABLE(test_each_may_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

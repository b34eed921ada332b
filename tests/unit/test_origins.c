// SPDX-License-Identifier: GPL-2.0
/*
 * Equal origins are one, which lasts for as long as a connection has it.
 */
#include "records.h"

#include "engine/origins.h"
#include "engine/table.h"

enum { N = 5000 };

static void test_equal_ones_are_one(void **state)
{
	const struct origin nginx = { .pid = 7, .comm = "nginx", .uid = 33 };
	struct origin other = nginx;
	struct origins o;
	const struct origin *a, *b, *c;

	(void)state;
	origins_init(&o, 1);
	a = origins_take(&o, &nginx);
	b = origins_take(&o, &nginx);
	other.listener = 1;
	c = origins_take(&o, &other);
	assert_true(a && a == b && c && c != a);
	assert_memory_equal(a, &nginx, sizeof(nginx));
	assert_memory_equal(c, &other, sizeof(other));
	assert_int_equal(o.used, 2);
	origins_give(&o, a);
	assert_memory_equal(b, &nginx, sizeof(nginx));
	assert_ptr_equal(origins_take(&o, &nginx), b);
	origins_give(&o, b);
	origins_give(&o, b);
	assert_int_equal(o.used, 1);
	origins_give(&o, c);
	origins_give(&o, NULL);
	assert_int_equal(o.used, 0);
	origins_free(&o);
}

/* A process for each connection. */
static void test_many(void **state)
{
	static const struct origin *have[N];
	struct origins o;
	struct pool_chunk *chunks;

	(void)state;
	origins_init(&o, 2);
	for (uint32_t i = 0; i < N; i++)
		have[i] = origins_take(&o, &(struct origin){ .pid = i + 1 });
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(have[i]->pid, i + 1);
		assert_ptr_equal(origins_take(&o, have[i]), have[i]);
	}
	assert_int_equal(o.used, N);
	for (uint32_t i = 0; i < 2 * N; i++)
		origins_give(&o, have[i / 2]);
	assert_int_equal(o.used, 0);
	/* Their memory is used again. */
	chunks = o.pool.chunks;
	for (uint32_t i = 0; i < N; i++)
		origins_take(&o, &(struct origin){ .listener = i + 1 });
	assert_ptr_equal(o.pool.chunks, chunks);
	origins_free(&o);
}

/* Connections come, change hands and go: none is left of those that went. */
static void test_of_a_table(void **state)
{
	struct table *t = table_new(N, 0);
	struct origin other = { .pid = 1, .comm = "fork" };
	const struct origin *shared;

	(void)state;
	for (uint64_t cookie = 1; cookie <= N; cookie++) {
		struct entry *entry = table_add(t, cookie);

		table_set_origin(t, entry, &other);
		table_set_origin(t, entry, &other);
	}
	shared = table_find(t, 1)->conn.origin;
	for (uint64_t cookie = 1; cookie <= N; cookie++)
		assert_ptr_equal(table_find(t, cookie)->conn.origin, shared);
	assert_int_equal(table_origins(t), 1);
	other.pid = 2;
	table_set_origin(t, table_find(t, 1), &other);
	assert_int_equal(conn_origin(&table_find(t, 1)->conn)->pid, 2);
	assert_int_equal(table_origins(t), 2);
	for (uint64_t cookie = 2; cookie < N; cookie++)
		table_remove(t, table_find(t, cookie));
	assert_int_equal(table_origins(t), 2);
	assert_string_equal(table_find(t, N)->conn.origin->comm, "fork");
	table_reset(t, table_find(t, N));
	assert_int_equal(table_origins(t), 1);
	table_remove(t, table_find(t, 1));
	assert_int_equal(table_origins(t), 0);
	table_free(t);
}

/* Who does not know the seed knows no key of the hash. */
static void test_seeds_differ(void **state)
{
	struct origins a, b;

	(void)state;
	origins_init(&a, 1);
	origins_init(&b, 2);
	for (size_t i = 0; i <= ORIGIN_WORDS; i++) {
		assert_true(a.keys[i] != b.keys[i]);
		for (size_t k = 0; k < i; k++)
			assert_true(a.keys[i] != a.keys[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_ones_are_one),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_of_a_table),
		cmocka_unit_test(test_seeds_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

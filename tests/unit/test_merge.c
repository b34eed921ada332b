// SPDX-License-Identifier: GPL-2.0
/*
 * Nearly sorted streams of several CPUs become one sorted stream.
 */
#include "records.h"

#include "engine/decode.h"
#include "engine/merge.h"

static void push(struct merge *m, uint32_t cpu, uint64_t ns, uint64_t cookie)
{
	struct tcpstate_record rec = { .cpu = cpu, .mono_ns = ns,
				       .cookie = cookie };

	assert_int_equal(merge_push(m, &rec), 0);
}

static void pops(struct merge *m, uint64_t until_ns, uint64_t ns,
		 uint64_t cookie)
{
	const struct tcpstate_record *rec = merge_pop(m, until_ns, until_ns);

	assert_non_null(rec);
	assert_int_equal(rec->mono_ns, ns);
	assert_int_equal(rec->cookie, cookie);
}

static void pops_nothing(struct merge *m, uint64_t until_ns)
{
	assert_null(merge_pop(m, until_ns, until_ns));
}

static int setup(void **state)
{
	*state = merge_new(SIZE_MAX);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	merge_free(*state);
	return 0;
}

static void test_empty_gives_nothing(void **state)
{
	pops_nothing(*state, UINT64_MAX);
}

static void test_free_takes_null(void **state)
{
	(void)state;
	merge_free(NULL);
}

static void test_cpus_are_merged(void **state)
{
	push(*state, 0, 10, 1);
	push(*state, 0, 40, 2);
	push(*state, 3, 20, 3);
	push(*state, 3, 50, 4);
	push(*state, 1, 30, 5);
	pops(*state, UINT64_MAX, 10, 1);
	pops(*state, UINT64_MAX, 20, 3);
	pops(*state, UINT64_MAX, 30, 5);
	pops(*state, UINT64_MAX, 40, 2);
	pops(*state, UINT64_MAX, 50, 4);
	pops_nothing(*state, UINT64_MAX);
}

/* A softirq in the middle of a record, and one in the middle of that. */
static void test_nested_disorder_of_a_cpu(void **state)
{
	push(*state, 0, 10, 1);
	push(*state, 0, 40, 4);
	push(*state, 0, 30, 3);
	push(*state, 0, 20, 2);
	push(*state, 0, 50, 5);
	for (uint64_t i = 1; i <= 5; i++)
		pops(*state, UINT64_MAX, i * 10, i);
	pops_nothing(*state, UINT64_MAX);
}

/* In one ring, equal times keep the order in which they were written. */
static void test_equal_times_keep_their_order(void **state)
{
	push(*state, 0, 20, 3);
	push(*state, 0, 10, 1);
	push(*state, 0, 10, 2);
	push(*state, 0, 20, 4);
	for (uint64_t i = 1; i <= 4; i++)
		pops(*state, UINT64_MAX, i < 3 ? 10 : 20, i);
}

static void test_hold_back(void **state)
{
	push(*state, 0, 100, 1);
	push(*state, 1, 200, 2);
	pops_nothing(*state, 0);
	pops_nothing(*state, 99);
	pops(*state, 100, 100, 1);
	pops_nothing(*state, 199);
	/* Late, but in time. */
	push(*state, 0, 150, 3);
	pops(*state, 200, 150, 3);
	pops(*state, 200, 200, 2);
	pops_nothing(*state, UINT64_MAX);
}

static void test_older_than_what_came_out(void **state)
{
	push(*state, 0, 100, 1);
	pops(*state, 100, 100, 1);
	push(*state, 1, 50, 2);
	push(*state, 0, 120, 3);
	pops(*state, UINT64_MAX, 50, 2);
	pops(*state, UINT64_MAX, 120, 3);
}

static void test_queue_grows(void **state)
{
	enum { N = 10000 };

	for (uint64_t i = 0; i < N; i++)
		push(*state, 0, i, i);
	for (uint64_t i = 0; i < N; i++)
		pops(*state, UINT64_MAX, i, i);
	pops_nothing(*state, UINT64_MAX);
}

/* It grows while its head is not at its beginning. */
static void test_queue_grows_when_wrapped(void **state)
{
	uint64_t in = 0, out = 0;

	for (unsigned int round = 0; round < 200; round++) {
		for (unsigned int i = 0; i < 37; i++, in++)
			push(*state, 0, in, in);
		for (unsigned int i = 0; i < 23; i++, out++)
			pops(*state, UINT64_MAX, out, out);
	}
	for (; out < in; out++)
		pops(*state, UINT64_MAX, out, out);
	pops_nothing(*state, UINT64_MAX);
}

static void test_disorder_across_the_wrap(void **state)
{
	uint64_t out = 0;

	for (uint64_t i = 0; i < 60; i++)
		push(*state, 0, i, i);
	for (; out < 60; out++)
		pops(*state, UINT64_MAX, out, out);
	/* Backwards, over the end of the buffer. */
	for (uint64_t i = 20; i-- > 0;)
		push(*state, 0, 60 + i, 60 + i);
	for (; out < 80; out++)
		pops(*state, UINT64_MAX, out, out);
	pops_nothing(*state, UINT64_MAX);
}

static void test_highest_cpu(void **state)
{
	push(*state, DECODE_MAX_CPUS - 1, 20, 1);
	push(*state, 0, 30, 2);
	push(*state, DECODE_MAX_CPUS - 1, 10, 3);
	pops(*state, UINT64_MAX, 10, 3);
	pops(*state, UINT64_MAX, 20, 1);
	pops(*state, UINT64_MAX, 30, 2);
}

/* A dump is older than what its CPU's ring already holds. */
static void test_dump_among_records(void **state)
{
	struct tcpstate_record dump = { .type = TCPSTATE_SNAPSHOT,
					.cookie = 100 };

	push(*state, 0, 10, 1);
	push(*state, 0, 30, 3);
	for (dump.mono_ns = 20; dump.mono_ns < 23; dump.mono_ns++)
		assert_int_equal(merge_push(*state, &dump), 0);
	pops(*state, UINT64_MAX, 10, 1);
	for (uint64_t ns = 20; ns < 23; ns++)
		pops(*state, UINT64_MAX, ns, 100);
	pops(*state, UINT64_MAX, 30, 3);
	pops_nothing(*state, UINT64_MAX);
}

static void test_full(void **state)
{
	struct merge *m = merge_new(3);

	(void)state;
	assert_non_null(m);
	assert_false(merge_is_full(m));
	push(m, 0, 30, 1);
	push(m, 1, 20, 2);
	assert_false(merge_is_full(m));
	push(m, 2, 10, 3);
	assert_true(merge_is_full(m));
	pops(m, UINT64_MAX, 10, 3);
	assert_false(merge_is_full(m));
	push(m, 2, 40, 4);
	assert_true(merge_is_full(m));
	pops(m, UINT64_MAX, 20, 2);
	pops(m, UINT64_MAX, 30, 1);
	pops(m, UINT64_MAX, 40, 4);
	assert_false(merge_is_full(m));
	merge_free(m);
}

static void test_record_is_copied_whole(void **state)
{
	const struct tcpstate_record *out;
	struct tcpstate_record rec, same;

	memset(&rec, 0xa5, sizeof(rec));
	rec.cpu = 2;
	same = rec;
	assert_int_equal(merge_push(*state, &rec), 0);
	memset(&rec, 0, sizeof(rec));
	out = merge_pop(*state, UINT64_MAX, UINT64_MAX);
	assert_non_null(out);
	assert_memory_equal(out, &same, sizeof(same));
}

/* Random streams with bounded disorder, read behind a hold-back. */
static void test_random_streams_come_out_sorted(void **state)
{
	enum { N = 20000, HOLD = 50 };
	uint64_t x = 88172645463325252ULL, base = 1000, last = 0, n = 0;
	const struct tcpstate_record *rec;

	for (unsigned int i = 0; i < N; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		base += x % 7;
		push(*state, x >> 8 & 7, base - (x >> 16) % HOLD, i);
		while ((rec = merge_pop(*state, base - HOLD,
					base - HOLD))) {
			assert_true(rec->mono_ns >= last);
			assert_true(rec->mono_ns <= base - HOLD);
			last = rec->mono_ns;
			n++;
		}
	}
	while ((rec = merge_pop(*state, UINT64_MAX, UINT64_MAX))) {
		assert_true(rec->mono_ns >= last);
		last = rec->mono_ns;
		n++;
	}
	assert_int_equal(n, N);
}

#define WITH_MERGE(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MERGE(test_empty_gives_nothing),
		cmocka_unit_test(test_free_takes_null),
		WITH_MERGE(test_cpus_are_merged),
		WITH_MERGE(test_nested_disorder_of_a_cpu),
		WITH_MERGE(test_equal_times_keep_their_order),
		WITH_MERGE(test_hold_back),
		WITH_MERGE(test_older_than_what_came_out),
		WITH_MERGE(test_queue_grows),
		WITH_MERGE(test_queue_grows_when_wrapped),
		WITH_MERGE(test_disorder_across_the_wrap),
		WITH_MERGE(test_highest_cpu),
		WITH_MERGE(test_dump_among_records),
		cmocka_unit_test(test_full),
		WITH_MERGE(test_record_is_copied_whole),
		WITH_MERGE(test_random_streams_come_out_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

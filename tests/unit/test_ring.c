// SPDX-License-Identifier: GPL-2.0
/*
 * Records that are read where the kernel has written them.
 */
#include "records.h"

#include "engine/merge.h"
#include "ring.h"

#define SHIFT	3
#define SLOTS	(1U << SHIFT)
#define CPUS	3

/* The kernel's end: what tcpstate.ko and the BPF program do. */
struct kernel {
	struct tcpstate_record slots[CPUS][SLOTS];
	uint32_t head[CPUS], tail[CPUS];
	struct ring rings[CPUS];
	struct merge *merge;
};

static void lay_out(struct kernel *k)
{
	for (int cpu = 0; cpu < CPUS; cpu++)
		k->rings[cpu] = (struct ring){
			.slots = (const void *)k->slots[cpu],
			.slot_bytes = sizeof(struct tcpstate_record),
			.shift = SHIFT,
			.cpu = cpu,
			.next = k->head[cpu],
			.tail = &k->tail[cpu],
		};
}

static int setup(void **state)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return -1;
	lay_out(k);
	k->merge = merge_new(SIZE_MAX);
	*state = k;
	return merge_set_rings(k->merge, k->rings, CPUS);
}

static int teardown(void **state)
{
	struct kernel *k = *state;

	merge_free(k->merge);
	free(k);
	return 0;
}

static struct tcpstate_record *slot_of(struct kernel *k, int cpu, uint32_t at)
{
	return &k->slots[cpu][at % SLOTS];
}

static uint16_t turn_of(uint32_t at)
{
	return (at >> SHIFT) + 1;
}

/* Taken, and its record under way. */
static struct tcpstate_record *begin(struct kernel *k, int cpu, uint64_t ns)
{
	struct tcpstate_record *rec = slot_of(k, cpu, k->head[cpu]);
	uint16_t turn = rec->turn;

	assert_true(k->head[cpu] - k->tail[cpu] < SLOTS);
	*rec = STATE(0, ns, CLOSE, LISTEN);
	rec->turn = turn;
	rec->cpu = cpu;
	rec->mono_ns = ns;
	k->head[cpu]++;
	return rec;
}

static void give(struct kernel *k, int cpu, uint32_t at)
{
	slot_of(k, cpu, at)->turn = turn_of(at);
}

/* The time is its cookie as well. */
static void store(struct kernel *k, int cpu, uint64_t ns)
{
	begin(k, cpu, ns);
	give(k, cpu, k->head[cpu] - 1);
}

static void pops(struct kernel *k, uint64_t until_ns, uint64_t ns)
{
	const struct tcpstate_record *rec = merge_pop(k->merge, until_ns,
							until_ns);

	assert_non_null(rec);
	assert_int_equal(rec->mono_ns, ns);
	assert_int_equal(rec->cookie, ns);
}

static void pops_nothing(struct kernel *k, uint64_t until_ns)
{
	assert_null(merge_pop(k->merge, until_ns,
							until_ns));
}

static void test_rings_are_merged(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 0, 40);
	store(k, 2, 20);
	store(k, 2, 50);
	store(k, 1, 30);
	for (uint64_t ns = 10; ns <= 50; ns += 10)
		pops(k, UINT64_MAX, ns);
	pops_nothing(k, UINT64_MAX);
}

static const struct tcpstate_record *pop(struct kernel *k, uint64_t until_ns,
					 uint64_t now_ns)
{
	return merge_pop(k->merge, until_ns, now_ns);
}

/* Once each CPU that ever wrote has written again, nothing older can come. */
static void test_no_wait_while_each_cpu_has_one(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 2, 20);
	store(k, 0, 30);
	store(k, 2, 40);
	/* CPU 1 has never written: it is not waited for. */
	assert_int_equal(pop(k, 0, 100)->mono_ns, 10);
	assert_int_equal(pop(k, 0, 100)->mono_ns, 20);
	assert_int_equal(pop(k, 0, 100)->mono_ns, 30);
	/* CPU 0 may write one of 35 now. */
	assert_null(pop(k, 0, 100));
	store(k, 0, 35);
	assert_int_equal(pop(k, 0, 100)->mono_ns, 35);
	assert_null(pop(k, 0, 100));
	assert_int_equal(pop(k, 40, 100)->mono_ns, 40);
}

/* A dump that lasts is told by its own time. */
static void test_not_later_than_now(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 0, 30);
	assert_int_equal(pop(k, 0, 20)->mono_ns, 10);
	assert_null(pop(k, 0, 20));
	assert_int_equal(pop(k, 0, 30)->mono_ns, 30);
}

/*
 * Two rings of one CPU: one under way in the first, with the time that it already
 * has, may be older than one that an interrupt has put into the second.
 */
static void test_near_and_far(void **state)
{
	struct kernel *k = *state;

	k->rings[1].cpu = 0;
	store(k, 0, 10);
	begin(k, 0, 15);
	store(k, 1, 20);
	store(k, 2, 40);
	assert_int_equal(pop(k, 0, 100)->mono_ns, 10);
	assert_null(pop(k, 0, 100));
	give(k, 0, 1);
	assert_int_equal(pop(k, 0, 100)->mono_ns, 15);
	/* Only the far one shows something: it is held back as usual. */
	assert_null(pop(k, 0, 100));
	assert_int_equal(pop(k, 20, 100)->mono_ns, 20);
	assert_null(pop(k, 20, 100));
	store(k, 0, 50);
	assert_int_equal(pop(k, 0, 100)->mono_ns, 40);
}

static void test_younger_ones_stay(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 0, 30);
	store(k, 1, 20);
	pops(k, 20, 10);
	pops(k, 20, 20);
	pops_nothing(k, 20);
	store(k, 1, 25);
	pops(k, 30, 25);
	pops(k, 30, 30);
	pops_nothing(k, 30);
}

static void test_what_is_under_way_is_waited_for(void **state)
{
	struct kernel *k = *state;
	uint32_t at = k->head[0];

	begin(k, 0, 10);
	store(k, 0, 20);
	pops_nothing(k, UINT64_MAX);
	give(k, 0, at);
	pops(k, UINT64_MAX, 10);
	pops(k, UINT64_MAX, 20);
}

static void test_nested_ones_come_sorted(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 0, 40);
	store(k, 0, 30);
	store(k, 0, 20);
	store(k, 0, 50);
	store(k, 1, 25);
	pops(k, UINT64_MAX, 10);
	pops(k, UINT64_MAX, 20);
	pops(k, UINT64_MAX, 25);
	pops(k, UINT64_MAX, 30);
	pops(k, UINT64_MAX, 40);
	pops(k, UINT64_MAX, 50);
	pops_nothing(k, UINT64_MAX);
}

/* The outer one is too young yet, the one that interrupted it is not. */
static void test_nested_one_alone_is_due(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 20);
	store(k, 0, 10);
	pops(k, 15, 10);
	pops_nothing(k, 15);
	store(k, 0, 30);
	pops(k, 30, 20);
	pops(k, 30, 30);
}

static void test_many_turns(void **state)
{
	struct kernel *k = *state;

	for (uint64_t ns = 1; ns <= 100 * SLOTS; ns++) {
		store(k, 1, ns);
		if (ns % 3)
			continue;
		for (uint64_t n = ns - 2; n <= ns; n++)
			pops(k, ns, n);
		pops_nothing(k, ns);
	}
	assert_true(k->head[1] - k->tail[1] < 3);
}

static void test_counters_wrap(void **state)
{
	struct kernel *k = *state;

	for (int cpu = 0; cpu < CPUS; cpu++) {
		k->head[cpu] = k->tail[cpu] = UINT32_MAX - 4;
		for (uint32_t at = 0; at < SLOTS; at++)
			k->slots[cpu][at].turn = turn_of(k->head[cpu]) - 1;
	}
	lay_out(k);
	for (uint64_t ns = 1; ns <= 5 * SLOTS; ns++) {
		store(k, 0, ns);
		pops(k, ns, ns);
		pops_nothing(k, ns);
	}
}

static void test_slots_are_given_back(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 0, 20);
	pops(k, 10, 10);
	assert_int_equal(k->tail[0], 0);
	pops_nothing(k, 10);
	assert_int_equal(k->tail[0], 1);
	pops(k, 20, 20);
	pops_nothing(k, 20);
	assert_int_equal(k->tail[0], 2);
}

static void test_emptied_rings_keep_the_order(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 1, 20);
	store(k, 0, 30);
	merge_empty_rings(k->merge);
	assert_int_equal(k->tail[0], 2);
	assert_int_equal(k->tail[1], 1);
	store(k, 1, 25);
	store(k, 0, 40);
	for (int i = 0; i < 4; i++)
		pops(k, UINT64_MAX, (uint64_t[]){ 10, 20, 25, 30 }[i]);
	pops(k, UINT64_MAX, 40);
	pops_nothing(k, UINT64_MAX);
}

static void test_rings_are_emptied_as_far_as_there_is_room(void **state)
{
	struct kernel *k = *state;

	merge_free(k->merge);
	k->merge = merge_new(2);
	assert_int_equal(merge_set_rings(k->merge, k->rings, CPUS), 0);
	for (uint64_t ns = 1; ns <= 5; ns++)
		store(k, 0, ns);
	merge_empty_rings(k->merge);
	assert_int_equal(k->tail[0], 2);
	for (uint64_t ns = 1; ns <= 5; ns++)
		pops(k, UINT64_MAX, ns);
	pops_nothing(k, UINT64_MAX);
}

static void test_a_dump_is_merged_with_the_rings(void **state)
{
	struct kernel *k = *state;
	struct tcpstate_record shown = SNAPSHOT(0, 15, LISTEN);

	shown.mono_ns = 15;
	store(k, 0, 10);
	store(k, 0, 20);
	assert_int_equal(merge_push(k->merge, &shown), 0);
	pops(k, UINT64_MAX, 10);
	pops(k, UINT64_MAX, 15);
	pops(k, UINT64_MAX, 20);
	pops_nothing(k, UINT64_MAX);
}

static void test_rings_go_away(void **state)
{
	struct kernel *k = *state;

	store(k, 0, 10);
	store(k, 0, 20);
	pops(k, UINT64_MAX, 10);
	assert_int_equal(merge_set_rings(k->merge, NULL, 0), 0);
	pops_nothing(k, UINT64_MAX);
}

/* What is in the shared pages is believed as little as a file. */
static void test_malformed_in_a_ring_is_counted(void **state)
{
	struct kernel *k = *state;
	struct rig *r = NULL;
	void *rig = NULL;

	assert_int_equal(rig_setup(&rig), 0);
	r = rig;
	assert_int_equal(engine_set_rings(r->engine, k->rings, CPUS), 0);
	store(k, 0, AT(1));
	slot_of(k, 0, 0)->seq = 1;
	begin(k, 0, AT(2))->version++;
	slot_of(k, 0, 1)->seq = 2;
	give(k, 0, 1);
	begin(k, 0, AT(3))->cpu = 5;
	slot_of(k, 0, 2)->seq = 1;
	give(k, 0, 2);
	until(r, 10);
	assert_int_equal(stats_of(r).malformed, 1);
	assert_int_equal(stats_of(r).captured, 2);
	assert_int_equal(r->n_told, 2);
	assert_int_equal(engine_set_rings(r->engine, NULL, 0), 0);
	rig_teardown(&rig);
}

#define WITH_KERNEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KERNEL(test_rings_are_merged),
		WITH_KERNEL(test_no_wait_while_each_cpu_has_one),
		WITH_KERNEL(test_not_later_than_now),
		WITH_KERNEL(test_near_and_far),
		WITH_KERNEL(test_younger_ones_stay),
		WITH_KERNEL(test_what_is_under_way_is_waited_for),
		WITH_KERNEL(test_nested_ones_come_sorted),
		WITH_KERNEL(test_nested_one_alone_is_due),
		WITH_KERNEL(test_many_turns),
		WITH_KERNEL(test_counters_wrap),
		WITH_KERNEL(test_slots_are_given_back),
		WITH_KERNEL(test_emptied_rings_keep_the_order),
		WITH_KERNEL(test_rings_are_emptied_as_far_as_there_is_room),
		WITH_KERNEL(test_a_dump_is_merged_with_the_rings),
		WITH_KERNEL(test_rings_go_away),
		WITH_KERNEL(test_malformed_in_a_ring_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Where a challenge ACK returns to if it is for a SYN, in the text of kernels,
 * and in text that does not tell.
 */
#include "records.h"

#include "tcpstate_syn_call.h"

#define START	0xffffffff81000000ULL
#define COUNTER	0x298

/* Of 6.1: the call for a SYN comes first. */
static const uint8_t linux_6_1[] = {
	0x48, 0x8b, 0x80, 0x98, 0x01, 0x00, 0x00,	/* mov 0x198(%rax),%rax */
	0x65, 0x48, 0xff, 0x80, 0x98, 0x02, 0x00, 0x00,	/* incq %gs:.. */
	0x48, 0x89, 0xdf,				/* mov %rbx,%rdi */
	0xe8, 0x00, 0x10, 0x00, 0x00,			/* call */
	0xbe, 0x1d, 0x00, 0x00, 0x00,			/* mov $0x1d,%esi */
	0x48, 0x89, 0xdf,
	0xe8, 0xf3, 0x0f, 0x00, 0x00,			/* call, for a RST */
	0xbe, 0x1c, 0x00, 0x00, 0x00,
};
/* Of 6.12: behind the one for a RST, with a longer gap. */
static const uint8_t linux_6_12[] = {
	0x48, 0x89, 0xdf,
	0x41, 0xbd, 0x27, 0x00, 0x00, 0x00,		/* mov $0x27,%r13d */
	0xe8, 0x09, 0x10, 0x00, 0x00,			/* call, for a RST */
	0x65, 0x48, 0xff, 0x40, 0x68,			/* incq %gs:0x68(%rax) */
	0x48, 0x8b, 0x7b, 0x30,
	0x65, 0x48, 0xff, 0x80, 0x98, 0x02, 0x00, 0x00,
	0x48, 0x89, 0xdf,
	0x41, 0xbd, 0x28, 0x00, 0x00, 0x00,
	0xe8, 0xea, 0x0f, 0x00, 0x00,			/* call */
	0xe9, 0x09, 0xfe, 0xff, 0xff,
};

#define CALLEE	(START + 23 + 0x1000)

static uint64_t found(const uint8_t *text, size_t len, uint64_t callee,
		      uint32_t counter)
{
	return syn_call_return(text, len, START, callee, counter);
}

static void test_each_kernel(void **state)
{
	(void)state;
	assert_int_equal(found(linux_6_1, sizeof(linux_6_1), CALLEE, COUNTER),
			 START + 23);
	assert_int_equal(found(linux_6_12, sizeof(linux_6_12), CALLEE, COUNTER),
			 START + 45);
}

/* They land in the padding, to be counted there. */
static void test_patched_calls(void **state)
{
	(void)state;
	assert_int_equal(found(linux_6_1, sizeof(linux_6_1), CALLEE + 16,
			       COUNTER), START + 23);
}

static void test_another_counter(void **state)
{
	(void)state;
	assert_int_equal(found(linux_6_1, sizeof(linux_6_1), CALLEE,
			       COUNTER + 8), 0);
	assert_int_equal(found(linux_6_1, sizeof(linux_6_1), CALLEE, 0), 0);
}

static void test_another_callee(void **state)
{
	(void)state;
	assert_int_equal(found(linux_6_1, sizeof(linux_6_1), CALLEE + 64,
			       COUNTER), 0);
	assert_int_equal(found(linux_6_1, sizeof(linux_6_1), CALLEE - 1,
			       COUNTER), 0);
}

/* A RST jumps to it as well: it tells nothing. */
static void test_one_call_for_both(void **state)
{
	(void)state;
	assert_int_equal(found(linux_6_1, 28, CALLEE, COUNTER), 0);
}

static void test_far_apart(void **state)
{
	uint8_t text[sizeof(linux_6_1) + 16];

	(void)state;
	memset(text, 0x90, sizeof(text));
	memcpy(text, linux_6_1, 15);
	memcpy(text + 15 + SYN_GAP_BYTES + 1, linux_6_1 + 15,
	       sizeof(linux_6_1) - 15);
	assert_int_equal(found(text, sizeof(text), CALLEE + SYN_GAP_BYTES + 1,
			       COUNTER), 0);
}

/* From memory of just this size, so that a checker sees a byte too many. */
static void test_any_length(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(linux_6_1); len++) {
		uint8_t *text = malloc(len ? len : 1);

		assert_non_null(text);
		memcpy(text, linux_6_1, len);
		assert_int_equal(found(text, len, CALLEE, COUNTER),
				 len < 36 ? 0 : START + 23);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kernel),
		cmocka_unit_test(test_patched_calls),
		cmocka_unit_test(test_another_counter),
		cmocka_unit_test(test_another_callee),
		cmocka_unit_test(test_one_call_for_both),
		cmocka_unit_test(test_far_apart),
		cmocka_unit_test(test_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

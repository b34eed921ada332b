// SPDX-License-Identifier: GPL-2.0
/*
 * Advice is computed: each line comes with the value that chose it, goes with
 * it, and says it.
 */
#include "advice.h"

static struct finding close_wait(enum bug bug)
{
	return (struct finding){
		.rule = RULE_CLOSE_WAIT, .bug = bug, .count = 2847,
		.state = TCPSTATE_CLOSE_WAIT, .pid = 2211, .comm = "java",
	};
}

static void test_every_bug_has_help(void **state)
{
	uint8_t list[ADVICES];

	(void)state;
	for (unsigned int bug = 0; bug < BUGS; bug++) {
		struct finding f = close_wait(bug);
		size_t n = advice_choose(&f, list, ADVICES);

		assert_true(n > 0);
		assert_true(advice_helps(list[0]));
	}
}

static void test_fin_read(void **state)
{
	struct finding f = close_wait(BUG_FIN_READ);

	(void)state;
	assert_says(&f, ADVICE_CLOSE_AFTER_EOF, "2,847");
	assert_false(has(&f, ADVICE_POLL_RDHUP));
	assert_false(has(&f, ADVICE_TIME_LIMIT));
	assert_false(has(&f, ADVICE_CLOEXEC));
}

static void test_descriptors_run_out(void **state)
{
	struct finding f = close_wait(BUG_FIN_READ);

	(void)state;
	assert_false(has(&f, ADVICE_RESTART_BEFORE_EMFILE));
	f.fd_used = 3911;
	f.fd_limit = 4096;
	assert_says(&f, ADVICE_RESTART_BEFORE_EMFILE, "3,911 of 4,096");
	f.fd_limit = UINT64_MAX;
	assert_false(has(&f, ADVICE_RESTART_BEFORE_EMFILE));
}

static void test_unread(void **state)
{
	struct finding f = close_wait(BUG_FIN_UNREAD);

	(void)state;
	f.unread_min = f.unread_max = 1;
	assert_true(has(&f, ADVICE_POLL_RDHUP));
	assert_says(&f, ADVICE_TIME_LIMIT, "up to 1");
	assert_false(has(&f, ADVICE_FIND_BLOCKED));
	f.bug = BUG_DATA_UNREAD;
	f.unread_max = 70000;
	assert_false(has(&f, ADVICE_POLL_RDHUP));
	assert_says(&f, ADVICE_TIME_LIMIT, "70,000");
	assert_says(&f, ADVICE_FIND_BLOCKED, "2211");
}

/* A larger backlog comes to mind where the queue is full. */
static void test_accept_queue(void **state)
{
	struct finding f = close_wait(BUG_NEVER_ACCEPTED);

	(void)state;
	f.pid = 0;
	f.accept_queue = 12;
	f.accept_limit = 128;
	assert_says(&f, ADVICE_CALL_ACCEPT, "12 wait");
	assert_false(has(&f, ADVICE_NOT_BACKLOG));
	assert_false(has(&f, ADVICE_NOT_KILL));
	f.accept_queue = 129;
	assert_says(&f, ADVICE_NOT_BACKLOG, "128");
	assert_false(advice_helps(ADVICE_NOT_BACKLOG));
}

static void test_held_elsewhere(void **state)
{
	struct finding f = close_wait(BUG_HELD_ELSEWHERE);

	(void)state;
	f.n_holders = 3;
	assert_says(&f, ADVICE_CLOEXEC, "3 processes");
	assert_true(has(&f, ADVICE_SHUTDOWN));
}

static void test_fin_timeout(void **state)
{
	struct finding f = close_wait(BUG_FIN_READ);
	struct netns_facts facts = { .tcp_fin_timeout = 60 };

	(void)state;
	assert_null(strstr(said(&f, ADVICE_NOT_FIN_TIMEOUT), "60"));
	f.facts = &facts;
	assert_says(&f, ADVICE_NOT_FIN_TIMEOUT, "60 s");
	facts.tcp_fin_timeout = -1;
	assert_null(strstr(said(&f, ADVICE_NOT_FIN_TIMEOUT), "-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bug_has_help),
		cmocka_unit_test(test_fin_read),
		cmocka_unit_test(test_descriptors_run_out),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_accept_queue),
		cmocka_unit_test(test_held_elsewhere),
		cmocka_unit_test(test_fin_timeout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

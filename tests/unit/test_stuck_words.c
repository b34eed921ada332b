// SPDX-License-Identifier: GPL-2.0
/*
 * Of the states but CLOSE_WAIT: each line of advice comes with the value that
 * chose it, goes with it, and says it; and what is told of a cause.
 */
#include "advice.h"

#include "output/stuck_words.h"

static void assert_words(void (*say)(const struct finding *, char *, size_t),
			 const struct finding *f, const char *words)
{
	char line[FINDING_SENTENCE_MAX];

	say(f, line, sizeof(line));
	if (!strstr(line, words))
		print_error("\"%s\" does not say \"%s\"\n", line, words);
	assert_non_null(strstr(line, words));
}

static struct finding stuck(enum rule rule, enum cause cause)
{
	return (struct finding){
		.rule = rule, .cause = cause, .count = 12, .again_min = 3,
		.again_max = 9, .remote_family = 4,
		.remote_addr = { 10, 0, 3, 17 }, .remote_port = 5432,
		.state = TCPSTATE_FIN_WAIT1,
	};
}

/* Every rule and cause has a verdict, and something that helps. */
static void test_all_have_words(void **state)
{
	static const struct { uint8_t rule, cause; } all[] = {
		{ RULE_FIN_WAIT1, CAUSE_PEER_GONE },
		{ RULE_FIN_WAIT1, CAUSE_WINDOW_SHUT },
		{ RULE_LAST_ACK, CAUSE_PEER_GONE },
		{ RULE_CLOSING, CAUSE_PEER_GONE },
		{ RULE_FIN_WAIT2, CAUSE_PEER_OPEN },
		{ RULE_SYN_SENT, CAUSE_NO_ANSWER },
		{ RULE_SYN_RECV, CAUSE_NO_ANSWER },
		{ RULE_SYN_RECV, CAUSE_QUEUE_FULL },
		{ RULE_IDLE, CAUSE_NO_KEEPALIVE },
		{ RULE_FDS, CAUSE_NONE },
	};
	uint8_t list[ADVICES];
	char line[FINDING_SENTENCE_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct finding f = stuck(all[i].rule, all[i].cause);

		finding_verdict(&f, line, sizeof(line));
		assert_true(line[0] != '\0');
		assert_true(advice_choose(&f, list, ADVICES) > 0);
		assert_true(advice_helps(list[0]));
	}
}

static void test_window(void **state)
{
	struct finding f = stuck(RULE_FIN_WAIT1, CAUSE_WINDOW_SHUT);

	(void)state;
	assert_says(&f, ADVICE_PEER_MUST_READ, "10.0.3.17:5432");
	assert_says(&f, ADVICE_PEER_MUST_READ, "9 times");
	assert_words(stuck_verdict, &f, "does not read");
	f.unsent = 12;
	assert_words(stuck_verdict, &f, "the FIN was never sent");
	f.cause = CAUSE_PEER_GONE;
	assert_false(has(&f, ADVICE_PEER_MUST_READ));
	assert_words(stuck_verdict, &f, "the peer is gone");
}

static void test_gone(void **state)
{
	struct netns_facts facts = { .tcp_retries2 = 15,
				     .tcp_orphan_retries = 0 };
	struct finding f = stuck(RULE_LAST_ACK, CAUSE_PEER_GONE);

	(void)state;
	assert_true(has(&f, ADVICE_USER_TIMEOUT));
	assert_false(has(&f, ADVICE_END_NOW));
	f.facts = &facts;
	assert_says(&f, ADVICE_USER_TIMEOUT, "15");
	f.orphans = 12;
	assert_false(has(&f, ADVICE_USER_TIMEOUT));
	assert_says(&f, ADVICE_END_NOW, "last-ack");
	assert_says(&f, ADVICE_END_NOW, "12");
	assert_false(has(&f, ADVICE_ORPHAN_RETRIES));
	facts.tcp_orphan_retries = 20;
	assert_says(&f, ADVICE_ORPHAN_RETRIES, "20");
	f.orphans = 0;
	assert_false(has(&f, ADVICE_ORPHAN_RETRIES));
}

static void test_fin_wait2(void **state)
{
	struct netns_facts facts = { .tcp_fin_timeout = 45 };
	struct finding f = stuck(RULE_FIN_WAIT2, CAUSE_PEER_OPEN);

	(void)state;
	assert_says(&f, ADVICE_PEER_MUST_CLOSE, "10.0.3.17:5432");
	assert_says(&f, ADVICE_PEER_MUST_CLOSE, "12");
	f.facts = &facts;
	assert_says(&f, ADVICE_CLOSE_BOTH_WAYS, "45 s");
	assert_says(&f, ADVICE_NOT_FOR_HALF_CLOSED, "of 12");
	assert_false(advice_helps(ADVICE_NOT_FOR_HALF_CLOSED));
	f.cause = CAUSE_ORPHAN;
	assert_false(has(&f, ADVICE_PEER_MUST_CLOSE));
	assert_false(has(&f, ADVICE_CLOSE_BOTH_WAYS));
	assert_false(has(&f, ADVICE_NOT_FOR_HALF_CLOSED));
}

static void test_syn_sent(void **state)
{
	struct netns_facts facts = { .tcp_syn_retries = 4 };
	struct finding f = stuck(RULE_SYN_SENT, CAUSE_NO_ANSWER);

	(void)state;
	assert_says(&f, ADVICE_LOOK_AT_PATH, "10.0.3.17:5432");
	assert_says(&f, ADVICE_LOOK_AT_PATH, "10 SYNs");
	assert_says(&f, ADVICE_LOOK_AT_PATH, "accept queue");
	assert_words(stuck_verdict, &f, "accept queue");
	f.facts = &facts;
	assert_says(&f, ADVICE_LIMIT_CONNECT, "(4)");
	assert_false(has(&f, ADVICE_LOOK_AT_WAY_BACK));
}

static void test_requests(void **state)
{
	struct netns_facts facts = { .tcp_syncookies = 1, .somaxconn = 128 };
	struct finding f = stuck(RULE_SYN_RECV, CAUSE_FLOOD);

	(void)state;
	f.facts = &facts;
	assert_false(has(&f, ADVICE_SYNCOOKIES));
	facts.tcp_syncookies = 0;
	assert_says(&f, ADVICE_SYNCOOKIES, "now 0");
	assert_false(has(&f, ADVICE_RAISE_BACKLOG));
	f.accept_limit = 16;
	assert_says(&f, ADVICE_RAISE_BACKLOG, "16 in listen()");
	f.accept_limit = 128;
	f.count = 90;
	assert_says(&f, ADVICE_RAISE_BACKLOG, "somaxconn (128)");
	f.count = 89;
	assert_false(has(&f, ADVICE_RAISE_BACKLOG));
	f.cause = CAUSE_NO_ANSWER;
	assert_false(has(&f, ADVICE_SYNCOOKIES));
	assert_says(&f, ADVICE_LOOK_AT_WAY_BACK, "9 times");
	f.cause = CAUSE_QUEUE_FULL;
	f.accept_queue = 129;
	assert_false(has(&f, ADVICE_LOOK_AT_WAY_BACK));
	assert_says(&f, ADVICE_ACCEPT_FASTER, "129 wait");
	assert_says(&f, ADVICE_NOT_LARGER_QUEUE, "128");
	assert_false(advice_helps(ADVICE_NOT_LARGER_QUEUE));
}

static void test_idle(void **state)
{
	struct netns_facts facts = { .tcp_keepalive_time = 7200 };
	struct finding f = stuck(RULE_IDLE, CAUSE_NO_KEEPALIVE);

	(void)state;
	f.oldest_ns = MS(3 * 3600 * 1000);
	assert_says(&f, ADVICE_KEEPALIVE, "3h");
	assert_says(&f, ADVICE_NOT_KEEPALIVE_SYSCTLS, "12");
	assert_false(has(&f, ADVICE_KEEPALIVE_IDLE));
	f.facts = &facts;
	assert_says(&f, ADVICE_KEEPALIVE_IDLE, "7200 s");
	facts.tcp_keepalive_time = 300;
	assert_false(has(&f, ADVICE_KEEPALIVE_IDLE));
}

static void test_limits(void **state)
{
	struct netns_facts facts = { .tcp_max_orphans = 65536 };
	struct finding f = stuck(RULE_ORPHANS, CAUSE_NONE);

	(void)state;
	assert_false(has(&f, ADVICE_MAX_ORPHANS));
	f.facts = &facts;
	f.count = 40000;
	assert_says(&f, ADVICE_MAX_ORPHANS, "65,536");
	assert_words(stuck_proof, &f, "40,000 of tcp_max_orphans 65,536");
	f.rule = RULE_FDS;
	f.fd_limit = 1024;
	assert_says(&f, ADVICE_RAISE_NOFILE, "1,024");
	assert_says(&f, ADVICE_RAISE_NOFILE, "40,000 connections");
}

static void test_end(void **state)
{
	struct finding f = stuck(RULE_FIN_WAIT1, CAUSE_PEER_GONE);
	char line[FINDING_SENTENCE_MAX];

	(void)state;
	stuck_end(&f, line, sizeof(line));
	assert_string_equal(line, "");
	f.has_end = true;
	assert_words(stuck_end, &f, "never by itself");
	f.ending = 12;
	f.end_min_ns = MS(34000);
	f.end_max_ns = MS(80000);
	assert_words(stuck_end, &f, "34");
	assert_words(stuck_end, &f, "80s");
	f.ending = 5;
	assert_words(stuck_end, &f, "5 of 12, the others never");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_have_words),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_fin_wait2),
		cmocka_unit_test(test_syn_sent),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

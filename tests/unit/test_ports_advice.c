// SPDX-License-Identifier: GPL-2.0
/*
 * Advice about ports and TIME_WAIT: each line comes with the value that chose
 * it, goes with it, and says it.
 */
#include "advice.h"

#include "output/output.h"

static struct netns_facts facts;

/* Two thirds of the default range, from PHP to a database. */
static struct finding destination(void)
{
	facts = (struct netns_facts){
		.netns = NETNS, .port_first = 32768, .port_last = 60999,
		.tcp_tw_reuse = 2, .tcp_timestamps = 1, .tcp_fin_timeout = 60,
		.tcp_tw_recycle = -1, .tcp_max_tw_buckets = 131072,
	};
	return (struct finding){
		.rule = RULE_PORTS, .severity = SEVERITY_CRITICAL,
		.state = TCPSTATE_TIME_WAIT, .count = 19310, .pid = 88,
		.comm = "php-fpm", .facts = &facts,
		.budget = {
			.scope = SCOPE_DESTINATION, .family = 4,
			.saddr = { 10, 0, 1, 5 }, .daddr = { 10, 0, 3, 17 },
			.dport = 5432, .usable = 28232, .used = 19428,
			.ports = 19428, .time_wait = 19310,
			.states = { [TCPSTATE_TIME_WAIT] = 19310,
				    [TCPSTATE_ESTABLISHED] = 118 },
			.reuse = TW_REUSE_LOOPBACK_ONLY, .has_rate = true,
			.rate_per_s = 512, .bearable_per_s = 470.5,
			.closed_here = 2560,
		},
	};
}

static struct finding service(void)
{
	struct finding f = destination();

	f.rule = RULE_TIME_WAIT;
	f.severity = SEVERITY_INFO;
	f.budget = (struct finding_budget){
		.scope = SCOPE_SERVICE, .family = 4, .sport = 80,
		.has_rate = true, .rate_per_s = 300, .closed_here = 1500,
	};
	return f;
}

static struct finding space(void)
{
	struct finding f = service();

	f.severity = SEVERITY_WARNING;
	f.budget = (struct finding_budget){
		.scope = SCOPE_NETNS, .buckets_used = 100000,
		.buckets_limit = 131072, .overflows = 3,
	};
	return f;
}

/* Harmless ones get no advice at all. */
static void test_few(void **state)
{
	struct finding f = destination();
	uint8_t list[ADVICES];

	(void)state;
	f.severity = SEVERITY_INFO;
	f.budget.ports = f.budget.used = 2822;
	f.budget.time_wait = 2822;
	f.budget.rate_per_s = 235;
	assert_int_equal(advice_choose(&f, list, ADVICES), 0);
	f.budget.rate_per_s = 236;
	assert_true(has(&f, ADVICE_POOL));
	f.budget.has_rate = false;
	assert_int_equal(advice_choose(&f, list, ADVICES), 0);
	f.budget.ports = f.budget.time_wait = 2824;
	assert_true(has(&f, ADVICE_POOL));
	f.budget.usable = 0;
	assert_int_equal(advice_choose(&f, list, ADVICES), 0);
	f = service();
	f.count = 99;
	assert_int_equal(advice_choose(&f, list, ADVICES), 0);
	f = space();
	f.severity = SEVERITY_INFO;
	assert_int_equal(advice_choose(&f, list, ADVICES), 0);
}

static void test_pool(void **state)
{
	struct finding f = destination();

	(void)state;
	assert_says(&f, ADVICE_POOL, "512/s are closed, 118 are open");
	f.budget.has_rate = false;
	assert_says(&f, ADVICE_POOL, "19,310 of 19,428");
	assert_false(has(&f, ADVICE_CLOSE_OTHERS));
	f.budget.time_wait = 9713;
	assert_false(has(&f, ADVICE_POOL));
	f.budget.states[TCPSTATE_CLOSE_WAIT] = 9000;
	assert_says(&f, ADVICE_CLOSE_OTHERS, "9,000 of 19,428 ports are in "
		    "CLOSE_WAIT");
	assert_true(advice_helps(ADVICE_POOL));
}

static void test_peer_first(void **state)
{
	struct finding f = destination();

	(void)state;
	f.budget.closed_there = 440;
	assert_says(&f, ADVICE_PEER_FIRST, "let 10.0.3.17 close first");
	assert_says(&f, ADVICE_PEER_FIRST, "2,560 of 3,000");
	f.budget.closed_there = 2561;
	assert_false(has(&f, ADVICE_PEER_FIRST));
	f.budget.closed_here = f.budget.closed_there = 0;
	assert_says(&f, ADVICE_PEER_FIRST, "19,310 here");
}

static void test_tw_reuse(void **state)
{
	struct finding f = destination();

	(void)state;
	assert_says(&f, ADVICE_TW_REUSE, "now 2 = loopback only");
	assert_false(has(&f, ADVICE_NOT_TW_REUSE));
	f.budget.reuse = TW_REUSE_OFF;
	facts.tcp_tw_reuse = 0;
	assert_says(&f, ADVICE_TW_REUSE, "now 0 = off");
	facts.tcp_timestamps = 0;
	assert_false(has(&f, ADVICE_TW_REUSE));
	assert_says(&f, ADVICE_TIMESTAMPS, "now 0");
	facts.tcp_timestamps = 1;
	assert_false(has(&f, ADVICE_TIMESTAMPS));
	f.budget.reuse = TW_REUSE_APPLIES;
	f.budget.reusable = 19300;
	facts.tcp_tw_reuse = 1;
	assert_false(has(&f, ADVICE_TW_REUSE));
	assert_says(&f, ADVICE_NOT_TW_REUSE, "it is 1");
	assert_says(&f, ADVICE_NOT_TW_REUSE, "19,300");
	f.budget.reuse = TW_REUSE_UNKNOWN;
	assert_false(has(&f, ADVICE_TW_REUSE));
	assert_false(has(&f, ADVICE_NOT_TW_REUSE));
	assert_false(advice_helps(ADVICE_NOT_TW_REUSE));
}

static void test_range(void **state)
{
	struct finding f = destination();

	(void)state;
	assert_says(&f, ADVICE_MORE_ADDRESSES, "+28,232");
	assert_says(&f, ADVICE_WIDER_RANGE, "+36,280 ports (now 32768-60999)");
	facts.port_first = 1024;
	facts.port_last = 65535;
	assert_false(has(&f, ADVICE_WIDER_RANGE));
	facts.port_first = 32768;
	facts.port_last = 60999;
	f.budget.rate_per_s = 1076;
	assert_false(has(&f, ADVICE_WIDER_RANGE));
	assert_says(&f, ADVICE_NOT_WIDER_RANGE, "1,076/s are closed, and even "
		    "64,512 ports bear only 1,075/s");
	f.budget.rate_per_s = 1075;
	assert_false(has(&f, ADVICE_NOT_WIDER_RANGE));
	assert_false(has(&f, ADVICE_FEWER_RESERVED));
	facts.ports_reserved = 2824;
	assert_says(&f, ADVICE_FEWER_RESERVED, "2,824 ports of 32768-60999");
}

static void test_bound(void **state)
{
	struct finding f = destination();

	(void)state;
	f.budget.ports = 5000;
	f.budget.other_parity = 4499;
	assert_false(has(&f, ADVICE_BIND_NO_PORT));
	f.budget.other_parity = 4500;
	assert_says(&f, ADVICE_BIND_NO_PORT, "4,500 of 5,000");
	/* Beyond half of the range both parities come up. */
	f.budget.ports = f.budget.other_parity = 14117;
	assert_false(has(&f, ADVICE_BIND_NO_PORT));
	f.budget.ports = f.budget.other_parity = 15;
	assert_false(has(&f, ADVICE_BIND_NO_PORT));
}

static void test_service(void **state)
{
	struct finding f = service();

	(void)state;
	f.count = 18000;
	assert_says(&f, ADVICE_CLIENT_FIRST, "1,500 were closed here");
	assert_says(&f, ADVICE_KEEP_ALIVE, "300/s");
	assert_says(&f, ADVICE_NOT_REUSE_ACCEPTED, "(2)");
	assert_says(&f, ADVICE_NOT_RANGE_ACCEPTED, "32768-60999");
	assert_false(has(&f, ADVICE_POOL));
	assert_false(has(&f, ADVICE_TW_REUSE));
	assert_false(has(&f, ADVICE_MORE_ADDRESSES));
	f.budget.closed_here = 0;
	assert_false(has(&f, ADVICE_CLIENT_FIRST));
	f.budget.rate_per_s = 0.9;
	assert_false(has(&f, ADVICE_KEEP_ALIVE));
	facts.tcp_tw_reuse = -1;
	assert_false(has(&f, ADVICE_NOT_REUSE_ACCEPTED));
	facts.port_first = -1;
	assert_false(has(&f, ADVICE_NOT_RANGE_ACCEPTED));
}

static void test_buckets(void **state)
{
	struct finding f = space();

	(void)state;
	assert_says(&f, ADVICE_MORE_BUCKETS, "100,000 of 131,072");
	assert_says(&f, ADVICE_MORE_BUCKETS, "3 overflows");
	f.budget.buckets_limit = -1;
	assert_false(has(&f, ADVICE_MORE_BUCKETS));
}

static void test_popular(void **state)
{
	static const unsigned int nothing[] = {
		ADVICE_NOT_TW_FIN_TIMEOUT, ADVICE_NOT_TW_RECYCLE,
		ADVICE_NOT_FEWER_BUCKETS,
	};
	struct finding both[2] = { destination(), service() };

	(void)state;
	both[1].count = 1000;
	for (size_t i = 0; i < COUNT_OF(both); i++) {
		struct finding *f = &both[i];

		for (size_t k = 0; k < COUNT_OF(nothing); k++)
			assert_false(advice_helps(nothing[k]));
		facts.tcp_fin_timeout = 15;
		assert_says(f, ADVICE_NOT_TW_FIN_TIMEOUT, "(15 s)");
		facts.tcp_fin_timeout = -1;
		assert_false(has(f, ADVICE_NOT_TW_FIN_TIMEOUT));
		facts.tcp_tw_recycle = -1;
		assert_says(f, ADVICE_NOT_TW_RECYCLE, "has none");
		facts.tcp_tw_recycle = 0;
		assert_false(has(f, ADVICE_NOT_TW_RECYCLE));
		facts.tcp_max_tw_buckets = 5000;
		assert_says(f, ADVICE_NOT_FEWER_BUCKETS, "5,000");
		facts.tcp_max_tw_buckets = -1;
		assert_false(has(f, ADVICE_NOT_FEWER_BUCKETS));
		/* Not where there is no TIME_WAIT. */
		facts.tcp_fin_timeout = 60;
		f->budget.time_wait = f->count = 0;
		assert_false(has(f, ADVICE_NOT_TW_FIN_TIMEOUT));
	}
}

static void test_verdicts(void **state)
{
	struct finding f = destination();
	char line[FINDING_SENTENCE_MAX];

	(void)state;
	f.has_eta = true;
	f.eta_s = 270;
	finding_verdict(&f, line, sizeof(line));
	assert_non_null(strstr(line, "19,428 of 28,232 ports are used, the "
			       "last one in 4m30s"));
	f.budget.used = 28232;
	finding_verdict(&f, line, sizeof(line));
	assert_non_null(strstr(line, "no port is left"));
	f = destination();
	f.severity = SEVERITY_INFO;
	f.budget.used = 50;
	finding_verdict(&f, line, sizeof(line));
	assert_non_null(strstr(line, "harmless"));
	f.budget.used = 5000;
	finding_verdict(&f, line, sizeof(line));
	assert_null(strstr(line, "harmless"));
	f = service();
	finding_verdict(&f, line, sizeof(line));
	assert_non_null(strstr(line, "accepting side"));
	f = space();
	f.budget.overflows_now = 2;
	finding_verdict(&f, line, sizeof(line));
	assert_non_null(strstr(line, "2 were closed without TIME_WAIT"));
	f = space();
	f.severity = SEVERITY_INFO;
	f.budget.level = 6100;
	finding_verdict(&f, line, sizeof(line));
	assert_non_null(strstr(line, "levels off at 6,100"));
}

/* Nothing to choose from: that is for every address the same. */
static void test_all_reserved(void **state)
{
	struct finding f = destination();

	(void)state;
	assert_true(has(&f, ADVICE_MORE_ADDRESSES));
	assert_false(has(&f, ADVICE_FEWER_RESERVED));
	facts.ports_reserved = 28232;
	f.budget.usable = 0;
	f.budget.bearable_per_s = 0;
	assert_says(&f, ADVICE_FEWER_RESERVED, "28,232 ports of 32768-60999");
	assert_true(has(&f, ADVICE_WIDER_RANGE));
	assert_false(has(&f, ADVICE_MORE_ADDRESSES));
}

/* A kernel of which nothing can be read may have it. */
static void test_recycle_unknown(void **state)
{
	struct finding f = destination();

	(void)state;
	assert_true(has(&f, ADVICE_NOT_TW_RECYCLE));
	facts.tcp_tw_reuse = -1;
	assert_false(has(&f, ADVICE_NOT_TW_RECYCLE));
}

/* What text says of a finding; to be freed. */
static char *text_of(const struct finding *f)
{
	const struct output_style style = { .format = FORMAT_TEXT };
	char *text;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	struct output *out = output_new(to, &style);

	output_finding(out, f, 0);
	output_free(out);
	fclose(to);
	return text;
}

/* One was seen to close: that says nothing of those before. */
static void test_unknown_closers(void **state)
{
	struct finding_holder holders[2] = {
		{ .pid = 88, .comm = "php-fpm", .count = 10 },
		{ .pid = 89, .comm = "php-fpm", .count = 5 },
	};
	struct finding f = destination();
	char *text;

	(void)state;
	f.holders = holders;
	f.n_holders = 1;
	text = text_of(&f);
	assert_non_null(strstr(text, " php-fpm[88] 10  unknown 19,418\n"));
	free(text);
	f.n_holders = 2;
	text = text_of(&f);
	assert_non_null(strstr(text, " php-fpm[89] 5  unknown 19,413\n"));
	free(text);
	memset(f.budget.states, 0, sizeof(f.budget.states));
	f.budget.states[TCPSTATE_TIME_WAIT] = 10;
	f.budget.states[TCPSTATE_ESTABLISHED] = 5;
	text = text_of(&f);
	assert_null(strstr(text, "unknown"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_peer_first),
		cmocka_unit_test(test_tw_reuse),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_popular),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_all_reserved),
		cmocka_unit_test(test_recycle_unknown),
		cmocka_unit_test(test_unknown_closers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

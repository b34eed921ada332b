// SPDX-License-Identifier: GPL-2.0
/*
 * What check says: which number decides, in which words, and that nothing in a
 * name can break the line.
 */
#include "records.h"

#include <stdio.h>
#include <stdlib.h>

#include "origin.h"
#include "output/status.h"

#define MINUTE_NS UINT64_C(60000000000)

static struct health health;
static struct finding findings[30];
static char *said;

static int setup(void **state)
{
	(void)state;
	health = (struct health){ .thresholds = THRESHOLDS_DEFAULT };
	memset(findings, 0, sizeof(findings));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(said);
	said = NULL;
	return 0;
}

static struct finding *java(size_t i, uint64_t count)
{
	findings[i] = (struct finding){
		.rule = RULE_CLOSE_WAIT, .bug = BUG_FIN_READ,
		.state = TCPSTATE_CLOSE_WAIT, .count = count, .pid = 2211,
		.comm = "java", .oldest_ns = 133 * MINUTE_NS,
		.listener = { .family = 4, .sport = 8080 },
	};
	return &findings[i];
}

static enum status say(const char *doubt, const char *options)
{
	const struct status_report r = {
		.health = &health, .sockets = 42, .doubt = doubt,
		.options = options,
	};
	size_t len;
	FILE *f;

	free(said);
	f = open_memstream(&said, &len);
	assert_non_null(f);
	status_tell(f, &r);
	assert_int_equal(fclose(f), 0);
	return status_of(&r);
}

static size_t times_of(char c)
{
	size_t n = 0;

	for (const char *p = said; *p; p++)
		n += *p == c;
	return n;
}

static void test_ok(void **state)
{
	(void)state;
	health_set_findings(&health, NULL, 0);
	health_set_lost(&health, 0);
	assert_int_equal(say("", ""), STATUS_OK);
	assert_string_equal(said, "TCPSTATE OK - no CLOSE_WAIT of 60s or "
			    "longer, 42 sockets | close_wait=0;10;100;0; "
			    "close_wait_oldest=0s;60;;0; lost=0\n");
}

/* The screen of the design. */
static void test_critical(void **state)
{
	struct finding *f = java(0, 2847);

	(void)state;
	f->fd_used = 3911;
	f->fd_limit = 4096;
	health_set_findings(&health, findings, 1);
	health_set_lost(&health, 0);
	health_add_fds(&health, 2211, "java", 3911, 4096);
	assert_int_equal(say("", ""), STATUS_CRITICAL);
	assert_string_equal(said, "TCPSTATE CRITICAL - java[2211] 2847 "
		"CLOSE_WAIT on :8080, oldest 2h13m; java[2211] 3911 of 4096 "
		"descriptors | close_wait=2847;10;100;0; "
		"close_wait_oldest=7980s;60;;0; fds_used=95.4%;80;95;0;100 "
		"lost=0\n"
		"close_wait fin_read java[2211] on :8080: 2847, run: "
		"tcpstate-watch leaks -p 2211\n");
}

static void test_count(void **state)
{
	static const struct {
		uint64_t count;
		enum status status;
	} rows[] = {
		{ 0, STATUS_OK }, { 9, STATUS_OK }, { 10, STATUS_WARNING },
		{ 99, STATUS_WARNING }, { 100, STATUS_CRITICAL },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		setup(state);
		java(0, rows[i].count);
		health_set_findings(&health, findings, rows[i].count > 0);
		assert_int_equal(say("", ""), rows[i].status);
		assert_int_equal(health_tells(&health, &findings[0]),
				 rows[i].status != STATUS_OK);
	}
}

/* Of a hundred groups of one, none is large. */
static void test_groups_are_one_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < 30; i++)
		java(i, 4);
	health_set_findings(&health, findings, 30);
	assert_int_equal(say("", " --age 1s"), STATUS_CRITICAL);
	assert_non_null(strstr(said, "java[2211] 4 CLOSE_WAIT on :8080, oldest "
			       "2h13m, 120 in all | "));
	assert_non_null(strstr(said, "and 10 more, run: tcpstate-watch leaks "
			       "--age 1s\n"));
}

/* Other rules have no threshold here. */
static void test_other_rules(void **state)
{
	(void)state;
	java(0, 500)->rule = RULE_FIN_WAIT1;
	java(1, 10);
	health_set_findings(&health, findings, 2);
	assert_int_equal(say("", ""), STATUS_WARNING);
	assert_non_null(strstr(said, "- java[2211] 10 CLOSE_WAIT"));
	assert_false(health_tells(&health, &findings[0]));
	assert_true(health_tells(&health, &findings[1]));
}

static void test_age(void **state)
{
	(void)state;
	health.thresholds.close_wait_age.crit = 134 * MINUTE_NS;
	java(0, 1);
	health_set_findings(&health, findings, 1);
	assert_int_equal(say("", ""), STATUS_OK);
	health.thresholds.close_wait_age.crit = 133 * MINUTE_NS;
	health_set_findings(&health, findings, 1);
	assert_int_equal(say("", ""), STATUS_CRITICAL);
	assert_non_null(strstr(said, "close_wait_oldest=7980s;60;7980;0;"));
	/* Once, though both of its numbers are too high. */
	java(0, 100);
	health_set_findings(&health, findings, 1);
	assert_int_equal(say("", ""), STATUS_CRITICAL);
	assert_null(strstr(strstr(said, "CLOSE_WAIT") + 1, "CLOSE_WAIT on"));
	/* No connection has no age, even if every age is critical. */
	health.thresholds.close_wait_age = (struct threshold){ 0, 0 };
	health_set_findings(&health, NULL, 0);
	assert_int_equal(say("", ""), STATUS_OK);
}

static void test_fds(void **state)
{
	static const struct {
		uint64_t used, of;
		enum status status;
		const char *perfdata;
	} rows[] = {
		{ 7999, 10000, STATUS_OK, "fds_used=79.9%;80;95;0;100" },
		{ 8000, 10000, STATUS_WARNING, "fds_used=80.0%;80;95;0;100" },
		{ 9500, 10000, STATUS_CRITICAL, "fds_used=95.0%;80;95;0;100" },
		{ 20, 10, STATUS_CRITICAL, "fds_used=200.0%;80;95;0;100" },
		{ 9, UINT64_MAX, STATUS_OK, "fds_used=0.0%;80;95;0;100" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		setup(state);
		health_set_findings(&health, NULL, 0);
		health_add_fds(&health, 1, "a", 1, 1000000);
		health_add_fds(&health, 2, "b", rows[i].used, rows[i].of);
		health_add_fds(&health, 3, "c", 0, 10);
		if (rows[i].of == UINT64_MAX)
			health.measures[MEASURE_FDS_USED].known = false;
		health_add_fds(&health, 2, "b", rows[i].used, rows[i].of);
		assert_int_equal(say("", ""), rows[i].status);
		assert_non_null(strstr(said, rows[i].perfdata));
	}
	/* A process without a limit to speak of is no process. */
	setup(state);
	health_add_fds(&health, 1, "a", 5, 0);
	assert_false(health.measures[MEASURE_FDS_USED].known);
}

static void test_fds_without_a_leak(void **state)
{
	(void)state;
	findings[0] = (struct finding){
		.rule = RULE_FDS, .pid = 7, .comm = "nginx", .count = 30,
		.fd_used = 96, .fd_limit = 100,
	};
	health_set_findings(&health, findings, 1);
	assert_false(health_tells(&health, &findings[0]));
	health_add_fds(&health, 7, "nginx", 96, 100);
	assert_int_equal(say("", " --fds-used 80,95"), STATUS_CRITICAL);
	assert_non_null(strstr(said, "- nginx[7] 96 of 100 descriptors | "));
	assert_non_null(strstr(said, "\nfds nginx[7]: 96 of 100, run: "
			       "tcpstate-watch leaks -p 7 --fds-used 80,95\n"));
}

static struct finding ports(uint64_t used, uint64_t usable, uint8_t scope)
{
	return (struct finding){
		.rule = RULE_PORTS, .pid = 88, .comm = "php-fpm",
		.budget = {
			.scope = scope, .family = 4, .saddr = { 10, 0, 1, 5 },
			.daddr = { 10, 0, 3, 17 }, .dport = 5432,
			.used = used, .usable = usable,
		},
	};
}

static void test_ports(void **state)
{
	(void)state;
	findings[0] = ports(19428, 28232, SCOPE_DESTINATION);
	findings[1] = ports(1, 2, SCOPE_DESTINATION);
	/* A service uses no ports of connect(). */
	findings[2] = ports(99, 100, SCOPE_SERVICE);
	health_set_findings(&health, findings, 3);
	assert_int_equal(say("", ""), STATUS_OK);
	assert_non_null(strstr(said, " ports_used=68.8%;70;90;0;100"));
	findings[0].budget.used = 25409;
	memset(health.measures, 0, sizeof(health.measures));
	health_set_findings(&health, findings, 3);
	assert_int_equal(say("", ""), STATUS_CRITICAL);
	assert_non_null(strstr(said, "- php-fpm[88] 10.0.1.5 -> 10.0.3.17:5432 "
			       "25409 of 28232 ports | "));
	assert_non_null(strstr(said, "\nports php-fpm[88] 10.0.1.5 -> "
			       "10.0.3.17:5432: 25409 of 28232, run: "
			       "tcpstate-watch timewait --dport 5432\n"));
	assert_int_equal(times_of('\n'), 2);
	/* All are reserved, or bound. */
	findings[0] = ports(5, 0, SCOPE_DESTINATION);
	memset(health.measures, 0, sizeof(health.measures));
	health_set_findings(&health, findings, 1);
	assert_int_equal(say("", ""), STATUS_CRITICAL);
	assert_non_null(strstr(said, " ports_used=100.0%;"));
	/* How many there are is not known. */
	findings[0] = ports(0, 0, SCOPE_DESTINATION);
	memset(health.measures, 0, sizeof(health.measures));
	health_set_findings(&health, findings, 1);
	assert_int_equal(say("", ""), STATUS_OK);
	assert_null(strstr(said, "ports_used"));
}

static void test_syn_recv(void **state)
{
	struct conn a = { .sport = 443, .wqueue = 200,
			  .origin = ORIGIN(.pid = 9, .comm = "nginx") };
	struct conn b = { .sport = 80, .wqueue = 128 };

	(void)state;
	findings[0] = (struct finding){
		.rule = RULE_SYN_RECV, .cause = CAUSE_FLOOD, .count = 150,
		.accept_limit = 200,
		.listener = { .family = 4, .sport = 443, .pid = 9,
			      .comm = "nginx" },
	};
	health_set_findings(&health, findings, 1);
	health_add_syn_recv(&health, &b, 0);
	assert_int_equal(say("", ""), STATUS_OK);
	assert_non_null(strstr(said, " syn_recv=0.0%;70;95;0;100"));
	health_add_syn_recv(&health, &a, 150);
	health_add_syn_recv(&health, &b, 10);
	assert_int_equal(say("", ""), STATUS_WARNING);
	assert_non_null(strstr(said, "- nginx[9] 150 SYN_RECV on :443, its "
			       "backlog is 200 | "));
	assert_non_null(strstr(said, " syn_recv=75.0%;"));
	assert_non_null(strstr(said, "\nsyn_recv flood nginx[9] on :443: 150, "
			       "run: tcpstate-watch leaks --sport 443\n"));
	health_add_syn_recv(&health, &a, 190);
	assert_int_equal(say("", ""), STATUS_CRITICAL);
	/* Below the threshold a flood is for leaks to tell. */
	findings[0].count = 139;
	assert_false(health_tells(&health, &findings[0]));
}

static struct netns_facts netns(int64_t tw, int64_t max, int64_t overflows)
{
	return (struct netns_facts){
		.netns = 77, .time_waits = tw, .tcp_max_tw_buckets = max,
		.tw_overflows = overflows,
	};
}

static void test_time_wait(void **state)
{
	static const struct {
		int64_t tw, max, overflows, before;
		enum status status;
		const char *perfdata;
	} rows[] = {
		{ 0, 100, 0, 0, STATUS_OK, "time_wait=0.0%;70;95;0;100" },
		{ 69, 100, 0, 0, STATUS_OK, "time_wait=69.0%;70;95;0;100" },
		{ 70, 100, 0, 0, STATUS_WARNING, "time_wait=70.0%;" },
		{ 95, 100, 0, 0, STATUS_CRITICAL, "time_wait=95.0%;" },
		/* Long ago, and now. */
		{ 5, 100, 9, 9, STATUS_OK, "time_wait_overflows=9c" },
		{ 5, 100, 9, 8, STATUS_CRITICAL, "time_wait_overflows=9c" },
		{ 5, 100, 9, -1, STATUS_OK, "time_wait=5.0%;" },
		{ 100, 100, 9, 9, STATUS_CRITICAL, "they overflow: 9 so far" },
		{ 100, 100, 0, 0, STATUS_CRITICAL, "time_wait=100.0%;" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct netns_facts
			before = netns(0, rows[i].max, rows[i].before),
			now = netns(rows[i].tw, rows[i].max,
				    rows[i].overflows);

		setup(state);
		health_add_time_wait(&health, &before, &now);
		assert_int_equal(say("", ""), rows[i].status);
		assert_non_null(strstr(said, rows[i].perfdata));
		assert_true(rows[i].status == STATUS_OK ||
			    strstr(said, "namespace 77"));
	}
}

/* What the kernel does not tell, and buckets that are turned off. */
static void test_time_wait_unknown(void **state)
{
	const struct netns_facts nothing = netns(-1, -1, -1),
				 off = netns(0, 0, 5);

	(void)state;
	health_add_time_wait(&health, NULL, &nothing);
	assert_int_equal(say("", ""), STATUS_OK);
	assert_null(strstr(said, "time_wait"));
	health_add_time_wait(&health, NULL, &off);
	assert_int_equal(say("", ""), STATUS_OK);
	assert_null(strstr(said, "time_wait="));
}

/* The namespace that is worst, and it is the rating that says so. */
static void test_time_wait_of_several(void **state)
{
	struct netns_facts a = netns(50, 100, 0), b = netns(900, 1000, 0),
			   c = netns(10, 100, 3), before = netns(0, 100, 2);

	(void)state;
	a.netns = 1;
	b.netns = 2;
	c.netns = 3;
	health_add_time_wait(&health, NULL, &a);
	health_add_time_wait(&health, NULL, &b);
	health_add_time_wait(&health, NULL, &a);
	assert_int_equal(say("", ""), STATUS_WARNING);
	assert_non_null(strstr(said, "900 of 1000 TIME_WAIT buckets in network "
			       "namespace 2"));
	health_add_time_wait(&health, &before, &c);
	health_add_time_wait(&health, NULL, &b);
	assert_int_equal(say("", ""), STATUS_CRITICAL);
	assert_non_null(strstr(said, "10 of 100 TIME_WAIT buckets in network "
			       "namespace 3"));
	assert_non_null(strstr(said, "time_wait_overflows=3c"));
}

static void test_one_number_thresholds(void **state)
{
	(void)state;
	health.thresholds.close_wait_count =
		(struct threshold){ THRESHOLD_NEVER, 5 };
	health.thresholds.close_wait_age.warn = 1500000000;
	health_set_findings(&health, NULL, 0);
	assert_int_equal(say("", ""), STATUS_OK);
	assert_non_null(strstr(said, " close_wait=0;;5;0; "
			       "close_wait_oldest=0s;1.500;;0;"));
}

/* What is not known is left out, no zero in its place. */
static void test_unknown_measures(void **state)
{
	(void)state;
	health_set_findings(&health, NULL, 0);
	say("", "");
	assert_null(strstr(said, "fds_used"));
	assert_null(strstr(said, "lost"));
}

static void test_doubt(void **state)
{
	(void)state;
	health_set_findings(&health, NULL, 0);
	assert_int_equal(say("2 namespaces | could\nnot be read", ""),
			 STATUS_UNKNOWN);
	assert_string_equal(said, "TCPSTATE UNKNOWN - 2 namespaces ? could?not "
			    "be read | close_wait=0;10;100;0; "
			    "close_wait_oldest=0s;60;;0;\n");
	/* What was seen is true all the same. */
	java(0, 10);
	health_set_findings(&health, findings, 1);
	assert_int_equal(say("2 namespaces", ""), STATUS_WARNING);
	assert_non_null(strstr(said, "\nnot all was seen: 2 namespaces\n"));
}

static void test_hostile_names(void **state)
{
	static const char *const names[] = {
		"a|b", "a\nb", "\x1b[2J", "\xff\xfe", "|||||||||||||||",
		"\xc2\x85", "a\r", "%s%n",
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct finding *f;

		setup(state);
		f = java(0, 100);
		strncpy(f->comm, names[i], sizeof(f->comm) - 1);
		health_set_findings(&health, findings, 1);
		health_add_fds(&health, 2211, names[i], 99, 100);
		assert_int_equal(say("", ""), STATUS_CRITICAL);
		assert_int_equal(times_of('\n'), 2);
		assert_int_equal(times_of('|'), 1);
		for (const char *p = said; *p; p++)
			assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	}
}

static void test_line_is_bounded(void **state)
{
	static char doubt[5000];

	(void)state;
	memset(doubt, 'x', sizeof(doubt) - 1);
	health_set_findings(&health, NULL, 0);
	assert_int_equal(say(doubt, ""), STATUS_UNKNOWN);
	assert_true(strcspn(said, "\n") < 600);
	assert_non_null(strstr(said, " | close_wait=0;"));
}

static void test_owners(void **state)
{
	struct finding *f = java(0, 10);

	(void)state;
	f->bug = BUG_NEVER_ACCEPTED;
	f->pid = 0;
	f->listener.pid = 5;
	strcpy(f->listener.comm, "nginx");
	f->listener.saddr[0] = 127;
	f->listener.saddr[3] = 1;
	health_set_findings(&health, findings, 1);
	say("", "");
	assert_non_null(strstr(said, "- nginx[5] 10 CLOSE_WAIT on "
			       "127.0.0.1:8080, "));
	assert_non_null(strstr(said, "run: tcpstate-watch leaks --sport 8080\n"));
	f->bug = BUG_OWNERLESS;
	f->listener = (struct finding_listener){ 0 };
	say("", "");
	assert_non_null(strstr(said, "- no process 10 CLOSE_WAIT, oldest"));
	assert_non_null(strstr(said, "run: tcpstate-watch leaks\n"));
	f->bug = BUG_FIN_READ;
	say("", "");
	assert_non_null(strstr(said, "- unknown owner 10 CLOSE_WAIT, oldest"));
}

#define WITH_HEALTH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HEALTH(test_ok),
		WITH_HEALTH(test_critical),
		WITH_HEALTH(test_count),
		WITH_HEALTH(test_groups_are_one_number),
		WITH_HEALTH(test_other_rules),
		WITH_HEALTH(test_age),
		WITH_HEALTH(test_fds),
		WITH_HEALTH(test_fds_without_a_leak),
		WITH_HEALTH(test_ports),
		WITH_HEALTH(test_syn_recv),
		WITH_HEALTH(test_time_wait),
		WITH_HEALTH(test_time_wait_unknown),
		WITH_HEALTH(test_time_wait_of_several),
		WITH_HEALTH(test_one_number_thresholds),
		WITH_HEALTH(test_unknown_measures),
		WITH_HEALTH(test_doubt),
		WITH_HEALTH(test_hostile_names),
		WITH_HEALTH(test_line_is_bounded),
		WITH_HEALTH(test_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* What is said of SYNs that met an old socket. */
#include "records.h"

#include "engine/advice.h"
#include "output/collision_words.h"
#include "output/finding_words.h"

static const struct finding seen = {
	.rule = RULE_COLLISION,
	.state = TCPSTATE_CLOSE_WAIT,
	.count = 1,
	.pid = 2211,
	.comm = "java",
	.syns = {
		.count = 1, .first_ns = MS(3000), .last_ns = MS(3000),
		.family = 4, .saddr = { 10, 9, 0, 2 }, .sport = 80,
		.daddr = { 10, 9, 0, 1 }, .dport = 5555,
	},
};

#define SAYS(say, f, words) do { \
	char line_[FINDING_SENTENCE_MAX]; \
	say(f, line_, sizeof(line_)); \
	if (!strstr(line_, words)) { \
		print_error("\"%s\" is not in \"%s\"\n", words, line_); \
		fail(); \
	} \
} while (0)

static void test_verdict(void **state)
{
	struct finding f = seen;

	(void)state;
	SAYS(finding_verdict, &f, "1 SYN for the same addresses and ports met CLOSE_WAIT");
	SAYS(finding_verdict, &f, "the program has not closed it");
	f.syns.count = 2;
	f.state = TCPSTATE_LAST_ACK;
	SAYS(finding_verdict, &f, "2 SYNs for");
	SAYS(finding_verdict, &f, "has not acknowledged our FIN");
	f.state = TCPSTATE_TIME_WAIT;
	SAYS(finding_verdict, &f, "no newer than");
}

/* Nobody saw it: it may be, and no more. */
static void test_inferred(void **state)
{
	struct finding f = { .rule = RULE_COLLISION, .inferred = true,
			     .syns.count = 3 };

	(void)state;
	SAYS(finding_verdict, &f, "inferred: 3 SYNs met");
	SAYS(finding_verdict, &f, "no hook shows which");
	SAYS(collision_proof, &f, "TCPSYNChallenge grew by 3");
	f.state = TCPSTATE_LAST_ACK;
	SAYS(finding_verdict, &f, "it may be this one in LAST_ACK");
}

static void test_proof(void **state)
{
	struct finding f = seen;

	(void)state;
	SAYS(collision_proof, &f, "SYN from 10.9.0.1:5555 to 10.9.0.2:80");
	f.syns.count = 2;
	f.syns.gone = 1;
	SAYS(collision_proof, &f, "the first");
	SAYS(collision_proof, &f, "1 of the sockets is out of the way since");
}

static void test_advice(void **state)
{
	const struct netns_facts facts = { .tcp_rfc1337 = 1,
					   .tcp_tw_reuse = 2 };
	struct finding f = seen;

	(void)state;
	SAYS(say_close_blocker, &f, "close() the socket in java[2211]");
	f.fds[0] = 61;
	f.n_fds = 1;
	SAYS(say_close_blocker, &f, "close() descriptor 61 in java[2211]");
	SAYS(say_kill_blocker, &f, "dst 10.9.0.1 dport = 5555");
	SAYS(say_other_port, &f, "10.9.0.1 should not take port 5555 again within 60 s");
	f.facts = &facts;
	SAYS(say_take_over, &f, "(now 0)");
	SAYS(say_let_rst_end, &f, "(now 1)");
	SAYS(say_not_reuse_for_syns, &f, "(2)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_inferred),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The words of the command line and of JSON.
 */
#include <ctype.h>

#include "records.h"

#include "engine/finding.h"

static const struct {
	unsigned int state;
	const char *names[8];
} spellings[] = {
	{ TCPSTATE_CLOSE, { "CLOSE", "close", "UNCONN", "unconn", "closed" } },
	{ TCPSTATE_LISTEN, { "LISTEN", "listen", "listening" } },
	{ TCPSTATE_SYN_SENT, { "SYN_SENT", "syn-sent", "SYN-SENT" } },
	{ TCPSTATE_SYN_RECV, { "SYN_RECV", "syn-recv", "SYN-RECV",
			       "syn-received" } },
	{ TCPSTATE_ESTABLISHED, { "ESTABLISHED", "established", "ESTAB",
				  "estab" } },
	{ TCPSTATE_FIN_WAIT1, { "FIN_WAIT1", "fin-wait1", "FIN-WAIT-1",
				"fin-wait-1", "fin_wait_1" } },
	{ TCPSTATE_FIN_WAIT2, { "FIN_WAIT2", "fin-wait2", "FIN-WAIT-2",
				"fin-wait-2", "fin_wait_2" } },
	{ TCPSTATE_TIME_WAIT, { "TIME_WAIT", "time-wait", "TIME-WAIT" } },
	{ TCPSTATE_CLOSE_WAIT, { "CLOSE_WAIT", "close-wait", "CLOSE-WAIT",
				 "Close-Wait", "close_WAIT" } },
	{ TCPSTATE_LAST_ACK, { "LAST_ACK", "last-ack", "LAST-ACK" } },
	{ TCPSTATE_CLOSING, { "CLOSING", "closing" } },
	{ TCPSTATE_NEW_SYN_RECV, { "NEW_SYN_RECV", "new-syn-recv" } },
};

static void test_state_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(spellings); i++)
		assert_string_equal(state_name(spellings[i].state),
				    spellings[i].names[0]);
	assert_int_equal(COUNT_OF(spellings), TCPSTATE_STATES - 1);
}

static void test_state_parse_spellings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(spellings); i++)
		for (size_t j = 0; j < 8 && spellings[i].names[j]; j++)
			assert_int_equal(state_parse(spellings[i].names[j]),
					 spellings[i].state);
}

static void test_state_parse_prefix(void **state)
{
	char word[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(spellings); i++)
		for (size_t j = 0; j < 8 && spellings[i].names[j]; j++) {
			snprintf(word, sizeof(word), "TCP_%s",
				 spellings[i].names[j]);
			assert_int_equal(state_parse(word),
					 spellings[i].state);
			snprintf(word, sizeof(word), "tcp-%s",
				 spellings[i].names[j]);
			assert_int_equal(state_parse(word),
					 spellings[i].state);
		}
}

static void change_case(char *word, unsigned int how)
{
	for (size_t i = 0; word[i]; i++) {
		bool lower = how == 0 || (how == 1 && i % 2) ||
			     (how == 2 && i % 3);

		word[i] = lower ? tolower((unsigned char)word[i]) :
				  toupper((unsigned char)word[i]);
	}
}

static void test_state_parse_any_case(void **state)
{
	char word[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(spellings); i++)
		for (size_t j = 0; j < 8 && spellings[i].names[j]; j++)
			for (unsigned int how = 0; how < 4; how++) {
				snprintf(word, sizeof(word), "%s",
					 spellings[i].names[j]);
				change_case(word, how);
				assert_int_equal(state_parse(word),
						 spellings[i].state);
			}
}

static void test_state_round_trip(void **state)
{
	(void)state;
	for (unsigned int s = 1; s < TCPSTATE_STATES; s++)
		assert_int_equal(state_parse(state_name(s)), s);
}

static void test_state_parse_refuses(void **state)
{
	static const char *const words[] = {
		"", "-", "_", "?", "T", "TCP", "TCP_", "tcp-", "TCP_TCP_CLOSE",
		"CLOS", "CLOSE_", "_CLOSE", "CLOSE ", " CLOSE", "CLOSE,LISTEN",
		"CLOSE_WAI", "CLOSE_WAITX", "CLOSE__WAIT", "CLOSEWAIT",
		"CLOSE.WAIT", "FIN_WAIT", "FIN_WAIT3", "FIN_WAIT_3", "SYN",
		"EST", "ESTABLISHE", "ESTABLISHEDX", "7", "all", "connected",
		"TCPCLOSE", "TIME\xff" "WAIT",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (state_parse(words[i]))
			fail_msg("\"%s\" is %s", words[i],
				 state_name(state_parse(words[i])));
}

static void test_state_name_out_of_range(void **state)
{
	(void)state;
	assert_string_equal(state_name(0), "?");
	assert_string_equal(state_name(TCPSTATE_STATES), "?");
	assert_string_equal(state_name(UINT32_MAX), "?");
}

/* The names that DESIGN promises, in the order of the enum. */
static void check_names(const char *(*name)(unsigned int),
			const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i])
			assert_string_equal(name(i), names[i]);
		else
			assert_null(name(i));
	}
	assert_string_equal(name(n), "?");
	assert_string_equal(name(UINT32_MAX), "?");
}

static void test_role_names(void **state)
{
	static const char *const names[ROLES] = {
		[ROLE_UNKNOWN] = "unknown", [ROLE_CLIENT] = "client",
		[ROLE_SERVER] = "server", [ROLE_LISTENER] = "listener",
	};

	(void)state;
	check_names(role_name, names, ROLES);
}

static void test_first_names(void **state)
{
	static const char *const names[FIRSTS] = {
		[FIRST_NONE] = "none", [FIRST_LOCAL] = "local",
		[FIRST_PEER] = "peer", [FIRST_BOTH] = "both",
	};

	(void)state;
	check_names(first_name, names, FIRSTS);
}

static void test_kind_names(void **state)
{
	static const char *const names[KINDS] = {
		[KIND_FOUR_SEGMENT] = "four_segment",
		[KIND_THREE_SEGMENT] = "three_segment",
		[KIND_SIMULTANEOUS] = "simultaneous",
		[KIND_RST] = "rst", [KIND_REFUSED] = "refused",
		[KIND_TIMEOUT] = "timeout", [KIND_OTHER] = "other",
	};

	(void)state;
	check_names(kind_name, names, KINDS);
}

static void test_reason_names(void **state)
{
	static const char *const names[REASONS] = {
		[REASON_FIN] = "fin", [REASON_CLOSED] = "closed",
		[REASON_REFUSED] = "refused",
		[REASON_RST_RECEIVED] = "rst_received",
		[REASON_ABORT] = "abort", [REASON_RST_SENT] = "rst_sent",
		[REASON_NO_PORT] = "no_port", [REASON_TIMEOUT] = "timeout",
		[REASON_KEEPALIVE] = "keepalive",
		[REASON_UNREACHABLE] = "unreachable",
		[REASON_OVERFLOW] = "overflow", [REASON_KILLED] = "killed",
		[REASON_NETNS] = "netns", [REASON_TW_EXPIRED] = "tw_expired",
		[REASON_TW_REUSED] = "tw_reused", [REASON_TW_RST] = "tw_rst",
		[REASON_TW_OVERFLOW] = "tw_overflow",
		[REASON_UNKNOWN] = "unknown",
	};

	(void)state;
	check_names(reason_name, names, REASONS);
}

static void test_detail_names(void **state)
{
	static const char *const names[DETAILS] = {
		[DETAIL_LINGER0] = "linger0",
		[DETAIL_UNREAD_DATA] = "unread_data",
		[DETAIL_DISCONNECT] = "disconnect",
		[DETAIL_LISTENER_CLOSED] = "listener_closed",
		[DETAIL_REPAIR] = "repair",
		[DETAIL_DATA_AFTER_CLOSE] = "data_after_close",
		[DETAIL_LINGER2] = "linger2",
		[DETAIL_ORPHAN_LIMIT] = "orphan_limit",
		[DETAIL_SYN] = "syn", [DETAIL_SYNACK] = "synack",
		[DETAIL_DATA] = "data", [DETAIL_FIN] = "fin",
		[DETAIL_USER_TIMEOUT] = "user_timeout",
		[DETAIL_FIN_WAIT2] = "fin_wait2",
	};

	(void)state;
	check_names(detail_name, names, DETAILS);
}

static void test_basis_names(void **state)
{
	static const char *const names[TCPSTATE_BASES] = {
		[TCPSTATE_BY_TRACEPOINT] = "tracepoint",
		[TCPSTATE_BY_PROBE] = "probe",
		[TCPSTATE_BY_INFERENCE] = "inferred",
		[TCPSTATE_BY_SNAPSHOT] = "snapshot",
	};

	(void)state;
	check_names(basis_name, names, TCPSTATE_BASES);
}

static void test_finding_names(void **state)
{
	static const char *const severities[SEVERITIES] = {
		[SEVERITY_INFO] = "info",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_CRITICAL] = "critical",
	};
	static const char *const rules[RULES] = {
		[RULE_CLOSE_WAIT] = "close_wait", [RULE_FIN_WAIT1] = "fin_wait1",
		[RULE_FIN_WAIT2] = "fin_wait2", [RULE_LAST_ACK] = "last_ack",
		[RULE_CLOSING] = "closing", [RULE_SYN_SENT] = "syn_sent",
		[RULE_SYN_RECV] = "syn_recv", [RULE_IDLE] = "idle",
		[RULE_ORPHANS] = "orphans", [RULE_TIME_WAIT] = "time_wait",
		[RULE_PORTS] = "ports", [RULE_FDS] = "fds",
		[RULE_COLLISION] = "collision", [RULE_ILLEGAL] = "illegal",
	};
	static const char *const bugs[BUGS] = {
		[BUG_FIN_READ] = "fin_read", [BUG_FIN_UNREAD] = "fin_unread",
		[BUG_DATA_UNREAD] = "data_unread",
		[BUG_NEVER_ACCEPTED] = "never_accepted",
		[BUG_HELD_ELSEWHERE] = "held_elsewhere",
		[BUG_OWNERLESS] = "ownerless",
	};

	static const char *const scopes[SCOPES] = {
		[SCOPE_DESTINATION] = "destination",
		[SCOPE_SERVICE] = "service", [SCOPE_NETNS] = "netns",
	};
	static const char *const reuses[TW_REUSES] = {
		[TW_REUSE_UNKNOWN] = "unknown", [TW_REUSE_OFF] = "off",
		[TW_REUSE_LOOPBACK_ONLY] = "loopback_only",
		[TW_REUSE_NO_TIMESTAMPS] = "no_timestamps",
		[TW_REUSE_APPLIES] = "applies",
	};

	(void)state;
	check_names(rule_name, rules, RULES);
	check_names(severity_name, severities, SEVERITIES);
	check_names(bug_name, bugs, BUGS);
	check_names(scope_name, scopes, SCOPES);
	check_names(tw_reuse_name, reuses, TW_REUSES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_names),
		cmocka_unit_test(test_state_parse_spellings),
		cmocka_unit_test(test_state_parse_prefix),
		cmocka_unit_test(test_state_parse_any_case),
		cmocka_unit_test(test_state_round_trip),
		cmocka_unit_test(test_state_parse_refuses),
		cmocka_unit_test(test_state_name_out_of_range),
		cmocka_unit_test(test_role_names),
		cmocka_unit_test(test_first_names),
		cmocka_unit_test(test_kind_names),
		cmocka_unit_test(test_reason_names),
		cmocka_unit_test(test_detail_names),
		cmocka_unit_test(test_basis_names),
		cmocka_unit_test(test_finding_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/* The words of the command line and of JSON. */
#include "engine.h"
#include "fsm.h"

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const states[TCPSTATE_STATES] = {
	NULL, "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
	"TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
	"NEW_SYN_RECV",
};

/* Other tools' spellings, after '-' has become '_' and TCP_ is gone. */
static const struct {
	const char *name;
	unsigned int state;
} aliases[] = {
	{ "ESTAB", TCPSTATE_ESTABLISHED },
	{ "SYN_RECEIVED", TCPSTATE_SYN_RECV },
	{ "FIN_WAIT_1", TCPSTATE_FIN_WAIT1 },
	{ "FIN_WAIT_2", TCPSTATE_FIN_WAIT2 },
	{ "UNCONN", TCPSTATE_CLOSE },
	{ "CLOSED", TCPSTATE_CLOSE },
	{ "LISTENING", TCPSTATE_LISTEN },
};

static const char *const roles[ROLES] = {
	"unknown", "client", "server", "listener",
};

static const char *const firsts[FIRSTS] = { "none", "local", "peer", "both" };

static const char *const kinds[KINDS] = {
	NULL, "four_segment", "three_segment", "simultaneous", "rst",
	"refused", "timeout", "other",
};

static const char *const reasons[REASONS] = {
	NULL, "fin", "closed", "refused", "rst_received", "abort", "rst_sent",
	"no_port", "timeout", "keepalive", "unreachable", "overflow", "killed",
	"netns", "tw_expired", "tw_reused", "tw_rst", "tw_overflow", "unknown",
};

static const char *const details[DETAILS] = {
	NULL, "linger0", "unread_data", "disconnect", "listener_closed",
	"repair", "data_after_close", "linger2", "orphan_limit", "syn",
	"synack", "data", "fin", "user_timeout", "fin_wait2",
};

static const char *const courses[] = {
	[COURSE_CLIENT] = "normal_client",
	[COURSE_SERVER] = "normal_server",
	[COURSE_UNUSUAL] = "unusual",
};

static const char *const bases[TCPSTATE_BASES] = {
	"tracepoint", "probe", "inferred", "snapshot",
};

#define NAME(table, i, none) ((i) < COUNT(table) ? (table)[i] : (none))

const char *state_name(unsigned int state)
{
	const char *name = NAME(states, state, NULL);

	return name ? name : "?";
}

const char *role_name(unsigned int role)
{
	return NAME(roles, role, "?");
}

const char *first_name(unsigned int first)
{
	return NAME(firsts, first, "?");
}

const char *kind_name(unsigned int kind)
{
	return NAME(kinds, kind, "?");
}

const char *reason_name(unsigned int reason)
{
	return NAME(reasons, reason, "?");
}

const char *detail_name(unsigned int detail)
{
	return NAME(details, detail, "?");
}

const char *course_name(unsigned int course)
{
	return NAME(courses, course, "?");
}

const char *basis_name(unsigned int basis)
{
	return NAME(bases, basis, "?");
}

const char *segment_flags_name(unsigned int flags)
{
	static const char *const words[SEGMENT_FLAGS] = {
		[SEGMENT_SYN] = "SYN",
		[SEGMENT_SYNACK] = "SYN-ACK",
		[SEGMENT_FIN] = "FIN",
	};

	return NAME(words, flags, "?");
}

static char folded(char c)
{
	if (c == '-')
		return '_';
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

static bool same_word(const char *word, const char *name)
{
	while (*word && folded(*word) == *name) {
		word++;
		name++;
	}
	return !*word && !*name;
}

unsigned int state_parse(const char *word)
{
	const char prefix[] = "TCP_";
	size_t i = 0;

	while (i < 4 && folded(word[i]) == prefix[i])
		i++;
	if (i == 4)
		word += 4;
	for (i = 1; i < TCPSTATE_STATES; i++)
		if (same_word(word, states[i]))
			return i;
	for (i = 0; i < COUNT(aliases); i++)
		if (same_word(word, aliases[i].name))
			return aliases[i].state;
	return 0;
}

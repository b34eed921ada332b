/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A finding: a group of stuck connections, whose fault, and how it is known.
 */
#ifndef TCPSTATE_FINDING_H
#define TCPSTATE_FINDING_H

#include "engine.h"

enum rule { RULE_CLOSE_WAIT, RULES };
enum severity { SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITIES };

/* Of CLOSE_WAIT: what the program did not do. */
enum bug {
	BUG_FIN_READ,		/* nothing is left to read; not closed */
	BUG_FIN_UNREAD,		/* only the FIN is left to read */
	BUG_DATA_UNREAD,	/* data is left to read */
	BUG_NEVER_ACCEPTED,	/* in the accept queue of its listener */
	BUG_HELD_ELSEWHERE,	/* its owner has closed it, another has not */
	BUG_OWNERLESS,		/* in a file, but in no descriptor table */
	BUGS
};

#define FINDING_LIST_MAX 100	/* entries of a list; counts are exact */
#define FINDING_PEERS_MAX 1024	/* counted apart; the largest are told */

enum age_class { AGE_MINUTE, AGE_TEN_MINUTES, AGE_HOUR, AGE_MORE, AGES };

struct finding_peer {
	uint8_t family;		/* 4 or 6 */
	uint8_t addr[16];
	uint64_t count;
};

struct finding_listener {
	uint8_t family;		/* 0: not known */
	uint8_t saddr[16];
	uint16_t sport;
	uint32_t pid;		/* 0: not known */
	char comm[TCPSTATE_COMM_LEN];
};

struct finding {
	uint8_t rule, severity, bug;
	uint8_t state;
	uint32_t netns;
	uint64_t count;
	uint64_t oldest_ns;	/* age */
	bool oldest_exact;	/* otherwise a lower bound */
	uint64_t ages[AGES];
	uint64_t observed_ns;

	/* Who holds them now; pid 0 and no uid with BUG_NEVER_ACCEPTED. */
	uint32_t pid;
	char comm[TCPSTATE_COMM_LEN];
	uint32_t uid;
	bool has_uid;
	uint64_t cgroup;
	/* BUG_HELD_ELSEWHERE: who took them and holds them no more. */
	uint32_t owner_pid;
	char owner_comm[TCPSTATE_COMM_LEN];

	struct finding_listener listener;
	uint64_t listener_cookie;
	/* Waiting in the accept queue, and its limit; 0, 0: not known. */
	uint32_t accept_queue, accept_limit;

	uint64_t unread_min, unread_max;	/* Recv-Q */
	uint64_t shared;	/* held by further processes too */

	struct finding_peer *peers;	/* most frequent first */
	size_t n_peers;
	int fds[FINDING_LIST_MAX];
	uint64_t n_fds;
	uint64_t fd_used, fd_limit;	/* 0, 0: not known */
	uint64_t conn_ids[FINDING_LIST_MAX];
};

/* Lower-case names, as in JSON. */
const char *rule_name(unsigned int rule);
const char *severity_name(unsigned int severity);
const char *bug_name(unsigned int bug);

#endif /* TCPSTATE_FINDING_H */

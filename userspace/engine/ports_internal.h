/* SPDX-License-Identifier: GPL-2.0 */
/* What ports.c counts and budget.c makes findings of. */
#ifndef TCPSTATE_PORTS_INTERNAL_H
#define TCPSTATE_PORTS_INTERNAL_H

#include "ports.h"
#include "slope.h"

struct group_key {
	uint32_t netns;
	uint16_t port;		/* DESTINATION: dport; SERVICE: sport */
	uint8_t scope;
	uint8_t family;
	uint8_t saddr[16], daddr[16];
};

_Static_assert(sizeof(struct group_key) == 40, "keys are compared as bytes");

/*
 * What was seen since then.  There are two, of which the older is told, and
 * begins anew when it is too old.
 */
struct window {
	uint64_t since_ns;
	struct slope used;	/* .used of its budget; TIME_WAITs otherwise */
	struct slope others;	/* ports of connections in other states */
	uint64_t entered;	/* TIME_WAIT */
	uint64_t here, there;	/* closed first */
};

struct group {
	struct group_key key;
	uint32_t space;		/* number of its namespace's */
	bool wanted;
	uint32_t states[TCPSTATE_STATES];
	uint32_t ports;		/* in the range, not reserved */
	uint32_t time_wait;	/* of these */
	uint32_t young;		/* TIME_WAITs that tcp_tw_reuse does not give */
	uint32_t other_parity;
	uint64_t oldest_ns;
	bool oldest_exact;
	struct window windows[2];
};

/* A namespace. */
struct space {
	uint32_t netns;
	const struct netns_facts *facts;	/* NULL: not known */
	uint32_t group;		/* of SCOPE_NETNS */
	uint64_t minis;		/* TIME_WAIT, and FIN_WAIT2 of orphans */
	uint64_t bound;		/* bits in .bound_map */
	uint8_t *bound_map;	/* ports of its range that bind() has taken */
	uint32_t number;	/* while others are let go: the new one */
	bool needed;
	int64_t overflows[2];	/* when the windows began; -1: not known */
};

/* A TIME_WAIT; to a destination, whatever uses a port. */
struct member {
	uint32_t group;
	uint32_t pid;
	const struct conn *conn;
};

struct ports {
	const struct thresholds *thresholds;
	const struct netns_facts *facts;
	size_t n_facts;

	uint64_t now_ns;	/* of the last look */
	uint64_t before_ns;	/* of the one before; 0: there was none */
	uint64_t since_ns[2];
	bool report, full;

	struct group *groups;
	size_t n_groups, max_groups;
	uint32_t *buckets;	/* number of a group + 1; 0: empty */
	size_t n_buckets;	/* a power of two */
	struct space *spaces;
	size_t n_spaces, last_space;
	struct member *members;	/* of the last look, if it is for a report */
	size_t n_members, max_members;

	struct finding *findings;
	size_t n_findings;
};

/* What connect() cannot have, of a group of SCOPE_DESTINATION. */
uint64_t ports_used(const struct group *group, const struct netns_facts *facts);
/* Number of the older window. */
unsigned int ports_window(const struct ports *p);
struct space *ports_space(struct ports *p, uint32_t netns);

#endif /* TCPSTATE_PORTS_INTERNAL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Findings in the making: stuck connections of one process, listener or peer,
 * and bug, counted together.
 */
#ifndef TCPSTATE_GROUP_H
#define TCPSTATE_GROUP_H

#include "finding.h"
#include "thresholds.h"

/* Who holds a socket, from the descriptor tables; those of a pid together. */
struct holding {
	uint32_t pid;
	int fd;
	const char *comm;
};

/*
 * What a group is of, but for the bug: the listener that it came in by, or the
 * peer that it went out to.
 */
struct group_key {
	uint64_t listener;	/* cookie */
	uint32_t netns;
	uint32_t pid;		/* of struct conn */
	uint16_t sport;		/* of a server whose listener is gone */
	uint16_t remote_port;
	uint8_t state;
	uint8_t remote_family;
	uint8_t remote_addr[16];
	uint8_t reserved[2];
};

_Static_assert(sizeof(struct group_key) == 40, "a hole would be hashed");

struct groups {
	struct finding *findings;
	size_t n, size;
	struct group_index *index;	/* of each one */
	uint32_t *buckets;	/* findings by key, from 1; 0: free */
	size_t n_buckets;
};

/*
 * The key of a live connection; and of a finding that it was counted in, but for
 * .pid, of which that has several.
 */
void group_key_of(struct group_key *key, const struct conn *c);
void group_key_of_finding(struct group_key *key, const struct finding *f);
uint64_t group_key_hash(const struct group_key *key);

/*
 * The finding that is like @key, made if there is none; or that of all ends,
 * see .many_ends.  NULL without memory.  Valid until the next call.
 */
struct finding *groups_get(struct groups *g, const struct finding *key);
void groups_free(struct groups *g);
/* Drop those that have nothing, or that @keep is false of, with @t. */
void groups_drop(struct groups *g,
		 bool (*keep)(const struct finding *f,
			      const struct thresholds *t),
		 const struct thresholds *t);
/* Put their lists in order.  Nothing may be counted after this. */
void groups_finish(struct groups *g);

/* @f: the connection's listener, which may be NULL, or its peer. */
void group_set_end(struct finding *f, const struct conn *c,
		   const struct conn *listener);
void group_set_comm(char *to, const char *from);
const struct holding *holding_of(const struct holding *holdings, size_t n,
				 uint32_t pid);

/* One connection more, of this age.  0 or -ENOMEM. */
int group_count(struct groups *g, struct finding *f, const struct conn *c,
		uint64_t age_ns, bool exact, const struct holding *holdings,
		size_t n);

#endif /* TCPSTATE_GROUP_H */

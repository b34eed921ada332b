/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What engine.c (the stream of records) and conn.c (what they mean) share.
 */
#ifndef TCPSTATE_ENGINE_INTERNAL_H
#define TCPSTATE_ENGINE_INTERNAL_H

#include "engine.h"
#include "merge.h"
#include "table.h"

/* enum source_hook bits; the engine knows no source, only what was seen. */
#define SEEN_REQ_ADD	(1 << 1)
#define SEEN_TW_ADD	(1 << 3)
#define SEEN_TW_KILL	(1 << 4)
#define SEEN_CONNECT	(1 << 5)
#define SEEN_ACCEPT	(1 << 6)
#define SEEN_TW_REARM	(1 << 7)
#define SEEN_RST_SENT	(1 << 10)

/* A CPU's sequence numbers, to see losses that nobody told. */
struct cpu_seq {
	uint64_t first, last;	/* seen */
	uint64_t accounted;	/* records that came, or were told as lost */
	uint64_t gap_seen;	/* at the last look */
	uint64_t gap_told;
	bool seen;
};

/* Whose roles are to be found. */
struct roles {
	uint64_t *cookies;	/* new since the last look */
	size_t n, size;
	bool due;
	bool of_all;		/* in the whole table */
};

struct engine {
	struct engine_config cfg;
	struct engine_sink sink;
	void *ctx;
	struct merge *merge;
	struct table *table;
	struct engine_stats stats;
	struct engine_counts *counts;
	size_t n_counts;
	struct cpu_seq *cpus;
	size_t n_cpus;
	struct collision *collisions;	/* COLLISIONS_MAX; NULL: none yet */
	size_t n_collisions;
	struct oddity *oddities;	/* ODDITIES_MAX; NULL: none yet */
	size_t n_oddities;	/* met so far */
	uint64_t now_ns;	/* time of the last record or advance */
	uint64_t predicted_ns;	/* predicted ends were looked at */
	uint64_t due_ns;	/* nothing settles before */
	uint32_t dump;			/* number of the current dump */
	struct roles roles;
};

/* engine.c: @delta connections more in @state of @netns. */
/* To who keeps what it is given. */
void engine_tell_input(struct engine *e, const struct engine_input *in);
void engine_count(struct engine *e, uint32_t netns, uint8_t state, int delta);

/*
 * follow.c: is this record one of a connection that is to be followed?  If it is
 * certainly not, the connection is forgotten.
 */
bool conn_is_followed(struct engine *e, const struct tcpstate_record *rec);
/* conn.c: the meaning of one record, in time order. */
void conn_record(struct engine *e, const struct tcpstate_record *rec);
/* settle.c: decide what has settled by @now_ns; everything if it is UINT64_MAX. */
void conn_settle(struct engine *e, uint64_t now_ns);

/* ---- roles.c ---- */

/* A listener is there that may be that of connections which are known already. */
void roles_listener(struct engine *e);
/* Its role is to be found, when all that came with it is in the table. */
void roles_later(struct engine *e, const struct entry *entry);
void roles_find(struct engine *e);

#endif /* TCPSTATE_ENGINE_INTERNAL_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The connection table: by cookie, bounded, with the oldest first to go.
 */
#ifndef TCPSTATE_TABLE_H
#define TCPSTATE_TABLE_H

#include "engine.h"

/* What is to be decided about a connection when it has settled. */
enum pending {
	PENDING_NONE,
	PENDING_PORT,	/* SYN_SENT is told when connect() has its port */
	PENDING_DROP,	/* a request left the hash: or has it a child? */
	PENDING_END,	/* a mini-socket's timer stopped: or was it restarted? */
	PENDING_LINE,	/* TIME_WAIT; the full socket's last numbers follow */
	PENDING_FORGET,	/* CLOSE; late records of it may follow */
	PENDING_CLOSE,	/* for reasons unknown, unless a RST follows */
	PENDING_EXPIRY,	/* no hook will show the mini-socket's end */
};

/* In at most one list at a time. */
enum list {
	LIST_LIVE,
	LIST_TIME_WAIT,	/* many, and quiet */
	LIST_LISTENING,	/* they never move, and others need them */
	LIST_SETTLING,	/* .pending is decided at .due_ns, soon */
	LIST_CONNECTING,	/* the same, not so soon: PENDING_PORT */
	LIST_PREDICTED,	/* a mini-socket that no hook shows ends at .due_ns */
	LIST_DORMANT,	/* CLOSE, and may live again */
	LISTS
};

/* What .pending needs of the record that it waits with. */
struct held {
	uint8_t state : 4, basis : 3;
	bool owned : 1;			/* TCPSTATE_F_OWNED */
	uint8_t detail : 4, kind : 3;	/* DROP, END: the verdict, if it is one */
	uint8_t reason;
};

_Static_assert(TCPSTATE_STATES <= 16 && TCPSTATE_BASES <= 8 &&
	       DETAILS <= 16 && KINDS <= 8, "what is held has no room");

/*
 * What lists and buckets need of a neighbour is in its first line of the cache:
 * most of those that are looked at were not touched for long.
 */
struct entry {
	uint32_t chain;		/* same bucket; links are numbers, 0 is none */
	uint32_t prev, next;
	uint8_t list;		/* enum list */
	uint8_t pending;	/* enum pending */
	uint8_t rst_reason;	/* enum tcpstate_rst_reason of .rst_sent */
	uint8_t dumped;		/* state in the last dump that had it */
	uint64_t due_ns;	/* when .pending is decided */
	struct conn conn;	/* callers see only this; its cookie first */
	uint64_t moved_ns;	/* time of its last move */
	/*
	 * Numbers of dumps, their lower half: after 65,536 of them, hours, one
	 * may be taken for another, and a dump is believed sooner or later.
	 */
	uint16_t dump;		/* the last one that had it */
	uint16_t doubt;		/* one that contradicts .state */
	bool dead : 1;		/* CLOSE was told */
	bool mini_seen : 1;	/* this life has had a timewait mini-socket */
	bool rst_sent : 1;	/* by us, since its last move */
	bool rst_received : 1;	/* since its last move: CLOSE follows */
	bool line_told : 1;	/* sink->conn() was called for TIME_WAIT */
	bool fw2_in_order : 1;	/* of segs_fw2: nothing was missing before it */
	bool fw2_softirq : 1;	/* .. and it was counted when it was taken */
	struct held held;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct entry) == 3 * 64,
	       "an entry is more than three lines, of which each is fetched");

_Static_assert(offsetof(struct entry, conn.cookie) < 32,
	       "the cookie has left the first line");

struct table;

/* @seed: see origins_init(). */
struct table *table_new(size_t max, uint64_t seed);
void table_free(struct table *t);

struct entry *table_find(const struct table *t, uint64_t cookie);
/* Soon to be found: the first long before, each other a little later. */
void table_fetch_bucket(const struct table *t, uint64_t cookie);
void table_fetch_entry(const struct table *t, uint64_t cookie);
void table_fetch_closing(const struct table *t, uint64_t cookie);

/* The oldest of LIST_SETTLING is worked on: those behind it will be next. */
void table_fetch_ahead(struct table *t);

/* A zeroed entry in LIST_LIVE; NULL without memory or room. */
struct entry *table_add(struct table *t, uint64_t cookie);
void table_remove(struct table *t, struct entry *entry);
/* All that .conn knows is void; its cookie too. */
void table_reset(struct table *t, struct entry *entry);

/*
 * Room for the parts of one more connection; a record needs no more.  False
 * without memory.
 */
bool table_reserve(struct table *t);
/* The closing part, begun if it has none; never NULL after table_reserve(). */
struct closing *table_closing(struct table *t, struct entry *entry);
/* The same of its IPv6 addresses, whose family is still to be set. */
struct address_pair *table_pair(struct table *t, struct entry *entry);
void table_drop_pair(struct table *t, struct entry *entry);

/* Without memory it keeps the one that it has. */
void table_set_origin(struct table *t, struct entry *entry,
		      const struct origin *origin);
/* How many different ones there are. */
size_t table_origins(const struct table *t);

/* To the young end of a list, or to that of the one it is in. */
void table_move(struct table *t, struct entry *entry, enum list list);

/* The oldest of a list, NULL if it is empty. */
struct entry *table_oldest(const struct table *t, enum list list);
size_t table_count(const struct table *t, enum list list);
bool table_is_full(const struct table *t);

/* Those of one list; @fn may move or remove the entry that it is given. */
int table_each_in(const struct table *t, enum list list,
		  int (*fn)(void *ctx, struct entry *), void *ctx);
int table_each(const struct table *t, int (*fn)(void *ctx, struct entry *),
	       void *ctx);

#endif /* TCPSTATE_TABLE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records as the hooks make them, written as a script, and an engine that
 * keeps what it tells:
 *
 *	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "nc")),
 *		STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ));
 *	until(r, 20);
 *	TELLS(r, TOLD(C, CLOSE, SYN_SENT, CLIENT, TRACEPOINT, NO_SPAN,
 *		      .pid = 100),
 *		 TOLD(C, SYN_SENT, ESTABLISHED, CLIENT, TRACEPOINT, 10,
 *		      .pid = 100));
 *
 * Times are milliseconds from the start of the script.  A record has the
 * sequence number that follows on its CPU unless it is given one.
 */
#ifndef TCPSTATE_TEST_RECORDS_H
#define TCPSTATE_TEST_RECORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine_internal.h"
#include "engine/parts.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define MS(n) ((uint64_t)(n) * 1000000ULL)
/* Far enough from 0 that ages and spans fit before it. */
#define T0_MS 10000000ULL
#define AT(ms) MS(T0_MS + (uint64_t)(ms))

#define NETNS 4026531840U
#define TEST_CPUS 16
#define TOLD_MAX 512
#define SHADOWS 64

#define HOLDBACK_MS 10
#define SETTLE_MS 60

/* enum source_hook of source.h, which the engine does not know. */
#define SEES_STATE	(1U << 0)
#define SEES_REQ_ADD	(1U << 1)
#define SEES_REQ_DROP	(1U << 2)
#define SEES_TW_ADD	(1U << 3)
#define SEES_TW_KILL	(1U << 4)
#define SEES_CONNECT	(1U << 5)
#define SEES_ACCEPT	(1U << 6)
#define SEES_TW_REARM	(1U << 7)
#define SEES_RETRANSMIT	(1U << 8)
#define SEES_SYNACK_AGAIN (1U << 9)
#define SEES_RST_SENT	(1U << 10)
#define SEES_RST_RECEIVED (1U << 11)
#define SEES_CHALLENGE	(1U << 12)
#define SEES_TW_SYN	(1U << 13)
#define SEES_ALL	0x3fffU
#define SEES_NO_TW	(SEES_ALL & ~(SEES_TW_ADD | SEES_TW_KILL | \
				      SEES_TW_REARM))

/* ---- records ---- */

/* What a hook on an ordinary IPv4 socket would have filled in. */
static inline struct tcpstate_record rec_fill(struct tcpstate_record rec)
{
	static const uint8_t local[4] = { 10, 0, 0, 1 };
	static const uint8_t peer[4] = { 10, 0, 0, 2 };
	bool no_port = rec.type == TCPSTATE_STATE &&
		       rec.old_state == TCPSTATE_CLOSE &&
		       rec.new_state == TCPSTATE_SYN_SENT;
	bool listener = rec.old_state == TCPSTATE_LISTEN ||
			rec.new_state == TCPSTATE_LISTEN;

	rec.size = sizeof(rec);
	rec.version = TCPSTATE_RECORD_VERSION;
	if (rec.type == TCPSTATE_LOST)
		return rec;
	if (!rec.netns_ino)
		rec.netns_ino = NETNS;
	rec.netns_cookie = 1;
	if (!rec.protocol)
		rec.protocol = 6;
	if (!rec.uid)
		rec.uid = 1000;
	if (rec.type == TCPSTATE_SNAPSHOT)
		rec.basis = TCPSTATE_BY_SNAPSHOT;
	else if (rec.type != TCPSTATE_STATE && !rec.basis &&
		 !(rec.flags & TCPSTATE_F_PROVISIONAL))
		rec.basis = TCPSTATE_BY_PROBE;
	if (rec.family)
		return rec;
	rec.family = 2;
	memcpy(rec.saddr, local, 4);
	if (!rec.sport && !no_port)
		rec.sport = 40000;
	if (listener && rec.type == TCPSTATE_STATE)
		return rec;
	memcpy(rec.daddr, peer, 4);
	if (!rec.dport)
		rec.dport = 443;
	return rec;
}

#define REC(kind, at, who, ...) \
	rec_fill((struct tcpstate_record){ .type = TCPSTATE_##kind, \
		.mono_ns = AT(at), .cookie = (who), __VA_ARGS__ })
#define STATE(at, who, from, to, ...) \
	REC(STATE, at, who, .old_state = TCPSTATE_##from, \
	    .new_state = TCPSTATE_##to, __VA_ARGS__)
#define REQ_ADD(at, who, by, ...) \
	REC(REQ_ADD, at, who, .listener = (by), \
	    .old_state = TCPSTATE_LISTEN, \
	    .new_state = TCPSTATE_NEW_SYN_RECV, \
	    .sport = 80, .dport = 5555, __VA_ARGS__)
#define REQ_DROP(at, who, by, ...) \
	REC(REQ_DROP, at, who, .listener = (by), \
	    .old_state = TCPSTATE_NEW_SYN_RECV, \
	    .new_state = TCPSTATE_CLOSE, \
	    .sport = 80, .dport = 5555, __VA_ARGS__)
#define TW_ADD(at, who, substate, ...) \
	REC(TW_ADD, at, who, .new_state = TCPSTATE_##substate, __VA_ARGS__)
#define TW_REARM(at, who, substate, ...) \
	REC(TW_REARM, at, who, .new_state = TCPSTATE_##substate, __VA_ARGS__)
#define TW_KILL(at, who, substate, ...) \
	REC(TW_KILL, at, who, .old_state = TCPSTATE_##substate, \
	    .new_state = TCPSTATE_CLOSE, __VA_ARGS__)
#define SNAPSHOT(at, who, state, ...) \
	REC(SNAPSHOT, at, who, .new_state = TCPSTATE_##state, __VA_ARGS__)
/* RETRANSMIT, RST_SENT, RST_RECEIVED in the state @in. */
#define SEGMENT(kind, at, who, in, ...) \
	REC(kind, at, who, .basis = TCPSTATE_BY_TRACEPOINT, \
	    .old_state = TCPSTATE_##in, .new_state = TCPSTATE_##in, __VA_ARGS__)
#define LOST(at, on, last, n) \
	REC(LOST, at, 0, .cpu = (on), .seq = (last), .count = (n))

/* Contexts: a task that holds the socket, or a softirq. */
#define BY_WITH(pid, name, added) \
	.flags = TCPSTATE_F_OWNED | TCPSTATE_F_HAS_FILE | (added), \
	.tgid = (pid), .comm = name
#define BY(pid, name) BY_WITH(pid, name, 0)
#define SOFTIRQ .flags = TCPSTATE_F_NO_TASK | TCPSTATE_F_HAS_FILE
#define SOFTIRQ_WITH(added) .flags = TCPSTATE_F_NO_TASK | (added)
#define SOFTIRQ_NO_FILE .flags = TCPSTATE_F_NO_TASK
#define BY_TIMER .flags = TCPSTATE_F_NO_TASK | TCPSTATE_F_TIMER

/* ---- the engine, and what it told ---- */

/* A connection when it was told. */
struct told_conn {
	struct conn conn;
	struct conn_parts parts;
};

struct told {
	struct conn conn;	/* after the move */
	struct conn_parts parts;
	struct transition t;
};

struct told_line {
	struct conn conn;
	struct conn_parts parts;
	bool ended;
};

/* What the logical stream has said of a cookie. */
struct shadow {
	uint64_t cookie;
	uint32_t life;
	uint8_t state;		/* 0: nothing, or it is CLOSE */
};

/*
 * Beside each engine of a test stands another, which is given nothing but what
 * the first one says it was given: both must tell the same.
 */
struct mirror {
	struct engine *engine;
	uint64_t told, replayed;	/* hashes of all that was told */
};

static inline void mix_in(uint64_t *hash, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;

	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ b[i]) * 0x100000001b3ULL;
}

/* Where its parts are is not what was told. */
static inline void mix_conn(uint64_t *hash, const struct conn *conn)
{
	struct conn plain = *conn;

	mix_in(hash, conn_closing(conn), sizeof(struct closing));
	mix_in(hash, conn_origin(conn), sizeof(struct origin));
	plain.closing = NULL;
	plain.origin = NULL;
	if (conn->family == 6) {
		mix_in(hash, conn->v6, sizeof(*conn->v6));
		plain.v6 = NULL;
	}
	mix_in(hash, &plain, sizeof(plain));
}

static inline void mix_transition(uint64_t *hash, const struct transition *t)
{
	const uint64_t values[] = { t->ns, t->old_state, t->new_state, t->basis,
		t->has_span, t->span_ns, t->reason, t->detail, t->by_exit,
		t->legal };

	mix_in(hash, values, sizeof(values));
	mix_conn(hash, t->conn);
}

static inline void mix_segment(uint64_t *hash, const struct segment *s)
{
	const uint64_t values[] = { s->ns, s->kind, s->flags, s->state,
		s->rst_reason, s->has_seq, s->seq, s->times };

	mix_in(hash, values, sizeof(values));
	mix_conn(hash, s->conn);
}

static inline void replayed_transition(void *ctx, const struct transition *t)
{
	mix_transition(ctx, t);
}

static inline void replayed_line(void *ctx, const struct conn *conn, bool ended)
{
	mix_in(ctx, &ended, sizeof(ended));
	mix_conn(ctx, conn);
}

static inline void replayed_accept(void *ctx, const struct conn *conn,
				   uint64_t ns)
{
	mix_in(ctx, &ns, sizeof(ns));
	mix_conn(ctx, conn);
}

static inline void replayed_segment(void *ctx, const struct segment *s)
{
	mix_segment(ctx, s);
}

static inline void replayed_lost(void *ctx, uint64_t ns, uint32_t cpu,
				 uint64_t count)
{
	const uint64_t values[] = { ns, cpu, count };

	mix_in(ctx, values, sizeof(values));
}

struct rig {
	struct mirror mirror;
	struct engine_config cfg;
	struct engine *engine;
	uint64_t seq[TEST_CPUS];
	struct told told[TOLD_MAX];
	size_t n_told, checked;
	struct told_line lines[TOLD_MAX];
	size_t n_lines;
	struct told_conn accepts[TOLD_MAX];
	struct segment segments[TOLD_MAX];	/* .conn is not valid, but: */
	struct told_conn segment_conns[TOLD_MAX];
	size_t n_accepts, n_segments, n_raw;
	uint64_t lost, n_lost;
	struct shadow shadows[SHADOWS];
	size_t n_shadows;
	char broken[128];	/* the first broken rule of the stream */
};

static inline struct shadow *shadow_of(struct rig *r, uint64_t cookie)
{
	for (size_t i = 0; i < r->n_shadows; i++)
		if (r->shadows[i].cookie == cookie)
			return &r->shadows[i];
	assert_true(r->n_shadows < SHADOWS);
	r->shadows[r->n_shadows].cookie = cookie;
	return &r->shadows[r->n_shadows++];
}

/* The rules of the logical stream, in every test. */
static inline void check_rules(struct rig *r, const struct transition *t)
{
	struct shadow *s = shadow_of(r, t->conn->cookie);
	const char *rule = NULL;

	if (s->state && s->life != t->conn->life)
		rule = "a life ends before the next one begins";
	else if (s->state && s->state != t->old_state)
		rule = "the old state is the previous event's new state";
	else if (t->old_state == t->new_state)
		rule = "a self-move is not told";
	else if (t->new_state != t->conn->state)
		rule = "the connection is in the new state";
	else if (!t->old_state || t->old_state >= TCPSTATE_NEW_SYN_RECV ||
		 !t->new_state || t->new_state >= TCPSTATE_NEW_SYN_RECV)
		rule = "states are those of RFC 9293";
	else if ((t->new_state == TCPSTATE_CLOSE) != (t->reason != REASON_NONE))
		rule = "-> CLOSE has a reason, and nothing else has";
	if (rule && !r->broken[0])
		snprintf(r->broken, sizeof(r->broken),
			 "%s: cookie %llu life %u %s -> %s", rule,
			 (unsigned long long)t->conn->cookie, t->conn->life,
			 state_name(t->old_state), state_name(t->new_state));
	s->life = t->conn->life;
	s->state = t->new_state == TCPSTATE_CLOSE ? 0 : t->new_state;
}

static inline void on_told(void *ctx, const struct transition *t)
{
	struct rig *r = ctx;

	mix_transition(&r->mirror.told, t);
	check_rules(r, t);
	if (r->n_told == TOLD_MAX)
		return;
	r->told[r->n_told].t = *t;
	conn_copy(&r->told[r->n_told].conn, &r->told[r->n_told].parts, t->conn);
	r->told[r->n_told].t.conn = NULL;
	r->n_told++;
}

static inline void on_line(void *ctx, const struct conn *conn, bool ended)
{
	struct rig *r = ctx;

	replayed_line(&r->mirror.told, conn, ended);
	if (r->n_lines == TOLD_MAX)
		return;
	conn_copy(&r->lines[r->n_lines].conn, &r->lines[r->n_lines].parts,
		  conn);
	r->lines[r->n_lines].ended = ended;
	r->n_lines++;
}

static inline void on_accepted(void *ctx, const struct conn *conn, uint64_t ns)
{
	struct rig *r = ctx;

	replayed_accept(&r->mirror.told, conn, ns);
	if (r->n_accepts == TOLD_MAX)
		return;
	conn_copy(&r->accepts[r->n_accepts].conn,
		  &r->accepts[r->n_accepts].parts, conn);
	r->n_accepts++;
}

static inline void on_segment(void *ctx, const struct segment *segment)
{
	struct rig *r = ctx;

	mix_segment(&r->mirror.told, segment);
	if (r->n_segments == TOLD_MAX)
		return;
	conn_copy(&r->segment_conns[r->n_segments].conn,
		  &r->segment_conns[r->n_segments].parts, segment->conn);
	r->segments[r->n_segments++] = *segment;
}

static inline void on_raw(void *ctx, const struct tcpstate_record *rec)
{
	struct rig *r = ctx;

	(void)rec;
	r->n_raw++;
}

static inline void on_lost(void *ctx, uint64_t ns, uint32_t cpu,
			   uint64_t count)
{
	struct rig *r = ctx;

	replayed_lost(&r->mirror.told, ns, cpu, count);
	r->lost += count;
	r->n_lost++;
}

static inline void on_input(void *ctx, const struct engine_input *in);

/* Begin anew with the settings in r->cfg. */
static inline void rig_restart(struct rig *r)
{
	static const struct engine_sink replayed = {
		.transition = replayed_transition,
		.accept = replayed_accept,
		.segment = replayed_segment,
		.conn = replayed_line,
		.lost = replayed_lost,
	};
	static const struct engine_sink sink = {
		.input = on_input,
		.raw = on_raw,
		.transition = on_told,
		.accept = on_accepted,
		.segment = on_segment,
		.conn = on_line,
		.lost = on_lost,
	};
	struct engine_config cfg = r->cfg;

	engine_free(r->engine);
	engine_free(r->mirror.engine);
	memset(r, 0, sizeof(*r));
	r->cfg = cfg;
	r->engine = engine_new(&r->cfg, &sink, r);
	r->mirror.engine = engine_new(&r->cfg, &replayed, &r->mirror.replayed);
	assert_non_null(r->engine);
	assert_non_null(r->mirror.engine);
}

static inline void on_input(void *ctx, const struct engine_input *in)
{
	struct rig *r = ctx;

	engine_replay(r->mirror.engine, in);
}

static inline void check_mirror(struct rig *r)
{
	engine_finish(r->engine);
	engine_finish(r->mirror.engine);
	assert_true(r->mirror.told == r->mirror.replayed);
}

static inline void rig_sees(struct rig *r, unsigned int hooks)
{
	r->cfg.hooks = hooks;
	rig_restart(r);
}

static inline int rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	r->cfg.max_conns = 4096;
	r->cfg.holdback_ns = MS(HOLDBACK_MS);
	r->cfg.settle_ns = MS(SETTLE_MS);
	r->cfg.hooks = SEES_ALL;
	r->cfg.self = 4242;
	rig_restart(r);
	*state = r;
	return 0;
}

struct seen_origins {
	const struct origin *v[64];	/* few tests have more */
	size_t n;
};

static inline int see_origin(void *ctx, struct entry *entry)
{
	struct seen_origins *seen = ctx;
	size_t i = 0;

	while (i < seen->n && seen->v[i] != entry->conn.origin)
		i++;
	if (entry->conn.origin && i == seen->n && seen->n < 64)
		seen->v[seen->n++] = entry->conn.origin;
	return 0;
}

/* None is kept that no connection has, and none was given back twice. */
static inline void check_origins(const struct engine *e)
{
	struct seen_origins seen = { .n = 0 };

	table_each(e->table, see_origin, &seen);
	if (seen.n < 64)
		assert_int_equal(table_origins(e->table), seen.n);
	else
		assert_true(table_origins(e->table) >= 64);
}

static inline int rig_teardown(void **state)
{
	struct rig *r = *state;

	check_mirror(r);
	check_origins(r->engine);
	engine_free(r->engine);
	engine_free(r->mirror.engine);
	free(r);
	return 0;
}

#define WITH_RIG(test) \
	cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

static inline void feed(struct rig *r, struct tcpstate_record rec)
{
	assert_true(rec.cpu < TEST_CPUS);
	if (rec.type == TCPSTATE_SNAPSHOT)
		rec.seq = 0;
	else if (!rec.seq)
		rec.seq = ++r->seq[rec.cpu];
	else if (rec.seq > r->seq[rec.cpu])
		r->seq[rec.cpu] = rec.seq;
	assert_int_equal(engine_feed(r->engine, &rec, sizeof(rec)), 0);
}

static inline void play(struct rig *r, const struct tcpstate_record *recs,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		feed(r, recs[i]);
}

#define PLAY(r, ...) do { \
	const struct tcpstate_record script_[] = { __VA_ARGS__ }; \
	play(r, script_, COUNT_OF(script_)); \
} while (0)

/* Everything up to @ms has come out of the hold-back. */
static inline void until(struct rig *r, uint64_t ms)
{
	engine_advance(r->engine, AT(ms + HOLDBACK_MS));
}

static inline struct engine_stats stats_of(struct rig *r)
{
	struct engine_stats stats;

	engine_get_stats(r->engine, &stats);
	return stats;
}

static inline const struct conn *conn_of(struct rig *r, uint64_t cookie)
{
	const struct conn *c = engine_find(r->engine, cookie);

	assert_non_null(c);
	return c;
}

static inline uint32_t count_of(struct rig *r, uint32_t netns,
				unsigned int state)
{
	const struct engine_counts *counts;
	size_t n = engine_get_counts(r->engine, &counts);

	for (size_t i = 0; i < n; i++)
		if (counts[i].netns == netns)
			return counts[i].states[state];
	return 0;
}

/* ---- expectations ---- */

struct expected {
	uint64_t cookie;
	uint32_t life;		/* 0: 1 */
	uint8_t old_state, new_state, role, basis, reason, detail;
	bool by_exit, illegal;
	int64_t span_ms;	/* NO_SPAN */
	uint32_t pid;
	uint64_t at;		/* 0: any */
};

#define NO_SPAN -1
#define TOLD(who, from, to, as, how, span, ...) \
	{ .cookie = (who), .old_state = TCPSTATE_##from, \
	  .new_state = TCPSTATE_##to, .role = ROLE_##as, \
	  .basis = TCPSTATE_BY_##how, .span_ms = (span), __VA_ARGS__ }

static inline void print_told(const struct told *told)
{
	const struct transition *t = &told->t;
	const char *reason = reason_name(t->reason);
	const char *detail = detail_name(t->detail);

	print_error("  %llu/%u %s -> %s %s %s span %lld ms pid %u %s%s%s%s%s\n",
		    (unsigned long long)told->conn.cookie, told->conn.life,
		    state_name(t->old_state), state_name(t->new_state),
		    role_name(told->conn.role), basis_name(t->basis),
		    t->has_span ? (long long)(t->span_ns / 1000000) : -1LL,
		    conn_origin(&told->conn)->pid, reason ? reason : "",
		    detail ? "/" : "",
		    detail ? detail : "", t->by_exit ? " by_exit" : "",
		    t->legal ? "" : " illegal");
}

static inline bool is_told(const struct told *told, const struct expected *x)
{
	const struct transition *t = &told->t;
	int64_t span = t->has_span ? (int64_t)(t->span_ns / 1000000) : NO_SPAN;

	return told->conn.cookie == x->cookie &&
	       told->conn.life == (x->life ? x->life : 1) &&
	       t->old_state == x->old_state && t->new_state == x->new_state &&
	       told->conn.role == x->role && t->basis == x->basis &&
	       span == x->span_ms &&
	       conn_origin(&told->conn)->pid == x->pid &&
	       t->reason == x->reason && t->detail == x->detail &&
	       t->by_exit == x->by_exit && t->legal == !x->illegal &&
	       (!x->at || t->ns == AT(x->at));
}

static inline void check_broken(const struct rig *r, const char *file, int line)
{
	if (!r->broken[0])
		return;
	print_error("broken rule: %s\n", r->broken);
	_fail(file, line);
}

/* All that was told since the last time, and nothing else. */
static inline void check_told(struct rig *r, const struct expected *x,
			      size_t n, const char *file, int line)
{
	size_t have = r->n_told - r->checked, i = 0;

	while (i < n && i < have && is_told(&r->told[r->checked + i], &x[i]))
		i++;
	if (i < n || i < have) {
		print_error("told %zu, expected %zu, differs at %zu\n", have,
			    n, i);
		for (size_t j = 0; j < have; j++)
			print_told(&r->told[r->checked + j]);
		_fail(file, line);
	}
	r->checked = r->n_told;
	check_broken(r, file, line);
}

#define TELLS(r, ...) do { \
	const struct expected expected_[] = { __VA_ARGS__ }; \
	check_told(r, expected_, COUNT_OF(expected_), __FILE__, __LINE__); \
} while (0)
#define TELLS_NOTHING(r) check_told(r, NULL, 0, __FILE__, __LINE__)

#define ANY_NETNS -1

struct recount {
	int64_t netns;		/* ANY_NETNS */
	unsigned int state;
	uint64_t n;
	bool strange;
};

static inline int recount_one(void *ctx, const struct conn *conn)
{
	struct recount *x = ctx;

	if (!conn->state || conn->state >= TCPSTATE_NEW_SYN_RECV ||
	    conn->state == TCPSTATE_CLOSE)
		x->strange = true;
	if ((x->netns == ANY_NETNS || x->netns == conn->netns) &&
	    (!x->state || x->state == conn->state))
		x->n++;
	return 0;
}

/* Connections in @state, 0 for all, of @netns. */
static inline uint64_t recount(struct rig *r, int64_t netns,
			       unsigned int state, bool *strange)
{
	struct recount x = { .netns = netns, .state = state };

	engine_each(r->engine, recount_one, &x);
	*strange = x.strange;
	return x.n;
}

/* The counts are those of the connections themselves. */
static inline void check_counts(struct rig *r, const char *file, int line)
{
	const struct engine_counts *counts;
	size_t n = engine_get_counts(r->engine, &counts);
	uint64_t sum = 0, live;
	bool strange;

	for (size_t i = 0; i < n; i++) {
		if (counts[i].states[0]) {
			print_error("count of no state: %u\n",
				    counts[i].states[0]);
			_fail(file, line);
		}
		for (unsigned int s = 1; s < TCPSTATE_STATES; s++) {
			uint64_t real = recount(r, counts[i].netns, s,
						&strange);

			if (real == counts[i].states[s] && !strange) {
				sum += real;
				continue;
			}
			print_error("netns %u: %u in %s, really %llu%s\n",
				    counts[i].netns, counts[i].states[s],
				    state_name(s), (unsigned long long)real,
				    strange ? ", and strange states" : "");
			_fail(file, line);
		}
	}
	live = recount(r, ANY_NETNS, 0, &strange);
	if (live != sum) {
		print_error("%llu live, %llu counted\n",
			    (unsigned long long)live, (unsigned long long)sum);
		_fail(file, line);
	}
}

/* No more records: the rules held, and the counts are right. */
static inline void finish_at(struct rig *r, const char *file, int line)
{
	engine_finish(r->engine);
	check_broken(r, file, line);
	check_counts(r, file, line);
}

#define FINISH(r) finish_at(r, __FILE__, __LINE__)

/* The same, and nothing is left of any connection. */
#define FINISH_EMPTY(r) do { \
	const struct engine_counts *counts_; \
	FINISH(r); \
	assert_int_equal(engine_get_counts((r)->engine, &counts_), 0); \
	assert_int_equal(stats_of(r).live, 0); \
} while (0)

#endif /* TCPSTATE_TEST_RECORDS_H */

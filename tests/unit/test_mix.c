// SPDX-License-Identifier: GPL-2.0
/*
 * What holds whatever comes: random records, and rings read in any order.
 */
#include <errno.h>

#include "records.h"

#define C 7

#define NC BY(100, "nc")
#define ORPHAN SOFTIRQ_WITH(TCPSTATE_F_DEAD)
#define TOLD_NC(from, to, span, ...) \
	TOLD(C, from, to, CLIENT, TRACEPOINT, span, .pid = 100, __VA_ARGS__)

/* ---- whatever comes ---- */

struct rng {
	uint64_t x;
};

static uint64_t rnd(struct rng *g, uint64_t below)
{
	g->x ^= g->x << 13;
	g->x ^= g->x >> 7;
	g->x ^= g->x << 17;
	return (g->x >> 11) % below;
}

static bool chance(struct rng *g, unsigned int percent)
{
	return rnd(g, 100) < percent;
}

static void random_states(struct rng *g, struct tcpstate_record *rec)
{
	static const uint8_t tw[] = { TCPSTATE_FIN_WAIT2, TCPSTATE_TIME_WAIT };

	switch (rec->type) {
	case TCPSTATE_STATE:
		rec->old_state = 1 + rnd(g, 11);
		rec->new_state = 1 + rnd(g, 11);
		break;
	case TCPSTATE_TW_ADD:
	case TCPSTATE_TW_REARM:
		rec->new_state = tw[rnd(g, 2)];
		break;
	case TCPSTATE_TW_SYN:
		rec->old_state = tw[rnd(g, 2)];
		rec->new_state = rec->old_state;
		break;
	case TCPSTATE_TW_FIN:
		rec->old_state = TCPSTATE_TIME_WAIT;
		rec->new_state = rec->old_state;
		break;
	case TCPSTATE_TW_KILL:
		rec->old_state = tw[rnd(g, 2)];
		rec->new_state = TCPSTATE_CLOSE;
		break;
	case TCPSTATE_SNAPSHOT:
		rec->new_state = 1 + rnd(g, 12);
		break;
	case TCPSTATE_RETRANSMIT:
	case TCPSTATE_SYNACK_AGAIN:
	case TCPSTATE_RST_SENT:
	case TCPSTATE_RST_RECEIVED:
	case TCPSTATE_CHALLENGE:
		rec->old_state = 1 + rnd(g, 12);
		rec->new_state = rec->old_state;
		break;
	default:
		rec->old_state = rnd(g, 13);
		rec->new_state = rnd(g, 13);
		break;
	}
}

/* One of the moves that kernels make, rare ones included. */
static void plausible_states(struct rng *g, struct tcpstate_record *rec)
{
#define M(a, b) { TCPSTATE_##a, TCPSTATE_##b }
	static const uint8_t moves[][2] = {
		M(CLOSE, SYN_SENT), M(CLOSE, SYN_SENT), M(CLOSE, LISTEN),
		M(LISTEN, SYN_RECV), M(LISTEN, CLOSE), M(SYN_SENT, SYN_RECV),
		M(SYN_SENT, ESTABLISHED), M(SYN_SENT, ESTABLISHED),
		M(SYN_SENT, CLOSE), M(SYN_RECV, ESTABLISHED),
		M(SYN_RECV, ESTABLISHED), M(SYN_RECV, CLOSE),
		M(SYN_RECV, FIN_WAIT1), M(ESTABLISHED, FIN_WAIT1),
		M(ESTABLISHED, FIN_WAIT1), M(ESTABLISHED, CLOSE_WAIT),
		M(ESTABLISHED, CLOSE), M(FIN_WAIT1, FIN_WAIT2),
		M(FIN_WAIT1, FIN_WAIT2), M(FIN_WAIT1, CLOSING),
		M(FIN_WAIT1, CLOSE), M(FIN_WAIT2, CLOSE),
		M(FIN_WAIT2, CLOSE), M(CLOSE_WAIT, LAST_ACK),
		M(CLOSE_WAIT, CLOSE), M(LAST_ACK, CLOSE), M(CLOSING, CLOSE),
		M(CLOSE, CLOSE), M(LISTEN, LISTEN), M(FIN_WAIT1, FIN_WAIT1),
	};
#undef M
	size_t i = rnd(g, COUNT_OF(moves));

	rec->old_state = moves[i][0];
	rec->new_state = moves[i][1];
}

static const uint32_t some_errors[] = { 0, 0, 0, 0, ECONNRESET, ETIMEDOUT,
					ECONNREFUSED, EPIPE, ECONNABORTED,
					EHOSTUNREACH, 0xffffffffU };

static struct tcpstate_record random_record(struct rng *g, uint64_t now_ns,
					    uint64_t cookies, bool plausible)
{
	struct tcpstate_record rec = { .size = sizeof(rec), .version = 1 };

	rec.type = chance(g, 60) ? TCPSTATE_STATE :
		   1 + rnd(g, TCPSTATE_TYPES - 1);
	rec.cpu = rnd(g, 4);
	rec.mono_ns = now_ns - rnd(g, MS(8));
	rec.cookie = 1 + rnd(g, cookies);
	rec.netns_ino = 1 + rnd(g, 2);
	rec.family = chance(g, 80) ? 2 : 10;
	rec.protocol = chance(g, 97) ? 6 : 262;
	rec.basis = rnd(g, TCPSTATE_BASES);
	rec.flags = rnd(g, 1 << 17);
	rec.sport = rnd(g, 3);
	rec.dport = rnd(g, 3);
	rec.tgid = rnd(g, 4);
	rec.sk_err = some_errors[rnd(g, COUNT_OF(some_errors))];
	rec.linger2 = (int32_t)rnd(g, 3) - 1;
	rec.shutdown = rnd(g, 4);
	rec.snd_una = rnd(g, 3);
	rec.write_seq = rnd(g, 3);
	rec.rcv_nxt = rnd(g, 3);
	rec.copied_seq = rnd(g, 3);
	if (rec.type == TCPSTATE_SNAPSHOT) {
		rec.timer = rnd(g, TCPSTATE_TIMERS);
		rec.age_ms = chance(g, 10) ? UINT32_MAX : rnd(g, 100);
		rec.inode = rnd(g, 3);
		rec.timer = rnd(g, TCPSTATE_TIMERS);
	}
	if (rec.type != TCPSTATE_STATE)
		rec.timeout_ms = rnd(g, 2) * 1000;
	/* The union of bytes_acked, listener and count. */
	rec.listener = rnd(g, cookies);
	if (chance(g, 20))
		rec.daddr[10] = rec.daddr[11] = 0xff;
	if (plausible && rec.type == TCPSTATE_STATE)
		plausible_states(g, &rec);
	else
		random_states(g, &rec);
	return rec;
}

static int count_orphans(void *ctx, const struct conn *conn)
{
	uint64_t *n = ctx;

	*n += conn->mini && conn->state == TCPSTATE_FIN_WAIT2;
	return 0;
}

static void check_invariants(struct rig *r, bool strict)
{
	struct engine_stats stats = stats_of(r);
	uint64_t live, orphans = 0;
	bool strange;

	check_counts(r, __FILE__, __LINE__);
	live = recount(r, ANY_NETNS, 0, &strange);
	assert_true(live <= r->cfg.max_conns);
	assert_true(stats.live <= r->cfg.max_conns);
	engine_each(r->engine, count_orphans, &orphans);
	assert_int_equal(stats.unconfirmed, orphans);
	/* With room for all, nothing is forgotten and no rule is broken. */
	if (strict) {
		assert_int_equal(stats.evicted, 0);
		check_broken(r, __FILE__, __LINE__);
	}
}

struct mix {
	uint64_t seed;
	unsigned int n;
	uint64_t cookies;
	size_t max_conns;
	unsigned int hooks;
	unsigned int settle_ms;
	bool plausible;
};

static void run_mix(struct rig *r, const struct mix *mix)
{
	struct rng g = { mix->seed * 0x9e3779b97f4a7c15ULL + 1 };
	bool strict = mix->max_conns > mix->cookies;
	uint64_t now = AT(0), seqs[4] = { 0 };

	r->cfg.max_conns = mix->max_conns;
	r->cfg.hooks = mix->hooks;
	r->cfg.settle_ns = MS(mix->settle_ms);
	r->cfg.self = 3;
	rig_restart(r);
	for (unsigned int i = 0; i < mix->n; i++) {
		struct tcpstate_record rec;

		now += rnd(&g, MS(3));
		if (chance(&g, 1))
			now += MS(rnd(&g, 30000));
		rec = random_record(&g, now, mix->cookies, mix->plausible);
		seqs[rec.cpu] += 1 + (chance(&g, 2) ? rnd(&g, 5) : 0);
		rec.seq = seqs[rec.cpu];
		assert_int_equal(engine_feed(r->engine, &rec, sizeof(rec)),
				 0);
		if (!chance(&g, 10))
			continue;
		engine_advance(r->engine, now);
		check_invariants(r, strict);
		r->n_told = 0;
	}
	engine_finish(r->engine);
	check_invariants(r, strict);
	assert_int_equal(stats_of(r).malformed, 0);
}

#define N_MIX 4000

static void test_plausible_mix(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100, .hooks = SEES_ALL,
			.settle_ms = SETTLE_MS, .plausible = true };

		run_mix(*state, &mix);
	}
}

static void test_plausible_mix_by_tracepoint_alone(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100, .hooks = SEES_STATE,
			.settle_ms = SETTLE_MS, .plausible = true };

		run_mix(*state, &mix);
	}
}

static void test_plausible_mix_in_little_room(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 40, .max_conns = seed,
			.hooks = seed & 1 ? SEES_ALL : SEES_STATE,
			.settle_ms = SETTLE_MS, .plausible = true };

		run_mix(*state, &mix);
	}
}

static void test_plausible_mix_without_settling(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100, .hooks = SEES_ALL,
			.settle_ms = 0, .plausible = true };

		run_mix(*state, &mix);
	}
}

/* Of what decode lets through, whatever no kernel would say. */
static void test_any_decodable_mix(void **state)
{
	for (uint64_t seed = 1; seed <= 24; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 20, .max_conns = 100,
			.hooks = (unsigned int)(seed * 37) & SEES_ALL,
			.settle_ms = SETTLE_MS };

		run_mix(*state, &mix);
	}
}

static void test_any_decodable_mix_in_little_room(void **state)
{
	for (uint64_t seed = 1; seed <= 24; seed++) {
		const struct mix mix = { .seed = seed, .n = N_MIX,
			.cookies = 40, .max_conns = 1 + seed / 3,
			.hooks = (unsigned int)(seed * 37) & SEES_ALL,
			.settle_ms = SETTLE_MS };

		run_mix(*state, &mix);
	}
}

static void test_random_bytes(void **state)
{
	struct rig *r = *state;
	struct rng g = { 4711 };

	for (unsigned int i = 0; i < 20000; i++) {
		struct tcpstate_record rec;
		uint8_t *bytes = (uint8_t *)&rec;

		for (size_t j = 0; j < sizeof(rec); j++)
			bytes[j] = rnd(&g, 256);
		/* Most of them far enough to be looked at. */
		if (chance(&g, 90)) {
			rec.size = sizeof(rec);
			rec.version = 1;
			rec.type = rnd(&g, TCPSTATE_TYPES + 1);
			rec.cpu = rnd(&g, 10);
			rec.family = 2;
			rec.protocol = 6;
			rec.old_state = rnd(&g, 14);
			rec.new_state = rnd(&g, 14);
			rec.basis = rnd(&g, 5);
			rec.cookie = rnd(&g, 30);
			rec.netns_ino = rnd(&g, 3);
			rec.comm[TCPSTATE_COMM_LEN - 1] = rnd(&g, 2);
		}
		engine_feed(r->engine, &rec, sizeof(rec));
		if (chance(&g, 5))
			engine_advance(r->engine, rnd(&g, UINT64_MAX));
	}
	engine_finish(r->engine);
	check_counts(r, __FILE__, __LINE__);
	assert_true(stats_of(r).malformed > 0);
	assert_true(stats_of(r).captured > 0);
}

/* ---- the order in which the rings are read makes no difference ---- */

#define CROWD 40

static size_t crowd_script(struct tcpstate_record *recs, struct rng *g)
{
	size_t n = 0;

	for (uint64_t i = 0; i < CROWD; i++) {
		uint64_t c = 1000 + i, at = 20 * i;
		struct tcpstate_record script[] = {
			STATE(at, c, CLOSE, SYN_SENT, NC),
			REC(CONNECT, at + 1, c, NC),
			STATE(at + 3, c, SYN_SENT, ESTABLISHED, SOFTIRQ),
			STATE(at + 30, c, ESTABLISHED, FIN_WAIT1, NC),
			STATE(at + 31, c, FIN_WAIT1, FIN_WAIT2, SOFTIRQ),
			TW_ADD(at + 32, c, TIME_WAIT),
			STATE(at + 33, c, FIN_WAIT2, CLOSE, SOFTIRQ),
			TW_KILL(at + 50, c, TIME_WAIT, BY_TIMER),
		};

		for (size_t j = 0; j < COUNT_OF(script); j++) {
			/* No two at one time: ties have no order. */
			script[j].mono_ns += i;
			script[j].cpu = rnd(g, 4);
			recs[n++] = script[j];
		}
	}
	return n;
}

static void shuffle(struct tcpstate_record *recs, size_t n, struct rng *g)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = rnd(g, i);
		struct tcpstate_record tmp = recs[i - 1];

		recs[i - 1] = recs[j];
		recs[j] = tmp;
	}
}

static uint64_t told_hash(const struct rig *r)
{
	uint64_t hash = 14695981039346656037ULL;

	for (size_t i = 0; i < r->n_told; i++) {
		const struct told *x = &r->told[i];
		const uint64_t words[] = {
			x->conn.cookie, x->conn.life, x->t.ns, x->t.old_state,
			x->t.new_state, x->t.basis, x->t.span_ns, x->t.reason,
			conn_origin(&x->conn)->pid, x->conn.sport,
		};

		for (size_t j = 0; j < COUNT_OF(words); j++)
			hash = (hash ^ words[j]) * 1099511628211ULL;
	}
	return hash;
}

static void test_reading_order_makes_no_difference(void **state)
{
	static struct tcpstate_record recs[CROWD * 8];
	struct rig *r = *state;
	uint64_t first = 0;

	for (uint64_t round = 0; round < 20; round++) {
		struct rng g = { 99 + round };
		size_t n = crowd_script(recs, &g);

		rig_restart(r);
		if (round)
			shuffle(recs, n, &g);
		play(r, recs, n);
		until(r, 5000);
		assert_int_equal(r->n_told, CROWD * 6);
		assert_int_equal(r->n_lines, CROWD * 2);
		assert_int_equal(stats_of(r).corrected, 0);
		if (!round)
			first = told_hash(r);
		assert_true(told_hash(r) == first);
		FINISH_EMPTY(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_plausible_mix),
		WITH_RIG(test_plausible_mix_by_tracepoint_alone),
		WITH_RIG(test_plausible_mix_in_little_room),
		WITH_RIG(test_plausible_mix_without_settling),
		WITH_RIG(test_any_decodable_mix),
		WITH_RIG(test_any_decodable_mix_in_little_room),
		WITH_RIG(test_random_bytes),
		WITH_RIG(test_reading_order_makes_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

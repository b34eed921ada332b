// SPDX-License-Identifier: GPL-2.0
/*
 * A script of calls: a byte says which, its operands follow. Records have a head
 * that is sane, or all of them would be refused. A second engine is given what
 * the first one says it was given, and must end up the same. What was told is
 * drawn.
 */
#include "engine/ladder.h"
#include "fuzz.h"

#define MAX_CONNS 12

struct fuzz {
	struct engine *engine, *mirror;
	struct histories *histories;
	const uint8_t *bytes;
	size_t len;
	uint64_t now_ns;
	size_t told, replayed;
};

static void on_input(void *ctx, const struct engine_input *in)
{
	engine_replay(((struct fuzz *)ctx)->mirror, in);
}

static void on_transition(void *ctx, const struct transition *t)
{
	struct fuzz *f = ctx;

	must_be_transition(t);
	histories_transition(f->histories, t);
	f->told++;
}

static void on_replayed(void *ctx, const struct transition *t)
{
	(void)t;
	((struct fuzz *)ctx)->replayed++;
}

static void on_conn(void *ctx, const struct conn *conn, bool ended)
{
	must_be_conn(conn);
	histories_conn(((struct fuzz *)ctx)->histories, conn, ended, 1);
	MUST(!ended || conn->state == TCPSTATE_CLOSE);
}

static void on_accept(void *ctx, const struct conn *conn, uint64_t ns)
{
	(void)ctx;
	(void)ns;
	must_be_conn(conn);
}

static void on_segment(void *ctx, const struct segment *s)
{
	must_be_conn(s->conn);
	histories_segment(((struct fuzz *)ctx)->histories, s);
	MUST(s->kind <= SEGMENT_FIN_RECEIVED && s->flags < SEGMENT_FLAGS);
	MUST(s->state && s->state < TCPSTATE_STATES);
}

static uint8_t byte(struct fuzz *f)
{
	if (!f->len)
		return 0;
	f->len--;
	return *f->bytes++;
}

static void record(struct fuzz *f)
{
	struct tcpstate_record rec = { 0 };
	size_t n = f->len < sizeof(rec) ? f->len : sizeof(rec);

	memcpy(&rec, f->bytes, n);
	f->bytes += n;
	f->len -= n;
	rec.size = sizeof(rec);
	rec.version = TCPSTATE_RECORD_VERSION;
	rec.cpu &= 3;
	rec.cookie &= 31;
	rec.netns_ino &= 3;
	rec.mono_ns = f->now_ns - (rec.mono_ns & 0xffffff);
	engine_feed(f->engine, &rec, sizeof(rec));
}

static int draw(void *ctx, struct history *one)
{
	static struct ladder ladder;

	(void)ctx;
	ladder_build(&ladder, one, histories_mate(one));
	MUST(ladder.n <= LADDER_ROWS);
	for (unsigned int i = 0; i < ladder.n; i++) {
		const struct ladder_row *row = &ladder.rows[i];

		MUST(row->kind < ROW_KINDS && row->from <= RIGHT);
		MUST(row->state[LEFT] < TCPSTATE_NEW_SYN_RECV);
		MUST(row->state[RIGHT] < TCPSTATE_NEW_SYN_RECV);
	}
	return 0;
}

static void step(struct fuzz *f)
{
	static const uint32_t netns[] = { 0, 1, 2, 3 };

	switch (byte(f) & 15) {
	default:
		record(f);
		break;
	case 0:
		f->now_ns += (uint64_t)byte(f) << 24;
		engine_advance(f->engine, f->now_ns);
		break;
	case 1:
		engine_dump_begin(f->engine);
		break;
	case 2:
		engine_dump_end(f->engine, f->now_ns - byte(f), netns,
				byte(f) & 3);
		break;
	case 3:
		engine_set_owner(f->engine, byte(f) & 31, byte(f), "owner");
		break;
	case 4:
		must_be_consistent(f->engine, MAX_CONNS);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct engine_sink replayed = { .transition = on_replayed };
	static const struct engine_sink sink = {
		.input = on_input, .transition = on_transition,
		.conn = on_conn, .accept = on_accept, .segment = on_segment,
	};
	struct fuzz f = { .bytes = bytes, .len = len,
			  .now_ns = UINT64_C(1) << 40 };
	struct engine_config cfg = { .max_conns = MAX_CONNS,
		.holdback_ns = 2000000, .settle_ns = 60000000, .self = 4 };

	cfg.hooks = byte(&f) | (unsigned int)byte(&f) << 8;
	f.engine = engine_new(&cfg, &sink, &f);
	f.mirror = engine_new(&cfg, &replayed, &f);
	f.histories = histories_new(MAX_CONNS);
	MUST(f.engine && f.mirror && f.histories);
	while (f.len)
		step(&f);
	engine_finish(f.engine);
	engine_finish(f.mirror);
	must_be_consistent(f.engine, MAX_CONNS);
	must_be_consistent(f.mirror, MAX_CONNS);
	MUST(f.told == f.replayed);
	histories_each(f.histories, draw, NULL);
	histories_free(f.histories);
	engine_free(f.engine);
	engine_free(f.mirror);
	return 0;
}

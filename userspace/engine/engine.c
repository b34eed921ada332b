// SPDX-License-Identifier: GPL-2.0
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "engine_internal.h"

/* Records copied at most: 192 bytes each. */
#define MERGE_MAX (1 << 18)

struct engine *engine_new(const struct engine_config *cfg,
			  const struct engine_sink *sink, void *ctx)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->cfg = *cfg;
	e->sink = *sink;
	e->ctx = ctx;
	e->due_ns = UINT64_MAX;
	e->merge = merge_new(MERGE_MAX);
	e->table = table_new(cfg->max_conns, cfg->seed);
	if (!e->merge || !e->table) {
		engine_free(e);
		return NULL;
	}
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	merge_free(e->merge);
	table_free(e->table);
	free(e->counts);
	free(e->cpus);
	free(e->collisions);
	free(e->oddities);
	free(e->roles.cookies);
	free(e);
}

/* ---- losses ---- */

static struct cpu_seq *cpu_seq(struct engine *e, uint32_t cpu)
{
	struct cpu_seq *cpus;

	if (cpu < e->n_cpus)
		return &e->cpus[cpu];
	cpus = realloc(e->cpus, (cpu + 1) * sizeof(*cpus));
	if (!cpus)
		return NULL;
	memset(cpus + e->n_cpus, 0, (cpu + 1 - e->n_cpus) * sizeof(*cpus));
	e->cpus = cpus;
	e->n_cpus = cpu + 1;
	return &cpus[cpu];
}

static int seq_account(struct engine *e, const struct tcpstate_record *rec)
{
	struct cpu_seq *cpu;

	if (rec->type == TCPSTATE_SNAPSHOT)
		return 0;
	cpu = cpu_seq(e, rec->cpu);
	if (!cpu)
		return -ENOMEM;
	if (!cpu->seen || rec->seq < cpu->first)
		cpu->first = rec->seq;
	if (!cpu->seen || rec->seq > cpu->last)
		cpu->last = rec->seq;
	cpu->seen = true;
	/* A LOST record has the seq of the last record that it tells of. */
	if (rec->type == TCPSTATE_LOST) {
		cpu->accounted += rec->count;
		if (rec->seq - cpu->first + 1 < rec->count &&
		    rec->count <= rec->seq + 1)
			cpu->first = rec->seq + 1 - rec->count;
	} else {
		cpu->accounted++;
	}
	return 0;
}

static void lost(struct engine *e, uint64_t ns, uint32_t cpu, uint64_t count)
{
	e->stats.lost += count;
	if (e->sink.lost)
		e->sink.lost(e->ctx, ns, cpu, count);
}

/*
 * Jumps of seq that no LOST record explains.  Only a nested interrupt's record
 * overtakes another one, so what is still missing at the next look is lost.
 */
static void seq_check(struct engine *e, bool last)
{
	for (size_t i = 0; i < e->n_cpus; i++) {
		struct cpu_seq *cpu = &e->cpus[i];
		uint64_t span = cpu->last - cpu->first + 1;
		uint64_t gap, before = cpu->gap_seen;

		if (!cpu->seen)
			continue;
		gap = span > cpu->accounted ? span - cpu->accounted : 0;
		cpu->gap_seen = gap;
		if (!last && gap > before)
			gap = before;
		if (gap > cpu->gap_told) {
			lost(e, e->now_ns, i, gap - cpu->gap_told);
			cpu->gap_told = gap;
		}
	}
}

/* ---- the stream ---- */

void engine_tell_input(struct engine *e, const struct engine_input *in)
{
	if (e->sink.input)
		e->sink.input(e->ctx, in);
}

static void dispatch(struct engine *e, const struct tcpstate_record *rec)
{
	if (rec->mono_ns > e->now_ns)
		e->now_ns = rec->mono_ns;
	conn_settle(e, rec->mono_ns);
	if (rec->type == TCPSTATE_LOST) {
		lost(e, rec->mono_ns, rec->cpu, rec->count);
		return;
	}
	if (e->sink.raw && rec->type != TCPSTATE_SNAPSHOT)
		e->sink.raw(e->ctx, rec);
	if (!e->cfg.judge || conn_is_followed(e, rec))
		conn_record(e, rec);
}

static void malformed(struct engine *e, const struct tcpstate_record *rec,
		      size_t len)
{
	e->stats.malformed++;
	if (!record_head_is_sane(rec, len))
		return;
	/* It came, and so it is not lost as well. */
	engine_tell_input(e, &(struct engine_input){ INPUT_RECORD, .rec = rec });
	seq_account(e, rec);
}

/* One that came out of the merge; those of the rings have not been checked. */
static void take(struct engine *e, const struct tcpstate_record *rec)
{
	if (!record_is_sane(rec, sizeof(*rec))) {
		malformed(e, rec, sizeof(*rec));
		return;
	}
	engine_tell_input(e, &(struct engine_input){ .type = INPUT_RECORD, .rec = rec });
	/* Without memory a loss may go untold. */
	seq_account(e, rec);
	if (rec->type == TCPSTATE_LOST) {
		dispatch(e, rec);
		return;
	}
	if (rec->mono_ns < e->cfg.since_ns)
		return;
	if (rec->type != TCPSTATE_SNAPSHOT)
		e->stats.captured++;
	dispatch(e, rec);
}

int engine_feed(struct engine *e, const void *bytes, size_t len)
{
	const struct tcpstate_record *oldest;
	struct tcpstate_record rec = { 0 };

	if (!record_decode(bytes, len, &rec)) {
		malformed(e, &rec, len);
		return -EBADMSG;
	}
	if (merge_is_full(e->merge)) {
		oldest = merge_pop(e->merge, UINT64_MAX,
				   UINT64_MAX);
		if (oldest)
			take(e, oldest);
	}
	return merge_push(e->merge, &rec);
}

int engine_set_rings(struct engine *e, struct ring *rings, size_t n)
{
	return merge_set_rings(e->merge, rings, n);
}

void engine_empty_rings(struct engine *e)
{
	merge_empty_rings(e->merge);
}

bool engine_is_crowded(const struct engine *e)
{
	return merge_is_half_full(e->merge);
}

/* What a record will be about is asked for while others are worked on. */
static void fetch_ahead(struct engine *e)
{
	const struct tcpstate_record *rec;

	rec = merge_look_ahead(e->merge, 6);
	if (rec)
		table_fetch_bucket(e->table, rec->cookie);
	rec = merge_look_ahead(e->merge, 4);
	if (rec)
		table_fetch_entry(e->table, rec->cookie);
	rec = merge_look_ahead(e->merge, 2);
	/* All but a TIME_WAIT have moved not long ago. */
	if (rec && rec->type == TCPSTATE_TW_KILL)
		table_fetch_closing(e->table, rec->cookie);
}

static void release(struct engine *e, uint64_t until_ns, uint64_t now_ns)
{
	const struct tcpstate_record *rec;

	while ((rec = merge_pop(e->merge, until_ns, now_ns))) {
		fetch_ahead(e);
		take(e, rec);
	}
	roles_find(e);
}

void engine_advance(struct engine *e, uint64_t now_ns)
{
	uint64_t until = now_ns > e->cfg.holdback_ns ?
			 now_ns - e->cfg.holdback_ns : 0;

	release(e, until, now_ns);
	engine_tell_input(e, &(struct engine_input){ .type = INPUT_ADVANCE, .ns = now_ns });
	seq_check(e, false);
	conn_settle(e, until);
	if (until > e->now_ns)
		e->now_ns = until;
}

void engine_finish(struct engine *e)
{
	release(e, UINT64_MAX, UINT64_MAX);
	seq_check(e, true);
	conn_settle(e, UINT64_MAX);
}

void engine_replay(struct engine *e, const struct engine_input *in)
{
	switch (in->type) {
	case INPUT_RECORD:
		take(e, in->rec);
		break;
	case INPUT_ADVANCE:
		engine_advance(e, in->ns);
		break;
	case INPUT_DUMP_BEGIN:
		engine_dump_begin(e);
		break;
	case INPUT_DUMP_END:
		engine_dump_end(e, in->ns, in->netns, in->n);
		break;
	case INPUT_OWNER:
		engine_set_owner(e, in->cookie, in->pid, in->comm);
		break;
	}
}

/* ---- what is known ---- */

void engine_get_stats(const struct engine *e, struct engine_stats *stats)
{
	*stats = e->stats;
	stats->live = 0;
	for (size_t i = 0; i < e->n_counts; i++)
		for (size_t state = 0; state < TCPSTATE_STATES; state++)
			stats->live += e->counts[i].states[state];
}

const struct conn *engine_find(const struct engine *e, uint64_t cookie)
{
	struct entry *entry = table_find(e->table, cookie);

	return entry && !entry->dead ? &entry->conn : NULL;
}

struct each {
	uint8_t state;		/* 0: any */
	engine_conn_fn fn;
	void *ctx;
};

static int each_live(void *ctx, struct entry *entry)
{
	const struct each *each = ctx;

	if (entry->dead || !entry->conn.state)
		return 0;
	if (each->state && entry->conn.state != each->state)
		return 0;
	return each->fn(each->ctx, &entry->conn);
}

int engine_each(const struct engine *e, engine_conn_fn fn, void *ctx)
{
	struct each each = { 0, fn, ctx };

	return table_each(e->table, each_live, &each);
}

int engine_each_in_state(const struct engine *e, uint8_t state,
			 engine_conn_fn fn, void *ctx)
{
	struct each each = { state, fn, ctx };
	int ret = 0;

	for (enum list list = 0; list < LISTS && !ret; list++)
		if (state == TCPSTATE_TIME_WAIT || list != LIST_TIME_WAIT)
			ret = table_each_in(e->table, list, each_live, &each);
	return ret;
}

int engine_each_but_time_wait(const struct engine *e, engine_conn_fn fn,
			      void *ctx)
{
	return engine_each_in_state(e, 0, fn, ctx);
}

void engine_set_owner(struct engine *e, uint64_t cookie, uint32_t pid,
		      const char *comm)
{
	struct entry *entry = table_find(e->table, cookie);
	struct origin origin;

	if (!entry || conn_origin(&entry->conn)->pid)
		return;
	engine_tell_input(e, &(struct engine_input){
		.type = INPUT_OWNER, .cookie = cookie, .pid = pid, .comm = comm });
	origin = *conn_origin(&entry->conn);
	origin.pid = pid;
	memset(origin.comm, 0, sizeof(origin.comm));
	for (size_t i = 0; i < sizeof(origin.comm) - 1 && comm[i]; i++)
		origin.comm[i] = comm[i];
	table_set_origin(e->table, entry, &origin);
}

static bool all_zero(const struct engine_counts *c)
{
	for (size_t i = 0; i < TCPSTATE_STATES; i++)
		if (c->states[i])
			return false;
	return true;
}

/* Namespaces come and go. */
static void drop_empty_counts(struct engine *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->n_counts; i++)
		if (!all_zero(&e->counts[i]))
			e->counts[kept++] = e->counts[i];
	e->n_counts = kept;
}

static struct engine_counts *counts_of(struct engine *e, uint32_t netns)
{
	struct engine_counts *counts;

	for (size_t i = 0; i < e->n_counts; i++)
		if (e->counts[i].netns == netns)
			return &e->counts[i];
	/* Before it grows: those with nothing left in them. */
	if (e->n_counts && !(e->n_counts & (e->n_counts - 1)))
		drop_empty_counts(e);
	counts = realloc(e->counts, (e->n_counts + 1) * sizeof(*counts));
	if (!counts)
		return NULL;
	e->counts = counts;
	memset(&counts[e->n_counts], 0, sizeof(*counts));
	counts[e->n_counts].netns = netns;
	return &counts[e->n_counts++];
}

void engine_count(struct engine *e, uint32_t netns, uint8_t state, int delta)
{
	struct engine_counts *counts = counts_of(e, netns);

	if (counts)
		counts->states[state] += delta;
}

size_t engine_get_counts(struct engine *e, const struct engine_counts **counts)
{
	drop_empty_counts(e);
	*counts = e->counts;
	return e->n_counts;
}

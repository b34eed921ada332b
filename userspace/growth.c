// SPDX-License-Identifier: GPL-2.0
#include "growth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/slope.h"
#include "holders.h"

/* Whose descriptors are counted; if there are more, those with most sockets. */
#define PROCESSES_MAX 256
/* 9 MB; beyond it what was always 0 is forgotten, then no more is counted. */
#define SERIES_MAX 8192

/* What is counted: a group of stuck connections, or a process's sockets. */
struct series {
	struct group_key key;	/* of a process only .pid, and .state 0 */
	uint64_t now;		/* of the sample under way */
	bool late;		/* there was no room for it before, perhaps */
	uint64_t counts[GROWTH_SAMPLES];
	/* Of a process. */
	char comm[TCPSTATE_COMM_LEN];
	uint32_t netns;
	uint64_t cgroup;
	uint64_t used[GROWTH_SAMPLES];	/* descriptors; 0: not counted */
	uint64_t limit;
};

struct growth {
	struct run *run;
	const struct filter *filter;
	bool slide;
	uint64_t times[GROWTH_SAMPLES];
	size_t n_times;
	uint64_t step;		/* each so many samples one is kept */
	uint64_t skipped;
	bool refused;		/* the sample under way has no room for all */
	uint64_t refused_ns;	/* the last one that had not */
	struct series **series;
	size_t n, size;
	uint32_t *buckets;	/* from 1; 0: free */
	size_t n_buckets;
};

struct growth *growth_new(struct run *run, const struct filter *filter,
			  bool slide)
{
	struct growth *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->run = run;
	g->filter = filter;
	g->slide = slide;
	g->step = 1;
	return g;
}

void growth_free(struct growth *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n; i++)
		free(g->series[i]);
	free(g->series);
	free(g->buckets);
	free(g);
}

/* ---- the table ---- */

static uint32_t *bucket_of(const struct growth *g, const struct group_key *key)
{
	size_t at = group_key_hash(key) & (g->n_buckets - 1);

	for (; g->buckets[at]; at = (at + 1) & (g->n_buckets - 1))
		if (!memcmp(&g->series[g->buckets[at] - 1]->key, key,
			    sizeof(*key)))
			break;
	return &g->buckets[at];
}

static bool make_room(struct growth *g)
{
	size_t size = g->size ? g->size * 2 : 64;
	struct series **series;
	uint32_t *buckets;

	series = realloc(g->series, size * sizeof(*series));
	if (!series)
		return false;
	g->series = series;
	buckets = calloc(size * 2, sizeof(*buckets));
	if (!buckets)
		return false;
	free(g->buckets);
	g->buckets = buckets;
	g->n_buckets = size * 2;
	g->size = size;
	for (size_t i = 0; i < g->n; i++)
		*bucket_of(g, &g->series[i]->key) = (uint32_t)i + 1;
	return true;
}

static struct series *series_find(const struct growth *g,
				  const struct group_key *key)
{
	uint32_t *bucket = g->n_buckets ? bucket_of(g, key) : NULL;

	return bucket && *bucket ? g->series[*bucket - 1] : NULL;
}

static bool is_empty(const struct growth *g, const struct series *s)
{
	for (size_t k = 0; k < g->n_times; k++)
		if (s->counts[k])
			return false;
	return true;
}

static void forget_empty(struct growth *g)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (is_empty(g, g->series[i]))
			free(g->series[i]);
		else
			g->series[kept++] = g->series[i];
	}
	g->n = kept;
	memset(g->buckets, 0, g->n_buckets * sizeof(*g->buckets));
	for (size_t i = 0; i < g->n; i++)
		*bucket_of(g, &g->series[i]->key) = (uint32_t)i + 1;
}

/* While this is so, what is not in the table need not have been 0. */
static bool is_short(const struct growth *g)
{
	return g->refused || (g->n_times && g->refused_ns >= g->times[0]);
}

/* One more in the series of @key, if there is room; before it came it was 0. */
static int count_in(struct growth *g, const struct group_key *key,
		    struct series **series)
{
	struct series *s = series_find(g, key);

	*series = s;
	if (!s && g->n == SERIES_MAX) {
		g->refused = true;
		return 0;
	}
	if (!s) {
		if (g->n == g->size && !make_room(g))
			return -ENOMEM;
		s = calloc(1, sizeof(*s));
		if (!s)
			return -ENOMEM;
		s->key = *key;
		s->late = is_short(g);
		g->series[g->n] = s;
		*bucket_of(g, key) = (uint32_t)++g->n;
		*series = s;
	}
	s->now++;
	return 0;
}

static void process_key(struct group_key *key, uint32_t pid)
{
	memset(key, 0, sizeof(*key));
	key->pid = pid;
}

static bool is_process(const struct series *s)
{
	return !s->key.state;
}

/* ---- counting ---- */

static bool may_be_stuck(uint8_t state)
{
	return state != TCPSTATE_LISTEN && state != TCPSTATE_ESTABLISHED;
}

/* A socket whose descriptor its owner has not given back. */
static bool has_descriptor(const struct conn *c)
{
	switch (c->state) {
	case TCPSTATE_LISTEN:
	case TCPSTATE_ESTABLISHED:
	case TCPSTATE_CLOSE_WAIT:
	case TCPSTATE_SYN_SENT:
		return conn_origin(c)->pid != 0;
	}
	return false;
}

static int count_process(struct growth *g, const struct conn *c)
{
	const struct origin *origin = conn_origin(c);
	struct group_key key;
	struct series *s;
	int err;

	process_key(&key, origin->pid);
	err = count_in(g, &key, &s);
	if (!err && s && s->now == 1) {
		memcpy(s->comm, origin->comm, sizeof(s->comm));
		s->netns = c->netns;
		s->cgroup = origin->cgroup;
	}
	return err;
}

static int count_conn(void *ctx, const struct conn *c)
{
	const struct origin *origin = conn_origin(c);
	struct growth *g = ctx;
	struct group_key key;
	struct series *s;
	int err = 0;

	if (!filter_conn_but_owner(g->filter, c))
		return 0;
	if (has_descriptor(c) &&
	    filter_owner(g->filter, origin->pid, origin->comm))
		err = count_process(g, c);
	if (err || !may_be_stuck(c->state))
		return err;
	group_key_of(&key, c);
	return count_in(g, &key, &s);
}

static int by_sockets(const void *a, const void *b)
{
	const struct series *x = *(struct series *const *)a;
	const struct series *y = *(struct series *const *)b;

	return x->now == y->now ? 0 : x->now > y->now ? -1 : 1;
}

/* The process may have ended: then there is nothing to tell of it. */
static void count_descriptors(struct series *s, size_t at)
{
	uint64_t used = 0, limit = 0;

	if (process_fd_usage(s->key.pid, &used, &limit))
		used = 0;
	s->used[at] = used;
	s->limit = limit;
}

static int count_all_descriptors(struct growth *g, size_t at)
{
	struct series **processes = calloc(g->n + 1, sizeof(*processes));
	size_t n = 0;

	if (!processes)
		return -ENOMEM;
	for (size_t i = 0; i < g->n; i++) {
		g->series[i]->used[at] = 0;
		if (is_process(g->series[i]) && g->series[i]->now)
			processes[n++] = g->series[i];
	}
	qsort(processes, n, sizeof(*processes), by_sockets);
	for (size_t i = 0; i < n && i < PROCESSES_MAX; i++)
		count_descriptors(processes[i], at);
	free(processes);
	return 0;
}

/* ---- samples ---- */

static void forget_oldest(struct growth *g)
{
	size_t left = GROWTH_SAMPLES - 1;

	memmove(g->times, g->times + 1, left * sizeof(*g->times));
	for (size_t i = 0; i < g->n; i++) {
		struct series *s = g->series[i];

		memmove(s->counts, s->counts + 1, left * sizeof(*s->counts));
		memmove(s->used, s->used + 1, left * sizeof(*s->used));
	}
	g->n_times--;
}

/* Every second one stays, the first among them. */
static void thin_out(struct growth *g)
{
	for (size_t k = 0; k < GROWTH_SAMPLES / 2; k++) {
		g->times[k] = g->times[2 * k];
		for (size_t i = 0; i < g->n; i++) {
			g->series[i]->counts[k] = g->series[i]->counts[2 * k];
			g->series[i]->used[k] = g->series[i]->used[2 * k];
		}
	}
	g->n_times /= 2;
	g->step *= 2;
}

/* Of the next sample: after the last one, or over a provisional one. */
static size_t next_place(struct growth *g)
{
	if (g->n_times && ++g->skipped < g->step)
		return g->n_times - 1;
	g->skipped = 0;
	if (g->n_times == GROWTH_SAMPLES && g->slide)
		forget_oldest(g);
	else if (g->n_times == GROWTH_SAMPLES)
		thin_out(g);
	return g->n_times++;
}

int growth_sample(struct growth *g, uint64_t now_ns)
{
	size_t at;
	int err;

	if (g->n == SERIES_MAX)
		forget_empty(g);
	for (size_t i = 0; i < g->n; i++)
		g->series[i]->now = 0;
	g->refused = false;
	err = engine_each_but_time_wait(g->run->engine, count_conn, g);
	if (err)
		return err;
	at = next_place(g);
	g->times[at] = now_ns;
	if (g->refused)
		g->refused_ns = now_ns;
	for (size_t i = 0; i < g->n; i++)
		g->series[i]->counts[at] = g->series[i]->now;
	/* Whoever has these numbers now is another. */
	if (g->run->opt->recording)
		return 0;
	return count_all_descriptors(g, at);
}

/* ---- telling ---- */

static void slope_of(struct slope *slope, const struct growth *g,
		     const uint64_t *counts, bool known_only)
{
	memset(slope, 0, sizeof(*slope));
	for (size_t i = 0; i < g->n_times; i++)
		if (counts[i] || !known_only)
			slope_add(slope, g->times[i], (double)counts[i]);
}

/* false: it is not known. */
static bool add_counts(const struct growth *g, const struct series *s,
		       uint64_t *counts)
{
	if (s ? s->late : is_short(g))
		return false;
	for (size_t k = 0; s && k < g->n_times; k++)
		counts[k] += s->counts[k];
	return true;
}

/* Its listener is a group of its own as long as it is there. */
static bool is_one_of_many(const struct growth *g, const struct series *s,
			   const struct group_key *all)
{
	return s->key.netns == all->netns && s->key.state == all->state &&
	       s->key.pid == all->pid &&
	       !(s->key.listener &&
		 engine_find(g->run->engine, s->key.listener));
}

static bool counts_of_owner(const struct growth *g, const struct finding *f,
			    const struct group_key *key, uint64_t *counts)
{
	if (!f->many_ends)
		return add_counts(g, series_find(g, key), counts);
	if (is_short(g))
		return false;
	for (size_t i = 0; i < g->n; i++)
		if (is_one_of_many(g, g->series[i], key))
			add_counts(g, g->series[i], counts);
	return true;
}

/* All owners of the group; false: they are too many to know, or to count. */
static bool counts_of(const struct growth *g, const struct finding *f,
		      uint64_t *counts)
{
	struct group_key key;

	memset(counts, 0, GROWTH_SAMPLES * sizeof(*counts));
	group_key_of_finding(&key, f);
	for (size_t i = 0; i < f->n_conn_pids; i++) {
		if (i == FINDING_PIDS_MAX)
			return false;
		key.pid = f->conn_pids[i];
		if (!counts_of_owner(g, f, &key, counts))
			return false;
	}
	return true;
}

static void tell_growth(const struct growth *g, struct finding *f)
{
	uint64_t counts[GROWTH_SAMPLES];
	const struct series *s;
	struct group_key key;
	struct slope slope;

	if (f->rule == RULE_FDS) {
		process_key(&key, f->pid);
		s = series_find(g, &key);
		if (!s)
			return;
		slope_of(&slope, g, s->used, true);
	} else {
		if (!counts_of(g, f, counts))
			return;
		slope_of(&slope, g, counts, false);
	}
	if (!slope_measured(&slope))
		return;
	f->has_growth = true;
	f->observed_ns = slope.last_ns - slope.first_ns;
	f->growth_per_min = slope_two_digits(slope_per_min(&slope));
}

/* Descriptors run out, of whatever kind: these are what is measured. */
static void tell_eta(const struct growth *g, struct finding *f)
{
	const struct series *s;
	struct group_key key;
	struct slope slope;
	uint64_t seconds;

	if (!f->pid || !f->fd_limit || f->fd_limit == UINT64_MAX)
		return;
	process_key(&key, f->pid);
	s = series_find(g, &key);
	if (!s)
		return;
	slope_of(&slope, g, s->used, true);
	if (!slope_eta(&slope, (double)f->fd_limit, &seconds))
		return;
	f->has_eta = true;
	f->eta_s = seconds;
}

void growth_tell(const struct growth *g, struct finding *findings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* Of the host, or of what no sample counts. */
		if (findings[i].rule == RULE_ORPHANS ||
		    findings[i].rule == RULE_IDLE ||
		    findings[i].rule == RULE_COLLISION ||
		    findings[i].rule == RULE_ILLEGAL)
			continue;
		tell_growth(g, &findings[i]);
		tell_eta(g, &findings[i]);
	}
}

int growth_each_process(const struct growth *g, growth_process_fn fn,
			void *ctx)
{
	int ret = 0;

	for (size_t i = 0; i < g->n && !ret && g->n_times; i++) {
		const struct series *s = g->series[i];
		const struct leaks_process p = {
			.pid = s->key.pid,
			.comm = s->comm,
			.netns = s->netns,
			.cgroup = s->cgroup,
			.sockets = s->now,
			.fd_used = s->used[g->n_times - 1],
			.fd_limit = s->limit,
		};

		if (is_process(s) && p.fd_used)
			ret = fn(ctx, &p);
	}
	return ret;
}

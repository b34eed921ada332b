// SPDX-License-Identifier: GPL-2.0
#include "merge.h"

#include <errno.h>
#include <stdlib.h>

#include "decode.h"

/* A circular buffer of records in time order; its size is a power of two. */
struct queue {
	struct tcpstate_record **slots;
	size_t size, head, used;
};

#define CHUNK 512	/* records allocated at once */

struct chunk {
	struct chunk *next;
	struct tcpstate_record records[CHUNK];
};

/*
 * Records come from a pool, the last one freed first: what is under way stays
 * in the cache, however long the queues once were.
 */
struct merge {
	struct queue *queues;	/* of the dump, then by CPU */
	size_t n_queues;
	struct chunk *chunks;
	struct tcpstate_record **pool;
	size_t n_pool, n_records;
	struct tcpstate_record *popped;	/* the caller's until the next call */
	size_t used, max;
};

#define QUEUE_MIN 64
#define FETCH_AHEAD 3	/* records */

struct merge *merge_new(size_t max)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (m)
		m->max = max;
	return m;
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_queues; i++)
		free(m->queues[i].slots);
	while (m->chunks) {
		struct chunk *chunk = m->chunks;

		m->chunks = chunk->next;
		free(chunk);
	}
	free(m->queues);
	free(m->pool);
	free(m);
}

bool merge_is_full(const struct merge *m)
{
	return m->used >= m->max;
}

/* ---- the pool ---- */

static int pool_grow(struct merge *m)
{
	struct tcpstate_record **pool;
	struct chunk *chunk;

	pool = realloc(m->pool, (m->n_records + CHUNK) * sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	m->pool = pool;
	chunk = malloc(sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	chunk->next = m->chunks;
	m->chunks = chunk;
	m->n_records += CHUNK;
	for (size_t i = CHUNK; i-- > 0;)
		m->pool[m->n_pool++] = &chunk->records[i];
	return 0;
}

static void pool_take_back(struct merge *m)
{
	if (m->popped)
		m->pool[m->n_pool++] = m->popped;
	m->popped = NULL;
}

/* ---- the queues ---- */

static struct tcpstate_record **slot(const struct queue *q, size_t i)
{
	return &q->slots[(q->head + i) & (q->size - 1)];
}

static int queue_grow(struct queue *q)
{
	size_t size = q->size ? q->size * 2 : QUEUE_MIN;
	struct tcpstate_record **slots = calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < q->used; i++)
		slots[i] = *slot(q, i);
	free(q->slots);
	q->slots = slots;
	q->size = size;
	q->head = 0;
	return 0;
}

/*
 * A dump is told after records that are younger than it: in a queue of its
 * own each of its records still goes to the tail.
 */
static size_t queue_of(const struct tcpstate_record *rec)
{
	return rec->type == TCPSTATE_SNAPSHOT ? 0 : rec->cpu + 1;
}

static int queues_reach(struct merge *m, size_t n)
{
	struct queue *queues;

	if (n < m->n_queues)
		return 0;
	queues = realloc(m->queues, (n + 1) * sizeof(*queues));
	if (!queues)
		return -ENOMEM;
	for (size_t i = m->n_queues; i <= n; i++)
		queues[i] = (struct queue){ 0 };
	m->queues = queues;
	m->n_queues = n + 1;
	return 0;
}

static void queue_insert(struct queue *q, struct tcpstate_record *rec)
{
	size_t at = q->used++;

	for (; at > 0 && (*slot(q, at - 1))->mono_ns > rec->mono_ns; at--)
		*slot(q, at) = *slot(q, at - 1);
	*slot(q, at) = rec;
}

int merge_push(struct merge *m, const struct tcpstate_record *rec)
{
	struct tcpstate_record *own;
	struct queue *q;
	int err;

	pool_take_back(m);
	err = queues_reach(m, queue_of(rec));
	if (!err && !m->n_pool)
		err = pool_grow(m);
	if (err)
		return err;
	q = &m->queues[queue_of(rec)];
	if (q->used == q->size) {
		err = queue_grow(q);
		if (err)
			return err;
	}
	own = m->pool[--m->n_pool];
	*own = *rec;
	queue_insert(q, own);
	m->used++;
	return 0;
}

static void fetch(const struct tcpstate_record *rec)
{
	const char *bytes = (const char *)rec;

	for (size_t line = 0; line < sizeof(*rec); line += 64)
		__builtin_prefetch(bytes + line);
}

const struct tcpstate_record *merge_pop(struct merge *m, uint64_t until_ns)
{
	struct queue *oldest = NULL;

	pool_take_back(m);
	for (size_t i = 0; i < m->n_queues; i++) {
		struct queue *q = &m->queues[i];

		if (q->used && (!oldest || (*slot(q, 0))->mono_ns <
					   (*slot(oldest, 0))->mono_ns))
			oldest = q;
	}
	if (!oldest || (*slot(oldest, 0))->mono_ns > until_ns)
		return NULL;
	m->popped = *slot(oldest, 0);
	if (oldest->used > FETCH_AHEAD)
		fetch(*slot(oldest, FETCH_AHEAD));
	oldest->head = (oldest->head + 1) & (oldest->size - 1);
	oldest->used--;
	m->used--;
	return m->popped;
}

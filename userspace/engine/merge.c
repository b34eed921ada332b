// SPDX-License-Identifier: GPL-2.0
#include "merge.h"

#include <errno.h>
#include <stdlib.h>

#include "../ring.h"
#include "deque.h"

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
	/* Records in time order; of the dump, then by CPU or ring. */
	struct deque *queues;
	size_t n_queues;
	struct ring *rings;	/* the caller's */
	size_t n_rings;
	/*
	 * Time of the next record of each stream.  Only the current one, which
	 * is popped from while it is the oldest, is looked at again.
	 */
	uint64_t *head_ns;
	bool looked;
	size_t current;
	uint64_t limit_ns;	/* the next one begins there */
	bool complete;		/* nothing older than it can still come */
	struct ring *taken;	/* its next record is the caller's */
	struct chunk *chunks;
	struct tcpstate_record **pool;
	size_t n_pool, n_records;
	struct tcpstate_record *popped;	/* the caller's until the next call */
	size_t used, max;
};

#define NOTHING	UINT64_MAX

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
		deque_free(&m->queues[i]);
	while (m->chunks) {
		struct chunk *chunk = m->chunks;

		m->chunks = chunk->next;
		free(chunk);
	}
	free(m->queues);
	free(m->head_ns);
	free(m->pool);
	free(m);
}

bool merge_is_full(const struct merge *m)
{
	return m->used >= m->max;
}

bool merge_is_half_full(const struct merge *m)
{
	return m->used >= m->max / 2;
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
	struct deque *queues;
	uint64_t *head_ns;

	if (n < m->n_queues)
		return 0;
	queues = realloc(m->queues, (n + 1) * sizeof(*queues));
	if (queues)
		m->queues = queues;
	head_ns = realloc(m->head_ns, (n + 1) * sizeof(*head_ns));
	if (head_ns)
		m->head_ns = head_ns;
	if (!queues || !head_ns)
		return -ENOMEM;
	for (size_t i = m->n_queues; i <= n; i++)
		queues[i] = (struct deque){ 0 };
	m->n_queues = n + 1;
	return 0;
}

static bool queue_insert(struct deque *q, struct tcpstate_record *rec)
{
	size_t at = q->used;

	if (!deque_push(q, rec))
		return false;
	for (; at > 0; at--) {
		struct tcpstate_record *before = *deque_at(q, at - 1);

		if (before->mono_ns <= rec->mono_ns)
			break;
		*deque_at(q, at) = before;
	}
	*deque_at(q, at) = rec;
	return true;
}

static int push_to(struct merge *m, size_t stream,
		   const struct tcpstate_record *rec)
{
	struct tcpstate_record *own;
	int err;

	err = queues_reach(m, stream);
	if (!err && !m->n_pool)
		err = pool_grow(m);
	if (err)
		return err;
	own = m->pool[m->n_pool - 1];
	*own = *rec;
	if (!queue_insert(&m->queues[stream], own))
		return -ENOMEM;
	m->n_pool--;
	m->used++;
	m->looked = false;
	return 0;
}

int merge_push(struct merge *m, const struct tcpstate_record *rec)
{
	return push_to(m, queue_of(rec), rec);
}

/* ---- the rings ---- */

int merge_set_rings(struct merge *m, struct ring *rings, size_t n)
{
	const int err = n ? queues_reach(m, n) : 0;

	if (err)
		return err;
	m->rings = rings;
	m->n_rings = n;
	m->taken = NULL;
	m->looked = false;
	return 0;
}

static struct ring *ring_of(const struct merge *m, size_t stream)
{
	return stream && stream <= m->n_rings ? &m->rings[stream - 1] : NULL;
}

/* To the queue with the next one; false if it has to stay. */
static bool ring_to_queue(struct merge *m, struct ring *ring)
{
	/* What it says of its CPU is not to be trusted. */
	struct tcpstate_record rec = *ring_peek(ring, 0);

	rec.cpu = ring->cpu;
	if (merge_is_full(m) || push_to(m, ring - m->rings + 1, &rec))
		return false;
	ring_take(ring);
	return true;
}

void merge_empty_rings(struct merge *m)
{
	for (size_t i = 0; i < m->n_rings; i++) {
		struct ring *ring = &m->rings[i];

		if (m->taken == ring)
			continue;
		while (ring_peek(ring, 0) && ring_to_queue(m, ring))
			;
		ring_release(ring);
	}
}

/* A nested interrupt has stored its record behind the one that it met. */
static void sort_ring(struct merge *m, struct ring *ring)
{
	const struct tcpstate_record *rec = ring_peek(ring, 0);
	const struct tcpstate_record *next = ring_peek(ring, 1);
	uint64_t latest_ns = rec->mono_ns;

	if (!next || next->mono_ns >= latest_ns)
		return;
	while (rec && rec->mono_ns <= latest_ns && ring_to_queue(m, ring))
		rec = ring_peek(ring, 0);
}

/* ---- out ---- */

static const struct tcpstate_record *queue_head(const struct merge *m,
						size_t stream)
{
	const struct deque *q = &m->queues[stream];

	return q->used ? *deque_at(q, 0) : NULL;
}

/* The queue has what was in the ring before. */
static const struct tcpstate_record *head(struct merge *m, size_t stream)
{
	struct ring *ring = ring_of(m, stream);

	if (ring && !m->queues[stream].used && ring_peek(ring, 0))
		sort_ring(m, ring);
	if (m->queues[stream].used || !ring)
		return queue_head(m, stream);
	return ring_peek(ring, 0);
}

/*
 * Each CPU that has ever written has written again, and what its ring shows is in
 * order: nothing older than all of that can come.  Of several rings of a CPU the
 * first one has to show something: while it does not, the slot that is next there
 * may be older than those that went elsewhere, for want of room behind it.
 */
static bool is_complete(const struct merge *m)
{
	for (size_t i = 0; i < m->n_rings; i++) {
		const struct ring *ring = &m->rings[i];

		if (i && ring->cpu == ring[-1].cpu)
			continue;
		if (ring->next && m->head_ns[i + 1] == NOTHING)
			return false;
	}
	return m->n_rings;
}

static void look(struct merge *m, size_t stream)
{
	const struct tcpstate_record *rec = head(m, stream);

	if (!rec)
		m->head_ns[stream] = NOTHING;
	else
		m->head_ns[stream] = rec->mono_ns < NOTHING ? rec->mono_ns :
							      NOTHING - 1;
}

/* The oldest of all heads, and how far its stream may be followed. */
static void choose(struct merge *m)
{
	uint64_t oldest_ns = NOTHING, limit_ns = NOTHING;

	for (size_t i = 0; i < m->n_queues; i++) {
		const uint64_t ns = m->head_ns[i];

		if (ns < oldest_ns) {
			limit_ns = oldest_ns;
			oldest_ns = ns;
			m->current = i;
		} else if (ns < limit_ns) {
			limit_ns = ns;
		}
	}
	m->limit_ns = limit_ns;
}

/*
 * A stream in which nothing was stands aside until the next time; what comes
 * to it meanwhile is younger than what the caller waits for.
 */
static void look_at_all(struct merge *m)
{
	for (size_t i = 0; i < m->n_queues; i++)
		look(m, i);
	m->complete = is_complete(m);
	m->looked = true;
	choose(m);
}

static void look_at_current(struct merge *m)
{
	look(m, m->current);
	if (m->head_ns[m->current] == NOTHING)
		m->complete = is_complete(m);
	if (m->head_ns[m->current] > m->limit_ns)
		choose(m);
}

static void take_back(struct merge *m)
{
	pool_take_back(m);
	if (m->taken)
		ring_take(m->taken);
	m->taken = NULL;
}

static const struct tcpstate_record *queue_pop(struct merge *m, struct deque *q)
{
	m->popped = deque_pop(q);
	m->used--;
	return m->popped;
}

static const struct tcpstate_record *nothing(struct merge *m)
{
	for (size_t i = 0; i < m->n_rings; i++)
		ring_release(&m->rings[i]);
	m->looked = false;
	return NULL;
}

const struct tcpstate_record *merge_pop(struct merge *m, uint64_t until_ns,
					uint64_t now_ns)
{
	uint64_t ns;

	take_back(m);
	if (!m->n_queues)
		return NULL;
	if (m->looked)
		look_at_current(m);
	else
		look_at_all(m);
	ns = m->head_ns[m->current];
	if (ns == NOTHING || ns > (m->complete ? now_ns : until_ns))
		return nothing(m);
	if (m->queues[m->current].used)
		return queue_pop(m, &m->queues[m->current]);
	m->taken = ring_of(m, m->current);
	return ring_peek(m->taken, 0);
}

const struct tcpstate_record *merge_look_ahead(const struct merge *m,
					       uint32_t ahead)
{
	const struct ring *ring = ring_of(m, m->current);

	return m->looked && ring ? ring_peek(ring, ahead) : NULL;
}

// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "deque.h"
#include "origins.h"
#include "pool.h"

struct list_head {
	uint32_t first, last;	/* oldest, youngest */
	size_t count;
};

#define CHUNK 1024	/* entries allocated at once */
/* Numbers count units of what entries are aligned to: no multiplication. */
#define UNIT _Alignof(struct entry)
#define UNITS (sizeof(struct entry) / UNIT)
#define CHUNK_BITS 13

struct chunk {
	struct entry entries[CHUNK];
};

_Static_assert(CHUNK * UNITS <= 1 << CHUNK_BITS, "a chunk has too many units");

#define FETCH_AHEAD	6

struct table {
	/*
	 * Entries have numbers, a link being half as long as a pointer then:
	 * the place in .chunks, and in its lower bits that in the chunk.  0 is
	 * none.
	 */
	struct chunk **chunks;
	size_t n_chunks;
	uint32_t fresh;			/* from here on they were never used */
	uint32_t free;			/* by .chain */
	uint32_t *buckets;
	size_t n_buckets;		/* a power of two */
	struct list_head lists[LISTS];
	/*
	 * Entries in the order in which they came to LIST_SETTLING, some of
	 * which have left it: a list tells but the next one, and its end is not
	 * in the cache any more.
	 */
	struct deque ahead;
	struct pool closings, pairs;
	struct origins origins;
	size_t used, max;
};

#define BUCKETS_MIN 1024
#define ENTRIES_MAX ((UINT32_MAX >> CHUNK_BITS) * CHUNK - 1)	/* by number */

struct table *table_new(size_t max, uint64_t seed)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max = max < ENTRIES_MAX ? max : ENTRIES_MAX;
	t->fresh = UNITS;
	t->closings.size = sizeof(struct closing);
	t->pairs.size = sizeof(struct address_pair);
	origins_init(&t->origins, seed);
	t->n_buckets = BUCKETS_MIN;
	t->buckets = calloc(t->n_buckets, sizeof(*t->buckets));
	if (!t->buckets) {
		free(t);
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_chunks; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->buckets);
	deque_free(&t->ahead);
	pool_free(&t->closings);
	pool_free(&t->pairs);
	origins_free(&t->origins);
	free(t);
}

static struct entry *at(const struct table *t, uint32_t number)
{
	char *chunk = (char *)t->chunks[number >> CHUNK_BITS];

	return (void *)(chunk + (number & ((1U << CHUNK_BITS) - 1)) * UNIT);
}

static struct entry *at_or_null(const struct table *t, uint32_t number)
{
	return number ? at(t, number) : NULL;
}

/*
 * Cookies count up, in batches per CPU, and nobody can choose his: as they are
 * they fill the buckets evenly, and young connections stand side by side.
 */
static size_t bucket_of(size_t n_buckets, uint64_t cookie)
{
	return (cookie ^ cookie >> 32) & (n_buckets - 1);
}

struct entry *table_find(const struct table *t, uint64_t cookie)
{
	uint32_t number = t->buckets[bucket_of(t->n_buckets, cookie)];

	while (number) {
		struct entry *entry = at(t, number);

		if (entry->conn.cookie == cookie)
			return entry;
		number = entry->chain;
	}
	return NULL;
}

void table_fetch_bucket(const struct table *t, uint64_t cookie)
{
	__builtin_prefetch(&t->buckets[bucket_of(t->n_buckets, cookie)]);
}

static void fetch(const struct entry *entry)
{
	const char *first = (const void *)entry;

	for (size_t line = 0; first && line < sizeof(*entry); line += 64)
		__builtin_prefetch(first + line);
}

static void fetch_closing(const struct entry *entry)
{
	if (!entry || !entry->conn.closing)
		return;
	__builtin_prefetch(entry->conn.closing);
	__builtin_prefetch(entry->conn.closing + 1);
}

void table_fetch_closing(const struct table *t, uint64_t cookie)
{
	fetch_closing(at_or_null(t, t->buckets[bucket_of(t->n_buckets,
							 cookie)]));
}

void table_fetch_entry(const struct table *t, uint64_t cookie)
{
	fetch(at_or_null(t, t->buckets[bucket_of(t->n_buckets, cookie)]));
}

void table_fetch_ahead(struct table *t)
{
	const struct entry *oldest = table_oldest(t, LIST_SETTLING);
	struct deque *ahead = &t->ahead;

	while (ahead->used && *deque_at(ahead, 0) != oldest)
		deque_pop(ahead);
	if (ahead->used > FETCH_AHEAD)
		fetch(*deque_at(ahead, FETCH_AHEAD));
	if (ahead->used > FETCH_AHEAD / 2)
		fetch_closing(*deque_at(ahead, FETCH_AHEAD / 2));
}

/* Without memory the chains grow longer, and that is all. */
static void grow(struct table *t)
{
	size_t n = t->n_buckets * 2;
	uint32_t *buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < t->n_buckets; i++)
		while (t->buckets[i]) {
			const uint32_t number = t->buckets[i];
			struct entry *entry = at(t, number);
			uint32_t *bucket;

			bucket = &buckets[bucket_of(n, entry->conn.cookie)];
			t->buckets[i] = entry->chain;
			entry->chain = *bucket;
			*bucket = number;
		}
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = n;
}

/* Returns its number, which a neighbour knows. */
static uint32_t list_unlink(struct table *t, struct entry *entry)
{
	struct list_head *l = &t->lists[entry->list];
	uint32_t *before = entry->prev ? &at(t, entry->prev)->next : &l->first;
	uint32_t *behind = entry->next ? &at(t, entry->next)->prev : &l->last;
	const uint32_t number = *before;

	*before = entry->next;
	*behind = entry->prev;
	l->count--;
	return number;
}

static void list_append(struct table *t, struct entry *entry, uint32_t number,
			enum list list)
{
	struct list_head *l = &t->lists[list];

	entry->list = list;
	entry->next = 0;
	entry->prev = l->last;
	if (l->last)
		at(t, l->last)->next = number;
	else
		l->first = number;
	l->last = number;
	l->count++;
}

/* Chunks are as many as a power of two has room for, or none. */
static bool add_chunk(struct table *t)
{
	struct chunk **chunks = t->chunks, *chunk;

	if (!(t->n_chunks & (t->n_chunks - 1))) {
		chunks = realloc(chunks, (t->n_chunks ? t->n_chunks * 2 : 1) *
					 sizeof(*chunks));
		if (!chunks)
			return false;
		t->chunks = chunks;
	}
	chunk = aligned_alloc(_Alignof(struct chunk), sizeof(*chunk));
	if (!chunk)
		return false;
	t->chunks[t->n_chunks++] = chunk;
	return true;
}

/* Freed entries are used again, the last one first: it is still cached. */
static uint32_t entry_alloc(struct table *t)
{
	uint32_t number = t->free;

	if (number) {
		t->free = at(t, number)->chain;
		fetch(at_or_null(t, t->free));
	} else {
		if (t->fresh >> CHUNK_BITS == t->n_chunks && !add_chunk(t))
			return 0;
		number = t->fresh;
		t->fresh += UNITS;
		if ((t->fresh & ((1U << CHUNK_BITS) - 1)) == CHUNK * UNITS)
			t->fresh = ((t->fresh >> CHUNK_BITS) + 1) << CHUNK_BITS;
	}
	memset(at(t, number), 0, sizeof(struct entry));
	return number;
}

bool table_reserve(struct table *t)
{
	return pool_reserve(&t->closings) && pool_reserve(&t->pairs) &&
	       origins_reserve(&t->origins);
}

struct closing *table_closing(struct table *t, struct entry *entry)
{
	if (!entry->conn.closing)
		entry->conn.closing = pool_take(&t->closings);
	return entry->conn.closing;
}

struct address_pair *table_pair(struct table *t, struct entry *entry)
{
	return entry->conn.family == 6 ? entry->conn.v6 :
					 pool_take(&t->pairs);
}

void table_drop_pair(struct table *t, struct entry *entry)
{
	if (entry->conn.family == 6)
		pool_give(&t->pairs, entry->conn.v6);
}

void table_set_origin(struct table *t, struct entry *entry,
		      const struct origin *origin)
{
	struct conn *c = &entry->conn;
	const struct origin *shared;

	if (!memcmp(conn_origin(c), origin, sizeof(*origin)))
		return;
	shared = origins_take(&t->origins, origin);
	if (!shared)
		return;
	origins_give(&t->origins, c->origin);
	c->origin = shared;
}

size_t table_origins(const struct table *t)
{
	return t->origins.used;
}

static void give_parts(struct table *t, struct entry *entry)
{
	origins_give(&t->origins, entry->conn.origin);
	table_drop_pair(t, entry);
	if (entry->conn.closing)
		pool_give(&t->closings, entry->conn.closing);
}

void table_reset(struct table *t, struct entry *entry)
{
	give_parts(t, entry);
	memset(&entry->conn, 0, sizeof(entry->conn));
}

bool table_is_full(const struct table *t)
{
	return t->used >= t->max;
}

struct entry *table_add(struct table *t, uint64_t cookie)
{
	struct entry *entry;
	uint32_t number, *bucket;

	if (table_is_full(t))
		return NULL;
	number = entry_alloc(t);
	if (!number)
		return NULL;
	if (t->used >= t->n_buckets)
		grow(t);
	entry = at(t, number);
	entry->conn.cookie = cookie;
	bucket = &t->buckets[bucket_of(t->n_buckets, cookie)];
	entry->chain = *bucket;
	*bucket = number;
	list_append(t, entry, number, LIST_LIVE);
	t->used++;
	return entry;
}

void table_remove(struct table *t, struct entry *entry)
{
	size_t bucket = bucket_of(t->n_buckets, entry->conn.cookie);
	uint32_t *link = &t->buckets[bucket], number;

	while (at(t, *link) != entry)
		link = &at(t, *link)->chain;
	*link = entry->chain;
	number = list_unlink(t, entry);
	give_parts(t, entry);
	t->used--;
	entry->chain = t->free;
	t->free = number;
}

void table_move(struct table *t, struct entry *entry, enum list list)
{
	list_append(t, entry, list_unlink(t, entry), list);
	/* Without memory it is not fetched, and that is all. */
	if (list == LIST_SETTLING)
		deque_push(&t->ahead, entry);
}

struct entry *table_oldest(const struct table *t, enum list list)
{
	return at_or_null(t, t->lists[list].first);
}

size_t table_count(const struct table *t, enum list list)
{
	return t->lists[list].count;
}

int table_each_in(const struct table *t, enum list list,
		  int (*fn)(void *ctx, struct entry *), void *ctx)
{
	struct entry *entry = table_oldest(t, list);

	while (entry) {
		struct entry *next = at_or_null(t, entry->next);
		int err = fn(ctx, entry);

		if (err)
			return err;
		entry = next;
	}
	return 0;
}

int table_each(const struct table *t, int (*fn)(void *ctx, struct entry *),
	       void *ctx)
{
	for (enum list list = 0; list < LISTS; list++) {
		int err = table_each_in(t, list, fn, ctx);

		if (err)
			return err;
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "deque.h"

struct list_head {
	struct entry *first, *last;	/* oldest, youngest */
	size_t count;
};

#define CHUNK 256	/* entries allocated at once */

struct chunk {
	struct entry entries[CHUNK];
	struct chunk *next;
};

#define FETCH_AHEAD	6

struct table {
	struct chunk *chunks;
	struct entry *free;		/* by .chain */
	struct entry **buckets;
	size_t n_buckets;		/* a power of two */
	struct list_head lists[LISTS];
	/*
	 * Entries in the order in which they came to LIST_SETTLING, some of
	 * which have left it: a list tells but the next one, and its end is not
	 * in the cache any more.
	 */
	struct deque ahead;
	size_t used, max;
};

#define BUCKETS_MIN 1024

struct table *table_new(size_t max)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->max = max;
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
	while (t->chunks) {
		struct chunk *chunk = t->chunks;

		t->chunks = chunk->next;
		free(chunk);
	}
	free(t->buckets);
	deque_free(&t->ahead);
	free(t);
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
	struct entry *entry = t->buckets[bucket_of(t->n_buckets, cookie)];

	while (entry && entry->conn.cookie != cookie)
		entry = entry->chain;
	return entry;
}

void table_fetch_bucket(const struct table *t, uint64_t cookie)
{
	__builtin_prefetch(&t->buckets[bucket_of(t->n_buckets, cookie)]);
}

static void fetch(const struct entry *entry)
{
	const char *at = (const void *)entry;

	for (size_t line = 0; at && line < sizeof(*entry); line += 64)
		__builtin_prefetch(at + line);
}

void table_fetch_entry(const struct table *t, uint64_t cookie)
{
	fetch(t->buckets[bucket_of(t->n_buckets, cookie)]);
}

void table_fetch_ahead(struct table *t)
{
	const struct entry *oldest = t->lists[LIST_SETTLING].first;
	struct deque *ahead = &t->ahead;

	while (ahead->used && *deque_at(ahead, 0) != oldest)
		deque_pop(ahead);
	if (ahead->used > FETCH_AHEAD)
		fetch(*deque_at(ahead, FETCH_AHEAD));
}

/* Without memory the chains grow longer, and that is all. */
static void grow(struct table *t)
{
	size_t n = t->n_buckets * 2;
	struct entry **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < t->n_buckets; i++)
		while (t->buckets[i]) {
			struct entry *entry = t->buckets[i];
			size_t at = bucket_of(n, entry->conn.cookie);

			t->buckets[i] = entry->chain;
			entry->chain = buckets[at];
			buckets[at] = entry;
		}
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = n;
}

static void list_unlink(struct table *t, struct entry *entry)
{
	struct list_head *l = &t->lists[entry->list];

	if (entry->prev)
		entry->prev->next = entry->next;
	else
		l->first = entry->next;
	if (entry->next)
		entry->next->prev = entry->prev;
	else
		l->last = entry->prev;
	l->count--;
}

static void list_append(struct table *t, struct entry *entry, enum list list)
{
	struct list_head *l = &t->lists[list];

	entry->list = list;
	entry->next = NULL;
	entry->prev = l->last;
	if (l->last)
		l->last->next = entry;
	else
		l->first = entry;
	l->last = entry;
	l->count++;
}

/* Freed entries are used again, the last one first: it is still cached. */
static struct entry *entry_alloc(struct table *t)
{
	struct entry *entry;

	if (!t->free) {
		struct chunk *chunk = aligned_alloc(_Alignof(struct chunk),
						    sizeof(*chunk));

		if (!chunk)
			return NULL;
		chunk->next = t->chunks;
		t->chunks = chunk;
		for (size_t i = CHUNK; i-- > 0;) {
			chunk->entries[i].chain = t->free;
			t->free = &chunk->entries[i];
		}
	}
	entry = t->free;
	t->free = entry->chain;
	fetch(t->free);
	memset(entry, 0, sizeof(*entry));
	return entry;
}

bool table_is_full(const struct table *t)
{
	return t->used >= t->max;
}

struct entry *table_add(struct table *t, uint64_t cookie)
{
	struct entry *entry;
	size_t at;

	if (table_is_full(t))
		return NULL;
	entry = entry_alloc(t);
	if (!entry)
		return NULL;
	if (t->used >= t->n_buckets)
		grow(t);
	entry->conn.cookie = cookie;
	at = bucket_of(t->n_buckets, cookie);
	entry->chain = t->buckets[at];
	t->buckets[at] = entry;
	list_append(t, entry, LIST_LIVE);
	t->used++;
	return entry;
}

void table_remove(struct table *t, struct entry *entry)
{
	size_t at = bucket_of(t->n_buckets, entry->conn.cookie);
	struct entry **link = &t->buckets[at];

	while (*link != entry)
		link = &(*link)->chain;
	*link = entry->chain;
	list_unlink(t, entry);
	t->used--;
	entry->chain = t->free;
	t->free = entry;
}

void table_move(struct table *t, struct entry *entry, enum list list)
{
	list_unlink(t, entry);
	list_append(t, entry, list);
	/* Without memory it is not fetched, and that is all. */
	if (list == LIST_SETTLING)
		deque_push(&t->ahead, entry);
}

struct entry *table_oldest(const struct table *t, enum list list)
{
	return t->lists[list].first;
}

size_t table_count(const struct table *t, enum list list)
{
	return t->lists[list].count;
}

int table_each_in(const struct table *t, enum list list,
		  int (*fn)(void *ctx, struct entry *), void *ctx)
{
	struct entry *entry = t->lists[list].first;

	while (entry) {
		struct entry *next = entry->next;
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

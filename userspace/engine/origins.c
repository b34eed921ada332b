// SPDX-License-Identifier: GPL-2.0
#include "origins.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

struct shared_origin {
	struct shared_origin *chain;	/* same bucket */
	uint32_t connections;
	uint32_t hash;
	struct origin origin;
};

_Static_assert(sizeof(struct origin) ==
	       2 * sizeof(uint64_t) + 2 * sizeof(uint32_t) + TCPSTATE_COMM_LEN,
	       "an origin is hashed and compared without holes");

/* The steps of SplitMix64: keys of one seed are as good as independent. */
static uint64_t next_key(uint64_t *seed)
{
	uint64_t key = *seed += 0x9e3779b97f4a7c15ULL;

	key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9ULL;
	key = (key ^ key >> 27) * 0x94d049bb133111ebULL;
	return key ^ key >> 31;
}

void origins_init(struct origins *o, uint64_t seed)
{
	*o = (struct origins){ .pool.size = sizeof(struct shared_origin) };
	for (size_t i = 0; i <= ORIGIN_WORDS; i++)
		o->keys[i] = next_key(&seed);
}

/*
 * Multilinear: with keys that he does not know, whoever chooses two origins makes
 * them collide no more often than by chance.
 */
static uint32_t hash_of(const struct origins *o, const struct origin *origin)
{
	uint64_t hash = o->keys[ORIGIN_WORDS];
	uint32_t words[ORIGIN_WORDS];

	memcpy(words, origin, sizeof(words));
	for (size_t i = 0; i < ORIGIN_WORDS; i++)
		hash += o->keys[i] * words[i];
	return (uint32_t)(hash >> 32);
}

static struct shared_origin **bucket_of(const struct origins *o, uint32_t hash)
{
	return &o->buckets[hash & (o->n_buckets - 1)];
}

/* Without memory the chains grow longer, but there must be a first bucket. */
static bool grow(struct origins *o)
{
	struct shared_origin **old = o->buckets;
	size_t n_old = o->n_buckets, n = n_old ? n_old * 2 : BUCKETS_MIN;
	struct shared_origin **buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return n_old;
	o->buckets = buckets;
	o->n_buckets = n;
	for (size_t i = 0; i < n_old; i++)
		while (old[i]) {
			struct shared_origin *shared = old[i];
			struct shared_origin **bucket;

			bucket = bucket_of(o, shared->hash);
			old[i] = shared->chain;
			shared->chain = *bucket;
			*bucket = shared;
		}
	free(old);
	return true;
}

bool origins_reserve(struct origins *o)
{
	return (o->used < o->n_buckets || grow(o)) && pool_reserve(&o->pool);
}

static struct shared_origin *find(const struct origins *o, uint32_t hash,
				  const struct origin *origin)
{
	struct shared_origin *shared = *bucket_of(o, hash);

	while (shared && (shared->hash != hash ||
			  memcmp(&shared->origin, origin, sizeof(*origin))))
		shared = shared->chain;
	return shared;
}

const struct origin *origins_take(struct origins *o,
				  const struct origin *origin)
{
	const uint32_t hash = hash_of(o, origin);
	struct shared_origin *shared, **bucket;

	if (!origins_reserve(o))
		return NULL;
	shared = find(o, hash, origin);
	if (!shared) {
		shared = pool_take(&o->pool);
		bucket = bucket_of(o, hash);
		*shared = (struct shared_origin){
			.chain = *bucket, .hash = hash, .origin = *origin,
		};
		*bucket = shared;
		o->used++;
	}
	shared->connections++;
	return &shared->origin;
}

void origins_give(struct origins *o, const struct origin *origin)
{
	struct shared_origin *shared, **link;

	if (!origin)
		return;
	shared = (void *)((uintptr_t)origin -
			  offsetof(struct shared_origin, origin));
	if (--shared->connections)
		return;
	link = bucket_of(o, shared->hash);
	while (*link != shared)
		link = &(*link)->chain;
	*link = shared->chain;
	pool_give(&o->pool, shared);
	o->used--;
}

void origins_free(struct origins *o)
{
	free(o->buckets);
	pool_free(&o->pool);
}

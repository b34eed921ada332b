// SPDX-License-Identifier: GPL-2.0
#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"

#define MINUTE_NS 60000000000ULL
/* Twice FINDING_PEERS_MAX, so that a search ends soon. */
#define PEER_BUCKETS 2048
/* So few need no buckets; most groups have a single one. */
#define PEERS_WALKED 8

/* A flood has thousands of peers: by a walk each one would cost all others. */
struct group_index {
	uint16_t *peers;	/* PEER_BUCKETS of them, from 1; 0: free */
	size_t holder;		/* the one that was counted last */
	uint16_t ends;		/* of .many_ends: so many have their own */
};

/* ---- keys ---- */

static uint64_t hash_bytes(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t hash = 0xcbf29ce484222325ULL;	/* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}

void group_key_of(struct group_key *key, const struct conn *c)
{
	const struct origin *origin = conn_origin(c);

	memset(key, 0, sizeof(*key));
	key->netns = c->netns;
	key->pid = origin->pid;
	key->state = c->state;
	key->listener = origin->listener;
	if (origin->listener)
		return;
	if (c->role == ROLE_SERVER) {
		key->sport = c->sport;
		return;
	}
	key->remote_port = c->dport;
	key->remote_family = c->family;
	address_copy(key->remote_addr, c->family, conn_daddr(c));
}

void group_key_of_finding(struct group_key *key, const struct finding *f)
{
	memset(key, 0, sizeof(*key));
	key->netns = f->netns;
	key->state = f->state;
	key->listener = f->listener_cookie;
	if (f->listener_cookie)
		return;
	key->sport = f->listener.sport;
	key->remote_port = f->remote_port;
	key->remote_family = f->remote_family;
	memcpy(key->remote_addr, f->remote_addr, 16);
}

uint64_t group_key_hash(const struct group_key *key)
{
	return hash_bytes(key, sizeof(*key));
}

/* ---- the table ---- */

/* All that tells findings apart. */
struct identity {
	struct group_key key;
	uint32_t pid, owner_pid;
	uint8_t rule, bug, cause;
	bool inferred;
	uint8_t reserved[4];
};

static void identify(struct identity *id, const struct finding *f)
{
	memset(id, 0, sizeof(*id));
	group_key_of_finding(&id->key, f);
	id->pid = f->pid;
	id->owner_pid = f->owner_pid;
	id->rule = f->rule;
	id->bug = f->bug;
	id->cause = f->cause;
	id->inferred = f->inferred;
}

static uint32_t *bucket_of(const struct groups *g, const struct identity *id)
{
	size_t at = hash_bytes(id, sizeof(*id)) & (g->n_buckets - 1);
	struct identity other;

	for (; g->buckets[at]; at = (at + 1) & (g->n_buckets - 1)) {
		identify(&other, &g->findings[g->buckets[at] - 1]);
		if (!memcmp(&other, id, sizeof(other)))
			break;
	}
	return &g->buckets[at];
}

static bool make_room(struct groups *g)
{
	size_t size = g->size ? g->size * 2 : 16;
	struct group_index *index;
	struct finding *findings;
	struct identity id;
	uint32_t *buckets;

	findings = realloc(g->findings, size * sizeof(*findings));
	if (!findings)
		return false;
	g->findings = findings;
	index = realloc(g->index, size * sizeof(*index));
	if (!index)
		return false;
	g->index = index;
	buckets = calloc(size * 2, sizeof(*buckets));
	if (!buckets)
		return false;
	free(g->buckets);
	g->buckets = buckets;
	g->n_buckets = size * 2;
	g->size = size;
	for (size_t i = 0; i < g->n; i++) {
		identify(&id, &g->findings[i]);
		*bucket_of(g, &id) = (uint32_t)i + 1;
	}
	return true;
}

static struct finding *find(const struct groups *g, const struct identity *id)
{
	uint32_t *bucket = g->n_buckets ? bucket_of(g, id) : NULL;

	return bucket && *bucket ? &g->findings[*bucket - 1] : NULL;
}

static struct finding *make(struct groups *g, const struct finding *key)
{
	struct identity id;

	if (g->n == g->size && !make_room(g))
		return NULL;
	identify(&id, key);
	g->findings[g->n] = *key;
	memset(&g->index[g->n], 0, sizeof(*g->index));
	*bucket_of(g, &id) = (uint32_t)++g->n;
	return &g->findings[g->n - 1];
}

static void finding_free(struct finding *f)
{
	free(f->peers);
	free(f->holders);
	free(f->exe);
}

void groups_free(struct groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		finding_free(&g->findings[i]);
		free(g->index[i].peers);
	}
	free(g->findings);
	free(g->index);
	free(g->buckets);
	memset(g, 0, sizeof(*g));
}

/* The buckets are of no use after this. */
void groups_drop(struct groups *g,
		 bool (*keep)(const struct finding *f,
			      const struct thresholds *t),
		 const struct thresholds *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < g->n; i++) {
		const struct finding *f = &g->findings[i];

		/* What is inferred may have no connection, others must. */
		if ((!f->count && (!f->inferred || f->many_ends)) ||
		    !keep(f, t)) {
			finding_free(&g->findings[i]);
			free(g->index[i].peers);
			continue;
		}
		g->findings[kept] = g->findings[i];
		g->index[kept++] = g->index[i];
	}
	g->n = kept;
}

/* ---- who and where ---- */

void group_set_comm(char *to, const char *from)
{
	size_t i = 0;

	for (; from && from[i] && i < TCPSTATE_COMM_LEN - 1; i++)
		to[i] = from[i];
	to[i] = '\0';
}

void group_set_end(struct finding *f, const struct conn *c,
		   const struct conn *listener)
{
	struct group_key key;

	group_key_of(&key, c);
	f->listener_cookie = key.listener;
	f->listener.sport = key.sport;
	f->remote_family = key.remote_family;
	f->remote_port = key.remote_port;
	memcpy(f->remote_addr, key.remote_addr, 16);
	/* A server whose listener is gone still has its port. */
	if (key.listener && c->role == ROLE_SERVER)
		f->listener.sport = c->sport;
	if (!listener)
		return;
	f->listener.family = listener->family;
	address_copy(f->listener.saddr, listener->family,
		     conn_saddr(listener));
	f->listener.sport = listener->sport;
	f->listener.pid = conn_origin(listener)->pid;
	group_set_comm(f->listener.comm, conn_origin(listener)->comm);
	f->accept_queue = listener->rqueue;
	f->accept_limit = listener->wqueue;
}

const struct holding *holding_of(const struct holding *holdings, size_t n,
				 uint32_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (holdings[i].pid == pid)
			return &holdings[i];
	return NULL;
}

/* ---- counting ---- */

/* Lists double at powers of two.  The list with room for one more, or NULL. */
static void *one_more(void *list, size_t n, size_t size)
{
	if (n & (n - 1))
		return list;
	return realloc(list, (n ? n * 2 : 1) * size);
}

/* Those of a prefork server come in the same order with each connection. */
static struct finding_holder *find_holder(struct group_index *index,
					  const struct finding *f, uint32_t pid)
{
	for (size_t i = 1; i <= f->n_holders; i++) {
		size_t at = (index->holder + i) % f->n_holders;

		if (f->holders[at].pid != pid)
			continue;
		index->holder = at;
		return &f->holders[at];
	}
	return NULL;
}

static int count_holder(struct group_index *index, struct finding *f,
			const struct finding_holder *holder)
{
	struct finding_holder *have = find_holder(index, f, holder->pid);

	if (have) {
		have->count += holder->count;
		return 0;
	}
	if (f->n_holders == FINDING_HOLDERS_MAX)
		return 0;
	have = one_more(f->holders, f->n_holders, sizeof(*have));
	if (!have)
		return -ENOMEM;
	f->holders = have;
	f->holders[f->n_holders++] = *holder;
	return 0;
}

static int count_holders(struct group_index *index, struct finding *f,
			 const struct holding *holdings, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		struct finding_holder holder = {
			.pid = holdings[i].pid, .count = 1,
		};

		if (i && holdings[i].pid == holdings[i - 1].pid)
			continue;
		group_set_comm(holder.comm, holdings[i].comm);
		err = count_holder(index, f, &holder);
	}
	return err;
}

static bool same_peer(const struct finding_peer *a,
		      const struct finding_peer *b)
{
	return a->family == b->family && !memcmp(a->addr, b->addr, 16);
}

/* Its bucket, or a free one. */
static uint16_t *peer_bucket(const struct group_index *index,
			     const struct finding *f,
			     const struct finding_peer *peer)
{
	size_t at = hash_bytes(peer->addr, 16) & (PEER_BUCKETS - 1);

	for (; index->peers[at]; at = (at + 1) & (PEER_BUCKETS - 1))
		if (same_peer(&f->peers[index->peers[at] - 1], peer))
			break;
	return &index->peers[at];
}

static struct finding_peer *find_peer(const struct group_index *index,
				      const struct finding *f,
				      const struct finding_peer *peer)
{
	uint16_t *bucket = index->peers ? peer_bucket(index, f, peer) : NULL;

	if (bucket)
		return *bucket ? &f->peers[*bucket - 1] : NULL;
	for (size_t i = 0; i < f->n_peers; i++)
		if (same_peer(&f->peers[i], peer))
			return &f->peers[i];
	return NULL;
}

static int index_peers(struct group_index *index, const struct finding *f)
{
	index->peers = calloc(PEER_BUCKETS, sizeof(*index->peers));
	if (!index->peers)
		return -ENOMEM;
	for (size_t i = 0; i < f->n_peers; i++)
		*peer_bucket(index, f, &f->peers[i]) = (uint16_t)(i + 1);
	return 0;
}

static int count_peer(struct group_index *index, struct finding *f,
		      const struct finding_peer *peer)
{
	struct finding_peer *have = find_peer(index, f, peer);

	if (have) {
		have->count += peer->count;
		return 0;
	}
	if (f->n_peers == FINDING_PEERS_MAX)
		return 0;
	have = one_more(f->peers, f->n_peers, sizeof(*have));
	if (!have)
		return -ENOMEM;
	f->peers = have;
	f->peers[f->n_peers++] = *peer;
	if (index->peers)
		*peer_bucket(index, f, peer) = (uint16_t)f->n_peers;
	return index->peers || f->n_peers < PEERS_WALKED ?
	       0 : index_peers(index, f);
}

static enum age_class age_class(uint64_t age_ns)
{
	if (age_ns < MINUTE_NS)
		return AGE_MINUTE;
	if (age_ns < 10 * MINUTE_NS)
		return AGE_TEN_MINUTES;
	return age_ns < 60 * MINUTE_NS ? AGE_HOUR : AGE_MORE;
}

static void count_age(struct finding *f, uint64_t age_ns, bool exact)
{
	f->ages[age_class(age_ns)]++;
	if (f->count && age_ns <= f->oldest_ns)
		return;
	f->oldest_ns = age_ns;
	f->oldest_exact = exact;
}

static void count_pid(struct finding *f, uint32_t pid)
{
	for (size_t i = 0; i < f->n_conn_pids && i < FINDING_PIDS_MAX; i++)
		if (f->conn_pids[i] == pid)
			return;
	if (f->n_conn_pids < FINDING_PIDS_MAX)
		f->conn_pids[f->n_conn_pids] = pid;
	/* One more than fits is enough to know. */
	if (f->n_conn_pids <= FINDING_PIDS_MAX)
		f->n_conn_pids++;
}

static void count_unread(struct finding *f, const struct conn *c)
{
	if (!f->count || c->rqueue < f->unread_min)
		f->unread_min = c->rqueue;
	if (c->rqueue > f->unread_max)
		f->unread_max = c->rqueue;
}

static void count_fds(struct finding *f, const struct holding *holdings,
		      size_t n)
{
	bool shared = false;

	for (size_t i = 0; i < n; i++) {
		if (holdings[i].fd < 0)
			continue;
		if (holdings[i].pid != f->pid) {
			shared = true;
			continue;
		}
		if (f->n_fds < FINDING_LIST_MAX)
			f->fds[f->n_fds] = holdings[i].fd;
		f->n_fds++;
	}
	f->shared += shared;
}

int group_count(struct groups *g, struct finding *f, const struct conn *c,
		uint64_t age_ns, bool exact, const struct holding *holdings,
		size_t n)
{
	struct group_index *index = &g->index[f - g->findings];
	struct finding_peer peer = { .family = c->family, .count = 1 };
	int err;

	count_age(f, age_ns, exact);
	count_pid(f, conn_origin(c)->pid);
	count_unread(f, c);
	count_fds(f, holdings, n);
	if (f->count < FINDING_LIST_MAX)
		f->conn_ids[f->count] = c->cookie;
	f->count++;
	address_copy(peer.addr, c->family, conn_daddr(c));
	err = count_holders(index, f, holdings, n);
	return err ? err : count_peer(index, f, &peer);
}

/* ---- many ends ---- */

static void clear_end(struct group_key *key)
{
	key->listener = 0;
	key->sport = 0;
	key->remote_family = 0;
	key->remote_port = 0;
	memset(key->remote_addr, 0, 16);
}

/*
 * A listener is something that somebody has set up; peers there can be as many
 * as there are addresses.  What requests mean their listener's backlog decides.
 */
static bool can_be_many(const struct finding *f)
{
	if (f->rule == RULE_SYN_RECV)
		return false;
	return f->remote_family ||
	       (!f->listener.family && f->listener.sport);
}

static uint64_t least(uint64_t a, bool has_a, uint64_t b, bool has_b)
{
	if (!has_a || !has_b)
		return has_a ? a : b;
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void merge_numbers(struct finding *to, const struct finding *f)
{
	to->unread_min = least(to->unread_min, to->count, f->unread_min, true);
	to->unread_max = most(to->unread_max, f->unread_max);
	to->again_min = least(to->again_min, to->count, f->again_min, true);
	to->again_max = most(to->again_max, f->again_max);
	to->end_min_ns = least(to->end_min_ns, to->ending, f->end_min_ns,
			       f->ending);
	to->end_max_ns = most(to->end_max_ns, f->end_max_ns);
	to->has_end |= f->has_end;
	to->ending += f->ending;
	to->shared += f->shared;
	to->often += f->often;
	to->unsent += f->unsent;
	to->orphans += f->orphans;
	for (size_t i = 0; i < AGES; i++)
		to->ages[i] += f->ages[i];
	if (to->count && to->oldest_ns >= f->oldest_ns)
		return;
	to->oldest_ns = f->oldest_ns;
	to->oldest_exact = f->oldest_exact;
}

static int merge_lists(struct group_index *index, struct finding *to,
		       const struct finding *f)
{
	int err = 0;

	for (size_t i = 0; i < f->n_conn_pids && i < FINDING_PIDS_MAX; i++)
		count_pid(to, f->conn_pids[i]);
	if (f->n_conn_pids > FINDING_PIDS_MAX)
		to->n_conn_pids = f->n_conn_pids;
	for (size_t i = 0; i < f->count && i < FINDING_LIST_MAX &&
	     to->count + i < FINDING_LIST_MAX; i++)
		to->conn_ids[to->count + i] = f->conn_ids[i];
	for (size_t i = 0; i < f->n_fds && i < FINDING_LIST_MAX &&
	     to->n_fds + i < FINDING_LIST_MAX; i++)
		to->fds[to->n_fds + i] = f->fds[i];
	to->n_fds += f->n_fds;
	for (size_t i = 0; i < f->n_peers && !err; i++)
		err = count_peer(index, to, &f->peers[i]);
	for (size_t i = 0; i < f->n_holders && !err; i++)
		err = count_holder(index, to, &f->holders[i]);
	return err;
}

/* All there are go into this one, and leave nothing behind. */
static int fold(struct groups *g, struct finding *all,
		const struct identity *all_id)
{
	struct group_index *index = &g->index[all - g->findings];
	struct identity id;
	int err = 0;

	for (size_t i = 0; i < g->n && !err; i++) {
		struct finding *f = &g->findings[i];

		if (f == all || !f->count || !can_be_many(f))
			continue;
		identify(&id, f);
		clear_end(&id.key);
		if (memcmp(&id, all_id, sizeof(id)))
			continue;
		merge_numbers(all, f);
		err = merge_lists(index, all, f);
		all->count += f->count;
		all->facts = f->facts;
		finding_free(f);
		free(g->index[i].peers);
		g->index[i].peers = NULL;
		f->peers = NULL;
		f->n_peers = 0;
		f->holders = NULL;
		f->n_holders = 0;
		f->count = 0;
	}
	return err;
}

/* That of all ends, which has nothing as long as they have their own. */
static struct finding *all_ends(struct groups *g, const struct finding *key,
				const struct identity *id)
{
	struct finding *all = find(g, id), made;

	if (all)
		return all;
	made = *key;
	made.listener = (struct finding_listener){ 0 };
	made.listener_cookie = 0;
	made.remote_family = 0;
	made.remote_port = 0;
	memset(made.remote_addr, 0, 16);
	made.many_ends = true;
	return make(g, &made);
}

struct finding *groups_get(struct groups *g, const struct finding *key)
{
	struct identity id, all_id;
	struct finding *all, *f;

	identify(&id, key);
	f = find(g, &id);
	if (f && f->count)
		return f;
	if (!can_be_many(key))
		return f ? f : make(g, key);
	all_id = id;
	clear_end(&all_id.key);
	all = all_ends(g, key, &all_id);
	if (!all || all->count)
		return all;
	if (g->index[all - g->findings].ends++ < FINDING_ENDS_MAX)
		return make(g, key);
	return fold(g, all, &all_id) ? NULL : all;
}

/* ---- order ---- */

static int peers_by_count(const void *a, const void *b)
{
	const struct finding_peer *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return memcmp(x->addr, y->addr, 16);
}

static int holders_by_count(const void *a, const void *b)
{
	const struct finding_holder *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->pid < y->pid ? -1 : 1;
}

static int ints_ascending(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

void groups_finish(struct groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct finding *f = &g->findings[i];
		size_t fds = f->n_fds < FINDING_LIST_MAX ? f->n_fds :
							   FINDING_LIST_MAX;

		free(g->index[i].peers);
		g->index[i].peers = NULL;
		if (f->n_peers)
			qsort(f->peers, f->n_peers, sizeof(*f->peers),
			      peers_by_count);
		if (f->n_holders)
			qsort(f->holders, f->n_holders, sizeof(*f->holders),
			      holders_by_count);
		qsort(f->fds, fds, sizeof(*f->fds), ints_ascending);
	}
}

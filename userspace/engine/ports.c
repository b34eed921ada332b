// SPDX-License-Identifier: GPL-2.0
#include "ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "ports_internal.h"

#define NS_PER_MS	UINT64_C(1000000)
#define NS_PER_SEC	(1000 * NS_PER_MS)
#define PORTS		65536

struct ports *ports_new(const struct thresholds *thresholds)
{
	struct ports *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->thresholds = thresholds;
	p->n_buckets = 1024;
	p->buckets = calloc(p->n_buckets, sizeof(*p->buckets));
	if (!p->buckets) {
		free(p);
		return NULL;
	}
	return p;
}

static void forget_findings(struct ports *p)
{
	for (size_t i = 0; i < p->n_findings; i++) {
		free(p->findings[i].peers);
		free(p->findings[i].holders);
	}
	free(p->findings);
	p->findings = NULL;
	p->n_findings = 0;
}

void ports_free(struct ports *p)
{
	if (!p)
		return;
	forget_findings(p);
	for (size_t i = 0; i < p->n_spaces; i++)
		free(p->spaces[i].bound_map);
	free(p->spaces);
	free(p->members);
	free(p->groups);
	free(p->buckets);
	free(p);
}

unsigned int ports_window(const struct ports *p)
{
	return p->since_ns[1] < p->since_ns[0];
}

/* ---- namespaces ---- */

static const struct netns_facts *facts_of(const struct ports *p, uint32_t netns)
{
	for (size_t i = 0; i < p->n_facts; i++)
		if (p->facts[i].netns == netns)
			return &p->facts[i];
	return NULL;
}

static void set_space_facts(struct ports *p, struct space *space)
{
	space->facts = facts_of(p, space->netns);
	for (int i = 0; i < 2 && space->facts; i++)
		if (space->overflows[i] < 0)
			space->overflows[i] = space->facts->tw_overflows;
}

void ports_set_facts(struct ports *p, const struct netns_facts *facts, size_t n)
{
	p->facts = facts;
	p->n_facts = n;
	/* What is not full yet is counted from now on. */
	for (size_t i = 0; i < n; i++)
		ports_space(p, facts[i].netns);
	for (size_t i = 0; i < p->n_spaces; i++)
		set_space_facts(p, &p->spaces[i]);
}

static uint32_t *bucket_of(struct ports *p, const struct group_key *key);
static struct group *group_get(struct ports *p, const struct group_key *key);

/* Most connections are in the namespace of the one before. */
struct space *ports_space(struct ports *p, uint32_t netns)
{
	struct group_key key = { .netns = netns, .scope = SCOPE_NETNS };
	struct space *space;
	struct group *group;
	uint32_t *bucket;

	if (p->last_space < p->n_spaces &&
	    p->spaces[p->last_space].netns == netns)
		return &p->spaces[p->last_space];
	bucket = bucket_of(p, &key);
	if (*bucket) {
		p->last_space = p->groups[*bucket - 1].space;
		return &p->spaces[p->last_space];
	}
	space = realloc(p->spaces, (p->n_spaces + 1) * sizeof(*space));
	if (!space)
		return NULL;
	p->spaces = space;
	group = group_get(p, &key);
	if (!group)
		return NULL;
	group->space = (uint32_t)p->n_spaces;
	space += p->n_spaces++;
	*space = (struct space){
		.netns = netns,
		.group = (uint32_t)(group - p->groups),
		.overflows = { -1, -1 },
	};
	set_space_facts(p, space);
	return space;
}

static bool in_range(const struct space *space, uint16_t port)
{
	const struct netns_facts *facts = space->facts;

	if (!facts || facts->port_first < 0 || port < facts->port_first ||
	    port > facts->port_last)
		return false;
	return !facts->reserved_map ||
	       !(facts->reserved_map[port / 8] >> port % 8 & 1);
}

/*
 * connect() passes over every port whose bucket bind() has made, to whatever
 * destination; that of a listener lives as long as a connection of it.
 */
static int take_from_all(struct space *space, uint16_t port)
{
	if (!in_range(space, port))
		return 0;
	if (!space->bound_map)
		space->bound_map = calloc(1, PORTS / 8);
	if (!space->bound_map)
		return -ENOMEM;
	space->bound += !(space->bound_map[port / 8] >> port % 8 & 1);
	space->bound_map[port / 8] |= (uint8_t)(1U << port % 8);
	return 0;
}

/* ---- groups ---- */

static size_t hash(const struct group_key *key)
{
	uint64_t words[5], h = 0;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < 5; i++) {
		h = (h ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (size_t)h;
}

static uint32_t *bucket_of(struct ports *p, const struct group_key *key)
{
	size_t at = hash(key) & (p->n_buckets - 1);

	while (p->buckets[at] &&
	       memcmp(&p->groups[p->buckets[at] - 1].key, key, sizeof(*key)))
		at = (at + 1) & (p->n_buckets - 1);
	return &p->buckets[at];
}

static int grow_buckets(struct ports *p)
{
	size_t n = p->n_buckets * 2;
	uint32_t *buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return -ENOMEM;
	free(p->buckets);
	p->buckets = buckets;
	p->n_buckets = n;
	for (size_t i = 0; i < p->n_groups; i++)
		*bucket_of(p, &p->groups[i].key) = (uint32_t)i + 1;
	return 0;
}

static int room_for_group(struct ports *p, const struct group_key *key)
{
	size_t max = p->max_groups ? p->max_groups * 2 : 64;
	struct group *groups;

	if (p->n_groups >= PORTS_GROUPS && key->scope != SCOPE_NETNS)
		return -ENOSPC;
	if (p->n_groups * 2 >= p->n_buckets && grow_buckets(p))
		return -ENOMEM;
	if (p->n_groups < p->max_groups)
		return 0;
	groups = realloc(p->groups, max * sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	p->groups = groups;
	p->max_groups = max;
	return 0;
}

/* NULL: no memory, or there are too many. */
static struct group *group_get(struct ports *p, const struct group_key *key)
{
	uint32_t *bucket = bucket_of(p, key);
	struct group *group;

	if (*bucket)
		return &p->groups[*bucket - 1];
	if (room_for_group(p, key))
		return NULL;
	group = &p->groups[p->n_groups++];
	*group = (struct group){ .key = *key };
	*bucket_of(p, key) = (uint32_t)p->n_groups;
	return group;
}

/*
 * Of what is older than the capture it is not known who opened it, unless its
 * listener is there: then a TIME_WAIT whose port connect() cannot have chosen
 * is one of the accepting side.
 */
static bool was_accepted(const struct space *space, const struct conn *c)
{
	if (c->role == ROLE_UNKNOWN)
		return c->state == TCPSTATE_TIME_WAIT && space->facts &&
		       space->facts->port_first >= 0 &&
		       !in_range(space, c->sport);
	return c->role == ROLE_SERVER;
}

static struct group *group_of(struct ports *p, const struct space *space,
			      const struct conn *c)
{
	struct group_key key = { .netns = c->netns, .family = c->family };
	struct group *group;

	address_copy(key.saddr, c->family, conn_saddr(c));
	if (was_accepted(space, c)) {
		key.scope = SCOPE_SERVICE;
		key.port = c->sport;
	} else {
		key.scope = SCOPE_DESTINATION;
		key.port = c->dport;
		address_copy(key.daddr, c->family, conn_daddr(c));
	}
	group = group_get(p, &key);
	if (group)
		group->space = (uint32_t)(space - p->spaces);
	return group;
}

/* ---- what happens ---- */

/* A group that begins now was empty when the last look was taken. */
static void count_close(const struct ports *p, struct group *group,
			const struct conn *c, bool entered)
{
	for (int i = 0; i < 2; i++) {
		struct window *w = &group->windows[i];

		if (!w->since_ns)
			w->since_ns = p->now_ns ? p->now_ns : c->state_ns;
		w->entered += entered;
		w->here += c->first == FIRST_LOCAL || c->first == FIRST_BOTH;
		w->there += c->first == FIRST_PEER;
	}
}

void ports_closed(struct ports *p, const struct conn *c)
{
	const bool entered = c->state == TCPSTATE_TIME_WAIT;
	struct space *space;
	struct group *group;

	if (!c->sport || !c->dport || c->role == ROLE_LISTENER)
		return;
	/* That was told when it entered TIME_WAIT. */
	if (!entered && conn_closing(c)->tw_ns)
		return;
	space = ports_space(p, c->netns);
	if (!space)
		return;
	if (entered)
		count_close(p, &p->groups[space->group], c, true);
	/* What others have closed on a service leaves nothing here. */
	if (!entered && c->role != ROLE_CLIENT)
		return;
	group = group_of(p, space, c);
	if (group)
		count_close(p, group, c, entered);
}

/* ---- a look ---- */

void ports_begin(struct ports *p, uint64_t now_ns, bool report)
{
	forget_findings(p);
	p->before_ns = p->now_ns;
	p->now_ns = now_ns;
	p->report = report;
	p->full = false;
	p->n_members = 0;
	for (int i = 0; i < 2; i++)
		if (!p->since_ns[i])
			p->since_ns[i] = now_ns;
	for (size_t i = 0; i < p->n_groups; i++) {
		struct group *group = &p->groups[i];

		memset(group->states, 0, sizeof(group->states));
		group->wanted = group->oldest_exact = false;
		group->ports = group->time_wait = group->young = 0;
		group->other_parity = 0;
		group->oldest_ns = 0;
	}
	for (size_t i = 0; i < p->n_spaces; i++) {
		struct space *space = &p->spaces[i];

		space->minis = space->bound = 0;
		if (space->bound_map)
			memset(space->bound_map, 0, PORTS / 8);
	}
}

static int add_member(struct ports *p, const struct group *group,
		      const struct conn *c)
{
	size_t max = p->max_members ? p->max_members * 2 : 1024;
	struct member *members;

	if (!p->report || (c->state != TCPSTATE_TIME_WAIT &&
			   group->key.scope != SCOPE_DESTINATION))
		return 0;
	if (p->n_members == p->max_members) {
		members = realloc(p->members, max * sizeof(*members));
		if (!members)
			return -ENOMEM;
		p->members = members;
		p->max_members = max;
	}
	p->members[p->n_members++] = (struct member){
		.group = (uint32_t)(group - p->groups),
		.pid = conn_origin(c)->pid,
		.conn = c,
	};
	return 0;
}

/*
 * Where tcp_tw_reuse does not give it yet.  Kernels without a setting for the
 * delay compare seconds of their clock, so that it may be a few milliseconds.
 */
static bool is_young(const struct netns_facts *facts, uint64_t now_ns,
		     uint64_t state_ns)
{
	if (facts->tcp_tw_reuse_delay_ms < 0)
		return now_ns / NS_PER_SEC <= state_ns / NS_PER_SEC;
	return now_ns < state_ns + (uint64_t)facts->tcp_tw_reuse_delay_ms *
			NS_PER_MS;
}

static void count_state(struct group *group, const struct conn *c,
			uint64_t age_ns)
{
	group->states[c->state]++;
	if (c->state != TCPSTATE_TIME_WAIT)
		return;
	if (age_ns < group->oldest_ns)
		return;
	group->oldest_ns = age_ns;
	group->oldest_exact = !c->snapshot;
}

static void count_port(struct group *group, const struct space *space,
		       const struct conn *c, uint64_t now_ns)
{
	if (!in_range(space, c->sport))
		return;
	group->ports++;
	group->other_parity += (c->sport ^ space->facts->port_first) & 1;
	if (c->state != TCPSTATE_TIME_WAIT)
		return;
	group->time_wait++;
	group->young += is_young(space->facts, now_ns, c->state_ns);
}

static int count(struct ports *p, struct space *space, const struct conn *c,
		 bool wanted)
{
	const uint64_t age_ns = p->now_ns > c->state_ns ?
				p->now_ns - c->state_ns : 0;
	struct group *all = &p->groups[space->group], *group;

	space->minis += c->mini;
	count_state(all, c, age_ns);
	all->wanted |= wanted;
	/* It may make room, and move them. */
	group = group_of(p, space, c);
	if (!group) {
		p->full = true;
		return 0;
	}
	count_state(group, c, age_ns);
	group->wanted |= wanted;
	if (group->key.scope == SCOPE_DESTINATION)
		count_port(group, space, c, p->now_ns);
	return add_member(p, group, c);
}

int ports_add(struct ports *p, const struct conn *c, bool wanted)
{
	struct space *space = ports_space(p, c->netns);
	int err;

	if (!space)
		return -ENOMEM;
	if (c->role == ROLE_LISTENER || c->role == ROLE_SERVER) {
		err = take_from_all(space, c->sport);
		if (err || c->role == ROLE_LISTENER)
			return err;
	}
	/* connect() has not chosen yet. */
	if (!c->sport || !c->dport || c->state >= TCPSTATE_STATES)
		return 0;
	return count(p, space, c, wanted);
}

uint64_t ports_used(const struct group *group, const struct netns_facts *facts)
{
	const struct group_key *key = &group->key;

	if (tw_reuse_of(facts, key->family, key->saddr, key->daddr) ==
	    TW_REUSE_APPLIES)
		return group->ports - group->time_wait + group->young;
	return group->ports;
}

static uint64_t used_of(const struct ports *p, const struct group *group)
{
	if (group->key.scope != SCOPE_DESTINATION)
		return group->states[TCPSTATE_TIME_WAIT];
	return ports_used(group, p->spaces[group->space].facts);
}

/* The first sample of a new group: the look before has shown none of it. */
static void begin(const struct ports *p, struct window *w)
{
	const uint64_t before_ns = p->before_ns ? p->before_ns : p->now_ns;

	if (!w->since_ns)
		w->since_ns = before_ns;
	if (w->used.n || !p->before_ns || w->since_ns > before_ns)
		return;
	slope_add(&w->used, before_ns, 0);
	slope_add(&w->others, before_ns, 0);
}

static void add_sample(const struct ports *p, const struct group *group,
		       struct window *w)
{
	slope_add(&w->used, p->now_ns, (double)used_of(p, group));
	slope_add(&w->others, p->now_ns, group->ports - group->time_wait);
}

void ports_end(struct ports *p)
{
	for (size_t i = 0; i < p->n_groups; i++) {
		struct group *group = &p->groups[i];

		for (int k = 0; k < 2; k++) {
			struct window *w = &group->windows[k];

			begin(p, w);
			add_sample(p, group, w);
		}
	}
}

bool ports_full(const struct ports *p)
{
	return p->full;
}

/* ---- windows ---- */

/* Groups that nothing has been in for a whole window are let go. */
static bool is_over(const struct group *group)
{
	const struct window *w = group->windows;

	return group->key.scope != SCOPE_NETNS && !group->ports &&
	       !group->states[TCPSTATE_TIME_WAIT] && !w[0].here &&
	       !w[0].there && !w[1].here && !w[1].there;
}

/* A namespace that is gone, and all that was in it. */
static bool is_gone(const struct ports *p, const struct space *space)
{
	const struct group *group = &p->groups[space->group];

	for (size_t i = 0; i < TCPSTATE_STATES; i++)
		if (group->states[i])
			return false;
	return !space->facts && !group->windows[0].entered &&
	       !group->windows[1].entered;
}

static void choose_spaces(struct ports *p)
{
	uint32_t n = 0;

	for (size_t i = 0; i < p->n_spaces; i++)
		p->spaces[i].needed = !is_gone(p, &p->spaces[i]);
	for (size_t i = 0; i < p->n_groups; i++)
		if (p->groups[i].key.scope != SCOPE_NETNS &&
		    !is_over(&p->groups[i]))
			p->spaces[p->groups[i].space].needed = true;
	for (size_t i = 0; i < p->n_spaces; i++)
		if (p->spaces[i].needed)
			p->spaces[i].number = n++;
}

static void let_go_spaces(struct ports *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_spaces; i++)
		if (p->spaces[i].needed)
			p->spaces[n++] = p->spaces[i];
		else
			free(p->spaces[i].bound_map);
	p->n_spaces = n;
	p->last_space = 0;
}

static void let_go(struct ports *p)
{
	size_t n = 0;

	choose_spaces(p);
	for (size_t i = 0; i < p->n_groups; i++) {
		const struct space *space = &p->spaces[p->groups[i].space];

		if (is_over(&p->groups[i]) || !space->needed)
			continue;
		p->groups[n] = p->groups[i];
		p->groups[n++].space = space->number;
	}
	p->n_groups = n;
	let_go_spaces(p);
	memset(p->buckets, 0, p->n_buckets * sizeof(*p->buckets));
	for (size_t i = 0; i < n; i++) {
		const struct group *group = &p->groups[i];

		*bucket_of(p, &group->key) = (uint32_t)i + 1;
		if (group->key.scope == SCOPE_NETNS)
			p->spaces[group->space].group = (uint32_t)i;
	}
}

void ports_forget(struct ports *p, uint64_t now_ns, uint64_t period_ns)
{
	const unsigned int old = ports_window(p);

	/* Both begin together, and then take turns. */
	if (now_ns - p->since_ns[!old] < period_ns)
		return;
	for (size_t i = 0; i < p->n_groups; i++) {
		struct window *w = &p->groups[i].windows[old];

		*w = (struct window){ .since_ns = now_ns };
		add_sample(p, &p->groups[i], w);
	}
	for (size_t i = 0; i < p->n_spaces; i++)
		p->spaces[i].overflows[old] = p->spaces[i].facts ?
			p->spaces[i].facts->tw_overflows : -1;
	p->since_ns[old] = now_ns;
	/* The members of the last look go by number. */
	forget_findings(p);
	p->n_members = 0;
	let_go(p);
}

/* ---- tcp_tw_reuse ---- */

/* As tcp_twsk_unique() decides, but for SO_BINDTODEVICE to lo. */
enum tw_reuse tw_reuse_of(const struct netns_facts *facts, uint8_t family,
			  const uint8_t *saddr, const uint8_t *daddr)
{
	if (!facts || facts->tcp_tw_reuse < 0)
		return TW_REUSE_UNKNOWN;
	if (!facts->tcp_tw_reuse)
		return TW_REUSE_OFF;
	if (facts->tcp_tw_reuse == 2 && !address_is_loopback(family, saddr) &&
	    !address_is_loopback(family, daddr))
		return TW_REUSE_LOOPBACK_ONLY;
	if (facts->tcp_timestamps < 0)
		return TW_REUSE_UNKNOWN;
	return facts->tcp_timestamps ? TW_REUSE_APPLIES :
				       TW_REUSE_NO_TIMESTAMPS;
}

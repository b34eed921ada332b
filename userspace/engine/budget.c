// SPDX-License-Identifier: GPL-2.0
/* From the groups of ports.c to findings: how full, how fast, by whom. */
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "forecast.h"
#include "ports_internal.h"

#define NS_PER_SEC	1e9
#define TIME_WAIT_S	60	/* TCP_TIMEWAIT_LEN */
/*
 * What will be used up within so long is critical, or a warning, if a part of
 * it is used already: a few seconds in which a program starts and fills its
 * pool, or of a burst, say nothing of the minutes to come.
 */
#define CRITICAL_ETA_S	60
#define WARNING_ETA_S	600
#define ALARM_PART	10

/* ---- how full ---- */

static void set_destination(struct finding *f, const struct group *group,
			    const struct space *space)
{
	const struct netns_facts *facts = space->facts;
	struct finding_budget *b = &f->budget;
	int64_t range;

	f->rule = RULE_PORTS;
	b->dport = group->key.port;
	b->reuse = tw_reuse_of(facts, b->family, b->saddr, b->daddr);
	if (!facts || facts->port_first < 0)
		return;
	range = facts->port_last - facts->port_first + 1 -
		(facts->ports_reserved > 0 ? facts->ports_reserved : 0);
	b->bound = space->bound;
	b->usable = range > (int64_t)b->bound ? (uint64_t)range - b->bound : 0;
	b->ports = group->ports;
	b->other_parity = group->other_parity;
	b->time_wait = group->time_wait;
	b->used = ports_used(group, facts);
	b->reusable = b->ports - b->used;
	b->bearable_per_s = (double)b->usable / TIME_WAIT_S;
	if (b->reuse == TW_REUSE_APPLIES)
		b->bearable_per_s = facts->tcp_tw_reuse_delay_ms > 0 ?
			(double)b->usable * 1000 /
			(double)facts->tcp_tw_reuse_delay_ms :
			(double)b->usable;
}

static void set_space(struct finding *f, const struct space *space,
		      int64_t overflows_before)
{
	const struct netns_facts *facts = space->facts;
	struct finding_budget *b = &f->budget;

	b->buckets_used = (int64_t)space->minis;
	b->buckets_limit = b->overflows = b->overflows_now = -1;
	if (!facts)
		return;
	/* The kernel's own count is that which it compares. */
	if (facts->time_waits >= 0)
		b->buckets_used = facts->time_waits;
	b->buckets_limit = facts->tcp_max_tw_buckets;
	b->overflows = facts->tw_overflows;
	if (overflows_before >= 0 && b->overflows >= overflows_before)
		b->overflows_now = b->overflows - overflows_before;
	if (facts->tw_bytes > 0)
		b->bytes = (uint64_t)b->buckets_used *
			   (uint64_t)facts->tw_bytes;
}

/* ---- how fast ---- */

static uint64_t limit_of(const struct finding *f)
{
	if (f->rule == RULE_PORTS)
		return f->budget.usable;
	return f->budget.buckets_limit > 0 ?
	       (uint64_t)f->budget.buckets_limit : 0;
}

/*
 * Those that are just closing come and go: what is small beside the growth of
 * all is no trend to be drawn on for minutes.
 */
static double others_per_s(const struct window *w)
{
	double others = slope_per_min(&w->others);

	if (!slope_sign(&w->others) || others * 10 < slope_per_min(&w->used))
		return 0;
	return others / 60;
}

static void predict(struct finding *f, const struct window *w,
		    const struct forecast *ages)
{
	struct forecast forecast = *ages;
	struct finding_budget *b = &f->budget;
	double seconds;

	if (!limit_of(f) || slope_sign(&w->used) <= 0)
		return;
	forecast.limit = (double)limit_of(f);
	forecast.per_s = b->rate_per_s;
	forecast.others_per_s = others_per_s(w);
	if (f->rule == RULE_PORTS)
		forecast.others = (double)(b->ports - b->time_wait);
	/* Orphans in FIN_WAIT2. */
	else if (b->buckets_used > (int64_t)f->count)
		forecast.others = (double)(b->buckets_used -
					   (int64_t)f->count);
	if (b->reuse == TW_REUSE_APPLIES) {
		memset(forecast.left, 0, sizeof(forecast.left));
		forecast.others = (double)b->used;
		forecast.per_s = 0;
	}
	f->has_eta = forecast_reaches(&forecast, &seconds);
	if (f->has_eta)
		f->eta_s = (uint64_t)(slope_two_digits(seconds) + 0.5);
	else if (forecast.others_per_s <= 0)
		b->level = (uint64_t)slope_two_digits(forecast_level(&forecast));
}

static void set_growth(struct finding *f, const struct window *w,
		       uint64_t now_ns)
{
	struct finding_budget *b = &f->budget;

	f->observed_ns = now_ns > w->since_ns ? now_ns - w->since_ns : 0;
	b->closed_here = w->here;
	b->closed_there = w->there;
	f->has_growth = b->has_rate = slope_measured(&w->used);
	if (!f->has_growth)
		return;
	f->growth_per_min = slope_two_digits(slope_per_min(&w->used));
	b->rate_per_s = (double)w->entered * NS_PER_SEC /
			(double)f->observed_ns;
}

/* ---- how bad ---- */

static uint8_t severity_of(const struct threshold *t, uint64_t used,
			   uint64_t limit)
{
	static const uint8_t severities[RATINGS] = {
		[RATING_OK] = SEVERITY_INFO,
		[RATING_WARNING] = SEVERITY_WARNING,
		[RATING_CRITICAL] = SEVERITY_CRITICAL,
	};

	return severities[threshold_rate_share(t, used, limit)];
}

uint64_t ports_limit(const struct finding_budget *b)
{
	return b->usable ? b->usable : b->used;
}

static void rate(struct finding *f, const struct thresholds *t)
{
	const struct finding_budget *b = &f->budget;
	uint64_t used = b->used;

	if (b->scope == SCOPE_NETNS)
		used = b->buckets_used > 0 ? (uint64_t)b->buckets_used : 0;
	if (f->rule == RULE_PORTS)
		f->severity = severity_of(&t->ports_used, used, ports_limit(b));
	else if (b->scope == SCOPE_NETNS)
		f->severity = severity_of(&t->time_wait, used, limit_of(f));
	if (b->scope == SCOPE_NETNS && b->overflows_now > 0)
		f->severity = SEVERITY_CRITICAL;
	if (!f->has_eta || used * ALARM_PART < limit_of(f))
		return;
	if (f->eta_s <= CRITICAL_ETA_S)
		f->severity = SEVERITY_CRITICAL;
	else if (f->eta_s <= WARNING_ETA_S && f->severity == SEVERITY_INFO)
		f->severity = SEVERITY_WARNING;
}

/* ---- by whom ---- */

static void *one_more(void *list, size_t n, size_t size)
{
	if (n & (n - 1))
		return list;
	return realloc(list, (n ? n * 2 : 1) * size);
}

/*
 * Those of a process stand together.  All are counted, and the largest told: who
 * starts a process for each connection has thousands of small ones.
 */
static void add_closer(struct finding *f, const struct member *m)
{
	struct finding_holder *closer = f->holders;

	if (!m->pid)
		return;
	if (f->n_holders && closer[f->n_holders - 1].pid == m->pid) {
		closer[f->n_holders - 1].count++;
		return;
	}
	closer = one_more(closer, f->n_holders, sizeof(*closer));
	if (!closer)
		return;
	f->holders = closer;
	closer += f->n_holders++;
	closer->pid = m->pid;
	memcpy(closer->comm, conn_origin(m->conn)->comm, sizeof(closer->comm));
	closer->count = 1;
}

/* The same of those to an address. */
static void add_peer(struct finding *f, const struct conn *c)
{
	struct finding_peer *peer;
	uint8_t addr[16];

	address_copy(addr, c->family, conn_daddr(c));
	if (f->n_peers) {
		peer = &f->peers[f->n_peers - 1];
		if (!memcmp(peer->addr, addr, sizeof(peer->addr))) {
			peer->count++;
			return;
		}
	}
	peer = one_more(f->peers, f->n_peers, sizeof(*peer));
	if (!peer)
		return;
	f->peers = peer;
	peer += f->n_peers++;
	peer->family = c->family;
	memcpy(peer->addr, addr, sizeof(peer->addr));
	peer->count = 1;
}

static void add_owner(struct finding *f, const struct member *m)
{
	add_closer(f, m);
	if (!f->cgroup)
		f->cgroup = conn_origin(m->conn)->cgroup;
	if (!f->has_uid && m->conn->has_uid) {
		f->has_uid = true;
		f->uid = conn_origin(m->conn)->uid;
	}
}

static int holders_by_count(const void *a, const void *b)
{
	const struct finding_holder *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int peers_by_count(const void *a, const void *b)
{
	const struct finding_peer *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return memcmp(x->addr, y->addr, sizeof(x->addr));
}

static void sort_lists(struct finding *f)
{
	if (f->n_peers)
		qsort(f->peers, f->n_peers, sizeof(*f->peers), peers_by_count);
	if (f->n_peers > FINDING_PEERS_MAX)
		f->n_peers = FINDING_PEERS_MAX;
	if (!f->n_holders)
		return;
	qsort(f->holders, f->n_holders, sizeof(*f->holders), holders_by_count);
	if (f->n_holders > FINDING_HOLDERS_MAX)
		f->n_holders = FINDING_HOLDERS_MAX;
	f->pid = f->holders[0].pid;
	memcpy(f->comm, f->holders[0].comm, sizeof(f->comm));
}

/* ---- which groups ---- */

struct rank {
	uint32_t group;
	uint64_t per_mille;	/* of its ports */
	uint64_t count;
};

/* Either may be THRESHOLD_NEVER. */
static uint64_t told_from_percent(const struct threshold *t)
{
	return t->warn < t->crit ? t->warn : t->crit;
}

/* Without a TIME_WAIT, too: the mini-sockets of orphans may take them all. */
static bool lacks_buckets(const struct ports *p, const struct group *group)
{
	const struct space *space = &p->spaces[group->space];
	struct finding f = { .rule = RULE_TIME_WAIT };

	f.budget.scope = SCOPE_NETNS;
	set_space(&f, space, space->overflows[ports_window(p)]);
	rate(&f, p->thresholds);
	return f.severity != SEVERITY_INFO;
}

static bool is_told(const struct ports *p, const struct group *group,
		    const struct rank *rank)
{
	if (!group->wanted)
		return false;
	if (group->key.scope == SCOPE_NETNS && lacks_buckets(p, group))
		return true;
	return group->states[TCPSTATE_TIME_WAIT] ||
	       (group->key.scope == SCOPE_DESTINATION &&
		rank->per_mille / 10 >=
			told_from_percent(&p->thresholds->ports_used));
}

static struct rank rank_of(const struct ports *p, uint32_t number)
{
	const struct group *group = &p->groups[number];
	struct rank rank = {
		.group = number, .count = group->states[TCPSTATE_TIME_WAIT],
	};
	struct finding f = {};

	if (group->key.scope != SCOPE_DESTINATION)
		return rank;
	set_destination(&f, group, &p->spaces[group->space]);
	if (f.budget.usable)
		rank.per_mille = f.budget.used * 1000 / f.budget.usable;
	return rank;
}

static int by_rank(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->per_mille != y->per_mille)
		return x->per_mille > y->per_mille ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->group < y->group ? -1 : 1;
}

static int by_group(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	return x->group < y->group ? -1 : x->group > y->group;
}

/*
 * The largest groups, and all namespaces, by number; NULL without memory or if
 * there are none.
 */
static struct rank *choose(const struct ports *p, size_t *n, size_t *more)
{
	struct rank *ranks = calloc(p->n_groups, sizeof(*ranks));
	size_t spaces = 0, groups = 0, told;

	*n = *more = 0;
	if (!ranks)
		return NULL;
	/* Groups from the begin, namespaces from the end. */
	for (size_t i = 0; i < p->n_groups; i++) {
		struct rank rank = rank_of(p, (uint32_t)i);

		if (!is_told(p, &p->groups[i], &rank))
			continue;
		if (p->groups[i].key.scope == SCOPE_NETNS)
			ranks[p->n_groups - ++spaces] = rank;
		else
			ranks[groups++] = rank;
	}
	if (groups)
		qsort(ranks, groups, sizeof(*ranks), by_rank);
	told = groups < PORTS_TOLD ? groups : PORTS_TOLD;
	memmove(&ranks[told], &ranks[p->n_groups - spaces],
		spaces * sizeof(*ranks));
	*more = groups - told;
	*n = told + spaces;
	if (*n)
		qsort(ranks, *n, sizeof(*ranks), by_group);
	return ranks;
}

/* ---- together ---- */

static int by_group_and_pid(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->conn->cookie < y->conn->cookie ? -1 : 1;
}

static void make_finding(struct ports *p, struct finding *f, uint32_t number)
{
	const struct group *group = &p->groups[number];
	const struct space *space = &p->spaces[group->space];
	struct finding_budget *b = &f->budget;

	f->rule = RULE_TIME_WAIT;
	f->state = TCPSTATE_TIME_WAIT;
	f->netns = group->key.netns;
	f->count = group->states[TCPSTATE_TIME_WAIT];
	f->oldest_ns = group->oldest_ns;
	f->oldest_exact = group->oldest_exact;
	f->facts = space->facts;
	b->scope = group->key.scope;
	b->family = group->key.family;
	memcpy(b->saddr, group->key.saddr, sizeof(b->saddr));
	memcpy(b->daddr, group->key.daddr, sizeof(b->daddr));
	for (size_t i = 0; i < TCPSTATE_STATES; i++)
		b->states[i] = group->states[i];
	b->buckets_used = b->buckets_limit = -1;
	b->overflows = b->overflows_now = -1;
	if (b->scope == SCOPE_DESTINATION)
		set_destination(f, group, space);
	else if (b->scope == SCOPE_SERVICE)
		b->sport = group->key.port;
	else
		set_space(f, space, space->overflows[ports_window(p)]);
	set_growth(f, &group->windows[ports_window(p)], p->now_ns);
}

static int by_peer(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	uint8_t of_x[16], of_y[16];

	address_copy(of_x, x->conn->family, conn_daddr(x->conn));
	address_copy(of_y, y->conn->family, conn_daddr(y->conn));
	return memcmp(of_x, of_y, sizeof(of_x));
}

static void add_age(struct forecast *ages, const struct ports *p,
		    const struct conn *c)
{
	forecast_add(ages, p->now_ns > c->state_ns ? p->now_ns - c->state_ns :
						     0);
}

static bool is_time_wait(const struct member *m)
{
	return m->conn->state == TCPSTATE_TIME_WAIT;
}

/* A group's, which are by process; those of a service are by peer then. */
static void take_members(const struct ports *p, struct finding *f,
			 struct member *members, size_t n,
			 struct forecast *ages)
{
	size_t ids = 0;

	for (size_t i = 0; i < n; i++) {
		add_owner(f, &members[i]);
		if (!is_time_wait(&members[i]))
			continue;
		add_age(ages, p, members[i].conn);
		if (ids < FINDING_LIST_MAX)
			f->conn_ids[ids++] = members[i].conn->cookie;
	}
	if (n && f->budget.scope == SCOPE_SERVICE)
		qsort(members, n, sizeof(*members), by_peer);
	for (size_t i = 0; i < n; i++)
		if (is_time_wait(&members[i]))
			add_peer(f, members[i].conn);
	sort_lists(f);
}

/* The members are sorted, and so are the groups that are told. */
static void add_members(struct ports *p, const struct rank *ranks)
{
	size_t at = 0, end;

	for (size_t i = 0; i < p->n_findings; i++) {
		struct finding *f = &p->findings[i];
		const struct group *group = &p->groups[ranks[i].group];
		struct forecast ages = {};

		while (at < p->n_members &&
		       p->members[at].group < ranks[i].group)
			at++;
		for (end = at; end < p->n_members &&
		     p->members[end].group == ranks[i].group; end++)
			;
		take_members(p, f, &p->members[at], end - at, &ages);
		at = end;
		predict(f, &group->windows[ports_window(p)], &ages);
		rate(f, p->thresholds);
	}
}

/* A namespace's finding, or NULL, and all that is in TIME_WAIT there. */
struct sum {
	struct finding *finding;
	struct forecast ages;
	size_t n_ids;
};

/* Those of a namespace have no members of their own. */
static void predict_spaces(struct ports *p, const struct rank *ranks)
{
	struct sum *sums = calloc(p->n_spaces, sizeof(*sums)), *sum;

	if (!sums)
		return;
	for (size_t i = 0; i < p->n_findings; i++)
		if (p->findings[i].budget.scope == SCOPE_NETNS)
			sums[p->groups[ranks[i].group].space].finding =
				&p->findings[i];
	for (size_t i = 0; i < p->n_members; i++) {
		const struct member *m = &p->members[i];

		if (!is_time_wait(m))
			continue;
		sum = &sums[p->groups[m->group].space];
		add_age(&sum->ages, p, m->conn);
		if (sum->finding && sum->n_ids < FINDING_LIST_MAX)
			sum->finding->conn_ids[sum->n_ids++] = m->conn->cookie;
	}
	for (size_t i = 0; i < p->n_findings; i++) {
		const struct group *group = &p->groups[ranks[i].group];

		sum = &sums[group->space];
		if (sum->finding != &p->findings[i])
			continue;
		predict(sum->finding, &group->windows[ports_window(p)],
			&sum->ages);
		rate(sum->finding, p->thresholds);
	}
	free(sums);
}

static int worst_first(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->budget.scope != y->budget.scope)
		return x->budget.scope < y->budget.scope ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	return memcmp(&x->budget.saddr, &y->budget.saddr,
		      sizeof(x->budget.saddr));
}

struct finding *ports_findings(struct ports *p, size_t *n, size_t *more)
{
	struct rank *ranks = choose(p, n, more);

	if (*n)
		p->findings = calloc(*n, sizeof(*p->findings));
	if (!p->findings) {
		*n = 0;
		free(ranks);
		return NULL;
	}
	p->n_findings = *n;
	if (p->n_members)
		qsort(p->members, p->n_members, sizeof(*p->members),
		      by_group_and_pid);
	for (size_t i = 0; i < *n; i++)
		make_finding(p, &p->findings[i], ranks[i].group);
	add_members(p, ranks);
	predict_spaces(p, ranks);
	free(ranks);
	qsort(p->findings, *n, sizeof(*p->findings), worst_first);
	return p->findings;
}

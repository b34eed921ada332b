// SPDX-License-Identifier: GPL-2.0
#include "leaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "advice.h"

struct leaks {
	struct stuck_config cfg;
	struct thresholds thresholds;
	bool incomplete;
	struct groups groups;
};

static const char *const rules[RULES] = {
	"close_wait", "fin_wait1", "fin_wait2", "last_ack", "closing",
	"syn_sent", "syn_recv", "idle", "orphans", "time_wait", "ports", "fds",
	"collision", "illegal",
};
static const char *const severities[SEVERITIES] = {
	"info", "warning", "critical"
};
static const char *const bugs[BUGS] = {
	"fin_read", "fin_unread", "data_unread", "never_accepted",
	"held_elsewhere", "ownerless",
};
static const char *const scopes[SCOPES] = {
	"destination", "service", "netns"
};
static const char *const reuses[TW_REUSES] = {
	"unknown", "off", "loopback_only", "no_timestamps", "applies"
};

const char *rule_name(unsigned int rule)
{
	return rule < RULES ? rules[rule] : "?";
}

const char *severity_name(unsigned int severity)
{
	return severity < SEVERITIES ? severities[severity] : "?";
}

const char *bug_name(unsigned int bug)
{
	return bug < BUGS ? bugs[bug] : "?";
}

const char *scope_name(unsigned int scope)
{
	return scope < SCOPES ? scopes[scope] : "?";
}

const char *tw_reuse_name(unsigned int reuse)
{
	return reuse < TW_REUSES ? reuses[reuse] : "?";
}

struct leaks *leaks_new(const struct stuck_config *cfg)
{
	static const struct thresholds defaults = THRESHOLDS_DEFAULT;
	struct leaks *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->cfg = *cfg;
	l->thresholds = cfg->thresholds ? *cfg->thresholds : defaults;
	l->cfg.thresholds = &l->thresholds;
	return l;
}

void leaks_free(struct leaks *l)
{
	if (!l)
		return;
	groups_free(&l->groups);
	free(l);
}

void leaks_incomplete(struct leaks *l)
{
	l->incomplete = true;
}

/* ---- which bug ---- */

/* Recv-Q in CLOSE_WAIT: the FIN takes one number (F22). */
static enum bug bug_of(const struct leaks *l, const struct conn *c,
		       const struct holding *holdings, size_t n)
{
	const struct origin *origin = conn_origin(c);

	if (!c->inode && c->role != ROLE_CLIENT && !c->accepted)
		return BUG_NEVER_ACCEPTED;
	if (!c->inode || (!n && !l->incomplete))
		return BUG_OWNERLESS;
	if (origin->pid && !l->incomplete &&
	    !holding_of(holdings, n, origin->pid))
		return BUG_HELD_ELSEWHERE;
	if (c->rqueue == 0)
		return BUG_FIN_READ;
	return c->rqueue == 1 ? BUG_FIN_UNREAD : BUG_DATA_UNREAD;
}

/* ---- grouping ---- */

static void set_holder(struct finding *f, const struct conn *c,
		       const struct holding *holdings, size_t n)
{
	const struct origin *origin = conn_origin(c);
	const struct holding *own = holding_of(holdings, n, origin->pid);

	if (f->bug == BUG_HELD_ELSEWHERE || f->bug == BUG_OWNERLESS) {
		f->owner_pid = origin->pid;
		group_set_comm(f->owner_comm, origin->comm);
	}
	if (!n)
		return;
	if (!own)
		own = &holdings[0];
	f->pid = own->pid;
	group_set_comm(f->comm, own->comm);
}

static uint64_t age_of(const struct leaks *l, const struct conn *c)
{
	return l->cfg.now_ns > c->state_ns ? l->cfg.now_ns - c->state_ns : 0;
}

bool leaks_is_old(const struct leaks *l, const struct conn *c)
{
	return age_of(l, c) >= l->cfg.age_ns;
}

int leaks_add(struct leaks *l, const struct conn *c,
	      const struct conn *listener, const struct holding *holdings,
	      size_t n, const struct netns_facts *settings)
{
	const struct origin *origin = conn_origin(c);
	struct finding key = {
		.rule = RULE_CLOSE_WAIT,
		.bug = bug_of(l, c, holdings, n),
		.state = c->state,
		.netns = c->netns,
		.cgroup = origin->cgroup,
		.facts = settings,
	};
	struct finding *f;

	if (!leaks_is_old(l, c))
		return 0;
	group_set_end(&key, c, listener);
	if (key.bug != BUG_NEVER_ACCEPTED) {
		set_holder(&key, c, holdings, n);
		key.has_uid = c->has_uid;
		key.uid = c->has_uid ? origin->uid : 0;
	}
	f = groups_get(&l->groups, &key);
	if (!f)
		return -ENOMEM;
	return group_count(&l->groups, f, c, age_of(l, c), !c->snapshot,
			   holdings, n);
}

/* An orphan has no holder: who closed it is told, if that was seen. */
static void set_closer(struct finding *f, const struct conn *c)
{
	const struct origin *origin = conn_origin(c);

	f->owner_pid = origin->pid;
	group_set_comm(f->owner_comm, origin->comm);
}

int leaks_add_stuck(struct leaks *l, const struct conn *c,
		    const struct stuck_facts *facts,
		    const struct conn *listener,
		    const struct holding *holdings, size_t n,
		    const struct netns_facts *settings)
{
	const struct origin *origin = conn_origin(c);
	struct finding key = {
		.state = c->state,
		.netns = c->netns,
		.cgroup = origin->cgroup,
	};
	struct stuck stuck;
	struct finding *f;
	int err;

	if (!stuck_judge(&l->cfg, c, facts, &stuck))
		return 0;
	key.rule = stuck.rule;
	key.cause = stuck.cause;
	group_set_end(&key, c, listener);
	if (facts->in_file) {
		set_holder(&key, c, holdings, n);
		key.has_uid = c->has_uid;
		key.uid = c->has_uid ? origin->uid : 0;
	} else if (c->state != TCPSTATE_SYN_RECV) {
		set_closer(&key, c);
	}
	f = groups_get(&l->groups, &key);
	if (!f)
		return -ENOMEM;
	err = group_count(&l->groups, f, c, stuck.age_ns, stuck.exact, holdings,
			  n);
	stuck_count(f, facts, settings);
	return err;
}

/* ---- collisions ---- */

#define TIME_WAIT_NS	(ADVICE_TIME_WAIT_S * UINT64_C(1000000000))

/* Who holds it; a leaked descriptor outlives its connection. */
static void set_owner_of_blocker(struct finding *f, const struct conn *c,
				 const struct holding *holdings, size_t n)
{
	const struct origin *origin = conn_origin(c);

	if (n) {
		set_holder(f, c, holdings, n);
	} else if (c->state == TCPSTATE_CLOSE_WAIT) {
		f->pid = origin->pid;
		group_set_comm(f->comm, origin->comm);
	} else {
		set_closer(f, c);
	}
	f->has_uid = c->has_uid;
	f->uid = c->has_uid ? origin->uid : 0;
}

/* As long as it is in the way. */
static void count_block_end(struct leaks *l, struct finding *f,
			    const struct conn *live,
			    const struct stuck_facts *facts,
			    const struct netns_facts *settings)
{
	uint64_t end_ns = live->state_ns + TIME_WAIT_NS;

	if (live->state == TCPSTATE_CLOSE_WAIT) {
		f->has_end = true;
	} else if (live->state == TCPSTATE_LAST_ACK && facts) {
		stuck_count_end(f, facts, settings);
	} else if (live->state == TCPSTATE_TIME_WAIT &&
		   !conn_closing(live)->tw_restarts) {
		f->has_end = true;
		f->ending++;
		f->end_max_ns = end_ns > l->cfg.now_ns ?
				end_ns - l->cfg.now_ns : 0;
		f->end_min_ns = f->end_max_ns;
	}
}

static uint64_t ago(const struct leaks *l, uint64_t ns)
{
	return l->cfg.now_ns > ns ? l->cfg.now_ns - ns : 0;
}

static void count_syns(const struct leaks *l, struct finding *f,
		       const struct collision *collision)
{
	struct finding_syns *s = &f->syns;
	const struct conn *c = &collision->conn;

	s->count += collision->syns;
	if (ago(l, collision->first_ns) > s->first_ns)
		s->first_ns = ago(l, collision->first_ns);
	if (s->family && ago(l, collision->last_ns) >= s->last_ns)
		return;
	s->last_ns = ago(l, collision->last_ns);
	s->family = c->family;
	s->sport = c->sport;
	s->dport = c->dport;
	address_copy(s->saddr, c->family, conn_saddr(c));
	address_copy(s->daddr, c->family, conn_daddr(c));
}

int leaks_add_collision(struct leaks *l, const struct collision *collision,
			const struct conn *live,
			const struct stuck_facts *facts,
			const struct conn *listener,
			const struct holding *holdings, size_t n,
			const struct netns_facts *settings)
{
	const struct conn *c = &collision->conn;
	struct finding key = {
		.rule = RULE_COLLISION,
		.state = c->state,
		.netns = c->netns,
		.cgroup = conn_origin(c)->cgroup,
		.facts = settings,
	};
	struct finding *f;

	group_set_end(&key, c, listener);
	set_owner_of_blocker(&key, c, holdings, n);
	f = groups_get(&l->groups, &key);
	if (!f)
		return -ENOMEM;
	count_syns(l, f, collision);
	if (live)
		count_block_end(l, f, live, facts, settings);
	else
		f->syns.gone++;
	return group_count(&l->groups, f, c, ago(l, c->state_ns), !c->snapshot,
			   holdings, n);
}

int leaks_add_refused_syns(struct leaks *l, uint64_t syns,
			   const struct conn *candidate,
			   const struct conn *listener,
			   const struct holding *holdings, size_t n,
			   const struct netns_facts *settings)
{
	struct finding key = {
		.rule = RULE_COLLISION,
		.inferred = true,
		.netns = settings->netns,
		.facts = settings,
	};
	struct finding *f;

	if (candidate) {
		key.state = candidate->state;
		key.cgroup = conn_origin(candidate)->cgroup;
		group_set_end(&key, candidate, listener);
		set_owner_of_blocker(&key, candidate, holdings, n);
	}
	f = groups_get(&l->groups, &key);
	if (!f)
		return -ENOMEM;
	f->syns.count = syns;
	return candidate ? group_count(&l->groups, f, candidate,
				       ago(l, candidate->state_ns),
				       !candidate->snapshot, holdings, n) : 0;
}

int leaks_add_oddity(struct leaks *l, const struct oddity *oddity)
{
	const struct conn *c = &oddity->conn;
	const struct origin *origin = conn_origin(c);
	struct finding key = {
		.rule = RULE_ILLEGAL,
		.pid = origin->pid,
		.netns = c->netns,
		.cgroup = origin->cgroup,
	};
	struct finding *f;

	group_set_comm(key.comm, origin->comm);
	f = groups_get(&l->groups, &key);
	if (!f)
		return -ENOMEM;
	f->illegal_from = oddity->old_state;
	f->illegal_to = oddity->new_state;
	f->contradicts = c->contradicts;
	return group_count(&l->groups, f, c, ago(l, oddity->ns), true, NULL, 0);
}

int leaks_add_orphans(struct leaks *l, const struct netns_facts *settings)
{
	struct finding key = {
		.rule = RULE_ORPHANS,
		.netns = settings->netns,
		.facts = settings,
	};
	struct finding *f;

	if (!stuck_too_many_orphans(settings))
		return 0;
	f = groups_get(&l->groups, &key);
	if (!f)
		return -ENOMEM;
	f->count = (uint64_t)settings->orphans;
	return 0;
}

int leaks_add_fds(struct leaks *l, const struct leaks_process *p)
{
	struct finding key = {
		.rule = RULE_FDS,
		.pid = p->pid,
		.netns = p->netns,
		.cgroup = p->cgroup,
	};
	struct finding *f;

	if (!threshold_rate_share(&l->thresholds.fds_used, p->fd_used,
				  p->fd_limit))
		return 0;
	group_set_comm(key.comm, p->comm);
	f = groups_get(&l->groups, &key);
	if (!f)
		return -ENOMEM;
	f->count = p->sockets;
	f->fd_used = p->fd_used;
	f->fd_limit = p->fd_limit;
	return 0;
}

/* ---- rating ---- */

static enum rating worst_of(const struct finding *f,
			    const struct thresholds *t)
{
	const enum rating all[] = {
		threshold_rate(&t->close_wait_count, f->count),
		threshold_rate(&t->close_wait_age, f->oldest_ns),
		threshold_rate_share(&t->fds_used, f->fd_used, f->fd_limit),
	};
	enum rating worst = RATING_OK;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] > worst)
			worst = all[i];
	return worst;
}

void leaks_rate(struct finding *f, const struct thresholds *t)
{
	if (f->rule != RULE_CLOSE_WAIT) {
		stuck_rate(f, t);
		return;
	}
	f->severity = worst_of(f, t) == RATING_CRITICAL ? SEVERITY_CRITICAL :
							  SEVERITY_WARNING;
}

/* Everything that decides is in the order: two runs print the same. */
static int worst_first(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	struct group_key kx, ky;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	/* CLOSE_WAIT is always a bug of a program here. */
	if (!x->rule != !y->rule)
		return x->rule ? 1 : -1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->rule != y->rule)
		return (int)x->rule - (int)y->rule;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->bug != y->bug)
		return (int)x->bug - (int)y->bug;
	if (x->cause != y->cause)
		return (int)x->cause - (int)y->cause;
	group_key_of_finding(&kx, x);
	group_key_of_finding(&ky, y);
	return memcmp(&kx, &ky, sizeof(kx));
}

void leaks_sort(struct finding *findings, size_t n)
{
	if (n)
		qsort(findings, n, sizeof(*findings), worst_first);
}

struct finding *leaks_findings(struct leaks *l, size_t *n)
{
	struct groups *g = &l->groups;

	groups_drop(g, stuck_is_finding, &l->thresholds);
	groups_finish(g);
	for (size_t i = 0; i < g->n; i++) {
		stuck_explain(&g->findings[i]);
		leaks_rate(&g->findings[i], &l->thresholds);
	}
	leaks_sort(g->findings, g->n);
	*n = g->n;
	return g->findings;
}

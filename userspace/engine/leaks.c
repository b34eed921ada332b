// SPDX-License-Identifier: GPL-2.0
#include "leaks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS 60000000000ULL
/* The defaults of check's --close-wait-count and --fds-used. */
#define CRITICAL_COUNT 100
#define CRITICAL_FDS_PERCENT 95

struct leaks {
	uint64_t now_ns, age_ns;
	struct finding *findings;
	size_t n, size;
};

static const char *const rules[RULES] = { "close_wait" };
static const char *const severities[SEVERITIES] = { "warning", "critical" };
static const char *const bugs[BUGS] = {
	"fin_read", "fin_unread", "data_unread", "never_accepted",
	"held_elsewhere", "ownerless",
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

struct leaks *leaks_new(uint64_t now_ns, uint64_t age_ns)
{
	struct leaks *l = calloc(1, sizeof(*l));

	if (l) {
		l->now_ns = now_ns;
		l->age_ns = age_ns;
	}
	return l;
}

void leaks_free(struct leaks *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		free(l->findings[i].peers);
	free(l->findings);
	free(l);
}

/* ---- which bug ---- */

static const struct holding *holding_of(const struct holding *holdings,
					size_t n, uint32_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (holdings[i].pid == pid)
			return &holdings[i];
	return NULL;
}

/* Recv-Q in CLOSE_WAIT: the FIN takes one number (F22). */
static enum bug bug_of(const struct conn *c, const struct holding *holdings,
		       size_t n)
{
	if (!c->inode && c->role != ROLE_CLIENT && !c->accepted)
		return BUG_NEVER_ACCEPTED;
	if (!c->inode || !n)
		return BUG_OWNERLESS;
	if (c->pid && !holding_of(holdings, n, c->pid))
		return BUG_HELD_ELSEWHERE;
	if (c->rqueue == 0)
		return BUG_FIN_READ;
	return c->rqueue == 1 ? BUG_FIN_UNREAD : BUG_DATA_UNREAD;
}

/* ---- grouping ---- */

static struct finding *group_find(struct leaks *l, const struct finding *key)
{
	for (size_t i = 0; i < l->n; i++) {
		struct finding *f = &l->findings[i];

		if (f->bug == key->bug && f->pid == key->pid &&
		    f->netns == key->netns && f->owner_pid == key->owner_pid &&
		    f->listener_cookie == key->listener_cookie &&
		    f->listener.sport == key->listener.sport)
			return f;
	}
	return NULL;
}

static struct finding *group_add(struct leaks *l, const struct finding *key)
{
	if (l->n == l->size) {
		size_t size = l->size ? l->size * 2 : 16;
		struct finding *findings;

		findings = realloc(l->findings, size * sizeof(*findings));
		if (!findings)
			return NULL;
		l->findings = findings;
		l->size = size;
	}
	l->findings[l->n] = *key;
	return &l->findings[l->n++];
}

static void set_comm(char *to, const char *from)
{
	size_t i = 0;

	for (; from && from[i] && i < TCPSTATE_COMM_LEN - 1; i++)
		to[i] = from[i];
	to[i] = '\0';
}

static void set_listener(struct finding *f, const struct conn *c,
			 const struct conn *listener)
{
	f->listener_cookie = c->listener;
	if (!listener) {
		/* A server whose listener is gone still has its port. */
		if (c->role == ROLE_SERVER)
			f->listener.sport = c->sport;
		return;
	}
	f->listener.family = listener->family;
	memcpy(f->listener.saddr, listener->saddr, 16);
	f->listener.sport = listener->sport;
	f->listener.pid = listener->pid;
	set_comm(f->listener.comm, listener->comm);
	f->accept_queue = listener->rqueue;
	f->accept_limit = listener->wqueue;
}

static void set_holder(struct finding *f, const struct conn *c,
		       const struct holding *holdings, size_t n)
{
	const struct holding *own = holding_of(holdings, n, c->pid);

	if (f->bug == BUG_NEVER_ACCEPTED || f->bug == BUG_OWNERLESS)
		return;
	if (!own)
		own = &holdings[0];
	f->pid = own->pid;
	set_comm(f->comm, own->comm);
	if (f->bug == BUG_HELD_ELSEWHERE) {
		f->owner_pid = c->pid;
		set_comm(f->owner_comm, c->comm);
	}
}

static int count_peer(struct finding *f, const struct conn *c)
{
	struct finding_peer *peer;

	for (size_t i = 0; i < f->n_peers; i++) {
		peer = &f->peers[i];
		if (peer->family == c->family &&
		    !memcmp(peer->addr, c->daddr, 16)) {
			peer->count++;
			return 0;
		}
	}
	if (f->n_peers == FINDING_PEERS_MAX)
		return 0;
	if (!(f->n_peers & (f->n_peers - 1))) {
		size_t size = f->n_peers ? f->n_peers * 2 : 1;

		peer = realloc(f->peers, size * sizeof(*peer));
		if (!peer)
			return -ENOMEM;
		f->peers = peer;
	}
	peer = &f->peers[f->n_peers++];
	peer->family = c->family;
	memcpy(peer->addr, c->daddr, 16);
	peer->count = 1;
	return 0;
}

static enum age_class age_class(uint64_t age_ns)
{
	if (age_ns < MINUTE_NS)
		return AGE_MINUTE;
	if (age_ns < 10 * MINUTE_NS)
		return AGE_TEN_MINUTES;
	return age_ns < 60 * MINUTE_NS ? AGE_HOUR : AGE_MORE;
}

static void count_age(struct finding *f, const struct conn *c, uint64_t age_ns)
{
	f->ages[age_class(age_ns)]++;
	if (f->count && age_ns <= f->oldest_ns)
		return;
	f->oldest_ns = age_ns;
	f->oldest_exact = !c->snapshot;
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

int leaks_add(struct leaks *l, const struct conn *c,
	      const struct conn *listener, const struct holding *holdings,
	      size_t n)
{
	uint64_t age_ns = l->now_ns > c->state_ns ? l->now_ns - c->state_ns : 0;
	struct finding key = {
		.rule = RULE_CLOSE_WAIT,
		.bug = bug_of(c, holdings, n),
		.state = c->state,
		.netns = c->netns,
		.cgroup = c->cgroup,
	};
	struct finding *f;

	if (age_ns < l->age_ns)
		return 0;
	set_listener(&key, c, listener);
	set_holder(&key, c, holdings, n);
	key.has_uid = c->has_uid && key.bug != BUG_NEVER_ACCEPTED;
	key.uid = key.has_uid ? c->uid : 0;
	f = group_find(l, &key);
	if (!f)
		f = group_add(l, &key);
	if (!f)
		return -ENOMEM;
	count_age(f, c, age_ns);
	count_unread(f, c);
	count_fds(f, holdings, n);
	if (f->count < FINDING_LIST_MAX)
		f->conn_ids[f->count] = c->cookie;
	f->count++;
	return count_peer(f, c);
}

/* ---- rating ---- */

void leaks_rate(struct finding *f)
{
	bool no_fds = f->fd_limit &&
		      f->fd_used * 100 >= f->fd_limit * CRITICAL_FDS_PERCENT;

	f->severity = f->count >= CRITICAL_COUNT || no_fds ?
		      SEVERITY_CRITICAL : SEVERITY_WARNING;
}

static int peers_by_count(const void *a, const void *b)
{
	const struct finding_peer *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return memcmp(x->addr, y->addr, 16);
}

static int ints_ascending(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Everything that decides is in the order: two runs print the same. */
static int worst_first(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (int)x->bug - (int)y->bug;
}

struct finding *leaks_findings(struct leaks *l, size_t *n)
{
	for (size_t i = 0; i < l->n; i++) {
		struct finding *f = &l->findings[i];
		size_t fds = f->n_fds < FINDING_LIST_MAX ? f->n_fds :
							   FINDING_LIST_MAX;

		leaks_rate(f);
		if (f->n_peers)
			qsort(f->peers, f->n_peers, sizeof(*f->peers),
			      peers_by_count);
		qsort(f->fds, fds, sizeof(*f->fds), ints_ascending);
	}
	if (l->n)
		qsort(l->findings, l->n, sizeof(*l->findings), worst_first);
	*n = l->n;
	return l->findings;
}

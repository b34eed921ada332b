// SPDX-License-Identifier: GPL-2.0
/*
 * Who of those that were not seen to begin is a server: whose port somebody
 * listens to.
 *
 * A listener may be dumped after its connections, so that a new one may be that of
 * any; else only connections that are new are looked at, for a table may hold a
 * million.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"

void roles_listener(struct engine *e)
{
	e->roles.of_all = true;
}

void roles_later(struct engine *e, const struct entry *entry)
{
	struct roles *roles = &e->roles;

	roles->due = true;
	if (roles->n == roles->size) {
		size_t size = roles->size ? roles->size * 2 : 256;
		uint64_t *cookies = realloc(roles->cookies,
					    size * sizeof(*cookies));

		if (!cookies) {
			roles->of_all = true;
			return;
		}
		roles->cookies = cookies;
		roles->size = size;
	}
	roles->cookies[roles->n++] = entry->conn.cookie;
}

struct listeners {
	struct table *table;
	struct conn **conns;
	size_t n, size;
};

static int collect_listener(void *ctx, struct entry *entry)
{
	struct listeners *l = ctx;

	if (entry->dead || entry->conn.role != ROLE_LISTENER)
		return 0;
	if (l->n == l->size) {
		size_t size = l->size ? l->size * 2 : 64;
		struct conn **conns = realloc(l->conns,
					      size * sizeof(*conns));

		if (!conns)
			return 0;
		l->conns = conns;
		l->size = size;
	}
	l->conns[l->n++] = &entry->conn;
	return 0;
}

static int by_local_end(const void *a, const void *b)
{
	const struct conn *x = *(struct conn *const *)a;
	const struct conn *y = *(struct conn *const *)b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->sport != y->sport)
		return x->sport - y->sport;
	if (x->family != y->family)
		return x->family - y->family;
	return memcmp(conn_saddr(x), conn_saddr(y), x->family == 6 ? 16 : 4);
}

static const struct conn *listener_at(const struct listeners *l,
				      const struct conn *end)
{
	struct conn **at = bsearch(&end, l->conns, l->n, sizeof(*l->conns),
				   by_local_end);

	return at ? *at : NULL;
}

/*
 * As the kernel prefers them (compute_score()): of the connection's own
 * address, of any of its family, of any. NULL: none listens to its address.
 */
static const struct conn *listener_of(const struct listeners *l,
				      const struct conn *c)
{
	struct address_pair unspecified = { 0 };
	const struct conn *found = listener_at(l, c);
	struct conn any = {
		.netns = c->netns, .sport = c->sport, .family = c->family,
	};

	if (c->family == 6)
		any.v6 = &unspecified;
	if (!found)
		found = listener_at(l, &any);
	if (!found && any.family == 4) {
		any.family = 6;
		any.v6 = &unspecified;
		found = listener_at(l, &any);
	}
	return found;
}

static int find_role(void *ctx, struct entry *entry)
{
	const struct listeners *l = ctx;
	struct conn *key = &entry->conn;
	const struct conn *found;
	struct origin origin;

	if (entry->dead || conn_origin(key)->listener ||
	    key->role == ROLE_LISTENER || key->role == ROLE_CLIENT || !l->n)
		return 0;
	found = listener_of(l, key);
	if (!found)
		return 0;
	key->role = ROLE_SERVER;
	origin = *conn_origin(key);
	origin.listener = found->cookie;
	table_set_origin(l->table, entry, &origin);
	return 0;
}

static void find_new(struct engine *e, struct listeners *l)
{
	for (size_t i = 0; i < e->roles.n; i++) {
		struct entry *entry = table_find(e->table, e->roles.cookies[i]);

		if (entry)
			find_role(l, entry);
	}
}

void roles_find(struct engine *e)
{
	struct listeners l = { .table = e->table };

	if (!e->roles.due)
		return;
	table_each_in(e->table, LIST_LISTENING, collect_listener, &l);
	if (l.n)
		qsort(l.conns, l.n, sizeof(*l.conns), by_local_end);
	if (e->roles.of_all)
		table_each(e->table, find_role, &l);
	else
		find_new(e, &l);
	e->roles.n = 0;
	e->roles.due = false;
	e->roles.of_all = false;
	free(l.conns);
}

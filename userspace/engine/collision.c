// SPDX-License-Identifier: GPL-2.0
#include "collision.h"

#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "facts.h"

/* A take-over without a known cause follows its SYN within the same softirq. */
#define AT_ONCE_NS	UINT64_C(1000000)

const struct collision *engine_collisions(const struct engine *e, size_t *n)
{
	*n = e->n_collisions;
	return e->collisions;
}

static struct collision *find(struct engine *e, uint64_t cookie)
{
	for (size_t i = 0; i < e->n_collisions; i++)
		if (e->collisions[i].conn.cookie == cookie)
			return &e->collisions[i];
	return NULL;
}

/* A new one, in place of the oldest if there is no room; NULL: no memory. */
static struct collision *make(struct engine *e)
{
	struct collision *oldest;

	if (!e->collisions)
		e->collisions = calloc(COLLISIONS_MAX, sizeof(*e->collisions));
	if (!e->collisions)
		return NULL;
	if (e->n_collisions < COLLISIONS_MAX)
		return &e->collisions[e->n_collisions++];
	oldest = e->collisions;
	for (size_t i = 1; i < COLLISIONS_MAX; i++)
		if (e->collisions[i].last_ns < oldest->last_ns)
			oldest = &e->collisions[i];
	return oldest;
}

/* A socket that no dump has shown yet: what the record has of it. */
static void know_by_record(struct conn *c, struct conn_parts *parts,
			   const struct tcpstate_record *r)
{
	*c = (struct conn){
		.cookie = r->cookie,
		.netns = r->netns_ino,
		.basis = r->basis,
		.state_ns = r->mono_ns,
		.snapshot = true,
	};
	set_tuple(c, &parts->addresses, r);
}

static void collide(struct engine *e, const struct tcpstate_record *r)
{
	struct collision *c = find(e, r->cookie);
	const struct conn *conn = engine_find(e, r->cookie);

	if (!c) {
		c = make(e);
		if (!c)
			return;
		*c = (struct collision){ .first_ns = r->mono_ns };
		know_by_record(&c->conn, &c->parts, r);
	}
	if (conn)
		conn_copy(&c->conn, &c->parts, conn);
	c->conn.state = r->old_state;
	c->syns++;
	c->before_ns = c->last_ns;
	c->last_ns = r->mono_ns;
}

void on_challenge(struct engine *e, const struct tcpstate_record *r)
{
	if (r->old_state == TCPSTATE_CLOSE_WAIT ||
	    r->old_state == TCPSTATE_LAST_ACK)
		collide(e, r);
}

/* Most are taken over by it, and only TW_KILL tells. */
void on_tw_syn(struct engine *e, const struct tcpstate_record *r)
{
	if (r->old_state == TCPSTATE_TIME_WAIT &&
	    (e->cfg.hooks & SEEN_TW_KILL))
		collide(e, r);
}

void collision_tw_kill(struct engine *e, const struct tcpstate_record *r)
{
	struct collision *c;

	if (r->cause != TCPSTATE_CAUSE_INPUT &&
	    r->cause != TCPSTATE_CAUSE_UNKNOWN)
		return;
	c = find(e, r->cookie);
	if (!c || c->conn.state != TCPSTATE_TIME_WAIT ||
	    r->mono_ns < c->last_ns)
		return;
	if (r->cause == TCPSTATE_CAUSE_UNKNOWN &&
	    ((r->flags & TCPSTATE_F_TIMER) ||
	     r->mono_ns - c->last_ns > AT_ONCE_NS))
		return;
	c->last_ns = c->before_ns;
	if (--c->syns)
		return;
	*c = e->collisions[--e->n_collisions];
	conn_moved(&c->conn, &c->parts);
}

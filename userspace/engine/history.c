// SPDX-License-Identifier: GPL-2.0
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"

struct histories {
	struct history **buckets;	/* by cookie */
	size_t n_buckets, n, max;
	uint64_t evicted;
	struct history *oldest, *youngest;
};

struct histories *histories_new(size_t max)
{
	struct histories *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->max = max;
	for (h->n_buckets = 64; h->n_buckets < max; h->n_buckets *= 2)
		;
	h->buckets = calloc(h->n_buckets, sizeof(*h->buckets));
	if (h->buckets)
		return h;
	free(h);
	return NULL;
}

void histories_free(struct histories *h)
{
	if (!h)
		return;
	while (h->oldest)
		histories_forget(h, h->oldest);
	free(h->buckets);
	free(h);
}

uint64_t histories_evicted(const struct histories *h)
{
	return h->evicted;
}

static struct history **bucket(const struct histories *h, uint64_t cookie)
{
	return &h->buckets[(cookie * 0x9e3779b97f4a7c15ULL >> 32) &
			   (h->n_buckets - 1)];
}

struct history *histories_find(struct histories *h, uint64_t cookie,
			       uint32_t life)
{
	struct history *one = *bucket(h, cookie);

	while (one && (one->conn.cookie != cookie || one->conn.life != life))
		one = one->chain;
	return one;
}

static struct history *add(struct histories *h, const struct conn *conn)
{
	struct history **at = bucket(h, conn->cookie), *one;

	if (h->n >= h->max) {
		histories_forget(h, h->oldest);
		h->evicted++;
	}
	one = calloc(1, sizeof(*one));
	if (!one)
		return NULL;
	conn_copy(&one->conn, &one->parts, conn);
	one->chain = *at;
	*at = one;
	one->older = h->youngest;
	if (h->youngest)
		h->youngest->younger = one;
	else
		h->oldest = one;
	h->youngest = one;
	h->n++;
	return one;
}

void histories_forget(struct histories *h, struct history *one)
{
	struct history **at = bucket(h, one->conn.cookie);

	while (*at != one)
		at = &(*at)->chain;
	*at = one->chain;
	if (one->older)
		one->older->younger = one->younger;
	else
		h->oldest = one->younger;
	if (one->younger)
		one->younger->older = one->older;
	else
		h->youngest = one->older;
	h->n--;
	free(one);
}

static void add_step(struct history *one, const struct step *step)
{
	if (one->n < HISTORY_STEPS)
		one->steps[one->n++] = *step;
	else
		one->left_out++;
}

void histories_transition(struct histories *h, const struct transition *t)
{
	struct history *one = histories_find(h, t->conn->cookie, t->conn->life);

	/* The end of a TIME_WAIT alone is no history: it was drawn before. */
	if (!one && t->old_state != TCPSTATE_TIME_WAIT)
		one = add(h, t->conn);
	if (!one)
		return;
	conn_copy(&one->conn, &one->parts, t->conn);
	add_step(one, &(struct step){
		.ns = t->ns, .kind = STEP_MOVE, .old_state = t->old_state,
		.new_state = t->new_state, .basis = t->basis,
		.course = t->course,
		.reason = t->reason, .detail = t->detail });
}

void histories_segment(struct histories *h, const struct segment *s)
{
	static const uint8_t kinds[] = {
		[SEGMENT_RETRANSMIT] = STEP_AGAIN,
		[SEGMENT_RST_SENT] = STEP_RST_SENT,
		[SEGMENT_RST_RECEIVED] = STEP_RST_RECEIVED,
		[SEGMENT_FIN_RECEIVED] = STEP_FIN_RECEIVED,
	};
	struct history *one = histories_find(h, s->conn->cookie, s->conn->life);

	/* A listener's RST is of no connection. */
	if (!one || s->conn->role == ROLE_LISTENER)
		return;
	conn_copy(&one->conn, &one->parts, s->conn);
	add_step(one, &(struct step){
		.ns = s->ns, .kind = kinds[s->kind], .old_state = s->state,
		.new_state = s->state, .flags = s->flags });
}

struct history *histories_conn(struct histories *h, const struct conn *conn,
			       bool ended, uint64_t ns)
{
	struct history *one = histories_find(h, conn->cookie, conn->life);

	if (!one)
		return NULL;
	conn_copy(&one->conn, &one->parts, conn);
	one->ended = ended;
	if (!one->complete)
		one->complete_ns = ns;
	one->complete = true;
	return one;
}

static uint64_t begin_of(const struct history *one)
{
	return one->n ? one->steps[0].ns : 0;
}

static uint64_t end_of(const struct history *one)
{
	return one->ended ? conn_end_ns(&one->conn) : UINT64_MAX;
}

/* False if what one knows of the other is not so: its port was used before. */
static bool numbers_fit(const struct conn *x, const struct conn *y)
{
	if ((x->known & CONN_ISN_LOCAL) && (y->known & CONN_ISN_PEER) &&
	    x->isn_local != y->isn_peer)
		return false;
	return !(x->known & CONN_ISN_PEER) || !(y->known & CONN_ISN_LOCAL) ||
	       x->isn_peer == y->isn_local;
}

static bool fits(const struct history *a, const struct history *b)
{
	const struct conn *x = &a->conn, *y = &b->conn;
	size_t len = x->family == 6 ? 16 : 4;

	/* Each namespace has a loopback of its own. */
	if (x->netns != y->netns &&
	    addresses_are_local(x->family, conn_saddr(x), conn_daddr(x)))
		return false;
	return a != b && numbers_fit(x, y) && x->role != ROLE_LISTENER && y->role != ROLE_LISTENER &&
	       x->family == y->family && x->sport && x->dport &&
	       x->sport == y->dport && x->dport == y->sport &&
	       !memcmp(conn_saddr(x), conn_daddr(y), len) &&
	       !memcmp(conn_daddr(x), conn_saddr(y), len) &&
	       begin_of(a) <= end_of(b) && begin_of(b) <= end_of(a);
}

/* Both begin with the same handshake, and so are near in the list. */
#define NEAR 512

struct history *histories_mate(const struct history *one)
{
	struct history *down = one->older, *up = one->younger;

	for (int i = 0; i < NEAR && (down || up); i++) {
		if (up && fits(one, up))
			return up;
		if (down && fits(one, down))
			return down;
		up = up ? up->younger : NULL;
		down = down ? down->older : NULL;
	}
	return NULL;
}

int histories_each(struct histories *h,
		   int (*fn)(void *ctx, struct history *), void *ctx)
{
	struct history *one = h->oldest, *next;
	int ret = 0;

	for (; one && !ret; one = next) {
		next = one->younger;
		ret = fn(ctx, one);
	}
	return ret;
}

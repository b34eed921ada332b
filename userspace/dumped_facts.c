// SPDX-License-Identifier: GPL-2.0
#include "dumped_facts.h"

#include <stdlib.h>

#include "engine/decode.h"

static bool grow(struct dumped_facts *facts)
{
	size_t room = facts->room ? facts->room * 2 : 256;
	struct stuck_facts *v = reallocarray(facts->v, room, sizeof(*v));

	if (!v)
		return false;
	facts->v = v;
	facts->room = room;
	return true;
}

/* A recording has many dumps of the same sockets. */
static void make_room(struct dumped_facts *facts)
{
	dumped_facts_sort(facts);
	if (facts->room && facts->n < facts->room / 2)
		return;
	if (facts->max && facts->n >= facts->max)
		facts->full = true;
	else if (!grow(facts))
		facts->no_memory = true;
}

void dumped_facts_keep(void *ctx, const struct tcpstate_record *rec)
{
	struct dumped_facts *facts = ctx;

	/* A recording's need not be what it seems. */
	if (!record_is_sane(rec, sizeof(*rec)) ||
	    !stuck_is_candidate(rec, facts->idle_ns))
		return;
	if (facts->n == facts->room && !facts->full)
		make_room(facts);
	/* It stays full: to look for room each time would take for ever. */
	if (facts->n == facts->room || facts->full) {
		facts->left_out++;
		return;
	}
	stuck_take_facts(&facts->v[facts->n++], rec);
}

static int by_cookie_and_time(const void *a, const void *b)
{
	const struct stuck_facts *x = a, *y = b;

	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return x->read_ns < y->read_ns ? -1 : x->read_ns > y->read_ns;
}

void dumped_facts_sort(struct dumped_facts *facts)
{
	size_t kept = 0;

	if (facts->n)
		qsort(facts->v, facts->n, sizeof(*facts->v),
		      by_cookie_and_time);
	for (size_t i = 0; i < facts->n; i++)
		if (i + 1 == facts->n ||
		    facts->v[i].cookie != facts->v[i + 1].cookie)
			facts->v[kept++] = facts->v[i];
	facts->n = kept;
}

void dumped_facts_free(struct dumped_facts *facts)
{
	free(facts->v);
	facts->v = NULL;
	facts->n = facts->room = 0;
}

// SPDX-License-Identifier: GPL-2.0
#include "measures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ports.h"

#define PIDS (1U << 22)		/* PID_MAX_LIMIT of the kernel */

/* ---- descriptors ---- */

/* Once for each process, however many connections it has. */
struct owners {
	struct health *health;
	const struct filter *filter;
	uint8_t *seen;		/* bit per pid */
	size_t refused;
};

static int add_owner(void *ctx, const struct conn *conn)
{
	const struct origin *origin = conn_origin(conn);
	struct owners *o = ctx;
	uint64_t used, limit;
	uint8_t *byte, bit;
	int err;

	if (!origin->pid || origin->pid >= PIDS || !filter_conn(o->filter, conn))
		return 0;
	byte = &o->seen[origin->pid / 8];
	bit = (uint8_t)(1U << origin->pid % 8);
	if (*byte & bit)
		return 0;
	*byte |= bit;
	err = process_fd_usage(origin->pid, &used, &limit);
	if (!err)
		health_add_fds(o->health, origin->pid, origin->comm, used, limit);
	else if (err != -ENOENT && err != -ESRCH)
		o->refused++;
	return 0;
}

int measure_fds(struct run *run, const struct filter *filter,
		struct health *h, size_t *refused)
{
	struct owners o = {
		.health = h,
		.filter = filter,
		.seen = calloc(PIDS / 8, 1),
	};

	if (!o.seen)
		return -ENOMEM;
	engine_each(run->engine, add_owner, &o);
	free(o.seen);
	*refused = o.refused;
	return 0;
}

/* ---- requests ---- */

/* The listener of each request, once for each request. */
struct requests {
	uint64_t *listeners;
	size_t n, room;
};

static int add_request(void *ctx, const struct conn *conn)
{
	const struct origin *origin = conn_origin(conn);
	struct requests *r = ctx;

	if (!origin->listener)
		return 0;
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		uint64_t *listeners = reallocarray(r->listeners, room,
						   sizeof(*listeners));

		if (!listeners)
			return -ENOMEM;
		r->listeners = listeners;
		r->room = room;
	}
	r->listeners[r->n++] = origin->listener;
	return 0;
}

static int by_cookie(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of one listener each, those without a request too: their share is 0. */
struct backlogs {
	struct health *health;
	const struct filter *filter;
	const struct requests *requests;
};

static int add_listener(void *ctx, const struct conn *listener)
{
	const struct backlogs *b = ctx;
	const struct requests *r = b->requests;
	uint64_t *found = NULL;
	size_t first, n = 0;

	if (!filter_conn(b->filter, listener))
		return 0;
	if (r->n)
		found = bsearch(&listener->cookie, r->listeners, r->n,
				sizeof(*r->listeners), by_cookie);
	if (found) {
		first = (size_t)(found - r->listeners);
		while (first && r->listeners[first - 1] == listener->cookie)
			first--;
		while (first + n < r->n &&
		       r->listeners[first + n] == listener->cookie)
			n++;
	}
	health_add_syn_recv(b->health, listener, n);
	return 0;
}

int measure_syn_recv(struct run *run, const struct filter *filter,
		     struct health *h)
{
	struct requests r = { 0 };
	const struct backlogs b = {
		.health = h, .filter = filter, .requests = &r,
	};
	int err;

	err = engine_each_in_state(run->engine, TCPSTATE_SYN_RECV, add_request,
				   &r);
	if (!err) {
		if (r.n)
			qsort(r.listeners, r.n, sizeof(*r.listeners),
			      by_cookie);
		engine_each_in_state(run->engine, TCPSTATE_LISTEN,
				     add_listener, (void *)&b);
	}
	free(r.listeners);
	return err;
}

/* ---- ports ---- */

struct ports_look {
	const struct filter *filter;
	struct ports *ports;
};

static int add_port(void *ctx, const struct conn *conn)
{
	const struct ports_look *look = ctx;

	return ports_add(look->ports, conn, filter_conn(look->filter, conn));
}

int measure_ports(struct run *run, const struct filter *filter,
		  const struct evidence *evidence, struct ports *ports,
		  struct finding **findings, size_t *n)
{
	struct ports_look look = { .filter = filter, .ports = ports };
	const struct finding *budgets;
	struct finding *all;
	size_t more;
	int err;

	ports_set_facts(ports, evidence->settings.v, evidence->settings.n);
	ports_begin(ports, mono_now(), true);
	err = engine_each(run->engine, add_port, &look);
	ports_end(ports);
	if (err)
		return err;
	budgets = ports_findings(ports, n, &more);
	all = calloc(evidence->n + *n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	if (evidence->n)
		memcpy(all, evidence->findings, evidence->n * sizeof(*all));
	if (*n)
		memcpy(all + evidence->n, budgets, *n * sizeof(*all));
	*findings = all;
	*n += evidence->n;
	return 0;
}

/* ---- TIME_WAIT ---- */

static bool is_asked(const struct filter *filter, uint32_t netns)
{
	const struct numbers *asked = &filter->netns;

	for (size_t i = 0; i < asked->n; i++)
		if (asked->v[i] == netns)
			return true;
	return !asked->n;
}

int measure_time_wait(const struct filter *filter,
		      struct netns_facts_list *before, struct health *h)
{
	struct netns_facts_list now;
	int err;

	err = netns_facts_take(&now);
	if (err)
		return err;
	for (size_t i = 0; i < now.n; i++)
		if (is_asked(filter, now.v[i].netns))
			health_add_time_wait(h, netns_facts_of(before,
							       now.v[i].netns),
					     &now.v[i]);
	netns_facts_free(before);
	*before = now;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Connections as the engine shows them, and what ports.h makes of them. */
#ifndef TCPSTATE_TEST_PORTS_H
#define TCPSTATE_TEST_PORTS_H

#include "records.h"

#include "engine/ports_internal.h"
#include "origin.h"

#define SECOND	UINT64_C(1000000000)
#define START	(UINT64_C(5000) * SECOND)

static const struct thresholds thresholds = THRESHOLDS_DEFAULT;

static struct netns_facts facts;
static uint8_t reserved[65536 / 8];

struct setting {
	struct ports *ports;
	struct conn conns[2000];
	struct closing closings[2000];
	size_t n;
	uint64_t now_ns;
	struct finding *findings;
	size_t n_findings, more;
};

static inline int setup(void **state)
{
	struct setting *s = calloc(1, sizeof(*s));

	facts = (struct netns_facts){
		.netns = NETNS, .port_first = 40000, .port_last = 40999,
		.tcp_tw_reuse = 0, .tcp_tw_reuse_delay_ms = -1,
		.tcp_timestamps = 1, .tcp_max_tw_buckets = 10000,
		.time_waits = -1, .tw_overflows = 5, .tw_bytes = 256,
	};
	memset(reserved, 0, sizeof(reserved));
	s->ports = ports_new(&thresholds);
	s->now_ns = START;
	ports_set_facts(s->ports, &facts, 1);
	*state = s;
	return 0;
}

static inline int teardown(void **state)
{
	struct setting *s = *state;

	ports_free(s->ports);
	free(s);
	return 0;
}

/* A client's end in TIME_WAIT for two seconds. */
static inline struct conn *add(struct setting *s, uint16_t sport)
{
	struct conn *c = &s->conns[s->n++];

	assert_true(s->n <= COUNT_OF(s->conns));
	*c = (struct conn){
		.cookie = s->n, .life = 1, .netns = NETNS, .family = 4,
		.v4.saddr = { 10, 0, 1, 5 }, .v4.daddr = { 10, 0, 3, 17 },
		.sport = sport, .dport = 5432, .role = ROLE_CLIENT,
		.state = TCPSTATE_TIME_WAIT, .mini = true,
		.origin = ORIGIN(.pid = 88, .comm = "php-fpm"),
		.first = FIRST_LOCAL,
		.state_ns = s->now_ns - 2 * SECOND,
		.closing = &s->closings[s->n - 1],
	};
	*c->closing = (struct closing){ .tw_ns = s->now_ns - 2 * SECOND };
	return c;
}

static inline void add_many(struct setting *s, uint16_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(s, (uint16_t)(from + i));
}

static inline void look(struct setting *s, bool report)
{
	ports_begin(s->ports, s->now_ns, report);
	for (size_t i = 0; i < s->n; i++)
		assert_int_equal(ports_add(s->ports, &s->conns[i], true), 0);
	ports_end(s->ports);
	if (report)
		s->findings = ports_findings(s->ports, &s->n_findings,
					     &s->more);
}

static inline struct finding *only(struct setting *s, enum scope scope)
{
	struct finding *found = NULL;

	look(s, true);
	for (size_t i = 0; i < s->n_findings; i++)
		if (s->findings[i].budget.scope == scope) {
			assert_null(found);
			found = &s->findings[i];
		}
	return found;
}

#endif /* TCPSTATE_TEST_PORTS_H */

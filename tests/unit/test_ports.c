// SPDX-License-Identifier: GPL-2.0
/*
 * Which ports are used up, by whom and of how many: of connections as the
 * engine shows them.
 */
#include "ports_look.h"

static void test_nothing(void **state)
{
	struct setting *s = *state;

	look(s, true);
	assert_int_equal(s->n_findings, 0);
	/* Connections that are open are no TIME_WAIT, and few. */
	add(s, 40000)->state = TCPSTATE_ESTABLISHED;
	look(s, true);
	assert_int_equal(s->n_findings, 0);
}

static void test_destination(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	add_many(s, 40000, 300);
	add(s, 40500)->state = TCPSTATE_ESTABLISHED;
	f = only(s, SCOPE_DESTINATION);
	assert_non_null(f);
	assert_int_equal(f->rule, RULE_PORTS);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->count, 300);
	assert_int_equal(f->pid, 88);
	assert_string_equal(f->comm, "php-fpm");
	assert_int_equal(f->budget.dport, 5432);
	assert_int_equal(f->budget.usable, 1000);
	assert_int_equal(f->budget.used, 301);
	assert_int_equal(f->budget.states[TCPSTATE_ESTABLISHED], 1);
	assert_int_equal(f->budget.other_parity, 150);
	assert_false(f->has_growth);
	assert_false(f->has_eta);
	assert_int_equal(f->oldest_ns, 2 * SECOND);
}

/* Another source, destination or port has a budget of its own. */
static void test_apart(void **state)
{
	struct setting *s = *state;

	add(s, 40000);
	add(s, 40000)->dport = 5433;
	add(s, 40000)->v4.daddr[3] = 18;
	add(s, 40000)->v4.saddr[3] = 6;
	add(s, 40000)->netns = NETNS + 1;
	look(s, true);
	/* and the two namespaces */
	assert_int_equal(s->n_findings, 7);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(s->findings[i].count, 1);
}

static void test_severity(void **state)
{
	struct setting *s = *state;

	add_many(s, 40000, 699);
	assert_int_equal(only(s, SCOPE_DESTINATION)->severity, SEVERITY_INFO);
	add(s, 40699);
	assert_int_equal(only(s, SCOPE_DESTINATION)->severity,
			 SEVERITY_WARNING);
	add_many(s, 40700, 200);
	assert_int_equal(only(s, SCOPE_DESTINATION)->severity,
			 SEVERITY_CRITICAL);
}

/* The ports need not be in TIME_WAIT. */
static void test_ports_of_open_ones(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	add_many(s, 40000, 800);
	for (size_t i = 0; i < s->n; i++)
		s->conns[i].state = TCPSTATE_ESTABLISHED;
	f = only(s, SCOPE_DESTINATION);
	assert_non_null(f);
	assert_int_equal(f->count, 0);
	assert_int_equal(f->severity, SEVERITY_WARNING);
}

static void test_reserved_and_bound(void **state)
{
	struct setting *s = *state;
	const struct finding *f;
	struct conn *c;

	facts.ports_reserved = 8;
	facts.reserved_map = reserved;
	reserved[40000 / 8] = 0xff;	/* 40000 to 40007 */
	add(s, 40003);			/* bound to a reserved one */
	add(s, 41000);			/* and to one beyond the range */
	add(s, 40010);
	c = add(s, 40020);
	c->role = ROLE_LISTENER;
	c->state = TCPSTATE_LISTEN;
	for (int i = 0; i < 3; i++) {	/* a listener that is gone */
		c = add(s, 40021);
		c->role = ROLE_SERVER;
		c->dport = (uint16_t)(50000 + i);
	}
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->count, 3);
	assert_int_equal(f->budget.bound, 2);
	assert_int_equal(f->budget.usable, 1000 - 8 - 2);
	assert_int_equal(f->budget.used, 1);
}

static void test_accepted(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	for (int i = 0; i < 50; i++) {
		struct conn *c = add(s, 80);

		c->role = ROLE_SERVER;
		c->dport = (uint16_t)(50000 + i);
		c->v4.daddr[3] = (uint8_t)(i % 3);
	}
	f = only(s, SCOPE_SERVICE);
	assert_non_null(f);
	assert_null(only(s, SCOPE_DESTINATION));
	f = only(s, SCOPE_SERVICE);
	assert_int_equal(f->rule, RULE_TIME_WAIT);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->budget.sport, 80);
	assert_int_equal(f->budget.usable, 0);
	assert_int_equal(f->count, 50);
	assert_int_equal(f->n_peers, 3);
	assert_int_equal(f->peers[0].count, 17);
}

/* Older than the capture, its listener gone: connect() chooses no such port. */
static void test_unknown_role(void **state)
{
	struct setting *s = *state;

	add(s, 80)->role = ROLE_UNKNOWN;
	assert_non_null(only(s, SCOPE_SERVICE));
	s->conns[0].sport = 40001;
	assert_null(only(s, SCOPE_SERVICE));
	assert_non_null(only(s, SCOPE_DESTINATION));
}

static void test_closers(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	for (int i = 0; i < 60; i++) {
		struct conn *c = add(s, (uint16_t)(40000 + i));

		if (i % 6 == 0)
			c->origin = NULL;
		else if (i % 6 == 1)
			c->origin = ORIGIN(.pid = 7, .comm = "curl");
	}
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->n_holders, 2);
	assert_int_equal(f->holders[0].pid, 88);
	assert_int_equal(f->holders[0].count, 40);
	assert_int_equal(f->holders[1].pid, 7);
	assert_int_equal(f->holders[1].count, 10);
	assert_string_equal(f->holders[1].comm, "curl");
}

/* Who keeps them open uses ports, too. */
static void test_owners(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	add_many(s, 40000, 950);
	for (size_t i = 0; i < s->n; i++) {
		own_origin(&s->conns[i])->pid = i < 900 ? 7 : 0;
		if (i < 930)
			s->conns[i].state = TCPSTATE_ESTABLISHED;
	}
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(f->pid, 7);
	assert_int_equal(f->n_holders, 1);
	assert_int_equal(f->holders[0].count, 900);
	assert_int_equal(f->count, 20);
	assert_int_equal(f->peers[0].count, 20);
	assert_int_equal(f->conn_ids[0], 931);
	assert_int_equal(f->conn_ids[20], 0);
}

/* A process for each connection, and one that makes the most. */
static void test_many_closers(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	for (int i = 0; i < 1600; i++)
		own_origin(add(s, (uint16_t)(40000 + i % 1000)))->pid =
			i < 1200 ? (uint32_t)(100 + i) : 50000;
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->pid, 50000);
	assert_int_equal(f->holders[0].count, 400);
	assert_int_equal(f->n_holders, FINDING_HOLDERS_MAX);
}

/* Each client once, and one with a higher address again and again. */
static void test_many_peers(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	for (int i = 0; i < 500; i++) {
		struct conn *c = add(s, 443);

		c->role = ROLE_SERVER;
		c->dport = (uint16_t)(2000 + i);
		c->v4.daddr[0] = i < 300 ? 11 : 12;
		c->v4.daddr[1] = i < 300 ? (uint8_t)(i / 100) : 0;
		c->v4.daddr[2] = i < 300 ? (uint8_t)(i % 100) : 0;
	}
	f = only(s, SCOPE_SERVICE);
	assert_int_equal(f->n_peers, 301);
	assert_int_equal(f->peers[0].addr[0], 12);
	assert_int_equal(f->peers[0].count, 200);
}

static void test_reuse(void **state)
{
	static const uint8_t here[16] = { 127, 0, 0, 1 };
	static const uint8_t there[16] = { 10, 0, 3, 17 };
	static const uint8_t here6[16] = { [15] = 1 };
	static const uint8_t there6[16] = { 0xfd, [15] = 1 };

	(void)state;
	assert_int_equal(tw_reuse_of(NULL, 4, here, here), TW_REUSE_UNKNOWN);
	assert_int_equal(tw_reuse_of(&facts, 4, here, here), TW_REUSE_OFF);
	facts.tcp_tw_reuse = 2;
	assert_int_equal(tw_reuse_of(&facts, 4, there, there),
			 TW_REUSE_LOOPBACK_ONLY);
	assert_int_equal(tw_reuse_of(&facts, 4, there, here), TW_REUSE_APPLIES);
	assert_int_equal(tw_reuse_of(&facts, 6, there6, there6),
			 TW_REUSE_LOOPBACK_ONLY);
	assert_int_equal(tw_reuse_of(&facts, 6, here6, there6),
			 TW_REUSE_APPLIES);
	facts.tcp_tw_reuse = 1;
	assert_int_equal(tw_reuse_of(&facts, 4, there, there),
			 TW_REUSE_APPLIES);
	facts.tcp_timestamps = 0;
	assert_int_equal(tw_reuse_of(&facts, 4, there, there),
			 TW_REUSE_NO_TIMESTAMPS);
	facts.tcp_timestamps = -1;
	assert_int_equal(tw_reuse_of(&facts, 4, there, there),
			 TW_REUSE_UNKNOWN);
	facts.tcp_timestamps = 1;
	facts.tcp_tw_reuse = -1;
	assert_int_equal(tw_reuse_of(&facts, 4, there, there),
			 TW_REUSE_UNKNOWN);
}

/* A TIME_WAIT's port is to be had after a second. */
static void test_reusable(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	facts.tcp_tw_reuse = 1;
	add_many(s, 40000, 950);
	s->now_ns += SECOND / 2;
	add(s, 40950)->state_ns = s->now_ns - SECOND / 4;
	add(s, 40951)->state = TCPSTATE_ESTABLISHED;
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.ports, 952);
	assert_int_equal(f->budget.used, 2);
	assert_int_equal(f->budget.reusable, 950);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_true(f->budget.bearable_per_s > 999);
	facts.tcp_tw_reuse_delay_ms = 5000;
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.used, 952);
}

/* Without a delay that is set, kernels compare whole seconds. */
static void test_reusable_second(void **state)
{
	struct setting *s = *state;

	facts.tcp_tw_reuse = 1;
	s->now_ns += SECOND / 10;
	add(s, 40000)->state_ns = s->now_ns - SECOND / 5;
	add(s, 40001)->state_ns = s->now_ns - SECOND / 20;
	assert_int_equal(only(s, SCOPE_DESTINATION)->budget.used, 1);
	facts.tcp_tw_reuse_delay_ms = 1000;
	assert_int_equal(only(s, SCOPE_DESTINATION)->budget.used, 2);
}

static void test_buckets(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	add_many(s, 40000, 10);
	add(s, 40010)->state = TCPSTATE_FIN_WAIT2;	/* an orphan's, too */
	f = only(s, SCOPE_NETNS);
	assert_int_equal(f->budget.buckets_used, 11);
	assert_int_equal(f->budget.bytes, 11 * 256);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->budget.overflows, 5);
	assert_int_equal(f->budget.overflows_now, 0);
	facts.time_waits = 6999;
	assert_int_equal(only(s, SCOPE_NETNS)->severity, SEVERITY_INFO);
	facts.time_waits = 7000;
	assert_int_equal(only(s, SCOPE_NETNS)->severity, SEVERITY_WARNING);
	facts.time_waits = 9500;
	assert_int_equal(only(s, SCOPE_NETNS)->severity, SEVERITY_CRITICAL);
	facts.time_waits = 11;
	facts.tw_overflows = 6;		/* now, and not long ago */
	f = only(s, SCOPE_NETNS);
	assert_int_equal(f->budget.overflows_now, 1);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
}

/* Orphans in FIN_WAIT2 have taken them all, and none is left for TIME_WAIT. */
static void test_buckets_of_orphans(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	for (int i = 0; i < 20; i++)
		add(s, (uint16_t)(40000 + i))->state = TCPSTATE_FIN_WAIT2;
	assert_null(only(s, SCOPE_NETNS));
	facts.time_waits = facts.tcp_max_tw_buckets = 20;
	f = only(s, SCOPE_NETNS);
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	facts.time_waits = 19;
	facts.tcp_max_tw_buckets = 100;
	facts.tw_overflows++;
	f = only(s, SCOPE_NETNS);
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
}

/* All are reserved: what is used was there before. */
static void test_none_usable(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	add_many(s, 1000, 2);
	for (int port = 40000; port < 41000; port++)
		reserved[port / 8] |= (uint8_t)(1U << port % 8);
	facts.reserved_map = reserved;
	facts.ports_reserved = 1000;
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.usable, 0);
	assert_int_equal(f->severity, SEVERITY_INFO);
	facts.reserved_map[40999 / 8] &= (uint8_t)~(1U << 40999 % 8);
	facts.ports_reserved = 999;
	add(s, 40999)->role = ROLE_LISTENER;
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.usable, 0);
	assert_int_equal(f->budget.used, 0);
	s->conns[0].sport = 40999;
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.used, 1);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
}

/* What the peer closes first leaves nothing, and is counted. */
static void test_closed_there(void **state)
{
	struct setting *s = *state;
	const struct finding *f;
	struct conn c = *add(s, 40000);

	c.state = TCPSTATE_CLOSE;
	c.first = FIRST_PEER;
	c.closing->tw_ns = 0;
	look(s, false);
	ports_closed(s->ports, &c);
	c.first = FIRST_LOCAL;
	c.closing->tw_ns = 1;		/* the end of a TIME_WAIT */
	ports_closed(s->ports, &c);
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.closed_here, 0);
	assert_int_equal(f->budget.closed_there, 1);
}

static void test_filter(void **state)
{
	struct setting *s = *state;

	add_many(s, 40000, 5);
	add_many(s, 40005, 5);
	for (size_t i = 5; i < 10; i++)
		s->conns[i].dport = 80;
	ports_begin(s->ports, s->now_ns, true);
	for (size_t i = 0; i < s->n; i++)
		ports_add(s->ports, &s->conns[i], i == 7);
	ports_end(s->ports);
	s->findings = ports_findings(s->ports, &s->n_findings, &s->more);
	assert_int_equal(s->n_findings, 2);
	assert_int_equal(s->findings[0].budget.dport, 80);
	assert_int_equal(s->findings[0].count, 5);
	assert_int_equal(s->findings[1].count, 10);	/* the namespace */
}

static void test_many_groups(void **state)
{
	struct setting *s = *state;

	for (int i = 0; i < 300; i++)
		add(s, 40000)->dport = (uint16_t)(1000 + i);
	for (int i = 0; i < 20; i++)
		add(s, (uint16_t)(40100 + i))->dport = 1299;
	look(s, true);
	assert_int_equal(s->n_findings, PORTS_TOLD + 1);
	assert_int_equal(s->more, 200);
	assert_int_equal(s->findings[0].budget.dport, 1299);
	assert_int_equal(s->findings[0].count, 21);
}

/* What is not looked at is no silence. */
static void test_too_many_groups(void **state)
{
	struct setting *s = *state;
	struct conn c = *add(s, 40000);

	ports_begin(s->ports, s->now_ns, false);
	/* One of the groups is the namespace's. */
	for (uint32_t i = 0; i < PORTS_GROUPS; i++) {
		assert_false(ports_full(s->ports));
		memcpy(c.v4.daddr, &i, sizeof(i));
		assert_int_equal(ports_add(s->ports, &c, true), 0);
	}
	assert_true(ports_full(s->ports));
	ports_end(s->ports);
	s->conns[0] = c;
	memset(s->conns[0].v4.daddr, 0, 4);
	look(s, true);
	assert_false(ports_full(s->ports));
}

/* Settings that cannot be read: counts, and no budget. */
static void test_no_facts(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	ports_set_facts(s->ports, NULL, 0);
	add_many(s, 40000, 999);
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.usable, 0);
	assert_int_equal(f->severity, SEVERITY_INFO);
	f = only(s, SCOPE_NETNS);
	assert_int_equal(f->budget.buckets_limit, -1);
	assert_int_equal(f->severity, SEVERITY_INFO);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_nothing),
		WITH(test_destination),
		WITH(test_apart),
		WITH(test_severity),
		WITH(test_ports_of_open_ones),
		WITH(test_reserved_and_bound),
		WITH(test_accepted),
		WITH(test_unknown_role),
		WITH(test_closers),
		WITH(test_owners),
		WITH(test_many_closers),
		WITH(test_many_peers),
		WITH(test_reuse),
		WITH(test_reusable),
		WITH(test_reusable_second),
		WITH(test_buckets),
		WITH(test_buckets_of_orphans),
		WITH(test_none_usable),
		WITH(test_closed_there),
		WITH(test_filter),
		WITH(test_many_groups),
		WITH(test_too_many_groups),
		WITH(test_no_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

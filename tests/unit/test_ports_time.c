// SPDX-License-Identifier: GPL-2.0
/*
 * How fast ports and buckets are used up, until when, and what is forgotten:
 * of looks that are repeated.
 */
#include "ports_look.h"

/* One closes @per_s each second for @seconds, with two looks a second. */
static void go_on(struct setting *s, unsigned int per_s, unsigned int seconds)
{
	const uint64_t end = s->now_ns + seconds * SECOND;

	look(s, false);
	while (s->now_ns < end) {
		s->now_ns += SECOND / 2;
		for (unsigned int i = 0; i < per_s / 2; i++) {
			struct conn *c = add(s, (uint16_t)(40000 + s->n));

			c->state_ns = c->closing->tw_ns = s->now_ns;
			ports_closed(s->ports, c);
		}
		if (s->now_ns < end)
			look(s, false);
	}
}

static void test_eta(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	go_on(s, 50, 4);
	f = only(s, SCOPE_DESTINATION);
	assert_false(f->has_growth);
	assert_false(f->has_eta);
	assert_false(f->budget.has_rate);
	go_on(s, 50, 2);
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.used, 300);
	assert_true(f->has_growth);
	assert_true(f->growth_per_min > 2900 && f->growth_per_min < 3100);
	assert_int_equal((int)(f->budget.rate_per_s + 0.5), 50);
	assert_true(f->has_eta);
	assert_int_equal(f->eta_s, 14);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(f->budget.closed_here, 300);
}

/* 10/s is 610 ports and never more. */
static void test_levels_off(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	go_on(s, 10, 6);
	f = only(s, SCOPE_DESTINATION);
	assert_true(f->has_growth);
	assert_false(f->has_eta);
	assert_int_equal(f->severity, SEVERITY_INFO);
	assert_int_equal(f->budget.level, 610);
}

/* A burst, and then nothing. */
static void test_burst(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	go_on(s, 200, 1);
	go_on(s, 0, 5);
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal(f->budget.used, 200);
	assert_true(f->has_growth);
	assert_false(f->has_eta);
	assert_int_equal(f->severity, SEVERITY_INFO);
}

/* One or two are always just closing: that is no trend. */
static void test_closing_ones(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	for (int i = 0; i < 12; i++) {
		look(s, false);
		s->now_ns += SECOND / 2;
		for (int k = 0; k < 5; k++) {
			struct conn *c = add(s, (uint16_t)(40000 + s->n));

			c->state_ns = c->closing->tw_ns = s->now_ns;
			ports_closed(s->ports, c);
		}
		if (i % 6 == 1)
			add(s, (uint16_t)(40000 + s->n))->state =
				TCPSTATE_FIN_WAIT2;
	}
	f = only(s, SCOPE_DESTINATION);
	assert_false(f->has_eta);
	assert_true(f->budget.level >= 610 && f->budget.level <= 620);
}

/* A pool that is being filled: it would take an hour, if it went on. */
static void test_pool_fills(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	facts.port_first = 1024;
	facts.port_last = 65535;
	add(s, 50000);
	for (int i = 0; i < 20; i++) {
		look(s, false);
		s->now_ns += SECOND / 2;
		for (int k = 0; k < 5; k++)
			add(s, (uint16_t)(40000 + s->n))->state =
				TCPSTATE_ESTABLISHED;
	}
	f = only(s, SCOPE_DESTINATION);
	assert_true(f->has_eta);
	assert_int_equal(f->eta_s, 6400);
	assert_int_equal(f->severity, SEVERITY_INFO);
}

/* A program that starts opens its pool: few are used yet. */
static void test_pool_starts(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	facts.port_first = 32768;
	facts.port_last = 60999;
	add(s, 60000);
	for (int i = 0; i < 12; i++) {
		look(s, false);
		s->now_ns += SECOND / 2;
		for (int k = 0; k < 100; k++)
			add(s, (uint16_t)(40000 + s->n))->state =
				TCPSTATE_ESTABLISHED;
	}
	f = only(s, SCOPE_DESTINATION);
	assert_true(f->has_eta);
	assert_true(f->eta_s < 600);
	assert_int_equal(f->severity, SEVERITY_INFO);
}

/* The mini-sockets of orphans take buckets, too. */
static void test_buckets_eta(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	go_on(s, 50, 6);
	facts.tcp_max_tw_buckets = 1600;
	facts.time_waits = 300;
	f = only(s, SCOPE_NETNS);
	assert_true(f->has_eta);
	assert_int_equal(f->eta_s, 26);
	facts.time_waits = 1200;
	f = only(s, SCOPE_NETNS);
	assert_true(f->has_eta);
	assert_int_equal(f->eta_s, 8);
}

/* Reports go on: what was long ago is forgotten. */
static void test_forget(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	go_on(s, 50, 6);
	only(s, SCOPE_DESTINATION);
	ports_forget(s->ports, s->now_ns, 6 * SECOND);
	go_on(s, 0, 6);
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal((int)(f->budget.rate_per_s + 0.5), 25);
	ports_forget(s->ports, s->now_ns, 6 * SECOND);
	go_on(s, 0, 6);
	f = only(s, SCOPE_DESTINATION);
	assert_int_equal((int)(f->budget.rate_per_s + 0.5), 0);
	assert_int_equal((int)f->growth_per_min, 0);
	assert_int_equal(f->count, 300);
	s->n = 0;
	ports_forget(s->ports, s->now_ns, 6 * SECOND);
	look(s, true);
	assert_int_equal(s->n_findings, 0);
}

/* Containers come and go, and another one may have its number. */
static void test_namespaces_go(void **state)
{
	struct setting *s = *state;
	const struct finding *f;

	for (uint32_t i = 1; i <= 5; i++) {
		add(s, 40000)->netns = NETNS + i;
		add(s, 40001)->netns = NETNS + i;
	}
	add(s, 40002);
	look(s, true);
	assert_int_equal(s->ports->n_spaces, 6);
	for (int i = 0; i < 3; i++) {
		s->n = 0;
		s->now_ns += 6 * SECOND;
		add(s, 40002);
		add(s, 40003)->netns = NETNS + 5;
		look(s, true);
		ports_forget(s->ports, s->now_ns, 6 * SECOND);
	}
	assert_int_equal(s->ports->n_spaces, 2);
	assert_int_equal(s->ports->n_groups, 4);
	add(s, 40004);
	add(s, 40005)->netns = NETNS + 2;
	look(s, true);
	assert_int_equal(s->ports->n_spaces, 3);
	assert_int_equal(s->n_findings, 6);
	for (size_t i = 0; i < s->n_findings; i++) {
		f = &s->findings[i];
		assert_int_equal(f->count, f->netns == NETNS ? 2 : 1);
		assert_true(f->facts == (f->netns == NETNS ? &facts : NULL));
	}
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_buckets_eta),
		WITH(test_eta),
		WITH(test_levels_off),
		WITH(test_burst),
		WITH(test_closing_ones),
		WITH(test_pool_fills),
		WITH(test_pool_starts),
		WITH(test_forget),
		WITH(test_namespaces_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

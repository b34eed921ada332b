// SPDX-License-Identifier: GPL-2.0
/*
 * SYNs that meet a socket of their addresses and ports: which are told, and
 * what is found of them.
 */
#include "records.h"

#include "engine/advice.h"
#include "engine/collision.h"
#include "engine/leaks.h"
#include "origin.h"

#define C 7

#define CHALLENGE(at, who, in, ...) \
	REC(CHALLENGE, at, who, .old_state = TCPSTATE_##in, \
	    .new_state = TCPSTATE_##in, .flags = TCPSTATE_F_NO_TASK, \
	    ##__VA_ARGS__)
#define TW_SYN(at, who, in, ...) \
	REC(TW_SYN, at, who, .old_state = TCPSTATE_##in, \
	    .new_state = TCPSTATE_##in, .flags = TCPSTATE_F_NO_TASK, \
	    ##__VA_ARGS__)

static const struct collision *only(struct rig *r)
{
	const struct collision *list;
	size_t n;

	list = engine_collisions(r->engine, &n);
	assert_int_equal(n, 1);
	return list;
}

static void none(struct rig *r)
{
	size_t n;

	engine_collisions(r->engine, &n);
	assert_int_equal(n, 0);
}

static void open_and_leak(struct rig *r)
{
	PLAY(r, STATE(0, C, CLOSE, SYN_SENT, BY(100, "java")),
	     REC(CONNECT, 1, C, .old_state = TCPSTATE_SYN_SENT,
		 .new_state = TCPSTATE_SYN_SENT, BY(100, "java")),
	     STATE(10, C, SYN_SENT, ESTABLISHED, SOFTIRQ),
	     STATE(20, C, ESTABLISHED, CLOSE_WAIT, SOFTIRQ));
}

static void test_close_wait(void **state)
{
	struct rig *r = *state;
	const struct collision *c;

	open_and_leak(r);
	PLAY(r, CHALLENGE(30, C, CLOSE_WAIT), CHALLENGE(50, C, CLOSE_WAIT));
	until(r, 60);
	c = only(r);
	assert_int_equal(c->conn.cookie, C);
	assert_int_equal(c->conn.state, TCPSTATE_CLOSE_WAIT);
	assert_int_equal(conn_origin(&c->conn)->pid, 100);
	assert_int_equal(c->syns, 2);
	assert_int_equal(c->first_ns, AT(30));
	assert_int_equal(c->last_ns, AT(50));
}

/* The RST that answers the challenge ends it. */
static void test_outlives_its_socket(void **state)
{
	struct rig *r = *state;

	open_and_leak(r);
	PLAY(r, CHALLENGE(30, C, CLOSE_WAIT),
	     STATE(31, C, CLOSE_WAIT, CLOSE, SOFTIRQ, .sk_err = 32));
	until(r, 500);
	assert_null(engine_find(r->engine, C));
	assert_int_equal(conn_origin(&only(r)->conn)->pid, 100);
	assert_int_equal(only(r)->conn.state, TCPSTATE_CLOSE_WAIT);
}

static void test_other_states(void **state)
{
	struct rig *r = *state;

	PLAY(r, CHALLENGE(1, C, ESTABLISHED), CHALLENGE(2, C, FIN_WAIT1),
	     CHALLENGE(3, C, FIN_WAIT2), CHALLENGE(4, C, CLOSING),
	     TW_SYN(5, C, FIN_WAIT2));
	until(r, 10);
	none(r);
}

static void test_unknown_socket(void **state)
{
	struct rig *r = *state;

	PLAY(r, CHALLENGE(1, C, LAST_ACK));
	until(r, 10);
	assert_int_equal(only(r)->conn.state, TCPSTATE_LAST_ACK);
	assert_true(only(r)->conn.snapshot);
	assert_int_equal(only(r)->conn.dport, 443);
}

static void test_taken_over(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, TIME_WAIT, .timeout_ms = 60000),
	     TW_SYN(10, C, TIME_WAIT),
	     TW_KILL(10, C, TIME_WAIT, .cause = TCPSTATE_CAUSE_INPUT));
	until(r, 20);
	none(r);
}

/* Which of them it took is known by the order. */
static void test_refused_and_then_taken_over(void **state)
{
	struct rig *r = *state;

	PLAY(r, SNAPSHOT(0, C, TIME_WAIT, .timeout_ms = 60000),
	     TW_SYN(10, C, TIME_WAIT), TW_SYN(20, C, TIME_WAIT),
	     TW_KILL(20, C, TIME_WAIT, .cause = TCPSTATE_CAUSE_INPUT));
	until(r, 30);
	assert_int_equal(only(r)->syns, 1);
	assert_int_equal(only(r)->last_ns, AT(10));
}

static void test_other_ends_of_time_wait(void **state)
{
	static const uint8_t causes[] = {
		TCPSTATE_CAUSE_RST, TCPSTATE_CAUSE_CONNECT,
		TCPSTATE_CAUSE_ABORT, TCPSTATE_CAUSE_UNKNOWN,
	};
	struct rig *r = *state;

	for (size_t i = 0; i < COUNT_OF(causes); i++) {
		rig_restart(r);
		PLAY(r, SNAPSHOT(0, C, TIME_WAIT, .timeout_ms = 60000),
		     TW_SYN(10, C, TIME_WAIT),
		     TW_KILL(40, C, TIME_WAIT, .cause = causes[i]));
		until(r, 50);
		assert_int_equal(only(r)->syns, 1);
	}
}

/* Whether it was refused nobody would know. */
static void test_without_the_end(void **state)
{
	struct rig *r = *state;

	rig_sees(r, SEES_ALL & ~SEES_TW_KILL);
	PLAY(r, TW_SYN(10, C, TIME_WAIT));
	until(r, 20);
	none(r);
}

static void test_bounded(void **state)
{
	struct rig *r = *state;
	const struct collision *list;
	size_t n;

	for (uint64_t i = 0; i < 2 * COLLISIONS_MAX; i++)
		PLAY(r, CHALLENGE(i, i + 1, CLOSE_WAIT));
	until(r, 2 * COLLISIONS_MAX);
	list = engine_collisions(r->engine, &n);
	assert_int_equal(n, COLLISIONS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_true(list[i].conn.cookie > COLLISIONS_MAX);
}

/* ---- findings ---- */

static struct leaks *leaks_at(uint64_t ms)
{
	const struct stuck_config cfg = { .now_ns = AT(ms) };
	struct leaks *l = leaks_new(&cfg);

	assert_non_null(l);
	return l;
}

static bool advises(const struct finding *f, unsigned int advice)
{
	uint8_t list[ADVICES];
	size_t n = advice_choose(f, list, ADVICES);

	for (size_t i = 0; i < n; i++)
		if (list[i] == advice)
			return true;
	return false;
}

static struct collision met(uint8_t state)
{
	return (struct collision){
		.conn = {
			.cookie = C, .netns = NETNS, .family = 4,
			.origin = ORIGIN(.pid = 100, .comm = "java"),
			.state = state, .state_ns = AT(0),
			.sport = 80, .dport = 5555, .role = ROLE_SERVER,
		},
		.syns = 3, .first_ns = AT(1000), .last_ns = AT(3000),
	};
}

static void test_finding_of_close_wait(void **state)
{
	const struct collision c = met(TCPSTATE_CLOSE_WAIT);
	const struct holding java = { 100, 61, "java" };
	struct leaks *l = leaks_at(5000);
	const struct finding *f;
	size_t n;

	(void)state;
	assert_int_equal(leaks_add_collision(l, &c, &c.conn, NULL, NULL, &java,
					     1, NULL), 0);
	f = leaks_findings(l, &n);
	assert_int_equal(n, 1);
	assert_int_equal(f->rule, RULE_COLLISION);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_int_equal(f->pid, 100);
	assert_int_equal(f->fds[0], 61);
	assert_int_equal(f->oldest_ns, MS(5000));
	assert_int_equal(f->syns.count, 3);
	assert_int_equal(f->syns.first_ns, MS(4000));
	assert_int_equal(f->syns.last_ns, MS(2000));
	assert_int_equal(f->syns.dport, 5555);
	assert_int_equal(f->syns.gone, 0);
	assert_true(f->has_end && !f->ending && !f->inferred);
	assert_true(advises(f, ADVICE_CLOSE_BLOCKER));
	assert_false(advises(f, ADVICE_OTHER_PORT));
	leaks_free(l);
}

static void test_finding_of_time_wait(void **state)
{
	const struct netns_facts facts = { .netns = NETNS, .tcp_rfc1337 = 1 };
	const struct collision c = met(TCPSTATE_TIME_WAIT);
	struct leaks *l = leaks_at(5000);
	const struct finding *f;
	size_t n;

	(void)state;
	assert_int_equal(leaks_add_collision(l, &c, &c.conn, NULL, NULL, NULL,
					     0, &facts), 0);
	f = leaks_findings(l, &n);
	assert_int_equal(n, 1);
	assert_int_equal(f->pid, 0);
	assert_int_equal(f->owner_pid, 100);
	assert_int_equal(f->end_max_ns, MS(55000));
	assert_true(advises(f, ADVICE_OTHER_PORT));
	assert_true(advises(f, ADVICE_TAKE_OVER));
	assert_true(advises(f, ADVICE_LET_RST_END));
	assert_true(advises(f, ADVICE_NOT_REUSE_FOR_SYNS));
	leaks_free(l);
}

static void test_finding_of_what_is_gone(void **state)
{
	const struct collision c = met(TCPSTATE_LAST_ACK);
	struct leaks *l = leaks_at(5000);
	const struct finding *f;
	size_t n;

	(void)state;
	assert_int_equal(leaks_add_collision(l, &c, NULL, NULL, NULL, NULL, 0,
					     NULL), 0);
	f = leaks_findings(l, &n);
	assert_int_equal(f->syns.gone, 1);
	assert_false(f->has_end);
	assert_false(advises(f, ADVICE_KILL_BLOCKER));
	leaks_free(l);
}

/* Beside what was seen, and never counted with it. */
static void test_inferred(void **state)
{
	const struct netns_facts facts = { .netns = NETNS };
	const struct collision c = met(TCPSTATE_CLOSE_WAIT);
	struct leaks *l = leaks_at(5000);
	const struct finding *f;
	size_t n;

	(void)state;
	assert_int_equal(leaks_add_refused_syns(l, 4, NULL, NULL, NULL, 0,
						&facts), 0);
	assert_int_equal(leaks_add_refused_syns(l, 2, &c.conn, NULL, NULL, 0,
						&facts), 0);
	assert_int_equal(leaks_add_collision(l, &c, &c.conn, NULL, NULL, NULL,
					     0, &facts), 0);
	f = leaks_findings(l, &n);
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(f[i].inferred, f[i].syns.count != 3);
		assert_int_equal(f[i].count, f[i].syns.count != 4);
		assert_int_equal(f[i].state, f[i].count ?
				 TCPSTATE_CLOSE_WAIT : 0);
	}
	leaks_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_close_wait),
		WITH_RIG(test_outlives_its_socket),
		WITH_RIG(test_other_states),
		WITH_RIG(test_unknown_socket),
		WITH_RIG(test_taken_over),
		WITH_RIG(test_refused_and_then_taken_over),
		WITH_RIG(test_other_ends_of_time_wait),
		WITH_RIG(test_without_the_end),
		WITH_RIG(test_bounded),
		cmocka_unit_test(test_finding_of_close_wait),
		cmocka_unit_test(test_finding_of_time_wait),
		cmocka_unit_test(test_finding_of_what_is_gone),
		cmocka_unit_test(test_inferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

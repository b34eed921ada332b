// SPDX-License-Identifier: GPL-2.0
/*
 * Stuck in another state than CLOSE_WAIT: each rule and, next to it, what is
 * nearly that and normal life; and when the kernel gives up.
 */
#include "records.h"

#include "engine/giveup.h"
#include "engine/leaks.h"
#include "origin.h"

#define NOW_MS (3600ULL * 1000 * 10)
#define MINUTE_MS 60000U

static const struct netns_facts settings = {
	.netns = NETNS, .tcp_orphan_retries = 0, .tcp_retries2 = 15,
	.tcp_syn_retries = 6, .tcp_synack_retries = 5, .tcp_fin_timeout = 60,
	.tcp_max_orphans = 1000, .orphans = 0,
};

static const struct thresholds defaults = THRESHOLDS_DEFAULT;

static const struct stuck_config config = {
	.now_ns = MS(NOW_MS), .age_ns = MS(MINUTE_MS),
	.idle_ns = STUCK_IDLE_NS,
};

/* Seen to enter @state two minutes ago. */
static struct conn conn_in(uint8_t state)
{
	return (struct conn){
		.cookie = 1, .life = 1, .netns = NETNS, .family = 4,
		.v4.daddr = { 10, 0, 7, 12 }, .sport = 40000, .dport = 443,
		.role = ROLE_CLIENT, .state = state, .has_uid = true,
		.origin = ORIGIN(.pid = 100, .comm = "java", .uid = 1000),
		.inode = 5,
		.state_ns = MS(NOW_MS - 2 * MINUTE_MS),
	};
}

/* Nobody answers: nine times sent, of 0.2 s at first, 102 s ago. */
static struct stuck_facts unanswered(uint8_t state)
{
	return (struct stuck_facts){
		.cookie = 1, .state = state, .full = true,
		.timer = TCPSTATE_TIMER_RETRANS, .again = 9, .backoff = 9,
		.rto_ms = 102400, .timer_ms = 102000, .unacked = 1,
		.snd_wnd = 65535, .acked_ms = 2 * MINUTE_MS,
		.sent_ms = 2 * MINUTE_MS, .received_ms = 2 * MINUTE_MS,
	};
}

static struct stuck judged(const struct conn *c, const struct stuck_facts *f)
{
	struct stuck s = { .rule = RULES };

	assert_true(stuck_judge(&config, c, f, &s));
	return s;
}

static bool is_silent(const struct conn *c, const struct stuck_facts *f)
{
	struct stuck s;

	return !stuck_judge(&config, c, f, &s);
}

static void test_fin_unanswered(void **state)
{
	static const struct { uint8_t state, rule; } cases[] = {
		{ TCPSTATE_FIN_WAIT1, RULE_FIN_WAIT1 },
		{ TCPSTATE_CLOSING, RULE_CLOSING },
		{ TCPSTATE_LAST_ACK, RULE_LAST_ACK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct conn c = conn_in(cases[i].state);
		struct stuck_facts f = unanswered(cases[i].state);
		struct stuck s = judged(&c, &f);

		assert_int_equal(s.rule, cases[i].rule);
		assert_int_equal(s.cause, CAUSE_PEER_GONE);
		assert_true(s.exact);
		assert_int_equal(s.age_ns, MS(2 * MINUTE_MS));
	}
}

/* Acknowledged a moment ago: slow, and well. */
static void test_slow_close(void **state)
{
	struct conn c = conn_in(TCPSTATE_FIN_WAIT1);
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);

	(void)state;
	f.again = f.backoff = 2;
	f.rto_ms = 800;
	f.timer_ms = 100;
	f.acked_ms = 1500;
	assert_true(is_silent(&c, &f));
	f.again = f.backoff = 0;
	assert_true(is_silent(&c, &f));
	/* Nothing for as long as it has been closing: that is something else. */
	f.again = f.backoff = 2;
	f.acked_ms = 2 * MINUTE_MS;
	assert_false(is_silent(&c, &f));
}

static void test_young_fin(void **state)
{
	struct conn c = conn_in(TCPSTATE_FIN_WAIT1);
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);

	(void)state;
	c.state_ns = MS(NOW_MS - 30000);
	assert_true(is_silent(&c, &f));
}

/* Older than the capture: the timer proves how long it has been so. */
static void test_snapshot_fin(void **state)
{
	struct conn c = conn_in(TCPSTATE_LAST_ACK);
	struct stuck_facts f = unanswered(TCPSTATE_LAST_ACK);
	struct stuck s;

	(void)state;
	c.snapshot = true;
	c.state_ns = MS(NOW_MS - 10);
	s = judged(&c, &f);
	assert_false(s.exact);
	/* 0.2 + 0.4 .. + 51.2, and 0.4 of the timer that runs. */
	assert_int_equal(s.age_ns, MS(102200 + 400));
	f.again = f.backoff = 7;
	f.rto_ms = f.timer_ms = 25600;
	assert_true(is_silent(&c, &f));
}

/* The peer answers each probe: it is there, and reads nothing. */
static void test_shut_window(void **state)
{
	struct conn c = conn_in(TCPSTATE_FIN_WAIT1);
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);

	(void)state;
	f.timer = TCPSTATE_TIMER_PROBE;
	f.again = 0;
	f.rto_ms = f.timer_ms = 200;
	f.unacked = 0;
	f.unsent = 1;
	f.snd_wnd = 0;
	assert_int_equal(judged(&c, &f).cause, CAUSE_WINDOW_SHUT);
	f.probes = 2;
	assert_int_equal(judged(&c, &f).cause, CAUSE_WINDOW_SHUT);
	f.probes = 3;
	assert_int_equal(judged(&c, &f).cause, CAUSE_PEER_GONE);
	/* It was open a while ago: the peer reads, slowly. */
	f.probes = 0;
	f.backoff = 4;
	f.timer_ms = 3200;
	assert_true(is_silent(&c, &f));
	/* Taken back with data under way; answered a moment ago. */
	f = unanswered(TCPSTATE_FIN_WAIT1);
	f.snd_wnd = 0;
	f.acked_ms = 1000;
	assert_int_equal(judged(&c, &f).cause, CAUSE_WINDOW_SHUT);
	f.acked_ms = 300000;
	assert_int_equal(judged(&c, &f).cause, CAUSE_PEER_GONE);
}

static void test_half_closed(void **state)
{
	struct conn c = conn_in(TCPSTATE_FIN_WAIT2);
	struct stuck_facts f = {
		.state = TCPSTATE_FIN_WAIT2, .full = true, .in_file = true,
		.acked_ms = 2 * MINUTE_MS, .received_ms = 2 * MINUTE_MS,
	};

	(void)state;
	assert_int_equal(judged(&c, &f).rule, RULE_FIN_WAIT2);
	assert_int_equal(judged(&c, &f).cause, CAUSE_PEER_OPEN);
	/* The answer is still coming. */
	f.received_ms = f.acked_ms = 500;
	assert_true(is_silent(&c, &f));
	/* Older than the capture: it came by an ACK. */
	c.snapshot = true;
	c.state_ns = MS(NOW_MS);
	f.received_ms = f.acked_ms = 70000;
	assert_int_equal(judged(&c, &f).age_ns, MS(70000));
}

/* More than 60 s begin with a socket, whose timer has what is beyond them. */
static void test_long_fin_timeout(void **state)
{
	struct stuck_facts f = {
		.state = TCPSTATE_FIN_WAIT2, .full = true,
		.timer = TCPSTATE_TIMER_KEEPALIVE, .timer_ms = 30000,
	};
	struct netns_facts s = settings;
	uint64_t ms = 0;

	(void)state;
	assert_int_equal(giveup_ms(&f, &s, &ms), GIVEUP_AT);
	assert_int_equal(ms, 30000);
	s.tcp_fin_timeout = 120;
	assert_int_equal(giveup_ms(&f, &s, &ms), GIVEUP_AT);
	assert_int_equal(ms, 30000 + 60000);
	s.tcp_fin_timeout = -1;
	assert_int_equal(giveup_ms(&f, &s, &ms), GIVEUP_UNKNOWN);
	assert_int_equal(giveup_ms(&f, NULL, &ms), GIVEUP_UNKNOWN);
}

static void test_orphan_fin_wait2(void **state)
{
	struct conn c = conn_in(TCPSTATE_FIN_WAIT2);
	struct stuck_facts f = {
		.state = TCPSTATE_FIN_WAIT2, .timer_ms = 12345,
	};
	uint64_t ms = 0;

	(void)state;
	assert_int_equal(judged(&c, &f).cause, CAUSE_ORPHAN);
	assert_int_equal(giveup_ms(&f, NULL, &ms), GIVEUP_AT);
	assert_int_equal(ms, 12345);
	c.state_ns = MS(NOW_MS - 20000);
	assert_true(is_silent(&c, &f));
}

static void test_syn_sent(void **state)
{
	struct conn c = conn_in(TCPSTATE_SYN_SENT);
	struct stuck_facts f = {
		.state = TCPSTATE_SYN_SENT, .full = true, .in_file = true,
		.timer = TCPSTATE_TIMER_RETRANS, .again = 3, .backoff = 3,
		.rto_ms = 8000, .timer_ms = 8000,
	};

	(void)state;
	c.state_ns = MS(NOW_MS - 7000);
	assert_int_equal(judged(&c, &f).rule, RULE_SYN_SENT);
	assert_int_equal(judged(&c, &f).cause, CAUSE_NO_ANSWER);
	f.again = f.backoff = 2;
	assert_true(is_silent(&c, &f));
	/* Since 6.5: 1, 1, 1, 1, 1 and 2 s, and half of the 4 that run. */
	f.again = 6;
	f.rto_ms = 4000;
	f.timer_ms = 2000;
	assert_int_equal(stuck_unanswered_ms(&f), 9000);
	c.snapshot = true;
	c.state_ns = MS(NOW_MS);
	assert_int_equal(judged(&c, &f).age_ns, MS(9000));
}

static void test_idle(void **state)
{
	const uint32_t hours = 3 * 3600 * 1000;
	struct conn c = conn_in(TCPSTATE_ESTABLISHED);
	struct tcpstate_record r = {
		.new_state = TCPSTATE_ESTABLISHED, .inode = 5,
		.sent_ms = hours, .received_ms = hours + 5, .age_ms = hours + 9,
	};
	struct stuck_facts f;

	(void)state;
	assert_true(stuck_is_candidate(&r, STUCK_IDLE_NS));
	stuck_take_facts(&f, &r);
	assert_int_equal(judged(&c, &f).rule, RULE_IDLE);
	assert_int_equal(judged(&c, &f).cause, CAUSE_NO_KEEPALIVE);
	assert_int_equal(judged(&c, &f).age_ns, MS(hours));
	r.timer = TCPSTATE_TIMER_KEEPALIVE;
	assert_false(stuck_is_candidate(&r, STUCK_IDLE_NS));
	r.timer = TCPSTATE_TIMER_NONE;
	/* The peer's keepalive, which we answer. */
	r.age_ms = 1000;
	assert_false(stuck_is_candidate(&r, STUCK_IDLE_NS));
	r.age_ms = hours;
	r.sent_ms = 1000;
	assert_false(stuck_is_candidate(&r, STUCK_IDLE_NS));
	r.sent_ms = hours;
	r.unacked = 1;
	assert_false(stuck_is_candidate(&r, STUCK_IDLE_NS));
}

static void test_idle_on_one_host(void **state)
{
	struct conn c = conn_in(TCPSTATE_ESTABLISHED);
	struct stuck_facts f = {
		.state = TCPSTATE_ESTABLISHED, .sent_ms = 3 * 3600 * 1000,
		.received_ms = 3 * 3600 * 1000, .acked_ms = 3 * 3600 * 1000,
	};
	struct address_pair pair = {
		.saddr = { 0x20 }, .daddr = { [0] = 0x20, [15] = 1 },
	};

	(void)state;
	assert_int_equal(judged(&c, &f).rule, RULE_IDLE);
	memcpy(c.v4.saddr, c.v4.daddr, sizeof(c.v4.saddr));
	assert_true(is_silent(&c, &f));
	memcpy(c.v4.saddr, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	memcpy(c.v4.daddr, (uint8_t[]){ 127, 0, 0, 2 }, 4);
	assert_true(is_silent(&c, &f));
	c.family = 6;
	c.v6 = &pair;
	assert_int_equal(judged(&c, &f).rule, RULE_IDLE);
	pair.daddr[0] = 0;
	assert_true(is_silent(&c, &f));
}

static void test_moved_on(void **state)
{
	struct conn c = conn_in(TCPSTATE_FIN_WAIT2);
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);

	(void)state;
	assert_true(is_silent(&c, &f));
}

/* ---- groups ---- */

static const struct conn listener = {
	.cookie = 9, .life = 1, .netns = NETNS, .family = 4, .sport = 80,
	.role = ROLE_LISTENER, .state = TCPSTATE_LISTEN, .wqueue = 100,
	.origin = &(const struct origin){ .pid = 100, .comm = "nginx" },
};

static const struct holding java = { 100, 61, "java" };

static void add_requests(struct leaks *l, const struct conn *door, size_t n,
			 size_t peers, uint8_t again)
{
	for (size_t i = 0; i < n; i++) {
		struct conn c = conn_in(TCPSTATE_SYN_RECV);
		struct stuck_facts f = {
			.cookie = i + 1, .state = TCPSTATE_SYN_RECV,
			.again = again, .timer_ms = 500,
		};

		c.cookie = i + 1;
		c.role = ROLE_SERVER;
		own_origin(&c)->listener = 9;
		own_origin(&c)->pid = 0;
		c.inode = 0;
		c.v4.daddr[2] = (uint8_t)(i % peers >> 8);
		c.v4.daddr[3] = (uint8_t)(i % peers);
		assert_int_equal(leaks_add_stuck(l, &c, &f, door, NULL, 0,
						 &settings), 0);
	}
}

/* What comes of so many requests; CAUSE_NONE: no finding. */
static uint8_t cause_of_requests(const struct conn *door, size_t n,
				 size_t peers, uint8_t again)
{
	struct leaks *l = leaks_new(&config);
	struct finding *f;
	uint8_t cause;
	size_t found;

	assert_non_null(l);
	add_requests(l, door, n, peers, again);
	f = leaks_findings(l, &found);
	assert_true(found <= 1);
	cause = found ? f->cause : CAUSE_NONE;
	if (found) {
		assert_int_equal(f->rule, RULE_SYN_RECV);
		assert_int_equal(f->count, n);
		assert_int_equal(f->listener.pid, 100);
		assert_int_equal(f->pid, 0);
		assert_int_equal(f->severity, n >= 95 ? SEVERITY_CRITICAL :
							SEVERITY_WARNING);
	}
	leaks_free(l);
	return cause;
}

static void test_requests(void **state)
{
	struct conn full = listener;

	(void)state;
	assert_int_equal(cause_of_requests(&listener, 9, 9, 3), CAUSE_NONE);
	assert_int_equal(cause_of_requests(&listener, 69, 69, 0), CAUSE_NONE);
	assert_int_equal(cause_of_requests(&listener, 70, 70, 0),
			 CAUSE_BACKLOG);
	assert_int_equal(cause_of_requests(&listener, 60, 60, 3), CAUSE_FLOOD);
	assert_int_equal(cause_of_requests(&listener, 96, 90, 2), CAUSE_FLOOD);
	assert_int_equal(cause_of_requests(&listener, 60, 2, 3),
			 CAUSE_NO_ANSWER);
	full.rqueue = 100;
	assert_int_equal(cause_of_requests(&full, 2, 2, 1), CAUSE_NONE);
	full.rqueue = 101;
	assert_int_equal(cause_of_requests(&full, 2, 2, 1), CAUSE_QUEUE_FULL);
	assert_int_equal(cause_of_requests(&full, 2, 2, 0), CAUSE_NONE);
}

/* A thousand peers are counted one by one, and more are at least not lost. */
static void test_many_peers(void **state)
{
	struct leaks *l = leaks_new(&config);
	struct finding *f;
	size_t n;

	(void)state;
	add_requests(l, &listener, 3000, 3000, 3);
	f = leaks_findings(l, &n);
	assert_int_equal(n, 1);
	assert_int_equal(f->count, 3000);
	assert_int_equal(f->n_peers, FINDING_PEERS_MAX);
	assert_int_equal(f->cause, CAUSE_FLOOD);
	leaks_free(l);
}

static void test_group_of_a_peer(void **state)
{
	struct leaks *l = leaks_new(&config);
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);
	struct conn c = conn_in(TCPSTATE_FIN_WAIT1), d = c;
	struct finding *found;
	size_t n;

	(void)state;
	c.inode = 0;
	assert_int_equal(leaks_add_stuck(l, &c, &f, NULL, NULL, 0, &settings),
			 0);
	c.cookie = 2;
	f.again = 11;
	assert_int_equal(leaks_add_stuck(l, &c, &f, NULL, NULL, 0, &settings),
			 0);
	d.cookie = 3;
	d.v4.daddr[3] = 13;
	f.in_file = true;
	assert_int_equal(leaks_add_stuck(l, &d, &f, NULL, &java, 1, &settings),
			 0);
	found = leaks_findings(l, &n);
	assert_int_equal(n, 2);
	assert_int_equal(found[0].count, 2);
	assert_int_equal(found[0].orphans, 2);
	assert_int_equal(found[0].pid, 0);
	assert_int_equal(found[0].owner_pid, 100);
	assert_int_equal(found[0].remote_addr[3], 12);
	assert_int_equal(found[0].remote_port, 443);
	assert_int_equal(found[0].again_min, 9);
	assert_int_equal(found[0].again_max, 11);
	assert_true(found[0].has_end);
	assert_int_equal(found[0].ending, 2);
	assert_int_equal(found[1].count, 1);
	assert_int_equal(found[1].pid, 100);
	assert_int_equal(found[1].fds[0], 61);
	leaks_free(l);
}

/* One in SYN_SENT to each of so many peers. */
static struct finding *connecting(struct leaks *l, size_t peers, size_t *n)
{
	struct stuck_facts f = {
		.state = TCPSTATE_SYN_SENT, .full = true, .in_file = true,
		.timer = TCPSTATE_TIMER_RETRANS, .backoff = 3,
		.rto_ms = 8000, .timer_ms = 8000,
	};

	for (size_t i = 0; i < peers; i++) {
		struct conn c = conn_in(TCPSTATE_SYN_SENT);
		struct holding fd = { 100, (int)i, "java" };

		c.cookie = i + 1;
		c.state_ns -= i;
		c.v4.daddr[2] = (uint8_t)(i >> 8);
		c.v4.daddr[3] = (uint8_t)i;
		f.again = (uint8_t)(3 + i % 4);
		assert_int_equal(leaks_add_stuck(l, &c, &f, NULL, &fd, 1,
						 &settings), 0);
	}
	return leaks_findings(l, n);
}

/* A hundred peers are told apart, and more are one finding. */
static void test_many_ends(void **state)
{
	struct leaks *l = leaks_new(&config);
	struct finding *f;
	size_t n;

	(void)state;
	f = connecting(l, FINDING_ENDS_MAX, &n);
	assert_int_equal(n, FINDING_ENDS_MAX);
	assert_false(f->many_ends);
	leaks_free(l);
	l = leaks_new(&config);
	f = connecting(l, 5000, &n);
	assert_int_equal(n, 1);
	assert_true(f->many_ends);
	assert_int_equal(f->remote_family, 0);
	assert_int_equal(f->pid, 100);
	assert_int_equal(f->count, 5000);
	assert_int_equal(f->ages[AGE_TEN_MINUTES], 5000);
	assert_int_equal(f->oldest_ns, MS(2 * MINUTE_MS) + 4999);
	assert_true(f->oldest_exact);
	assert_int_equal(f->again_min, 3);
	assert_int_equal(f->again_max, 6);
	assert_int_equal(f->often, 5000);
	assert_int_equal(f->n_conn_pids, 1);
	assert_int_equal(f->n_peers, FINDING_PEERS_MAX);
	assert_int_equal(f->n_fds, 5000);
	assert_int_equal(f->fds[99], 99);
	assert_int_equal(f->conn_ids[99], 100);
	assert_int_equal(f->n_holders, 1);
	assert_int_equal(f->holders[0].count, 5000);
	assert_int_equal(f->ending, 5000);
	assert_true(f->end_min_ns > 0 && f->end_min_ns < f->end_max_ns);
	leaks_free(l);
}

static void test_orphans(void **state)
{
	struct netns_facts s = settings;
	struct leaks *l = leaks_new(&config);
	struct finding *f;
	size_t n;

	(void)state;
	s.orphans = 499;
	assert_int_equal(leaks_add_orphans(l, &s), 0);
	leaks_findings(l, &n);
	assert_int_equal(n, 0);
	leaks_free(l);
	l = leaks_new(&config);
	s.orphans = 500;
	assert_int_equal(leaks_add_orphans(l, &s), 0);
	f = leaks_findings(l, &n);
	assert_int_equal(n, 1);
	assert_int_equal(f->rule, RULE_ORPHANS);
	assert_int_equal(f->count, 500);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	s.orphans = 1000;
	f->count = 950;
	leaks_rate(f, &defaults);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	leaks_free(l);
}

static void test_fds(void **state)
{
	struct leaks_process p = {
		.pid = 100, .comm = "java", .netns = NETNS, .sockets = 700,
		.fd_used = 799, .fd_limit = 1000,
	};
	struct leaks *l = leaks_new(&config);
	struct finding *f;
	size_t n;

	(void)state;
	assert_int_equal(leaks_add_fds(l, &p), 0);
	p.fd_used = 5000;
	p.fd_limit = UINT64_MAX;
	assert_int_equal(leaks_add_fds(l, &p), 0);
	p.pid = 101;
	p.fd_used = 800;
	p.fd_limit = 1000;
	assert_int_equal(leaks_add_fds(l, &p), 0);
	f = leaks_findings(l, &n);
	assert_int_equal(n, 1);
	assert_int_equal(f->rule, RULE_FDS);
	assert_int_equal(f->pid, 101);
	assert_int_equal(f->count, 700);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	f->fd_used = 950;
	leaks_rate(f, &defaults);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	leaks_free(l);
}

/* ---- the kernel's own end ---- */

static uint64_t ends_in(const struct stuck_facts *f,
			const struct netns_facts *s)
{
	uint64_t ms = 0;

	assert_int_equal(giveup_ms(f, s, &ms), GIVEUP_AT);
	return ms;
}

/*
 * Sent first with a timer of 0.2 s: retransmits_timed_out() has (2^(n+1) - 1) x
 * 0.2 s, capped, from the first retransmission, and looks at each timer.
 */
static void test_orphan_gives_up(void **state)
{
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);
	struct netns_facts s = settings;
	uint64_t ms;

	(void)state;
	/* The first timer: 8 retries are 102.2 s; 0.2 .. 102.4 s are over. */
	f.again = f.backoff = 0;
	f.rto_ms = f.timer_ms = 200;
	assert_int_equal(ends_in(&f, &s), 200 * ((1 << 10) - 1));
	/* Now, which is the last but one timer of those. */
	f.again = f.backoff = 8;
	f.rto_ms = f.timer_ms = 51200;
	assert_int_equal(ends_in(&f, &s), 51200 + 102400);
	/* Set: one retry is 0.6 s, and the next timer sees it. */
	s.tcp_orphan_retries = 1;
	assert_int_equal(ends_in(&f, &s), 51200);
	/* From 120 s on it is not thought to be alive, and 0 is 0. */
	s.tcp_orphan_retries = 0;
	f.rto_ms = f.timer_ms = 120000;
	assert_int_equal(ends_in(&f, &s), 120000);
	s.tcp_orphan_retries = -1;
	assert_int_equal(giveup_ms(&f, &s, &ms), GIVEUP_UNKNOWN);
	assert_int_equal(giveup_ms(&f, NULL, &ms), GIVEUP_UNKNOWN);
}

/* tcp_retries2 = 15: 924.6 s of ip-sysctl.rst, and the timer that sees it. */
static void test_held_gives_up(void **state)
{
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);
	uint64_t from_first;

	(void)state;
	f.in_file = true;
	f.again = f.backoff = 0;
	f.rto_ms = f.timer_ms = 200;
	from_first = ends_in(&f, &settings);
	assert_in_range(from_first, 924600, 924600 + 120000 + 200);
	/* What is over already does not come again. */
	f.again = f.backoff = 9;
	f.rto_ms = f.timer_ms = 102400;
	assert_int_equal(ends_in(&f, &settings),
			 from_first - 200 * ((1 << 9) - 1));
}

static void test_probes_give_up(void **state)
{
	struct stuck_facts f = unanswered(TCPSTATE_LAST_ACK);
	uint64_t ms;

	(void)state;
	f.timer = TCPSTATE_TIMER_PROBE;
	f.rto_ms = f.timer_ms = 200;
	f.backoff = 0;
	f.snd_wnd = 0;
	f.in_file = true;
	assert_int_equal(giveup_ms(&f, &settings, &ms), GIVEUP_NEVER);
	/* An orphan is, when the timer is at its end: 0.2 .. 102.4, 120. */
	f.in_file = false;
	assert_int_equal(ends_in(&f, &settings), 200 * ((1 << 10) - 1) +
			 120000);
	/* Unanswered, eight times at most. */
	f.probes = 3;
	f.backoff = 3;
	f.timer_ms = 1600;
	assert_int_equal(ends_in(&f, &settings), 1600 + 3200 + 6400 + 12800 +
			 25600 + 51200);
	f.in_file = true;
	assert_true(ends_in(&f, &settings) > 600000);
	/* Two that are under way are no silence. */
	f.probes = 2;
	assert_int_equal(giveup_ms(&f, &settings, &ms), GIVEUP_NEVER);
}

/* The timer is doubled tcp_retries2 times at most: then it never gets there. */
static void test_few_retries(void **state)
{
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);
	struct netns_facts s = settings;
	uint64_t ms;

	(void)state;
	s.tcp_retries2 = 5;
	f.timer = TCPSTATE_TIMER_PROBE;
	f.rto_ms = 200;
	f.backoff = 5;
	f.timer_ms = 6400;
	f.snd_wnd = 0;
	assert_int_equal(giveup_ms(&f, &s, &ms), GIVEUP_NEVER);
	f.probes = 3;
	assert_int_equal(ends_in(&f, &s), 6400 * 6);
	s.tcp_retries2 = -1;
	assert_int_equal(giveup_ms(&f, &s, &ms), GIVEUP_UNKNOWN);
}

/* Taken back: for ever, unless nothing has come for more than four minutes. */
static void test_window_taken_back(void **state)
{
	struct stuck_facts f = unanswered(TCPSTATE_FIN_WAIT1);
	struct finding told = { .count = 1 };
	uint64_t ms;

	(void)state;
	f.in_file = true;
	f.snd_wnd = 0;
	f.again = 0;
	f.acked_ms = 1000;
	assert_int_equal(giveup_ms(&f, &settings, &ms), GIVEUP_NEVER);
	/* Its last timer began 102.4 s after the first; 400 ms are over. */
	f.acked_ms = 230000;
	assert_int_equal(ends_in(&f, &settings), 102000 + 120000);
	/* They are probes, and no counter has them. */
	stuck_count(&told, &f, &settings);
	assert_int_equal(told.again_max, 9);
}

static void test_handshakes_give_up(void **state)
{
	struct stuck_facts f = {
		.state = TCPSTATE_SYN_SENT, .full = true, .in_file = true,
		.timer = TCPSTATE_TIMER_RETRANS, .rto_ms = 1000,
		.timer_ms = 1000,
	};
	struct netns_facts s = settings;

	(void)state;
	/* tcp(7): 127 s for six retries. */
	assert_int_equal(ends_in(&f, &settings), 127000);
	f.again = f.backoff = 6;
	f.rto_ms = 64000;
	f.timer_ms = 5;
	assert_int_equal(ends_in(&f, &settings), 5);
	/* Since 6.5: 1, 1, 1, 1, 1, 2, 4 .. 64 s, of which three are over. */
	s.tcp_syn_linear_timeouts = 4;
	f.again = 3;
	f.backoff = 0;
	f.rto_ms = f.timer_ms = 1000;
	assert_int_equal(ends_in(&f, &s), 128000);
	f.again = 10;
	f.backoff = 6;
	f.rto_ms = 64000;
	f.timer_ms = 5;
	assert_int_equal(ends_in(&f, &s), 5);
	f = (struct stuck_facts){
		.state = TCPSTATE_SYN_RECV, .timer_ms = 1000,
	};
	assert_int_equal(ends_in(&f, &settings), 63000);
	f.again = 5;
	f.timer_ms = 17000;
	assert_int_equal(ends_in(&f, &settings), 17000);
	assert_int_equal(stuck_unanswered_ms(&f), 31000 + 15000);
	/* A SYN that comes again counts too: only the timer proves time. */
	f.timer_ms = 1500;
	assert_int_equal(ends_in(&f, &settings), 1500 + 60000);
	assert_int_equal(stuck_unanswered_ms(&f), 1000 + 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fin_unanswered),
		cmocka_unit_test(test_slow_close),
		cmocka_unit_test(test_young_fin),
		cmocka_unit_test(test_snapshot_fin),
		cmocka_unit_test(test_shut_window),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_long_fin_timeout),
		cmocka_unit_test(test_orphan_fin_wait2),
		cmocka_unit_test(test_syn_sent),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_idle_on_one_host),
		cmocka_unit_test(test_moved_on),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_many_peers),
		cmocka_unit_test(test_group_of_a_peer),
		cmocka_unit_test(test_many_ends),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_orphan_gives_up),
		cmocka_unit_test(test_held_gives_up),
		cmocka_unit_test(test_probes_give_up),
		cmocka_unit_test(test_few_retries),
		cmocka_unit_test(test_window_taken_back),
		cmocka_unit_test(test_handshakes_give_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Connections in CLOSE_WAIT: which bug, whose, since when, and how many.
 */
#include "records.h"

#include "engine/leaks.h"
#include "origin.h"

#define NOW_MS (3600ULL * 1000 * 10)
#define MINUTE_MS 60000ULL

static const struct thresholds defaults = THRESHOLDS_DEFAULT;

static struct leaks *leaks_of_age(uint64_t age_ms)
{
	const struct stuck_config cfg = {
		.now_ns = MS(NOW_MS), .age_ns = MS(age_ms),
		.idle_ns = STUCK_IDLE_NS,
	};

	return leaks_new(&cfg);
}

static int setup(void **state)
{
	*state = leaks_of_age(0);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	leaks_free(*state);
	return 0;
}

/* In CLOSE_WAIT for an hour, in a file, all read. */
static struct conn stuck(uint64_t cookie)
{
	return (struct conn){
		.cookie = cookie, .life = 1, .netns = NETNS, .family = 4,
		.v4.daddr = { 10, 0, 7, 12 }, .sport = 8080, .dport = 5555,
		.role = ROLE_SERVER, .state = TCPSTATE_CLOSE_WAIT,
		.origin = ORIGIN(.pid = 100, .comm = "java", .uid = 1000,
				 .cgroup = 77, .listener = 9),
		.has_uid = true, .inode = 1000 + cookie, .accepted = true,
	 .state_ns = MS(NOW_MS - 60 * MINUTE_MS),
	};
}

static const struct conn listener = {
	.cookie = 9, .life = 1, .netns = NETNS, .family = 4,
	.v4.saddr = { 127, 0, 0, 1 }, .sport = 8080, .role = ROLE_LISTENER,
	.state = TCPSTATE_LISTEN, .rqueue = 5, .wqueue = 128,
	.origin = &(const struct origin){ .pid = 100, .comm = "java" },
};

static void add(struct leaks *l, const struct conn *c,
		const struct holding *holdings, size_t n)
{
	assert_int_equal(leaks_add(l, c, &listener, holdings, n, NULL), 0);
}

static struct finding *only(struct leaks *l)
{
	size_t n;
	struct finding *f = leaks_findings(l, &n);

	assert_int_equal(n, 1);
	return f;
}

static const struct holding java = { 100, 61, "java" };
static const struct holding cgi = { 300, 7, "cgi" };

static void test_nothing(void **state)
{
	size_t n = 42;

	leaks_findings(*state, &n);
	assert_int_equal(n, 0);
	leaks_free(NULL);
}

static void test_fin_read(void **state)
{
	struct conn c = stuck(1);
	struct finding *f;

	add(*state, &c, &java, 1);
	f = only(*state);
	assert_int_equal(f->rule, RULE_CLOSE_WAIT);
	assert_int_equal(f->bug, BUG_FIN_READ);
	assert_int_equal(f->state, TCPSTATE_CLOSE_WAIT);
	assert_int_equal(f->netns, NETNS);
	assert_int_equal(f->count, 1);
	assert_int_equal(f->pid, 100);
	assert_string_equal(f->comm, "java");
	assert_true(f->has_uid);
	assert_int_equal(f->uid, 1000);
	assert_int_equal(f->cgroup, 77);
	assert_int_equal(f->conn_ids[0], 1);
	assert_int_equal(f->n_fds, 1);
	assert_int_equal(f->fds[0], 61);
	assert_int_equal(f->listener.family, 4);
	assert_int_equal(f->listener.sport, 8080);
	assert_int_equal(f->listener.pid, 100);
	assert_string_equal(f->listener.comm, "java");
	assert_int_equal(f->unread_max, 0);
	assert_int_equal(f->owner_pid, 0);
}

static void test_fin_unread(void **state)
{
	struct conn c = stuck(1);

	c.rqueue = 1;
	add(*state, &c, &java, 1);
	assert_int_equal(only(*state)->bug, BUG_FIN_UNREAD);
}

static void test_data_unread(void **state)
{
	struct conn c = stuck(1), d = stuck(2);
	struct finding *f;

	c.rqueue = 2;
	d.rqueue = 70000;
	add(*state, &d, &java, 1);
	add(*state, &c, &java, 1);
	f = only(*state);
	assert_int_equal(f->bug, BUG_DATA_UNREAD);
	assert_int_equal(f->unread_min, 2);
	assert_int_equal(f->unread_max, 70000);
}

/* It wins over data_unread, and its owner is its listener's. */
static void test_never_accepted(void **state)
{
	struct conn c = stuck(1);
	struct finding *f;

	c.inode = 0;
	own_origin(&c)->pid = 0;
	c.accepted = false;
	c.rqueue = 100;
	add(*state, &c, NULL, 0);
	f = only(*state);
	assert_int_equal(f->bug, BUG_NEVER_ACCEPTED);
	assert_int_equal(f->pid, 0);
	assert_string_equal(f->comm, "");
	assert_false(f->has_uid);
	assert_int_equal(f->listener.pid, 100);
	assert_string_equal(f->listener.comm, "java");
	assert_int_equal(f->accept_queue, 5);
	assert_int_equal(f->accept_limit, 128);
	assert_int_equal(f->n_fds, 0);
}

/* The parent closed it, a child that it has forked holds it. */
static void test_held_elsewhere(void **state)
{
	struct conn c = stuck(1);
	struct finding *f;

	add(*state, &c, &cgi, 1);
	f = only(*state);
	assert_int_equal(f->bug, BUG_HELD_ELSEWHERE);
	assert_int_equal(f->pid, 300);
	assert_string_equal(f->comm, "cgi");
	assert_int_equal(f->owner_pid, 100);
	assert_string_equal(f->owner_comm, "java");
	assert_int_equal(f->fds[0], 7);
}

/* F18: in a file, but in no descriptor table. */
static void test_ownerless(void **state)
{
	struct conn c = stuck(1);
	struct finding *f;

	add(*state, &c, NULL, 0);
	f = only(*state);
	assert_int_equal(f->bug, BUG_OWNERLESS);
	assert_int_equal(f->pid, 0);
	assert_int_equal(f->n_fds, 0);
	assert_int_equal(f->n_holders, 0);
	/* Who had it is known all the same. */
	assert_int_equal(f->owner_pid, 100);
	assert_string_equal(f->owner_comm, "java");
}

/* Where a table could not be read, nobody has provably closed anything. */
static void test_incomplete_tables(void **state)
{
	struct conn c = stuck(1), d = stuck(2);
	struct finding *f;
	size_t n;

	leaks_incomplete(*state);
	c.rqueue = 1;
	add(*state, &c, NULL, 0);
	add(*state, &d, &cgi, 1);
	f = leaks_findings(*state, &n);
	assert_int_equal(n, 2);
	assert_int_equal(f[0].bug, BUG_FIN_UNREAD);
	assert_int_equal(f[0].pid, 0);
	assert_int_equal(f[1].bug, BUG_FIN_READ);
	assert_int_equal(f[1].pid, 300);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(f[i].owner_pid, 0);
}

static void test_holders(void **state)
{
	const struct holding all[] = { { 100, 61, "java" }, { 100, 62, "java" },
				       { 300, 7, "cgi" }, { 301, 7, "cgi2" } };
	static const uint32_t pids[] = { 100, 300, 301 };
	struct conn c = stuck(1), d = stuck(2), e = stuck(3);
	struct finding *f;

	add(*state, &c, all, COUNT_OF(all));
	add(*state, &d, all, 3);
	add(*state, &e, all, 2);
	f = only(*state);
	assert_int_equal(f->count, 3);
	assert_int_equal(f->n_holders, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(f->holders[i].pid, pids[i]);
		/* Connections, not descriptors. */
		assert_int_equal(f->holders[i].count, 3 - i);
	}
	assert_string_equal(f->holders[0].comm, "java");
	assert_string_equal(f->holders[2].comm, "cgi2");
}

static void test_many_holders(void **state)
{
	struct holding all[FINDING_HOLDERS_MAX + 5];
	struct conn c = stuck(1);
	struct finding *f;

	own_origin(&c)->pid = 0;
	for (uint32_t i = 0; i < COUNT_OF(all); i++)
		all[i] = (struct holding){ 1 + i, 5, "nginx" };
	add(*state, &c, all, COUNT_OF(all));
	f = only(*state);
	assert_int_equal(f->n_holders, FINDING_HOLDERS_MAX);
	assert_int_equal(f->holders[0].pid, 1);
	assert_int_equal(f->holders[FINDING_HOLDERS_MAX - 1].pid,
			 FINDING_HOLDERS_MAX);
}

static void test_holder_of_unknown_owner(void **state)
{
	struct conn c = stuck(1);

	own_origin(&c)->pid = 0;
	add(*state, &c, &cgi, 1);
	assert_int_equal(only(*state)->bug, BUG_FIN_READ);
	assert_int_equal(only(*state)->pid, 300);
}

static void test_shared(void **state)
{
	const struct holding both[] = { { 300, 7, "cgi" }, { 100, 61, "java" },
					{ 100, 62, "java" },
					{ 301, 7, "cgi" } };
	struct conn c = stuck(1), d = stuck(2);
	struct finding *f;

	add(*state, &c, both, COUNT_OF(both));
	add(*state, &d, &both[1], 2);
	f = only(*state);
	/* The owner's own descriptors; that others hold one too is told. */
	assert_int_equal(f->bug, BUG_FIN_READ);
	assert_int_equal(f->pid, 100);
	assert_int_equal(f->count, 2);
	assert_int_equal(f->shared, 1);
	assert_int_equal(f->n_fds, 4);
}

static void test_holding_without_name(void **state)
{
	const struct holding nameless = { 100, 3, NULL };
	struct conn c = stuck(1);

	add(*state, &c, &nameless, 1);
	assert_string_equal(only(*state)->comm, "");
}

static void test_long_name_is_cut(void **state)
{
	const struct holding h = { 100, 3, "a-name-that-is-too-long-for-it" };
	struct conn c = stuck(1);

	add(*state, &c, &h, 1);
	assert_string_equal(only(*state)->comm, "a-name-that-is-");
}

static size_t groups(struct leaks *l)
{
	size_t n;

	leaks_findings(l, &n);
	return n;
}

static void test_grouping(void **state)
{
	const struct holding other = { 101, 61, "java" };
	struct conn c = stuck(1);

	add(*state, &c, &java, 1);
	add(*state, &c, &java, 1);
	assert_int_equal(groups(*state), 1);
	/* Another bug. */
	c.rqueue = 1;
	add(*state, &c, &java, 1);
	assert_int_equal(groups(*state), 2);
	c.rqueue = 0;
	/* Another owner. */
	own_origin(&c)->pid = 101;
	add(*state, &c, &other, 1);
	assert_int_equal(groups(*state), 3);
	own_origin(&c)->pid = 100;
	/* Another network namespace. */
	c.netns++;
	add(*state, &c, &java, 1);
	assert_int_equal(groups(*state), 4);
	c.netns--;
	/* Another listener. */
	own_origin(&c)->listener++;
	add(*state, &c, &java, 1);
	assert_int_equal(groups(*state), 5);
	own_origin(&c)->listener--;
	/* Another who has closed it. */
	add(*state, &c, &cgi, 1);
	assert_int_equal(groups(*state), 6);
	own_origin(&c)->pid = 102;
	add(*state, &c, &cgi, 1);
	assert_int_equal(groups(*state), 7);
	own_origin(&c)->pid = 100;
	/* Another peer, descriptor or age makes no other group. */
	c.v4.daddr[3]++;
	c.state_ns += MS(1);
	c.cookie++;
	add(*state, &c, &java, 1);
	assert_int_equal(groups(*state), 7);
}

static void test_server_whose_listener_is_gone(void **state)
{
	struct conn c = stuck(1);
	struct finding *f;

	own_origin(&c)->listener = 0;
	assert_int_equal(leaks_add(*state, &c, NULL, &java, 1, NULL), 0);
	f = only(*state);
	assert_int_equal(f->listener.family, 0);
	assert_int_equal(f->listener.pid, 0);
	assert_int_equal(f->listener.sport, 8080);
}

static void test_clients_of_all_ports_are_one_group(void **state)
{
	struct conn c = stuck(1);

	c.role = ROLE_CLIENT;
	own_origin(&c)->listener = 0;
	for (c.sport = 40000; c.sport < 40010; c.sport++)
		assert_int_equal(leaks_add(*state, &c, NULL, &java, 1, NULL), 0);
	assert_int_equal(only(*state)->count, 10);
	assert_int_equal(only(*state)->listener.sport, 0);
}

static void test_age_limit(void **state)
{
	struct leaks *l = leaks_of_age(MINUTE_MS);
	struct conn c = stuck(1);

	(void)state;
	assert_non_null(l);
	c.state_ns = MS(NOW_MS - MINUTE_MS) + 1;
	assert_false(leaks_is_old(l, &c));
	add(l, &c, &java, 1);
	assert_int_equal(groups(l), 0);
	/* Reached at or above. */
	c.state_ns = MS(NOW_MS - MINUTE_MS);
	assert_true(leaks_is_old(l, &c));
	add(l, &c, &java, 1);
	assert_int_equal(groups(l), 1);
	assert_int_equal(only(l)->count, 1);
	leaks_free(l);
}

static void test_age_in_the_future_is_0(void **state)
{
	struct conn c = stuck(1);

	c.state_ns = MS(NOW_MS) + 5;
	add(*state, &c, &java, 1);
	assert_int_equal(only(*state)->oldest_ns, 0);
}

static void test_age_classes(void **state)
{
	static const struct {
		uint64_t age_ms;
		enum age_class class;
	} rows[] = {
		{ 0, AGE_MINUTE }, { MINUTE_MS - 1, AGE_MINUTE },
		{ MINUTE_MS, AGE_TEN_MINUTES },
		{ 10 * MINUTE_MS - 1, AGE_TEN_MINUTES },
		{ 10 * MINUTE_MS, AGE_HOUR },
		{ 60 * MINUTE_MS - 1, AGE_HOUR },
		{ 60 * MINUTE_MS, AGE_MORE }, { 500 * MINUTE_MS, AGE_MORE },
	};
	uint64_t ages[AGES] = { 0 };
	struct finding *f;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct conn c = stuck(i + 1);

		c.state_ns = MS(NOW_MS - rows[i].age_ms);
		add(*state, &c, &java, 1);
		ages[rows[i].class]++;
	}
	f = only(*state);
	for (unsigned int i = 0; i < AGES; i++)
		assert_int_equal(f->ages[i], ages[i]);
	assert_int_equal(f->oldest_ns, MS(500 * MINUTE_MS));
}

static void test_oldest_may_be_a_bound(void **state)
{
	struct conn c = stuck(1), d = stuck(2);

	add(*state, &c, &java, 1);
	assert_true(only(*state)->oldest_exact);
	d.snapshot = true;
	d.state_ns -= MS(1);
	add(*state, &d, &java, 1);
	assert_false(only(*state)->oldest_exact);
	assert_int_equal(only(*state)->oldest_ns, MS(60 * MINUTE_MS + 1));
	c.state_ns -= MS(2);
	add(*state, &c, &java, 1);
	assert_true(only(*state)->oldest_exact);
}

static void test_fds_in_order(void **state)
{
	static const int fds[] = { 62, 7, 61, 1000, 8 };
	static const int sorted[] = { 7, 8, 61, 62, 1000 };
	struct finding *f;

	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		struct conn c = stuck(i + 1);
		const struct holding h = { 100, fds[i], "java" };

		add(*state, &c, &h, 1);
	}
	f = only(*state);
	assert_int_equal(f->n_fds, 5);
	assert_memory_equal(f->fds, sorted, sizeof(sorted));
}

static void test_peers_most_frequent_first(void **state)
{
	static const uint8_t order[] = { 5, 3, 5, 9, 3, 5, 4 };
	static const struct {
		uint8_t last;
		uint64_t count;
	} expected[] = { { 5, 3 }, { 3, 2 }, { 4, 1 }, { 9, 1 } };
	struct finding *f;

	for (size_t i = 0; i < COUNT_OF(order); i++) {
		struct conn c = stuck(i + 1);

		c.v4.daddr[3] = order[i];
		add(*state, &c, &java, 1);
	}
	f = only(*state);
	assert_int_equal(f->n_peers, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		assert_int_equal(f->peers[i].addr[3], expected[i].last);
		assert_int_equal(f->peers[i].count, expected[i].count);
		assert_int_equal(f->peers[i].family, 4);
	}
}

/* The same bytes as IPv4 and as IPv6 are two peers. */
static void test_peers_of_two_families(void **state)
{
	struct conn c = stuck(1);
	struct address_pair pair = { .daddr = { 10, 0, 7, 12 } };

	add(*state, &c, &java, 1);
	c.family = 6;
	c.v6 = &pair;
	add(*state, &c, &java, 1);
	assert_int_equal(only(*state)->n_peers, 2);
}

static void test_lists_are_capped_and_counts_exact(void **state)
{
	enum { N = 3000 };
	struct finding *f;
	uint64_t told = 0;

	for (unsigned int i = 0; i < N; i++) {
		struct conn c = stuck(i + 1);
		const struct holding h[] = { { 100, (int)i, "java" },
					     { 100, (int)i + N, "java" } };

		c.v4.daddr[2] = i >> 8;
		c.v4.daddr[3] = i;
		add(*state, &c, h, 2);
	}
	f = only(*state);
	assert_int_equal(f->count, N);
	assert_int_equal(f->n_fds, 2 * N);
	for (size_t i = 0; i < FINDING_LIST_MAX; i++) {
		assert_in_range(f->conn_ids[i], 1, N);
		assert_in_range(f->fds[i], 0, 2 * N - 1);
		if (i)
			assert_true(f->fds[i - 1] < f->fds[i]);
	}
	assert_true(f->n_peers >= FINDING_LIST_MAX);
	assert_true(f->n_peers <= FINDING_PEERS_MAX);
	for (size_t i = 0; i < f->n_peers; i++)
		told += f->peers[i].count;
	assert_int_equal(told, f->n_peers);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	assert_int_equal(f->ages[AGE_MORE], N);
}

static void add_many(struct leaks *l, uint32_t pid, unsigned int n)
{
	const struct holding h = { pid, 3, "java" };

	for (unsigned int i = 0; i < n; i++) {
		struct conn c = stuck(i + 1);

		own_origin(&c)->pid = pid;
		add(l, &c, &h, 1);
	}
}

static void test_severity_by_count(void **state)
{
	add_many(*state, 100, 99);
	assert_int_equal(only(*state)->severity, SEVERITY_WARNING);
	add_many(*state, 100, 1);
	assert_int_equal(only(*state)->severity, SEVERITY_CRITICAL);
}

static void test_severity_by_descriptors(void **state)
{
	struct conn c = stuck(1);
	struct finding *f;

	add(*state, &c, &java, 1);
	f = only(*state);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	f->fd_limit = 1000;
	f->fd_used = 949;
	leaks_rate(f, &defaults);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	f->fd_used = 950;
	leaks_rate(f, &defaults);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	/* No limit is known. */
	f->fd_limit = 0;
	leaks_rate(f, &defaults);
	assert_int_equal(f->severity, SEVERITY_WARNING);
}

/* RLIMIT_NOFILE may be RLIM_INFINITY. */
static void test_severity_without_a_limit(void **state)
{
	struct conn c = stuck(1);
	struct finding *f;

	add(*state, &c, &java, 1);
	f = only(*state);
	f->fd_limit = UINT64_MAX;
	f->fd_used = 10;
	leaks_rate(f, &defaults);
	assert_int_equal(f->severity, SEVERITY_WARNING);
}

/* One alone, if it is old enough. */
static void test_severity_by_age(void **state)
{
	struct thresholds t = defaults;
	struct conn c = stuck(1);
	struct finding *f;

	add(*state, &c, &java, 1);
	f = only(*state);
	assert_int_equal(f->oldest_ns, MS(60 * MINUTE_MS));
	t.close_wait_age.crit = f->oldest_ns + 1;
	leaks_rate(f, &t);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	t.close_wait_age.crit = f->oldest_ns;
	leaks_rate(f, &t);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
}

/* leaks tells a group whatever its size, and no threshold makes it less. */
static void test_severity_of_few(void **state)
{
	struct thresholds t = defaults;
	struct conn c = stuck(1);
	struct finding *f;

	add(*state, &c, &java, 1);
	f = only(*state);
	t.close_wait_count = (struct threshold){ 1000, 1 };
	leaks_rate(f, &t);
	assert_int_equal(f->severity, SEVERITY_CRITICAL);
	t.close_wait_count.crit = THRESHOLD_NEVER;
	leaks_rate(f, &t);
	assert_int_equal(f->severity, SEVERITY_WARNING);
}

static void test_worst_first(void **state)
{
	static const uint32_t order[] = { 103, 102, 104, 105, 101 };
	struct finding *f;
	size_t n;

	add_many(*state, 101, 1);
	add_many(*state, 105, 5);
	add_many(*state, 102, 150);
	add_many(*state, 103, 200);
	add_many(*state, 104, 5);
	f = leaks_findings(*state, &n);
	assert_int_equal(n, COUNT_OF(order));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(f[i].pid, order[i]);
}

/* A second listing has the same in it. */
static void test_listing_twice(void **state)
{
	add_many(*state, 100, 3);
	only(*state);
	add_many(*state, 100, 2);
	assert_int_equal(only(*state)->count, 5);
	assert_int_equal(only(*state)->count, 5);
}

#define WITH_LEAKS(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

/* Descriptors are known later, and the worst is first all the same. */
static void test_rated_again(void **state)
{
	struct leaks *l = *state;
	struct conn many[2] = { stuck(1), stuck(2) }, one = stuck(3);
	struct finding *f;
	size_t n;

	own_origin(&one)->pid = 300;
	add(l, &many[0], &java, 1);
	add(l, &many[1], &java, 1);
	add(l, &one, &cgi, 1);
	f = leaks_findings(l, &n);
	assert_int_equal(n, 2);
	assert_int_equal(f[0].pid, 100);
	f[1].fd_used = f[1].fd_limit = 1024;
	leaks_rate(&f[1], &defaults);
	leaks_sort(f, n);
	assert_int_equal(f[0].pid, 300);
	assert_int_equal(f[0].severity, SEVERITY_CRITICAL);
	assert_int_equal(f[1].pid, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LEAKS(test_nothing),
		WITH_LEAKS(test_fin_read),
		WITH_LEAKS(test_fin_unread),
		WITH_LEAKS(test_data_unread),
		WITH_LEAKS(test_never_accepted),
		WITH_LEAKS(test_held_elsewhere),
		WITH_LEAKS(test_ownerless),
		WITH_LEAKS(test_incomplete_tables),
		WITH_LEAKS(test_holders),
		WITH_LEAKS(test_many_holders),
		WITH_LEAKS(test_holder_of_unknown_owner),
		WITH_LEAKS(test_shared),
		WITH_LEAKS(test_holding_without_name),
		WITH_LEAKS(test_long_name_is_cut),
		WITH_LEAKS(test_grouping),
		WITH_LEAKS(test_server_whose_listener_is_gone),
		WITH_LEAKS(test_clients_of_all_ports_are_one_group),
		cmocka_unit_test(test_age_limit),
		WITH_LEAKS(test_age_in_the_future_is_0),
		WITH_LEAKS(test_age_classes),
		WITH_LEAKS(test_oldest_may_be_a_bound),
		WITH_LEAKS(test_fds_in_order),
		WITH_LEAKS(test_peers_most_frequent_first),
		WITH_LEAKS(test_peers_of_two_families),
		WITH_LEAKS(test_lists_are_capped_and_counts_exact),
		WITH_LEAKS(test_severity_by_count),
		WITH_LEAKS(test_severity_by_descriptors),
		WITH_LEAKS(test_severity_without_a_limit),
		WITH_LEAKS(test_severity_by_age),
		WITH_LEAKS(test_severity_of_few),
		WITH_LEAKS(test_worst_first),
		WITH_LEAKS(test_listing_twice),
		WITH_LEAKS(test_rated_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

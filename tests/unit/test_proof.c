// SPDX-License-Identifier: GPL-2.0
/*
 * What doctor's self-test takes for a proof, and what it does not.
 */
#include "records.h"

#include "proof.h"

#define ALL_HOOKS	((1U << HOOK_COUNT) - 1)
#define BIT_OF(hook)	((unsigned int)__builtin_ctz(hook))

struct fixture {
	struct traffic traffic;
	struct proof proof;
};

/* The ends have cookies 1, 2, .. but for the request, which has ports only. */
static struct fixture fixture(unsigned int hooks)
{
	struct fixture f = {
		.traffic.netns = NETNS,
		.proof.hooks = hooks,
	};

	for (unsigned int end = 0; end < TRAFFIC_ENDS; end++)
		f.traffic.ends[end] = (struct traffic_socket){
			.cookie = end == END_REQUEST ? 0 : end + 1,
			.sport = 1000 + end,
			.dport = 2000 + end,
		};
	return f;
}

static void told(struct fixture *f, unsigned int end, uint8_t from, uint8_t to,
		 uint8_t basis)
{
	const struct traffic_socket *s = &f->traffic.ends[end];
	const struct conn conn = {
		.cookie = s->cookie ? s->cookie : 999,
		.netns = NETNS,
		.sport = s->sport,
		.dport = s->dport,
	};
	static const uint8_t reasons[TRAFFIC_ENDS] = {
		[END_REPLACED] = REASON_TW_REUSED,
		[END_REQUEST] = REASON_RST_RECEIVED,
	};
	const struct transition t = {
		.conn = &conn,
		.reason = to == TCPSTATE_CLOSE ? reasons[end] : REASON_NONE,
		.old_state = from,
		.new_state = to,
		.basis = basis,
	};

	proof_transition(&f->proof, &t);
}

/* As it must be; of @end but the first @states states. */
static void told_as_expected(struct fixture *f, unsigned int end,
			     size_t states)
{
	struct proof_path path;

	proof_path(&f->proof, end, &path);
	for (size_t i = 1; i < path.n_expected && i < states; i++)
		told(f, end, path.expected[i - 1], path.expected[i],
		     TCPSTATE_BY_PROBE);
}

static void seen(struct fixture *f, uint8_t type, uint32_t netns,
		 unsigned int times)
{
	const struct tcpstate_record rec = { .type = type, .netns_ino = netns };

	while (times--)
		proof_record(&f->proof, &rec);
}

/* Everything that the hooks of @f can show. */
static void all_is_seen(struct fixture *f)
{
	static const uint8_t types[HOOK_COUNT] = {
		TCPSTATE_STATE, TCPSTATE_REQ_ADD, TCPSTATE_REQ_DROP,
		TCPSTATE_TW_ADD, TCPSTATE_TW_KILL, TCPSTATE_CONNECT,
		TCPSTATE_ACCEPT, TCPSTATE_TW_REARM,
		TCPSTATE_RETRANSMIT, TCPSTATE_SYNACK_AGAIN,
		TCPSTATE_RST_SENT, TCPSTATE_RST_RECEIVED,
		TCPSTATE_CHALLENGE, TCPSTATE_TW_SYN,
	};

	f->proof.traffic = &f->traffic;
	f->proof.dumped = TRAFFIC_TIME_WAITS;
	for (unsigned int n = 0; n < HOOK_COUNT; n++)
		if (f->proof.hooks & (1U << n))
			seen(f, types[n], NETNS, proof_expected(n));
	for (unsigned int end = 0; end < TRAFFIC_ENDS; end++)
		told_as_expected(f, end, PROOF_PATH);
}

static enum proof_result path_of(const struct fixture *f, unsigned int end,
				 struct proof_path *path)
{
	return proof_path(&f->proof, end, path);
}

static enum proof_result helper_of(const struct fixture *f, unsigned int n)
{
	struct proof_helper helper;

	return proof_helper(&f->proof, n, &helper);
}

static void test_all_observed(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);
	struct proof_path path;

	(void)state;
	all_is_seen(&f);
	for (unsigned int n = 0; n < HOOK_COUNT; n++)
		assert_int_equal(proof_hook(&f.proof, n), PROOF_OBSERVED);
	for (unsigned int end = 0; end < TRAFFIC_ENDS; end++)
		assert_int_equal(path_of(&f, end, &path), PROOF_OBSERVED);
	for (unsigned int n = 0; n < HELPERS; n++)
		assert_int_equal(helper_of(&f, n), PROOF_OBSERVED);
	assert_int_equal(proof_result(&f.proof), PROOF_OBSERVED);
}

static void test_attached_is_no_proof(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);

	(void)state;
	all_is_seen(&f);
	for (unsigned int n = 0; n < HOOK_COUNT; n++) {
		unsigned int fired = f.proof.fired[n];

		f.proof.fired[n] = proof_expected(n) - 1;
		assert_int_equal(proof_hook(&f.proof, n), PROOF_FAILED);
		assert_int_equal(proof_result(&f.proof), PROOF_FAILED);
		f.proof.fired[n] = fired;
	}
	assert_int_equal(proof_result(&f.proof), PROOF_OBSERVED);
}

static void test_others_prove_nothing(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);

	(void)state;
	f.proof.traffic = &f.traffic;
	seen(&f, TCPSTATE_CONNECT, NETNS + 1, 100);
	assert_int_equal(f.proof.fired[BIT_OF(HOOK_CONNECT)], 0);
	/* Before there is a namespace, no record can be of it. */
	f.traffic.netns = 0;
	seen(&f, TCPSTATE_CONNECT, 0, 100);
	told(&f, END_CLIENT, TCPSTATE_CLOSE, TCPSTATE_SYN_SENT, 0);
	assert_int_equal(f.proof.fired[BIT_OF(HOOK_CONNECT)], 0);
	assert_int_equal(f.proof.n_moves, 0);
	assert_int_equal(proof_hook(&f.proof, BIT_OF(HOOK_CONNECT)),
			 PROOF_FAILED);
}

static void test_missing_hook_is_inferred(void **state)
{
	struct proof_path path;

	(void)state;
	for (unsigned int n = 1; n < HOOK_COUNT; n++) {
		struct fixture f = fixture(ALL_HOOKS & ~(1U << n));

		all_is_seen(&f);
		assert_int_equal(proof_hook(&f.proof, n), PROOF_INFERRED);
		for (unsigned int end = 0; end < TRAFFIC_ENDS; end++)
			assert_int_not_equal(path_of(&f, end, &path),
					     PROOF_FAILED);
		assert_int_equal(proof_result(&f.proof), PROOF_INFERRED);
	}
}

static void test_what_no_hook_shows_is_not_expected(void **state)
{
	struct fixture f = fixture(ALL_HOOKS & ~HOOK_REQ_DROP);
	struct fixture none = fixture(HOOK_STATE);
	struct proof_path path;

	(void)state;
	all_is_seen(&f);
	assert_int_equal(path_of(&f, END_REQUEST, &path), PROOF_INFERRED);
	assert_int_equal(path.n_seen, 2);
	assert_int_equal(path.seen[1], TCPSTATE_SYN_RECV);
	all_is_seen(&none);
	assert_int_equal(path_of(&none, END_REQUEST, &path), PROOF_INFERRED);
	assert_int_equal(path.n_expected, 0);
	path_of(&none, END_REPLACED, &path);
	assert_int_equal(path.expected[path.n_expected - 1],
			 TCPSTATE_TIME_WAIT);
}

static void test_path_too_short(void **state)
{
	struct proof_path path;

	(void)state;
	for (unsigned int end = 0; end < TRAFFIC_ENDS; end++) {
		struct fixture f = fixture(ALL_HOOKS);

		f.proof.traffic = &f.traffic;
		assert_int_equal(path_of(&f, end, &path), PROOF_FAILED);
		told_as_expected(&f, end, path.n_expected - 1);
		assert_int_equal(path_of(&f, end, &path), PROOF_FAILED);
		told(&f, end, path.expected[path.n_expected - 2],
		     path.expected[path.n_expected - 1], TCPSTATE_BY_PROBE);
		assert_int_equal(path_of(&f, end, &path), PROOF_OBSERVED);
	}
}

static void test_path_too_long(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);
	struct proof_path path;

	(void)state;
	all_is_seen(&f);
	told(&f, END_CLIENT, TCPSTATE_TIME_WAIT, TCPSTATE_CLOSE,
	     TCPSTATE_BY_PROBE);
	assert_int_equal(path_of(&f, END_CLIENT, &path), PROOF_FAILED);
	assert_int_equal(proof_result(&f.proof), PROOF_FAILED);
	/* Nor does it matter how long. */
	for (int i = 0; i < PROOF_MOVES; i++)
		told(&f, END_CLIENT, TCPSTATE_CLOSE, TCPSTATE_LISTEN,
		     TCPSTATE_BY_PROBE);
	assert_int_equal(path_of(&f, END_CLIENT, &path), PROOF_FAILED);
	assert_int_equal(path.n_seen, PROOF_PATH);
}

static void test_gap(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);
	struct proof_path path;

	(void)state;
	f.proof.traffic = &f.traffic;
	told(&f, END_ABORTER, TCPSTATE_CLOSE, TCPSTATE_SYN_SENT,
	     TCPSTATE_BY_TRACEPOINT);
	told(&f, END_ABORTER, TCPSTATE_SYN_RECV, TCPSTATE_ESTABLISHED,
	     TCPSTATE_BY_TRACEPOINT);
	told(&f, END_ABORTER, TCPSTATE_ESTABLISHED, TCPSTATE_CLOSE,
	     TCPSTATE_BY_TRACEPOINT);
	/* All of its states, and yet it is not what was made. */
	assert_int_equal(path_of(&f, END_ABORTER, &path), PROOF_FAILED);
	assert_int_equal(path.n_seen, path.n_expected);
	assert_true(path.gap);
}

static void test_by_dump_is_inferred(void **state)
{
	struct fixture f = fixture(ALL_HOOKS & ~HOOK_TW_REARM);
	struct proof_path path;

	(void)state;
	f.proof.traffic = &f.traffic;
	told_as_expected(&f, END_ORPHAN, 5);
	told(&f, END_ORPHAN, TCPSTATE_FIN_WAIT2, TCPSTATE_TIME_WAIT,
	     TCPSTATE_BY_SNAPSHOT);
	assert_int_equal(path_of(&f, END_ORPHAN, &path), PROOF_INFERRED);
	assert_int_equal(path.n_seen, 6);
}

static void test_dump_shows_too_few(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);

	(void)state;
	all_is_seen(&f);
	f.proof.dumped = TRAFFIC_TIME_WAITS - 1;
	assert_int_equal(helper_of(&f, HELPER_DUMP), PROOF_FAILED);
	assert_int_equal(proof_result(&f.proof), PROOF_FAILED);
}

/* The reason of the last end of a request that was told. */
static void last_reason(struct fixture *f, uint8_t reason)
{
	size_t i = f->proof.n_moves;

	while (i-- > 0)
		if (f->proof.moves[i].sport ==
		    f->traffic.ends[END_REQUEST].sport)
			break;
	f->proof.moves[i].reason = reason;
}

static void test_reason_of_an_end(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);

	(void)state;
	all_is_seen(&f);
	last_reason(&f, REASON_UNKNOWN);
	assert_int_equal(helper_of(&f, HELPER_STACK), PROOF_INFERRED);
	assert_int_equal(proof_result(&f.proof), PROOF_INFERRED);
	last_reason(&f, REASON_TIMEOUT);
	assert_int_equal(helper_of(&f, HELPER_STACK), PROOF_FAILED);
	assert_int_equal(proof_result(&f.proof), PROOF_FAILED);
}

static void test_no_end_to_give_a_reason_for(void **state)
{
	struct fixture f = fixture(ALL_HOOKS & ~HOOK_TW_KILL & ~HOOK_REQ_ADD);
	struct proof_helper helper;

	(void)state;
	all_is_seen(&f);
	assert_int_equal(proof_helper(&f.proof, HELPER_STACK, &helper),
			 PROOF_INFERRED);
	assert_int_equal(helper.expected, 0);
}

static void test_nothing_was_made(void **state)
{
	struct fixture f = fixture(ALL_HOOKS);
	struct proof_path path;

	(void)state;
	seen(&f, TCPSTATE_STATE, NETNS, 100);
	assert_int_equal(proof_hook(&f.proof, 0), PROOF_UNTESTED);
	assert_int_equal(helper_of(&f, HELPER_DUMP), PROOF_UNTESTED);
	assert_int_equal(path_of(&f, END_CLIENT, &path), PROOF_UNTESTED);
	assert_int_equal(proof_result(&f.proof), PROOF_UNTESTED);
	f.proof.hooks &= ~HOOK_ACCEPT;
	assert_int_equal(proof_hook(&f.proof, BIT_OF(HOOK_ACCEPT)),
			 PROOF_INFERRED);
	assert_int_equal(proof_result(&f.proof), PROOF_UNTESTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_observed),
		cmocka_unit_test(test_attached_is_no_proof),
		cmocka_unit_test(test_others_prove_nothing),
		cmocka_unit_test(test_missing_hook_is_inferred),
		cmocka_unit_test(test_what_no_hook_shows_is_not_expected),
		cmocka_unit_test(test_path_too_short),
		cmocka_unit_test(test_path_too_long),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_by_dump_is_inferred),
		cmocka_unit_test(test_dump_shows_too_few),
		cmocka_unit_test(test_reason_of_an_end),
		cmocka_unit_test(test_no_end_to_give_a_reason_for),
		cmocka_unit_test(test_nothing_was_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

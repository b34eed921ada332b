// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes that are no record are refused, whatever is wrong with them.
 */
#include "records.h"

#include "engine/decode.h"

static struct tcpstate_record good(uint8_t type)
{
	struct tcpstate_record rec = REC(STATE, 1, 7);

	rec.type = type;
	rec.seq = 1;
	rec.old_state = TCPSTATE_ESTABLISHED;
	rec.new_state = TCPSTATE_FIN_WAIT1;
	if (type == TCPSTATE_TW_ADD || type == TCPSTATE_TW_REARM)
		rec.new_state = TCPSTATE_TIME_WAIT;
	if (type == TCPSTATE_TW_KILL || type == TCPSTATE_TW_SYN ||
	    type == TCPSTATE_TW_FIN)
		rec.old_state = TCPSTATE_TIME_WAIT;
	return rec;
}

/* From memory of just this size, so that a checker sees a byte too many. */
static bool decodes_bytes(const void *bytes, size_t len)
{
	struct tcpstate_record out;
	void *copy = malloc(len ? len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	ok = record_decode(copy, len, &out);
	if (ok)
		assert_memory_equal(&out, bytes, sizeof(out));
	free(copy);
	return ok;
}

static bool decodes(const struct tcpstate_record *rec)
{
	return decodes_bytes(rec, sizeof(*rec));
}

static void test_each_type_is_accepted(void **state)
{
	(void)state;
	for (unsigned int type = 1; type < TCPSTATE_TYPES; type++) {
		struct tcpstate_record rec = good(type);

		assert_true(decodes(&rec));
	}
}

static void test_short_is_refused(void **state)
{
	struct tcpstate_record rec = good(TCPSTATE_STATE);

	(void)state;
	for (size_t len = 0; len < sizeof(rec); len++) {
		assert_false(decodes_bytes(&rec, len));
		rec.size = len;
		assert_false(decodes_bytes(&rec, len));
		rec.size = sizeof(rec);
	}
}

static void test_long_is_refused(void **state)
{
	struct tcpstate_record recs[2] = { good(1), good(1) };

	(void)state;
	for (size_t len = sizeof(recs[0]) + 1; len <= sizeof(recs); len++) {
		recs[0].size = sizeof(recs[0]);
		assert_false(decodes_bytes(recs, len));
		recs[0].size = len;
		assert_false(decodes_bytes(recs, len));
	}
}

static void test_wrong_size_is_refused(void **state)
{
	static const uint16_t sizes[] = { 0, 1, 8, 239, 241, 248, 0xf000,
					  0xffff };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct tcpstate_record rec = good(TCPSTATE_STATE);

		rec.size = sizes[i];
		assert_false(decodes(&rec));
	}
}

static void test_wrong_version_is_refused(void **state)
{
	(void)state;
	for (unsigned int version = 0; version < 256; version++) {
		struct tcpstate_record rec = good(TCPSTATE_STATE);

		rec.version = version;
		assert_int_equal(decodes(&rec),
				 version == TCPSTATE_RECORD_VERSION);
	}
}

static void test_wrong_type_is_refused(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		struct tcpstate_record rec = good(type);

		assert_int_equal(decodes(&rec),
				 type > 0 && type < TCPSTATE_TYPES);
	}
}

/* Of other types the byte is another member, which may hold anything. */
static void test_unknown_cause_is_refused(void **state)
{
	(void)state;
	for (unsigned int type = 1; type < TCPSTATE_TYPES; type++)
		for (unsigned int cause = 0; cause < 256; cause++) {
			struct tcpstate_record rec = good(type);
			unsigned int end = 256;

			if (type == TCPSTATE_REQ_DROP || type == TCPSTATE_TW_KILL)
				end = TCPSTATE_CAUSES;
			if (type == TCPSTATE_RST_SENT)
				end = TCPSTATE_RST_REASONS;
			rec.cause = cause;
			assert_int_equal(decodes(&rec), cause < end);
		}
}

static void test_unknown_timer_is_refused(void **state)
{
	struct tcpstate_record rec = good(TCPSTATE_SNAPSHOT);

	(void)state;
	rec.timer = TCPSTATE_TIMERS - 1;
	assert_true(decodes(&rec));
	rec.timer = TCPSTATE_TIMERS;
	assert_false(decodes(&rec));
	rec = good(TCPSTATE_STATE);
	rec.sk_err = TCPSTATE_TIMERS;
	assert_true(decodes(&rec));
}

static bool is_tw_state(unsigned int state)
{
	return state == TCPSTATE_FIN_WAIT2 || state == TCPSTATE_TIME_WAIT;
}

/* Is @state what the member of a record of @type may hold? */
static bool may_hold(unsigned int type, unsigned int state, bool is_new)
{
	if (state >= TCPSTATE_STATES)
		return false;
	switch (type) {
	case TCPSTATE_STATE:
		return state && state != TCPSTATE_NEW_SYN_RECV;
	case TCPSTATE_TW_ADD:
	case TCPSTATE_TW_REARM:
		return !is_new || is_tw_state(state);
	case TCPSTATE_TW_KILL:
		return is_new || is_tw_state(state);
	case TCPSTATE_SNAPSHOT:
		return !is_new || state;
	case TCPSTATE_RETRANSMIT:
	case TCPSTATE_SYNACK_AGAIN:
	case TCPSTATE_RST_SENT:
	case TCPSTATE_RST_RECEIVED:
	case TCPSTATE_CHALLENGE:
		return is_new || state;
	case TCPSTATE_TW_SYN:
		return is_new || is_tw_state(state);
	case TCPSTATE_TW_FIN:
		return is_new || state == TCPSTATE_TIME_WAIT;
	default:
		return true;
	}
}

static void test_old_state_out_of_range_is_refused(void **state)
{
	(void)state;
	for (unsigned int type = 1; type < TCPSTATE_TYPES; type++)
		for (unsigned int s = 0; s < 256; s++) {
			struct tcpstate_record rec = good(type);

			if (type == TCPSTATE_LOST)
				continue;
			rec.old_state = s;
			assert_int_equal(decodes(&rec),
					 may_hold(type, s, false));
		}
}

static void test_new_state_out_of_range_is_refused(void **state)
{
	(void)state;
	for (unsigned int type = 1; type < TCPSTATE_TYPES; type++)
		for (unsigned int s = 0; s < 256; s++) {
			struct tcpstate_record rec = good(type);

			if (type == TCPSTATE_LOST)
				continue;
			rec.new_state = s;
			assert_int_equal(decodes(&rec),
					 may_hold(type, s, true));
		}
}

static void test_unterminated_comm_is_refused(void **state)
{
	struct tcpstate_record rec = good(TCPSTATE_STATE);

	(void)state;
	memset(rec.comm, 'x', sizeof(rec.comm));
	assert_false(decodes(&rec));
	rec.comm[TCPSTATE_COMM_LEN - 1] = '\0';
	assert_true(decodes(&rec));
}

static void test_cookie_0_is_refused(void **state)
{
	(void)state;
	for (unsigned int type = 1; type < TCPSTATE_TYPES; type++) {
		struct tcpstate_record rec = good(type);

		rec.cookie = 0;
		assert_int_equal(decodes(&rec), type == TCPSTATE_LOST);
	}
}

static void test_unknown_family_is_refused(void **state)
{
	(void)state;
	for (unsigned int family = 0; family <= UINT8_MAX; family++) {
		struct tcpstate_record rec = good(TCPSTATE_STATE);

		rec.family = family;
		assert_int_equal(decodes(&rec), family == 2 || family == 10);
	}
}

static void test_unknown_protocol_is_refused(void **state)
{
	(void)state;
	for (unsigned int protocol = 0; protocol < 65536; protocol++) {
		struct tcpstate_record rec = good(TCPSTATE_STATE);

		rec.protocol = protocol;
		assert_int_equal(decodes(&rec),
				 protocol == 6 || protocol == 262);
	}
}

static void test_unknown_basis_is_refused(void **state)
{
	(void)state;
	for (unsigned int basis = 0; basis < 256; basis++) {
		struct tcpstate_record rec = good(TCPSTATE_STATE);

		rec.basis = basis;
		assert_int_equal(decodes(&rec), basis < TCPSTATE_BASES);
	}
}

static void test_huge_cpu_is_refused(void **state)
{
	static const uint16_t cpus[] = { DECODE_MAX_CPUS, DECODE_MAX_CPUS + 1,
					 1U << 15, UINT16_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cpus); i++) {
		struct tcpstate_record rec = good(TCPSTATE_STATE);

		rec.cpu = cpus[i];
		assert_false(decodes(&rec));
		rec.type = TCPSTATE_LOST;
		assert_false(decodes(&rec));
	}
}

static void test_highest_cpu_is_accepted(void **state)
{
	struct tcpstate_record rec = good(TCPSTATE_STATE);

	(void)state;
	rec.cpu = DECODE_MAX_CPUS - 1;
	assert_true(decodes(&rec));
}

/* A loss concerns no socket: all that a socket has is 0. */
static void test_lost_needs_no_socket(void **state)
{
	struct tcpstate_record rec = {
		.size = sizeof(rec),
		.version = TCPSTATE_RECORD_VERSION,
		.type = TCPSTATE_LOST,
		.seq = 9,
		.count = 3,
	};

	(void)state;
	assert_true(decodes(&rec));
}

static void test_engine_counts_the_malformed(void **state)
{
	struct rig *r = *state;
	struct tcpstate_record rec = good(TCPSTATE_STATE);

	assert_true(engine_feed(r->engine, &rec, sizeof(rec) - 1) < 0);
	rec.version++;
	assert_true(engine_feed(r->engine, &rec, sizeof(rec)) < 0);
	assert_int_equal(stats_of(r).malformed, 2);
	assert_int_equal(stats_of(r).captured, 0);
	until(r, 1000);
	TELLS_NOTHING(r);
	FINISH_EMPTY(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_type_is_accepted),
		cmocka_unit_test(test_short_is_refused),
		cmocka_unit_test(test_long_is_refused),
		cmocka_unit_test(test_wrong_size_is_refused),
		cmocka_unit_test(test_wrong_version_is_refused),
		cmocka_unit_test(test_wrong_type_is_refused),
		cmocka_unit_test(test_unknown_cause_is_refused),
		cmocka_unit_test(test_unknown_timer_is_refused),
		cmocka_unit_test(test_old_state_out_of_range_is_refused),
		cmocka_unit_test(test_new_state_out_of_range_is_refused),
		cmocka_unit_test(test_unterminated_comm_is_refused),
		cmocka_unit_test(test_cookie_0_is_refused),
		cmocka_unit_test(test_unknown_family_is_refused),
		cmocka_unit_test(test_unknown_protocol_is_refused),
		cmocka_unit_test(test_unknown_basis_is_refused),
		cmocka_unit_test(test_huge_cpu_is_refused),
		cmocka_unit_test(test_highest_cpu_is_accepted),
		cmocka_unit_test(test_lost_needs_no_socket),
		WITH_RIG(test_engine_counts_the_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Every pair of states against RFC 9293, written down a second time.
 */
#include "records.h"

#include "engine/fsm.h"

struct arrow {
	unsigned int from, to;
};

#define ARROW(a, b) { TCPSTATE_##a, TCPSTATE_##b }

static const struct arrow figure_5[] = {
	ARROW(CLOSE, LISTEN),		/* passive OPEN */
	ARROW(CLOSE, SYN_SENT),		/* active OPEN */
	ARROW(LISTEN, CLOSE),		/* CLOSE */
	ARROW(LISTEN, SYN_RECV),	/* rcv SYN */
	ARROW(LISTEN, SYN_SENT),	/* SEND */
	ARROW(SYN_SENT, CLOSE),		/* CLOSE */
	ARROW(SYN_SENT, SYN_RECV),	/* rcv SYN: simultaneous open */
	ARROW(SYN_SENT, ESTABLISHED),	/* rcv SYN,ACK */
	ARROW(SYN_RECV, ESTABLISHED),	/* rcv ACK of SYN */
	ARROW(SYN_RECV, FIN_WAIT1),	/* CLOSE */
	ARROW(SYN_RECV, LISTEN),	/* note 1: rcv RST */
	ARROW(ESTABLISHED, FIN_WAIT1),	/* CLOSE */
	ARROW(ESTABLISHED, CLOSE_WAIT),	/* rcv FIN */
	ARROW(FIN_WAIT1, FIN_WAIT2),	/* rcv ACK of FIN */
	ARROW(FIN_WAIT1, CLOSING),	/* rcv FIN */
	ARROW(FIN_WAIT1, TIME_WAIT),	/* note 2: rcv FIN, ACK of FIN */
	ARROW(FIN_WAIT2, TIME_WAIT),	/* rcv FIN */
	ARROW(CLOSE_WAIT, LAST_ACK),	/* CLOSE */
	ARROW(CLOSING, TIME_WAIT),	/* rcv ACK of FIN */
	ARROW(LAST_ACK, CLOSE),		/* rcv ACK of FIN */
	ARROW(TIME_WAIT, CLOSE),	/* 2MSL */
};

/* 3.10.5 (ABORT), 3.10.7.4 (RST, FIN) and 3.10.8 (user timeout). */
static const struct arrow text[] = {
	ARROW(SYN_RECV, CLOSE),
	ARROW(SYN_RECV, CLOSE_WAIT),
	ARROW(ESTABLISHED, CLOSE),
	ARROW(FIN_WAIT1, CLOSE),
	ARROW(FIN_WAIT2, CLOSE),
	ARROW(CLOSE_WAIT, CLOSE),
	ARROW(CLOSING, CLOSE),
};

static bool in(const struct arrow *arrows, size_t n, unsigned int from,
	       unsigned int to)
{
	for (size_t i = 0; i < n; i++)
		if (arrows[i].from == from && arrows[i].to == to)
			return true;
	return false;
}

static void test_matrix(void **state)
{
	unsigned int legal = 0;

	(void)state;
	for (unsigned int from = 1; from < TCPSTATE_STATES; from++)
		for (unsigned int to = 1; to < TCPSTATE_STATES; to++) {
			bool right = in(figure_5, COUNT_OF(figure_5), from,
					to) ||
				     in(text, COUNT_OF(text), from, to);

			if (fsm_legal(from, to) != right)
				fail_msg("%s -> %s", state_name(from),
					 state_name(to));
			legal += right;
		}
	assert_int_equal(legal, COUNT_OF(figure_5) + COUNT_OF(text));
}

static void test_self_moves_are_illegal(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < 256; s++)
		assert_false(fsm_legal(s, s));
}

/* A request_sock's state is the kernel's, not the RFC's. */
static void test_new_syn_recv_is_no_state_of_it(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < 256; s++) {
		assert_false(fsm_legal(s, TCPSTATE_NEW_SYN_RECV));
		assert_false(fsm_legal(TCPSTATE_NEW_SYN_RECV, s));
	}
}

static void test_out_of_range_is_illegal(void **state)
{
	static const unsigned int strange[] = { 0, 13, 14, 31, 32, 33, 64, 255,
						256, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(strange); i++)
		for (unsigned int s = 0; s < 256; s++) {
			assert_false(fsm_legal(strange[i], s));
			assert_false(fsm_legal(s, strange[i]));
		}
}

/* RFC 9293 figure 6: who opens and closes first, and who answers. */
static void test_courses(void **state)
{
	static const struct arrow client[] = {
		ARROW(CLOSE, SYN_SENT), ARROW(SYN_SENT, ESTABLISHED),
		ARROW(ESTABLISHED, FIN_WAIT1), ARROW(FIN_WAIT1, FIN_WAIT2),
		ARROW(FIN_WAIT2, TIME_WAIT), ARROW(TIME_WAIT, CLOSE),
	}, server[] = {
		ARROW(CLOSE, LISTEN), ARROW(LISTEN, SYN_RECV),
		ARROW(SYN_RECV, ESTABLISHED), ARROW(ESTABLISHED, CLOSE_WAIT),
		ARROW(CLOSE_WAIT, LAST_ACK), ARROW(LAST_ACK, CLOSE),
	};

	(void)state;
	for (unsigned int a = 0; a < TCPSTATE_STATES + 2; a++)
		for (unsigned int b = 0; b < TCPSTATE_STATES + 2; b++) {
			enum fsm_course course =
				in(client, COUNT_OF(client), a, b) ?
				COURSE_CLIENT :
				in(server, COUNT_OF(server), a, b) ?
				COURSE_SERVER : COURSE_UNUSUAL;

			assert_int_equal(fsm_course(a, b), course);
			if (course != COURSE_UNUSUAL)
				assert_true(fsm_legal(a, b));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_courses),
		cmocka_unit_test(test_self_moves_are_illegal),
		cmocka_unit_test(test_new_syn_recv_is_no_state_of_it),
		cmocka_unit_test(test_out_of_range_is_illegal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

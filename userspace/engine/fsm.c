// SPDX-License-Identifier: GPL-2.0
#include "fsm.h"

#include <linux/tcpstate.h>

#define TO(state) (1u << TCPSTATE_##state)

static const unsigned int moves[TCPSTATE_STATES] = {
	[TCPSTATE_CLOSE] = TO(LISTEN) | TO(SYN_SENT),
	[TCPSTATE_LISTEN] = TO(SYN_RECV) | TO(SYN_SENT) | TO(CLOSE),
	[TCPSTATE_SYN_SENT] = TO(SYN_RECV) | TO(ESTABLISHED) | TO(CLOSE),
	[TCPSTATE_SYN_RECV] = TO(ESTABLISHED) | TO(FIN_WAIT1) |
			      TO(CLOSE_WAIT) | TO(LISTEN) | TO(CLOSE),
	[TCPSTATE_ESTABLISHED] = TO(FIN_WAIT1) | TO(CLOSE_WAIT) | TO(CLOSE),
	[TCPSTATE_FIN_WAIT1] = TO(FIN_WAIT2) | TO(CLOSING) | TO(TIME_WAIT) |
			       TO(CLOSE),
	[TCPSTATE_FIN_WAIT2] = TO(TIME_WAIT) | TO(CLOSE),
	[TCPSTATE_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSE),
	[TCPSTATE_CLOSING] = TO(TIME_WAIT) | TO(CLOSE),
	[TCPSTATE_LAST_ACK] = TO(CLOSE),
	[TCPSTATE_TIME_WAIT] = TO(CLOSE),
};

bool fsm_legal(unsigned int old_state, unsigned int new_state)
{
	return old_state < TCPSTATE_STATES && new_state < TCPSTATE_STATES &&
	       (moves[old_state] & (1u << new_state));
}

/* RFC 9293 figure 6 and its mirror: by new state from CLOSE on. */
static const unsigned char client[TCPSTATE_STATES] = {
	[TCPSTATE_CLOSE] = TCPSTATE_SYN_SENT,
	[TCPSTATE_SYN_SENT] = TCPSTATE_ESTABLISHED,
	[TCPSTATE_ESTABLISHED] = TCPSTATE_FIN_WAIT1,
	[TCPSTATE_FIN_WAIT1] = TCPSTATE_FIN_WAIT2,
	[TCPSTATE_FIN_WAIT2] = TCPSTATE_TIME_WAIT,
	[TCPSTATE_TIME_WAIT] = TCPSTATE_CLOSE,
};

static const unsigned char server[TCPSTATE_STATES] = {
	[TCPSTATE_CLOSE] = TCPSTATE_LISTEN,
	[TCPSTATE_LISTEN] = TCPSTATE_SYN_RECV,
	[TCPSTATE_SYN_RECV] = TCPSTATE_ESTABLISHED,
	[TCPSTATE_ESTABLISHED] = TCPSTATE_CLOSE_WAIT,
	[TCPSTATE_CLOSE_WAIT] = TCPSTATE_LAST_ACK,
	[TCPSTATE_LAST_ACK] = TCPSTATE_CLOSE,
};

enum fsm_course fsm_course(unsigned int old_state, unsigned int new_state)
{
	if (old_state >= TCPSTATE_STATES || !new_state)
		return COURSE_UNUSUAL;
	if (client[old_state] == new_state)
		return COURSE_CLIENT;
	return server[old_state] == new_state ? COURSE_SERVER : COURSE_UNUSUAL;
}

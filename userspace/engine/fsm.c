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

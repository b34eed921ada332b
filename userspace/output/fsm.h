/* SPDX-License-Identifier: GPL-2.0 */
/* The state machine of RFC 9293, figure 5, with how often each move was made. */
#ifndef TCPSTATE_OUTPUT_FSM_H
#define TCPSTATE_OUTPUT_FSM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/tcpstate.h>

struct fsm_counts {
	uint64_t moves[TCPSTATE_STATES][TCPSTATE_STATES];	/* [old][new] */
};

void fsm_text(FILE *to, const struct fsm_counts *counts, bool ascii);
void fsm_svg(FILE *to, const struct fsm_counts *counts);

#endif /* TCPSTATE_OUTPUT_FSM_H */

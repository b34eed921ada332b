/* SPDX-License-Identifier: GPL-2.0 */
/* The moves that RFC 9293 knows. */
#ifndef TCPSTATE_FSM_H
#define TCPSTATE_FSM_H

#include <stdbool.h>

/*
 * Is it in figure 5, or in the text of sections 3.10.7 and 3.10.8 (RST, user
 * timeout, FIN in SYN-RECEIVED)?
 */
bool fsm_legal(unsigned int old_state, unsigned int new_state);

#endif /* TCPSTATE_FSM_H */

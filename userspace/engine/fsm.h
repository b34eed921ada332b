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

/* Of a legal move: is it on the normal course of a client, or of a server? */
enum fsm_course { COURSE_CLIENT, COURSE_SERVER, COURSE_UNUSUAL };
enum fsm_course fsm_course(unsigned int old_state, unsigned int new_state);

#endif /* TCPSTATE_FSM_H */

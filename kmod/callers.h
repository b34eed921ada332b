/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who called: why a mini-socket ends can only be read off the stack, since the
 * functions that end it all call the same one.  Of full sockets, tcp_reset() is
 * such a function.
 */
#ifndef TCPSTATE_CALLERS_H
#define TCPSTATE_CALLERS_H

#include <linux/tcpstate.h>

/* Where they lie.  One that is missing is never found on a stack. */
void callers_init(void);

/* Some microseconds.  Task or softirq context, from within a probe. */
enum tcpstate_cause callers_cause(void);

/*
 * Where tcp_send_challenge_ack() returns to if it was called for a SYN; 0 if
 * that cannot be told.  After callers_init().
 */
unsigned long callers_syn_return(void);

#endif /* TCPSTATE_CALLERS_H */

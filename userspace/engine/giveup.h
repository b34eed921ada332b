/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When the kernel will give a connection up that nobody answers: its timers,
 * played on from where they are.
 */
#ifndef TCPSTATE_GIVEUP_H
#define TCPSTATE_GIVEUP_H

#include "stuck.h"

enum giveup {
	GIVEUP_UNKNOWN,		/* a setting of the kernel is not known */
	GIVEUP_NEVER,		/* not as things are: it waits for ever */
	GIVEUP_AT,
};

/*
 * If nothing is answered, or read, from now on either.  More may have been
 * waited already than can be proved: *@ms is what is left at the latest, but
 * for TCP_USER_TIMEOUT, TCP_SYNCNT and TCP_LINGER2 of the socket.  They stand
 * in the place of the settings, and nobody can see them from outside.
 */
enum giveup giveup_ms(const struct stuck_facts *facts,
		      const struct netns_facts *settings, uint64_t *ms);

#endif /* TCPSTATE_GIVEUP_H */

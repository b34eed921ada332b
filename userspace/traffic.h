/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections that make every hook fire, for the self-test of doctor.
 *
 * A child process makes them, in a network namespace of its own: nobody else
 * has a socket there, so all that is seen of it is ours.  Each step waits for
 * the state that the next one needs.
 */
#ifndef TCPSTATE_TRAFFIC_H
#define TCPSTATE_TRAFFIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum traffic_end {
	END_CLIENT,		/* closes first: TIME_WAIT */
	END_SERVER,
	END_ORPHAN,		/* is closed long before its peer is */
	END_ORPHAN_PEER,
	END_REPLACED,		/* a new SYN takes over its TIME_WAIT */
	END_REPLACED_PEER,
	END_ABORTER,		/* sends that SYN, and later an RST */
	END_ABORTED,
	END_RESETTER,		/* its RST meets but a request */
	END_REQUEST,		/* that request; never accepted */
	END_LOST_SYN,		/* hears no SYN-ACK, and sends its SYN again */
	END_LOST_SYN_PEER,	/* its request */
	END_LOST_FIN,		/* sends its FIN again */
	END_LOST_FIN_PEER,	/* to this one, which hears nothing */
	TRAFFIC_ENDS,
};

#define TRAFFIC_CONNECTIONS	7
#define TRAFFIC_ACCEPTED	5
#define TRAFFIC_TIME_WAITS	2	/* END_CLIENT, END_ORPHAN: they stay */

struct traffic_socket {
	uint64_t cookie;	/* 0: none is known, but its ports are */
	uint16_t sport, dport;
};

/* In memory that is shared with the child, which writes all of it. */
struct traffic {
	uint32_t netns;		/* inode; 0 until there is one */
	int error;		/* -errno of .step */
	char step[64];		/* what could not be done */
	bool made;		/* or given up */
	struct traffic_socket ends[TRAFFIC_ENDS];
	int child;
};

/* Begin; NULL and errno if there can be no child. */
struct traffic *traffic_start(void);

/* Are all connections made, or is there an .error? */
bool traffic_is_made(struct traffic *t);

/* The child ends, and with it the namespace and what is in it. */
void traffic_end(struct traffic *t);

#endif /* TCPSTATE_TRAFFIC_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* How long the parts of a connection took. */
#ifndef TCPSTATE_DURATION_H
#define TCPSTATE_DURATION_H

#include "engine.h"

enum duration {
	DURATION_HANDSHAKE,	/* SYN to ESTABLISHED */
	DURATION_ACCEPT,	/* ESTABLISHED to accept() */
	DURATION_LIFE,		/* to the TIME_WAIT, or to CLOSE without one */
	DURATION_HALF_CLOSE,	/* between the two FINs */
	DURATION_CLOSE_WAIT,	/* the peer's FIN to ours */
	DURATION_TIME_WAIT,	/* once it has ended */
	DURATIONS
};

/* "half_close"; NULL: out of range. */
const char *duration_name(unsigned int duration);
/* DURATIONS if there is no such name. */
enum duration duration_named(const char *name);

/* False: both ends of it were not seen. */
bool conn_duration(const struct conn *conn, enum duration duration,
		   uint64_t *ns);

#endif /* TCPSTATE_DURATION_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stdout, fully buffered, which never keeps the program from ending.
 *
 * A reader that stops reading (less, a stopped pipeline) would block write()
 * for ever, and with it Ctrl-C.  So bytes go out only when they can be taken,
 * and once *stop is set a reader has 2 s left.
 */
#ifndef TCPSTATE_STREAM_H
#define TCPSTATE_STREAM_H

#include <signal.h>
#include <stdio.h>

/* The one stream of the program; NULL without memory. */
FILE *stream_stdout(const volatile sig_atomic_t *stop);

/*
 * The errno of the first write that failed, 0 if none did: EPIPE is a reader
 * that has gone, ETIMEDOUT one that stopped reading.  What is written after
 * that is dropped.
 */
int stream_error(void);

#endif /* TCPSTATE_STREAM_H */

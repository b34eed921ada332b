/* SPDX-License-Identifier: GPL-2.0 */
/* Sentences for people, on stderr, each after "tcpstate-watch: ". */
#ifndef TCPSTATE_LOG_H
#define TCPSTATE_LOG_H

#include <stdbool.h>

__attribute__((format(printf, 1, 2)))
void log_say(const char *fmt, ...);

/* Only with -v. */
__attribute__((format(printf, 1, 2)))
void log_detail(const char *fmt, ...);

void log_set_verbose(bool verbose);

/* The last sentence that was said, or "". */
const char *log_last(void);

#endif /* TCPSTATE_LOG_H */

// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

/* The one level of the program, set once before anything is said. */
static bool log_verbose;
static char last[1024];

const char *log_last(void)
{
	return last;
}

void log_set_verbose(bool verbose)
{
	log_verbose = verbose;
}

/*
 * One line and one write, whatever bytes the command line or the kernel put
 * into it.
 */
__attribute__((format(printf, 1, 0)))
static void log_line(const char *fmt, va_list ap)
{
	char *p;

	vsnprintf(last, sizeof(last), fmt, ap);
	for (p = last; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "tcpstate-watch: %s\n", last);
}

void log_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

void log_detail(const char *fmt, ...)
{
	va_list ap;

	if (!log_verbose)
		return;
	va_start(ap, fmt);
	log_line(fmt, ap);
	va_end(ap);
}

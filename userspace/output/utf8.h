/* SPDX-License-Identifier: GPL-2.0 */
/* Names of processes hold any bytes but NUL. */
#ifndef TCPSTATE_OUTPUT_UTF8_H
#define TCPSTATE_OUTPUT_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at @s, 0 if it is none. */
size_t utf8_len(const char *s);

/*
 * Copy what a terminal may be sent: characters that are no UTF-8, or that
 * control it, become '?'.  Cut at a character to fit.
 */
void utf8_clean(char *to, size_t to_len, const char *from);

#endif /* TCPSTATE_OUTPUT_UTF8_H */

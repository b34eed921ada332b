/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Why the kernel sent a RST, in its own words: enum sk_rst_reason without the
 * prefix.
 */
#ifndef TCPSTATE_RST_REASON_H
#define TCPSTATE_RST_REASON_H

/* @reason is an enum tcpstate_rst_reason; NULL: unknown. */
const char *rst_reason_name(unsigned int reason);

/* "TCP_STATE" and the like; TCPSTATE_RST_UNKNOWN if we have no such word. */
unsigned int rst_reason_parse(const char *name);

#endif /* TCPSTATE_RST_REASON_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Addresses that may be shown to others: each is always replaced by the same
 * one, 10.0.0.1 and so on or fd00::1 and so on, in the order in which they are
 * met.  Loopback and unspecified ones stay, as they tell nothing.
 */
#ifndef TCPSTATE_REDACT_H
#define TCPSTATE_REDACT_H

#include <stdint.h>

#include <linux/tcpstate.h>

struct redact;

struct redact *redact_new(void);	/* NULL without memory */
void redact_free(struct redact *r);

/*
 * Both addresses of @rec.  Without memory they become unspecified: nothing is
 * shown by mistake.
 */
void redact_record(struct redact *r, struct tcpstate_record *rec);

#endif /* TCPSTATE_REDACT_H */

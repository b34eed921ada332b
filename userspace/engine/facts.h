/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From a record to the fields of its connection: what each of them proves.
 */
#ifndef TCPSTATE_FACTS_H
#define TCPSTATE_FACTS_H

#include "engine_internal.h"

/* Addresses and ports, unless the record is known to have none (F9, F11). */
void take_tuple(struct engine *e, struct entry *entry,
		const struct tcpstate_record *r);
/* The same of a copy, to which @pair belongs: it has room for IPv6. */
void set_tuple(struct conn *c, struct address_pair *pair,
	       const struct tcpstate_record *r);

/* uid, cgroup, and the owner if this move proves one (F16). */
void take_owner(struct engine *e, struct entry *entry,
		const struct tcpstate_record *r);
/* The same of accept(), whose caller takes it over. */
void take_acceptor(struct engine *e, struct entry *entry,
		   const struct tcpstate_record *r);

#endif /* TCPSTATE_FACTS_H */

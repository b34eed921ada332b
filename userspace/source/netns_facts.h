/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The settings and counters of each network namespace (engine/netns_facts.h).
 */
#ifndef TCPSTATE_SOURCE_NETNS_FACTS_H
#define TCPSTATE_SOURCE_NETNS_FACTS_H

#include <stddef.h>

#include "engine/netns_facts.h"

struct netns_facts_list {
	struct netns_facts *v;
	size_t n;
	unsigned int refused;	/* namespaces that were seen but not read */
};

/*
 * Read them for every namespace that namespaces_each() finds.  The calling
 * thread stays in its own.  0, and free with netns_facts_free(); or -errno, and
 * *@list is empty.
 */
int netns_facts_take(struct netns_facts_list *list);
void netns_facts_free(struct netns_facts_list *list);

/* Those of the namespace with inode @netns, until free; NULL if unknown. */
const struct netns_facts *netns_facts_of(const struct netns_facts_list *list,
					 uint32_t netns);

/*
 * The numbers and ranges of ip_local_reserved_ports, "8080,9000-9010\n", as a
 * bit per port; what is no port ends it.
 */
void netns_facts_parse_ports(const char *text, uint8_t *map);

#endif /* TCPSTATE_SOURCE_NETNS_FACTS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who leaves TIME_WAITs behind, and how many ports they leave: connections by
 * source address and destination, those that the accepting side has closed by
 * service, and all of a namespace.  Looks at the table are repeated while it is
 * observed, so that growth is known:
 *
 *	ports_set_facts(p, ..);
 *	ports_begin(p, now_ns, report);
 *	engine_each(engine, .. ports_add(p, conn, wanted) ..);
 *	ports_end(p);
 *	if (report)
 *		findings = ports_findings(p, &n, &more);
 */
#ifndef TCPSTATE_PORTS_H
#define TCPSTATE_PORTS_H

#include "finding.h"
#include "thresholds.h"

struct ports;

/* @thresholds must outlive it.  NULL: no memory. */
struct ports *ports_new(const struct thresholds *thresholds);
void ports_free(struct ports *p);

/* The namespaces' settings; they must outlive the findings, or be set again. */
void ports_set_facts(struct ports *p, const struct netns_facts *facts,
		     size_t n);

/* A connection has entered TIME_WAIT, or is CLOSE without: once for each. */
void ports_closed(struct ports *p, const struct conn *conn);

/*
 * A look at all connections at @now_ns.  Of @report, the connections are needed
 * until the next look or ports_free().
 */
void ports_begin(struct ports *p, uint64_t now_ns, bool report);
/* @wanted: its group shall be told; it counts all the same.  0 or -ENOMEM. */
int ports_add(struct ports *p, const struct conn *conn, bool wanted);
void ports_end(struct ports *p);
/* There were more than PORTS_GROUPS: the last ones count for none of them. */
#define PORTS_GROUPS 65536
bool ports_full(const struct ports *p);

/*
 * Of the last look, worst first, at most PORTS_TOLD and one per namespace;
 * *@more groups are left out.  They belong to @p until the next look.  NULL and
 * *@n = 0 without memory or where there is nothing to tell.
 */
#define PORTS_TOLD 100
struct finding *ports_findings(struct ports *p, size_t *n, size_t *more);

/*
 * A report every so often: let growth and rates be those of the last one or two
 * periods of @period_ns, so that old times do not blur them.
 */
void ports_forget(struct ports *p, uint64_t now_ns, uint64_t period_ns);

/* What .used is a share of: of no ports, those that are used are all. */
uint64_t ports_limit(const struct finding_budget *b);

/* Which TIME_WAITs connect() may take over, by settings and by address. */
enum tw_reuse tw_reuse_of(const struct netns_facts *facts, uint8_t family,
			  const uint8_t *saddr, const uint8_t *daddr);

#endif /* TCPSTATE_PORTS_H */

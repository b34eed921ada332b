/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From connections in CLOSE_WAIT to findings: one for each bug of each owner
 * at each listener.
 */
#ifndef TCPSTATE_LEAKS_H
#define TCPSTATE_LEAKS_H

#include "finding.h"

/* Who holds a socket, from the descriptor tables. */
struct holding {
	uint32_t pid;
	int fd;
	const char *comm;
};

struct leaks;

/* CLOSE_WAIT younger than @age_ns at @now_ns is left out.  NULL: no memory. */
struct leaks *leaks_new(uint64_t now_ns, uint64_t age_ns);
void leaks_free(struct leaks *l);

/*
 * @conn is in CLOSE_WAIT, with .rqueue and .inode of a fresh dump.  @listener
 * may be NULL.  The @n holdings are of that inode.  0 or -ENOMEM.
 */
int leaks_add(struct leaks *l, const struct conn *conn,
	      const struct conn *listener, const struct holding *holdings,
	      size_t n);

/*
 * The findings, worst first; they belong to @l.  The caller may fill fd_used
 * and fd_limit and then rate them again with leaks_rate().
 */
struct finding *leaks_findings(struct leaks *l, size_t *n);
void leaks_rate(struct finding *f);

#endif /* TCPSTATE_LEAKS_H */

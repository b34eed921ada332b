/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From stuck connections to findings: one for each bug, or cause, of each owner
 * at each listener or peer.
 */
#ifndef TCPSTATE_LEAKS_H
#define TCPSTATE_LEAKS_H

#include "collision.h"
#include "group.h"
#include "oddity.h"
#include "stuck.h"

struct leaks;

/* @cfg and its thresholds are copied.  NULL: no memory. */
struct leaks *leaks_new(const struct stuck_config *cfg);
void leaks_free(struct leaks *l);

/*
 * Some tables could not be read.  From now on that a process has no descriptor
 * proves nothing.
 */
void leaks_incomplete(struct leaks *l);

/* It is in CLOSE_WAIT for so long that leaks_add() would tell it. */
bool leaks_is_old(const struct leaks *l, const struct conn *conn);

/*
 * @conn is in CLOSE_WAIT, with .rqueue and .inode of a fresh dump.  @listener
 * and @settings, those of its namespace, may be NULL; the latter must outlive
 * the findings.  The @n holdings are of that inode.  0 or -ENOMEM.
 */
int leaks_add(struct leaks *l, const struct conn *conn,
	      const struct conn *listener, const struct holding *holdings,
	      size_t n, const struct netns_facts *settings);

/* The same of any other state, with what the dump said of it. */
int leaks_add_stuck(struct leaks *l, const struct conn *conn,
		    const struct stuck_facts *facts,
		    const struct conn *listener,
		    const struct holding *holdings, size_t n,
		    const struct netns_facts *settings);

/*
 * A socket that SYNs met.  @live is what it is now, still in the same state,
 * and @facts what a fresh dump says of it; NULL: it is gone, there are none.
 */
int leaks_add_collision(struct leaks *l, const struct collision *collision,
			const struct conn *live,
			const struct stuck_facts *facts,
			const struct conn *listener,
			const struct holding *holdings, size_t n,
			const struct netns_facts *settings);
/*
 * So many SYNs of a namespace were refused while nothing showed by which
 * socket.  @candidate is the only one that may be, NULL if there is not just one.
 */
int leaks_add_refused_syns(struct leaks *l, uint64_t syns,
			   const struct conn *candidate,
			   const struct conn *listener,
			   const struct holding *holdings, size_t n,
			   const struct netns_facts *settings);

/* What RFC 9293 does not know: one finding for each owner. */
int leaks_add_oddity(struct leaks *l, const struct oddity *oddity);

/* Those of the host; @settings are the initial namespace's. */
int leaks_add_orphans(struct leaks *l, const struct netns_facts *settings);

/* A process with sockets, and how many descriptors it has. */
struct leaks_process {
	uint32_t pid;
	const char *comm;
	uint32_t netns;		/* of one of its sockets */
	uint64_t cgroup;	/* the same */
	uint64_t sockets;
	uint64_t fd_used, fd_limit;
};
int leaks_add_fds(struct leaks *l, const struct leaks_process *process);

/*
 * The findings, worst first; they belong to @l, and nothing can be added any
 * more.  The caller may fill fd_used and fd_limit, and exe, and then rate them
 * again with leaks_rate(), and then sort them again.  A group is a warning
 * however small it is: leaks tells all, check counts.
 */
struct finding *leaks_findings(struct leaks *l, size_t *n);
void leaks_rate(struct finding *f, const struct thresholds *t);
void leaks_sort(struct finding *findings, size_t n);

#endif /* TCPSTATE_LEAKS_H */

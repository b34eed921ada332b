/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The network namespaces of this host, and a netlink socket in each.
 */
#ifndef TCPSTATE_NAMESPACES_H
#define TCPSTATE_NAMESPACES_H

#include <stdint.h>

struct namespaces_result {
	unsigned int entered;
	unsigned int refused;	/* seen but not entered */
	char why[128];		/* of the last refusal */
};

/*
 * @fd is a netlink socket in the namespace with inode @ino, connected to the
 * kernel and closed after the call.  Return 0 to go on.
 */
typedef int (*namespace_fn)(void *ctx, uint32_t ino, int fd);

/*
 * Call @fn, in the calling thread, once per network namespace that is ours,
 * that of a process, or mounted here (/run/netns and the like).  @protocol is
 * NETLINK_*.  The calling thread never leaves its own namespace.
 *
 * A namespace that goes away meanwhile is no error.  One that may not be
 * entered, or whose processes may not be read, is counted in
 * @result->refused.  Not found are namespaces that only a socket or an open
 * descriptor keeps alive, and those of threads that have left the namespace
 * of their process.
 *
 * 0, what @fn returned if that was not 0, or -errno if /proc is unusable.
 */
int namespaces_each(int protocol, namespace_fn fn, void *ctx,
		    struct namespaces_result *result);

#endif /* TCPSTATE_NAMESPACES_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* The descriptors of sockets, from the kernel's iterator over all tables. */
#ifndef TCPSTATE_HOLDERS_BPF_H
#define TCPSTATE_HOLDERS_BPF_H

#include <stddef.h>
#include <stdint.h>

/* One descriptor. */
struct held {
	uint64_t inode;		/* of the socket */
	uint32_t pid;		/* thread group */
	uint32_t fd;
	char comm[16];		/* of the group's leader */
};

/* *@held is valid during the call only.  Return 0 to go on. */
typedef int (*held_fn)(void *ctx, const struct held *held);

/*
 * Tell every descriptor of a socket on the host, in no order; one may be told
 * more than once.  0, what @fn returned, or -errno with a reason in @why; then
 * some may have been told.
 */
int holders_bpf_each(held_fn fn, void *ctx, char *why, size_t why_len);

#endif /* TCPSTATE_HOLDERS_BPF_H */

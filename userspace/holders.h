/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which processes hold which sockets, from the descriptor tables.
 */
#ifndef TCPSTATE_HOLDERS_H
#define TCPSTATE_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A process with at least one descriptor of a socket.  comm is that of the
 * thread group's leader as the program has set it: any byte may be in it.
 */
struct holder {
	uint64_t inode;		/* of the socket's file */
	uint32_t pid;		/* thread group */
	int fd;			/* the lowest if it has several, see .more */
	unsigned int more;	/* further descriptors of pid for it */
	char comm[16];
};

struct holders;		/* opaque */

/* Both find the same. */
enum holders_way {
	HOLDERS_AUTO,		/* the iterator where it loads, or else /proc */
	HOLDERS_ITERATOR,
	HOLDERS_PROC,
};

/*
 * Look into every descriptor table once, also into those of threads that do not
 * share their leader's.  Processes that end meanwhile are skipped; those that
 * may not be read are counted.  @pause, if not NULL, is called every now and
 * then, for what cannot wait.  NULL with errno on failure.
 *
 * A socket that no table holds can still be in use: by io_uring, in a message
 * under way, by the kernel itself.
 */
struct holders *holders_take(enum holders_way way, void (*pause)(void *ctx),
			     void *ctx);
void holders_free(struct holders *h);
size_t holders_refused(const struct holders *h);
/*
 * What has no holder here may have one: a process was refused, or is of another
 * pid namespace, or there were more descriptors than are kept.
 */
bool holders_incomplete(const struct holders *h);

/* The way that was taken; with /proc also why it is not the iterator, or "". */
enum holders_way holders_way(const struct holders *h, const char **why);
/* The way called "auto", "iterator" or "proc"; -EINVAL for another name. */
int holders_way_named(const char *name, enum holders_way *way);

/* The holders of @inode, sorted by pid; *@n of them, valid until free. */
const struct holder *holders_of(const struct holders *h, uint64_t inode,
				size_t *n);

/*
 * All descriptors that @pid has for @inode, ascending: at most @max of them
 * to @fds.  Returns how many there are.
 */
size_t holders_fds(const struct holders *h, uint32_t pid, uint64_t inode,
		   int *fds, size_t max);

/*
 * Soft RLIMIT_NOFILE and descriptors in use of a process; UINT64_MAX is
 * unlimited.  0, or -errno and nothing is written.
 */
int process_fd_usage(uint32_t pid, uint64_t *used, uint64_t *limit);

/*
 * The program that a process runs, with " (deleted)" if it was.  0, or -errno
 * and @buf is empty; what is longer is cut.
 */
int process_exe(uint32_t pid, char *buf, size_t len);

/*
 * The kernel function in which the process's leader sleeps; "0" if it runs, or
 * may not be told.  0 or -errno.
 */
int process_wchan(uint32_t pid, char *buf, size_t len);

#endif /* TCPSTATE_HOLDERS_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The network namespaces of this host, and a netlink socket in each.
 *
 * A netlink socket belongs for ever to the namespace in which it was made.  So
 * a short-lived thread enters the namespace, makes the socket and dies, and
 * its namespace is thrown away with it: there is no way back to forget, and
 * the caller's own threads never move.
 */
#define _GNU_SOURCE 1	/* setns() */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mountinfo.h"
#include "namespaces.h"

/*
 * A file that every network namespace has an own instance of.  Unlike
 * /proc/PID/ns/net it may be looked at without the right to trace the
 * process, so its inode tells whether two processes share a namespace.
 */
#define WITNESS "net/sockstat"

struct seen {
	dev_t dev;
	ino_t ino;
	ino_t witness;		/* 0 = unknown */
};

struct walk {
	int protocol;
	namespace_fn fn;
	void *ctx;
	struct namespaces_result *result;
	int proc;		/* /proc */
	int stop;		/* what fn returned */
	struct seen own;
	struct seen *seen;
	size_t n_seen, max_seen;
	ino_t *closed;		/* witnesses of processes we may not read */
	size_t n_closed, max_closed;
};

/* What the thread that enters a namespace is told, and what it answers. */
struct visit {
	int ns;
	int protocol;
	int sock;		/* or -errno */
	ino_t witness;
};

static ino_t witness_of(int proc, const char *process)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%.32s/" WITNESS, process);
	return fstatat(proc, path, &st, 0) ? 0 : st.st_ino;
}

/*
 * Connected to the kernel (port 0), so that nobody else can send to it: root
 * of a container may send netlink messages inside its own namespace.
 */
static int open_netlink(int protocol)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int err, fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&kernel, sizeof(kernel))) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static void *visit_thread(void *arg)
{
	struct visit *v = arg;
	struct stat st;

	if (setns(v->ns, CLONE_NEWNET)) {
		v->sock = -errno;
		return NULL;
	}
	v->sock = open_netlink(v->protocol);
	if (!stat("/proc/thread-self/" WITNESS, &st))
		v->witness = st.st_ino;
	return NULL;
}

/* The thread takes no signals: their handlers belong to the caller. */
static int visit(struct visit *v)
{
	sigset_t all, old;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, NULL, visit_thread, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return -err;
	pthread_join(thread, NULL);
	return v->sock;
}

static int grow(void **array, size_t *max, size_t n, size_t size)
{
	size_t want = *max ? *max * 2 : 16;
	void *bigger;

	if (n < *max)
		return 0;
	bigger = reallocarray(*array, want, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*max = want;
	return 0;
}

static struct seen *find_seen(const struct walk *w, const struct stat *st)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (w->seen[i].ino == st->st_ino &&
		    w->seen[i].dev == st->st_dev)
			return &w->seen[i];
	return NULL;
}

static bool witness_seen(const struct walk *w, ino_t witness)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (w->seen[i].witness == witness)
			return true;
	return false;
}

static void refused(struct walk *w, ino_t ino, int err)
{
	w->result->refused++;
	snprintf(w->result->why, sizeof(w->result->why),
		 "network namespace %lu could not be entered: %s%s",
		 (unsigned long)ino, strerror(-err),
		 err == -EPERM ? " (it takes CAP_SYS_ADMIN)" : "");
}

/*
 * @ns is an open nsfs file.  An inode number can be used again while we walk,
 * once its namespace is gone.  The new namespace is then missed; whoever
 * captures sees all of its sockets being made.
 */
static int enter(struct walk *w, int ns, const char *process)
{
	struct visit v = { .ns = ns, .protocol = w->protocol };
	struct seen *seen;
	struct stat st;
	int err, sock;

	if (fstat(ns, &st))
		return -errno;
	if (find_seen(w, &st))
		return 0;
	err = grow((void **)&w->seen, &w->max_seen, w->n_seen, sizeof(*seen));
	if (err)
		return err;
	seen = &w->seen[w->n_seen++];
	*seen = (struct seen){ .dev = st.st_dev, .ino = st.st_ino };

	if (st.st_ino == w->own.ino && st.st_dev == w->own.dev)
		sock = open_netlink(w->protocol);
	else
		sock = visit(&v);
	if (process && !v.witness)
		v.witness = witness_of(w->proc, process);
	seen->witness = v.witness;
	if (sock < 0) {
		refused(w, st.st_ino, sock);
		return 0;
	}
	w->result->entered++;
	w->stop = w->fn(w->ctx, st.st_ino, sock);
	close(sock);
	return 0;
}

/*
 * @path is the ns/net of @process, both below /proc.  Opened only if the
 * namespace is a new one: most processes share a few.
 */
static int enter_process(struct walk *w, const char *path, const char *process)
{
	struct stat st;
	int err, fd;

	if (fstatat(w->proc, path, &st, 0))
		return -errno;
	if (find_seen(w, &st))
		return 0;
	fd = openat(w->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = enter(w, fd, process);
	close(fd);
	return err;
}

/*
 * May this error end the walk?  A process or a mount that went away, or is
 * not to be looked at, concerns only itself.
 */
static bool fatal(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

/*
 * We may not read the process's namespace.  That alone is no loss: it is
 * normally one that we know, as with process 1 of most hosts.  Its witness
 * tells, at the end of the walk.
 */
static int note_closed(struct walk *w, const char *process)
{
	ino_t witness = witness_of(w->proc, process);
	int err;

	if (!witness || witness_seen(w, witness))
		return 0;
	for (size_t i = 0; i < w->n_closed; i++)
		if (w->closed[i] == witness)
			return 0;
	err = grow((void **)&w->closed, &w->max_closed, w->n_closed,
		   sizeof(*w->closed));
	if (err)
		return err;
	w->closed[w->n_closed++] = witness;
	return 0;
}

/* The leader has ended, but other threads of the process may live on. */
static int enter_by_thread(struct walk *w, const char *process)
{
	char path[96];
	struct dirent *de;
	int err = -ESRCH;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%.32s/task", process);
	fd = openat(w->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (err == -ESRCH && (de = readdir(dir))) {
		if (!isdigit((unsigned char)de->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%.32s/task/%.32s/ns/net",
			 process, de->d_name);
		err = enter_process(w, path, NULL);
		if (err == -ENOENT)
			err = -ESRCH;
	}
	closedir(dir);
	return err;
}

static int visit_process(struct walk *w, const char *process)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "%.32s/ns/net", process);
	err = enter_process(w, path, process);
	if (err == -ENOENT)
		err = enter_by_thread(w, process);
	if (err == -EACCES || err == -EPERM)
		err = note_closed(w, process);
	return fatal(err) ? err : 0;
}

static int visit_processes(struct walk *w)
{
	struct dirent *de;
	int err = 0, fd;
	DIR *dir;

	fd = openat(w->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && !w->stop && (de = readdir(dir)))
		if (isdigit((unsigned char)de->d_name[0]))
			err = visit_process(w, de->d_name);
	closedir(dir);
	return err;
}

/*
 * Whatever lies at @path by now is not opened before it is known to be a
 * network namespace: opening a FIFO or a device has effects.
 */
static int open_namespace(const char *path)
{
	char link[64];
	struct statfs fs;
	int fd, pin;

	pin = open(path, O_PATH | O_CLOEXEC);
	if (pin < 0)
		return -errno;
	if (fstatfs(pin, &fs) || fs.f_type != NSFS_MAGIC) {
		close(pin);
		return -ENOENT;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", pin);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	close(pin);
	if (fd >= 0 && ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

/* The root of such a mount is "net:[4026532285]". */
static int visit_mount(void *ctx, const struct mountinfo *m)
{
	struct walk *w = ctx;
	int err, fd;

	if (strncmp(m->root, "net:[", 5))
		return 0;
	fd = open_namespace(m->point);
	if (fd == -EACCES || fd == -EPERM) {
		w->result->refused++;
		snprintf(w->result->why, sizeof(w->result->why),
			 "a mounted network namespace (%.40s) may not be opened",
			 m->root);
		return 0;
	}
	if (fd < 0)
		return fatal(fd) ? fd : 0;
	err = enter(w, fd, NULL);
	close(fd);
	if (w->stop)
		return -ECANCELED;
	return fatal(err) ? err : 0;
}

/* First of all, and without any privilege: our own. */
static int visit_own(struct walk *w)
{
	struct stat st;

	if (fstatat(w->proc, "thread-self/ns/net", &st, 0))
		return -errno;
	w->own = (struct seen){ .dev = st.st_dev, .ino = st.st_ino };
	return enter_process(w, "thread-self/ns/net", "thread-self");
}

static void count_closed(struct walk *w)
{
	unsigned int n = 0;

	for (size_t i = 0; i < w->n_closed; i++)
		n += !witness_seen(w, w->closed[i]);
	if (!n)
		return;
	w->result->refused += n;
	snprintf(w->result->why, sizeof(w->result->why),
		 "the processes of %u network namespaces may not be read (it takes CAP_SYS_PTRACE)",
		 n);
}

int namespaces_each(int protocol, namespace_fn fn, void *ctx,
		    struct namespaces_result *result)
{
	struct walk w = {
		.protocol = protocol, .fn = fn, .ctx = ctx, .result = result,
	};
	int err;

	memset(result, 0, sizeof(*result));
	w.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = w.proc < 0 ? -errno : visit_own(&w);
	if (err)
		snprintf(result->why, sizeof(result->why),
			 "/proc/thread-self/ns/net cannot be read: %s",
			 strerror(-err));
	if (!err && !w.stop)
		err = visit_processes(&w);
	if (!err && !w.stop)
		err = mountinfo_each("nsfs", visit_mount, &w);
	if (!err && !w.stop)
		count_closed(&w);
	if (err && !result->why[0])
		snprintf(result->why, sizeof(result->why),
			 "the network namespaces cannot be listed: %s",
			 strerror(-err));
	if (w.proc >= 0)
		close(w.proc);
	free(w.seen);
	free(w.closed);
	return w.stop ? w.stop : err;
}

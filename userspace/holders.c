// SPDX-License-Identifier: GPL-2.0
/*
 * Which processes hold which sockets, from the descriptor tables: by the
 * kernel's iterator, or by walking /proc.
 *
 * There a process is opened once, as /proc/PID, and all else goes through that
 * descriptor: when the process ends and another one gets its number, the
 * descriptor does not follow, and answers ESRCH.
 */
#define _GNU_SOURCE 1	/* O_PATH */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "holders.h"
#include "source/holders_bpf.h"
#include "source/kernel_facts.h"

struct process {
	uint32_t pid;
	char comm[16];
};

/* One descriptor. */
struct entry {
	uint64_t inode;
	uint32_t pid;
	int fd;
};

/* Descriptors between two pauses. */
#define PAUSE_EVERY 1024
/*
 * Beyond the first number repeated ones are dropped before more room is made,
 * and beyond the second, 256 MiB, the rest: any user may bring as many about.
 */
#define MANY_ENTRIES	(1U << 20)
#define MAX_ENTRIES	(1U << 24)

struct holders {
	enum holders_way way;
	char why[128];		/* not the iterator */
	size_t refused;
	bool partial;		/* some processes are not ours to see, or too many */
	size_t seen;		/* descriptors, for the pauses */
	void (*pause)(void *ctx);
	void *pause_ctx;

	/* Sorted by inode, pid, fd. */
	struct entry *entries;
	size_t n_entries, max_entries;

	/* Sorted by pid; only those with an entry. */
	struct process *processes;
	size_t n_processes, max_processes;

	/*
	 * One per inode and pid, in the order of the entries; holder i has
	 * the entries from first[i] on, 1 + more of them.
	 */
	struct holder *holders;
	size_t *first;
	size_t n_holders;
};

static int grow(void **array, size_t *max, size_t n, size_t size)
{
	size_t want = *max ? *max * 2 : 1024;
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

/* Not everything in /proc is a process, and nothing else is a number. */
static bool parse_number(const char *s, uint64_t max, uint64_t *number)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno || *end || n > max)
		return false;
	*number = n;
	return true;
}

static DIR *open_dir(int dir, const char *path)
{
	DIR *d;
	int fd;

	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

/* Read a small file whole; its length or -errno. */
static ssize_t read_file(int dir, const char *path, char *buf, size_t size)
{
	ssize_t len;
	int fd;

	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, buf, size - 1);
	if (len < 0)
		len = -errno;
	else
		buf[len] = '\0';
	close(fd);
	return len;
}

/* A name may itself have newlines; only the last one is the kernel's. */
static void read_comm(int process, char comm[16])
{
	char buf[64];
	ssize_t len = read_file(process, "comm", buf, sizeof(buf));

	if (len > 0 && buf[len - 1] == '\n')
		len--;
	if (len < 0)
		len = 0;
	if (len > 15)
		len = 15;
	memcpy(comm, buf, len);
	comm[len] = '\0';
}

/* "socket:[123]".  A name that could stand for a file has a '/' first. */
static bool socket_inode(int dir, const char *name, uint64_t *inode)
{
	char link[64];
	ssize_t len;

	len = readlinkat(dir, name, link, sizeof(link) - 1);
	if (len < 10 || memcmp(link, "socket:[", 8) || link[len - 1] != ']')
		return false;
	link[len - 1] = '\0';
	return parse_number(link + 8, UINT64_MAX, inode);
}

static void pause_at_times(struct holders *h)
{
	if (h->pause && h->seen++ % PAUSE_EVERY == 0)
		h->pause(h->pause_ctx);
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_entries(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int cmp = compare(a->inode, b->inode);

	if (!cmp)
		cmp = compare(a->pid, b->pid);
	return cmp ? cmp : (a->fd > b->fd) - (a->fd < b->fd);
}

/*
 * Threads with tables of their own may have one socket at the same number, and
 * those of a leader that has ended are all told the one table that they share.
 * Sorts, too.
 */
static void drop_repeated(struct holders *h)
{
	size_t kept = 1;

	if (!h->n_entries)
		return;
	qsort(h->entries, h->n_entries, sizeof(*h->entries), compare_entries);
	for (size_t i = 1; i < h->n_entries; i++)
		if (compare_entries(&h->entries[i], &h->entries[kept - 1]))
			h->entries[kept++] = h->entries[i];
	h->n_entries = kept;
}

static int make_room(struct holders *h)
{
	if (h->n_entries < h->max_entries)
		return 0;
	if (h->n_entries >= MANY_ENTRIES)
		drop_repeated(h);
	if (h->n_entries * 2 < h->max_entries)
		return 0;
	return grow((void **)&h->entries, &h->max_entries, h->max_entries,
		    sizeof(*h->entries));
}

static int add_entry(struct holders *h, uint64_t inode, uint32_t pid, int fd)
{
	int err;

	if (h->n_entries == MAX_ENTRIES) {
		h->partial = true;
		return 0;
	}
	err = make_room(h);
	if (err)
		return err;
	h->entries[h->n_entries++] = (struct entry){
		.inode = inode, .pid = pid, .fd = fd,
	};
	return 0;
}

static int add_process(struct holders *h, uint32_t pid, const char comm[16])
{
	struct process *p;
	int err = grow((void **)&h->processes, &h->max_processes,
		       h->n_processes, sizeof(*h->processes));

	if (err)
		return err;
	p = &h->processes[h->n_processes++];
	p->pid = pid;
	memcpy(p->comm, comm, sizeof(p->comm));
	return 0;
}

static int take_table(struct holders *h, DIR *table, uint32_t pid)
{
	uint64_t fd, inode;
	struct dirent *de;
	int err = 0;

	while (!err && (de = readdir(table))) {
		pause_at_times(h);
		if (parse_number(de->d_name, INT32_MAX, &fd) &&
		    socket_inode(dirfd(table), de->d_name, &inode))
			err = add_entry(h, inode, pid, fd);
	}
	return err;
}

/*
 * A leader that has ended has no table, but its threads may live on and use
 * the sockets.  The table of the first that has one; NULL with errno.
 */
static DIR *open_thread_table(int process)
{
	struct dirent *de;
	DIR *tasks, *table = NULL;
	struct stat st;
	char path[64];

	tasks = open_dir(process, "task");
	if (!tasks)
		return NULL;
	while (!table && (de = readdir(tasks))) {
		if (!isdigit((unsigned char)de->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "task/%.32s/fd", de->d_name);
		table = open_dir(process, path);
		/* One that has ended can be opened, and is empty. */
		snprintf(path, sizeof(path), "task/%.32s/ns/net", de->d_name);
		if (table && fstatat(process, path, &st, 0)) {
			closedir(table);
			table = NULL;
		}
	}
	closedir(tasks);
	if (!table)
		errno = ESRCH;
	return table;
}

/*
 * Both "ended" and "is a kernel thread" look like an empty table.  Only the
 * former has no namespaces any more.
 */
static DIR *open_table(int process)
{
	DIR *table = open_dir(process, "fd");
	struct stat st;

	if (!table || !fstatat(process, "ns/net", &st, 0))
		return table;
	if (errno != ENOENT)
		return table;
	closedir(table);
	return open_thread_table(process);
}

static bool ended(int err)
{
	return err == -ENOENT || err == -ESRCH;
}

static bool fatal(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE;
}

/*
 * unshare(CLONE_FILES).  Where the kernel does not tell (no CONFIG_KCMP, or no
 * right to ptrace), the table is read though it is most likely the same one.
 */
static bool has_own_table(uint32_t pid, uint32_t tid)
{
	return tid != pid &&
	       syscall(SYS_kcmp, pid, tid, KCMP_FILES, 0, 0) != 0;
}

static int take_threads(struct holders *h, int process, uint32_t pid)
{
	struct dirent *de;
	DIR *tasks, *table;
	char path[64];
	uint64_t tid;
	int err = 0;

	tasks = open_dir(process, "task");
	if (!tasks)
		return -errno;
	while (!err && (de = readdir(tasks))) {
		if (!parse_number(de->d_name, UINT32_MAX, &tid) ||
		    !has_own_table(pid, tid))
			continue;
		snprintf(path, sizeof(path), "task/%.32s/fd", de->d_name);
		table = open_dir(process, path);
		if (table) {
			err = take_table(h, table, pid);
			closedir(table);
		} else if (fatal(-errno)) {
			err = -errno;
		}
	}
	closedir(tasks);
	return err;
}

/* Its links, less those to itself and to ".."; a thread is one of task/. */
static bool has_threads(int process)
{
	struct stat st;

	return fstatat(process, "task", &st, 0) || st.st_nlink > 3;
}

static int take_process(struct holders *h, int process, uint32_t pid)
{
	size_t before = h->n_entries;
	DIR *table = open_table(process);
	char comm[16];
	int err;

	if (!table)
		return -errno;
	err = take_table(h, table, pid);
	closedir(table);
	if (!err && has_threads(process))
		err = take_threads(h, process, pid);
	if (err && !ended(err))
		return err;
	if (h->n_entries == before)
		return err;
	read_comm(process, comm);
	return add_process(h, pid, comm);
}

static int take_pid(struct holders *h, int proc, const char *name)
{
	uint64_t pid;
	int err, fd;

	if (!parse_number(name, UINT32_MAX, &pid))
		return 0;
	fd = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
	} else {
		err = take_process(h, fd, pid);
		close(fd);
	}
	if (fatal(err))
		return err;
	if (err && !ended(err))
		h->refused++;
	return 0;
}

static int take_proc(struct holders *h)
{
	struct dirent *de;
	int err = 0;
	DIR *proc;

	h->way = HOLDERS_PROC;
	/* Those outside are not here, and those here have other numbers. */
	h->partial = !kernel_initial_pid_namespace();
	proc = open_dir(AT_FDCWD, "/proc");
	if (!proc)
		return -errno;
	while (!err && (de = readdir(proc)))
		err = take_pid(h, dirfd(proc), de->d_name);
	closedir(proc);
	return err;
}

static int take_held(void *ctx, const struct held *held)
{
	struct holders *h = ctx;
	int err = 0;

	pause_at_times(h);
	/* They come by task, so nearly always once for each process. */
	if (!h->n_processes ||
	    h->processes[h->n_processes - 1].pid != held->pid)
		err = add_process(h, held->pid, held->comm);
	return err ? err : add_entry(h, held->inode, held->pid, held->fd);
}

static int take_all(struct holders *h, enum holders_way way)
{
	int err;

	if (way == HOLDERS_PROC)
		return take_proc(h);
	h->way = HOLDERS_ITERATOR;
	err = holders_bpf_each(take_held, h, h->why, sizeof(h->why));
	if (!err || way == HOLDERS_ITERATOR || fatal(err))
		return err;
	h->n_entries = h->n_processes = 0;
	return take_proc(h);
}

static int compare_processes(const void *va, const void *vb)
{
	const struct process *a = va, *b = vb;

	return compare(a->pid, b->pid);
}

static void add_holder(struct holders *h, size_t i)
{
	const struct entry *e = &h->entries[i];
	struct process key = { .pid = e->pid };
	struct holder *holder = &h->holders[h->n_holders];
	const struct process *p;

	*holder = (struct holder){
		.inode = e->inode, .pid = e->pid, .fd = e->fd,
	};
	p = bsearch(&key, h->processes, h->n_processes, sizeof(key),
		    compare_processes);
	if (p)
		memcpy(holder->comm, p->comm, sizeof(holder->comm));
	h->first[h->n_holders++] = i;
}

/* From descriptors to holders. */
static int group(struct holders *h)
{
	const struct entry *e = h->entries;

	if (!h->n_entries)
		return 0;
	drop_repeated(h);
	qsort(h->processes, h->n_processes, sizeof(*h->processes),
	      compare_processes);
	h->holders = calloc(h->n_entries, sizeof(*h->holders));
	h->first = calloc(h->n_entries, sizeof(*h->first));
	if (!h->holders || !h->first)
		return -ENOMEM;
	for (size_t i = 0; i < h->n_entries; i++) {
		if (i && e[i].inode == e[i - 1].inode &&
		    e[i].pid == e[i - 1].pid)
			h->holders[h->n_holders - 1].more++;
		else
			add_holder(h, i);
	}
	return 0;
}

struct holders *holders_take(enum holders_way way, void (*pause)(void *ctx),
			     void *ctx)
{
	struct holders *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	h->pause = pause;
	h->pause_ctx = ctx;
	err = take_all(h, way);
	if (!err)
		err = group(h);
	if (err) {
		holders_free(h);
		errno = -err;
		return NULL;
	}
	return h;
}

void holders_free(struct holders *h)
{
	if (!h)
		return;
	free(h->entries);
	free(h->processes);
	free(h->holders);
	free(h->first);
	free(h);
}

bool holders_incomplete(const struct holders *h)
{
	return h->refused || h->partial;
}

size_t holders_refused(const struct holders *h)
{
	return h->refused;
}

enum holders_way holders_way(const struct holders *h, const char **why)
{
	*why = h->way == HOLDERS_PROC ? h->why : "";
	return h->way;
}

int holders_way_named(const char *name, enum holders_way *way)
{
	static const char *const names[] = { "auto", "iterator", "proc" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i])) {
			*way = i;
			return 0;
		}
	return -EINVAL;
}

/* The first holder that does not come before @pid with @inode. */
static size_t lower_bound(const struct holders *h, uint64_t inode, uint32_t pid)
{
	size_t from = 0, to = h->n_holders, mid;

	while (from < to) {
		mid = from + (to - from) / 2;
		if (h->holders[mid].inode < inode ||
		    (h->holders[mid].inode == inode &&
		     h->holders[mid].pid < pid))
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

const struct holder *holders_of(const struct holders *h, uint64_t inode,
				size_t *n)
{
	size_t i = lower_bound(h, inode, 0), end = i;

	while (end < h->n_holders && h->holders[end].inode == inode)
		end++;
	*n = end - i;
	return *n ? &h->holders[i] : NULL;
}

size_t holders_fds(const struct holders *h, uint32_t pid, uint64_t inode,
		   int *fds, size_t max)
{
	size_t i = lower_bound(h, inode, pid), n;

	if (i == h->n_holders || h->holders[i].inode != inode ||
	    h->holders[i].pid != pid)
		return 0;
	n = 1 + (size_t)h->holders[i].more;
	for (size_t k = 0; k < n && k < max; k++)
		fds[k] = h->entries[h->first[i] + k].fd;
	return n;
}

static int open_process(uint32_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%" PRIu32, pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* "Max open files            1024                 4096        files" */
static int read_limit(int process, uint64_t *limit)
{
	static const char row[] = "\nMax open files ";
	char buf[4096], word[32];
	const char *p;
	ssize_t len;

	len = read_file(process, "limits", buf, sizeof(buf));
	if (len < 0)
		return len;
	p = strstr(buf, row);
	if (!p || sscanf(p + strlen(row), "%31s", word) != 1)
		return len ? -EBADMSG : -ESRCH;
	if (!strcmp(word, "unlimited"))
		*limit = UINT64_MAX;
	else if (!parse_number(word, UINT64_MAX, limit))
		return -EBADMSG;
	return 0;
}

static int count_table(int process, uint64_t *used)
{
	DIR *table = open_table(process);
	struct dirent *de;
	uint64_t n = 0;

	if (!table)
		return -errno;
	while ((de = readdir(table)))
		n += isdigit((unsigned char)de->d_name[0]) != 0;
	closedir(table);
	*used = n;
	return 0;
}

/* Since 6.2 the kernel counts, and tells everybody. */
static int read_used(int process, uint64_t *used)
{
	struct stat st;

	if (fstatat(process, "fd", &st, 0))
		return -errno;
	if (!st.st_size)
		return count_table(process, used);
	*used = st.st_size;
	return 0;
}

int process_fd_usage(uint32_t pid, uint64_t *used, uint64_t *limit)
{
	uint64_t n = 0, max = 0;
	int err, process;

	process = open_process(pid);
	if (process < 0)
		return process;
	err = read_limit(process, &max);
	if (!err)
		err = read_used(process, &n);
	close(process);
	if (err)
		return err;
	*used = n;
	*limit = max;
	return 0;
}

static int read_link(int dir, const char *path, char *buf, size_t len)
{
	ssize_t n = readlinkat(dir, path, buf, len - 1);

	buf[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -errno : 0;
}

/* A leader that has ended has no program, but its threads run one. */
static int read_thread_exe(int process, char *buf, size_t len)
{
	DIR *tasks = open_dir(process, "task");
	int err = -ENOENT;
	struct dirent *de;
	char path[64];

	if (!tasks)
		return -errno;
	while (err == -ENOENT && (de = readdir(tasks))) {
		if (!isdigit((unsigned char)de->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "task/%.32s/exe", de->d_name);
		err = read_link(process, path, buf, len);
	}
	closedir(tasks);
	return err;
}

int process_exe(uint32_t pid, char *buf, size_t len)
{
	int err, process;

	buf[0] = '\0';
	process = open_process(pid);
	if (process < 0)
		return process;
	err = read_link(process, "exe", buf, len);
	if (err == -ENOENT)
		err = read_thread_exe(process, buf, len);
	close(process);
	return err;
}

int process_wchan(uint32_t pid, char *buf, size_t len)
{
	int process;
	ssize_t n;

	process = open_process(pid);
	if (process < 0)
		return process;
	n = read_file(process, "wchan", buf, len);
	close(process);
	return n < 0 ? n : 0;
}

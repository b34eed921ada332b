// SPDX-License-Identifier: GPL-2.0
/*
 * The processes that hold a socket are found in the descriptor tables: with
 * every descriptor, by name, across fork(), and when only a thread is left.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "holders.h"

static void need_root(void)
{
	if (!geteuid())
		return;
	print_message("root is needed\n");
	skip();
}

/* What both ways must find the same; each is what is tested in its turn. */
static enum holders_way way;

static struct holders *take(void)
{
	return holders_take(way, NULL, NULL);
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static int make_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static void test_finds_itself(void **state)
{
	int sock = make_socket(), a, b, fds[4];
	const struct holder *holder;
	struct holders *h;
	uint64_t inode = inode_of(sock);
	size_t n;

	(void)state;
	a = fcntl(sock, F_DUPFD, 200);
	b = fcntl(sock, F_DUPFD, 100);
	assert_true(a >= 200 && b >= 100);
	prctl(PR_SET_NAME, "a \"b\"\n\033]0;\n");

	h = take();
	assert_non_null(h);
	holder = holders_of(h, inode, &n);
	assert_int_equal(n, 1);
	assert_true(holder->inode == inode);
	assert_int_equal(holder->pid, getpid());
	assert_int_equal(holder->fd, sock);
	assert_int_equal(holder->more, 2);
	assert_string_equal(holder->comm, "a \"b\"\n\033]0;\n");

	memset(fds, 0xff, sizeof(fds));
	assert_int_equal(holders_fds(h, getpid(), inode, fds, 4), 3);
	assert_int_equal(fds[0], sock);
	assert_int_equal(fds[1], b);
	assert_int_equal(fds[2], a);
	assert_int_equal(fds[3], -1);
	fds[1] = -1;
	assert_int_equal(holders_fds(h, getpid(), inode, fds, 1), 3);
	assert_int_equal(fds[1], -1);
	assert_int_equal(holders_fds(h, getpid(), inode, NULL, 0), 3);
	assert_int_equal(holders_fds(h, 1, inode, fds, 4), 0);
	holders_free(h);
	close(sock);
	close(a);
	close(b);

	h = take();
	assert_null(holders_of(h, inode, &n));
	assert_int_equal(n, 0);
	assert_null(holders_of(h, UINT64_MAX, &n));
	assert_int_equal(holders_fds(h, getpid(), UINT64_MAX, fds, 4), 0);
	holders_free(h);
	holders_free(NULL);
}

/* A file may be called like a socket; its link has a path. */
static void test_file_named_like_a_socket(void **state)
{
	char dir[] = "/tmp/tcpstate-test-XXXXXX", path[64];
	struct holders *h;
	size_t n;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket:[424242424242]", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	h = take();
	holders_of(h, 424242424242, &n);
	assert_int_equal(n, 0);
	holders_free(h);
	close(fd);
	unlink(path);
	rmdir(dir);
}

/* A child that says when it is ready, and runs until it is killed. */
static pid_t start(void (*child)(int), int arg)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], 0);
		close(ready[0]);
		close(ready[1]);
		child(arg);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void say_ready(void)
{
	if (write(0, "", 1) != 1)
		_exit(1);
}

static void child_inherits(int arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "heir");
	say_ready();
	for (;;)
		pause();
}

static void test_inherited(void **state)
{
	const struct holder *holders;
	int sock = make_socket();
	struct holders *h;
	pid_t pid;
	size_t n;

	(void)state;
	pid = start(child_inherits, 0);
	h = take();
	holders = holders_of(h, inode_of(sock), &n);
	assert_int_equal(n, 2);
	assert_true(holders[0].pid < holders[1].pid);
	for (size_t i = 0; i < n; i++)
		if (holders[i].pid == (uint32_t)pid)
			assert_string_equal(holders[i].comm, "heir");
		else
			assert_int_equal(holders[i].pid, getpid());
	holders_free(h);
	stop(pid);
	close(sock);
}

/* The state follows the last ')'; the name before it may hold anything. */
static bool is_zombie(pid_t tid)
{
	char path[64], line[256] = "";
	const char *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		_exit(1);
	close(fd);
	state = strrchr(line, ')');
	return state && !strncmp(state, ") Z", 3);
}

/* Ready only when the leader has ended. */
static void *last_thread(void *arg)
{
	for (int i = 0; !is_zombie(getpid()); i++) {
		if (i == 5000)
			_exit(1);
		usleep(1000);
	}
	say_ready();
	for (;;)
		pause();
	return arg;
}

static void child_without_leader(int arg)
{
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, last_thread, NULL))
		_exit(1);
	pthread_exit(NULL);
}

static void test_leader_has_ended(void **state)
{
	const struct holder *holder;
	int sock = make_socket();
	uint64_t inode = inode_of(sock), used, limit;
	char exe[256], own[256];
	struct holders *h;
	pid_t pid;
	size_t n;

	(void)state;
	need_root();	/* /proc says that an ended leader is root's */
	pid = start(child_without_leader, 0);
	close(sock);
	h = take();
	holder = holders_of(h, inode, &n);
	assert_int_equal(n, 1);
	assert_int_equal(holder->pid, pid);
	assert_int_equal(holder->fd, sock);
	holders_free(h);
	assert_int_equal(process_fd_usage(pid, &used, &limit), 0);
	assert_true(used > 0);
	assert_int_equal(process_exe(pid, exe, sizeof(exe)), 0);
	assert_int_equal(process_exe(getpid(), own, sizeof(own)), 0);
	assert_string_equal(exe, own);
	stop(pid);
}

/* Nobody else has a socket of this inode: who holds it, by both ways. */
static void check_same(uint64_t inode)
{
	struct holders *it = holders_take(HOLDERS_ITERATOR, NULL, NULL);
	struct holders *proc = holders_take(HOLDERS_PROC, NULL, NULL);
	const struct holder *a, *b;
	int fds_a[8], fds_b[8];
	size_t n_a, n_b, n;

	assert_non_null(it);
	assert_non_null(proc);
	a = holders_of(it, inode, &n_a);
	b = holders_of(proc, inode, &n_b);
	assert_int_equal(n_a, n_b);
	for (size_t i = 0; i < n_a; i++) {
		assert_memory_equal(&a[i], &b[i], offsetof(struct holder, comm));
		assert_string_equal(a[i].comm, b[i].comm);
		n = holders_fds(it, a[i].pid, inode, fds_a, 8);
		assert_int_equal(n, holders_fds(proc, b[i].pid, inode, fds_b, 8));
		assert_true(n <= 8);
		assert_memory_equal(fds_a, fds_b, n * sizeof(*fds_a));
	}
	holders_free(it);
	holders_free(proc);
}

static pthread_barrier_t both;

/* A table of its own; then the leader closes what only the thread still has. */
static void *thread_unshared(void *arg)
{
	int sock = *(int *)arg;

	if (unshare(CLONE_FILES) || dup2(sock, 77) != 77)
		_exit(1);
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	say_ready();
	for (;;)
		pause();
	return NULL;
}

/* 70 is in both tables, sock and 77 in the thread's, 71 in the leader's. */
static void child_with_two_tables(int sock)
{
	pthread_t thread;

	prctl(PR_SET_NAME, "two tables");
	if (dup2(sock, 70) != 70 || pthread_barrier_init(&both, NULL, 2) ||
	    pthread_create(&thread, NULL, thread_unshared, &sock))
		_exit(1);
	pthread_barrier_wait(&both);
	if (dup2(sock, 71) != 71 || close(sock))
		_exit(1);
	pthread_barrier_wait(&both);
	for (;;)
		pause();
}

static void test_thread_with_own_table(void **state)
{
	const struct holder *holder;
	int sock = make_socket(), fds[8];
	uint64_t inode = inode_of(sock);
	struct holders *h;
	pid_t pid;
	size_t n;

	(void)state;
	need_root();	/* to read another process's tables */
	pid = start(child_with_two_tables, sock);
	check_same(inode);
	close(sock);
	h = take();
	holder = holders_of(h, inode, &n);
	assert_int_equal(n, 1);
	assert_int_equal(holder->pid, pid);
	assert_string_equal(holder->comm, "two tables");
	assert_int_equal(holders_fds(h, pid, inode, fds, 8), 4);
	assert_int_equal(fds[0], sock);
	assert_int_equal(fds[1], 70);
	assert_int_equal(fds[2], 71);
	assert_int_equal(fds[3], 77);
	holders_free(h);
	check_same(inode);
	stop(pid);
}

/* All of its threads are told the same table: one descriptor, not four. */
static void *pausing(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void child_of_many_threads(int sock)
{
	pthread_t thread;

	(void)sock;
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, pausing, NULL))
			_exit(1);
	child_without_leader(0);
}

static void test_many_threads_without_leader(void **state)
{
	const struct holder *holder;
	int sock = make_socket();
	uint64_t inode = inode_of(sock);
	struct holders *h;
	pid_t pid;
	size_t n;

	(void)state;
	need_root();	/* /proc says that an ended leader is root's */
	pid = start(child_of_many_threads, sock);
	close(sock);
	h = take();
	holder = holders_of(h, inode, &n);
	assert_int_equal(n, 1);
	assert_int_equal(holder->pid, pid);
	assert_int_equal(holder->more, 0);
	holders_free(h);
	check_same(inode);
	stop(pid);
}

static void test_heirs_with_duplicates(void **state)
{
	int sock = make_socket(), copy = fcntl(sock, F_DUPFD, 300);
	uint64_t inode = inode_of(sock);
	struct holders *h;
	pid_t pids[3];
	size_t n;

	(void)state;
	need_root();	/* for the iterator */
	for (int i = 0; i < 3; i++)
		pids[i] = start(child_inherits, 0);
	h = take();
	holders_of(h, inode, &n);
	assert_int_equal(n, 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(holders_fds(h, pids[i], inode, NULL, 0), 2);
	holders_free(h);
	check_same(inode);
	for (int i = 0; i < 3; i++)
		stop(pids[i]);
	close(sock);
	close(copy);
}

static void count_call(void *ctx)
{
	++*(unsigned int *)ctx;
}

static void test_way_is_told(void **state)
{
	unsigned int pauses = 0;
	int sock = make_socket();
	enum holders_way named;
	struct holders *h;
	const char *why;

	(void)state;
	h = holders_take(way, count_call, &pauses);
	assert_non_null(h);
	assert_true(pauses > 0);
	assert_int_equal(holders_way(h, &why), way);
	assert_string_equal(why, "");
	holders_free(h);
	close(sock);

	assert_int_equal(holders_way_named("auto", &named), 0);
	assert_int_equal(named, HOLDERS_AUTO);
	assert_int_equal(holders_way_named("iterator", &named), 0);
	assert_int_equal(named, HOLDERS_ITERATOR);
	assert_int_equal(holders_way_named("proc", &named), 0);
	assert_int_equal(named, HOLDERS_PROC);
	assert_int_equal(holders_way_named("", &named), -EINVAL);
}

static void child_without_rights(int arg)
{
	struct holders *h;
	const char *why;

	(void)arg;
	if (setgid(65534) || setuid(65534))
		_exit(1);
	h = holders_take(HOLDERS_AUTO, NULL, NULL);
	if (!h || holders_way(h, &why) != HOLDERS_PROC || !*why)
		_exit(2);
	holders_free(h);
	if (holders_take(HOLDERS_ITERATOR, NULL, NULL) || !errno)
		_exit(3);
	say_ready();
	for (;;)
		pause();
}

/* Without the rights to load it, /proc; and if only it will do, an error. */
static void test_iterator_refused(void **state)
{
	(void)state;
	need_root();	/* to become nobody */
	stop(start(child_without_rights, 0));
}

static void test_exe(void **state)
{
	char buf[256] = "x", self[256] = "", few[6];
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_int_equal(process_exe(pid, buf, sizeof(buf)), -ENOENT);
	assert_string_equal(buf, "");
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 5);
	assert_int_equal(process_exe(getpid(), buf, sizeof(buf)), 0);
	assert_string_equal(buf, self);
	assert_int_equal(process_exe(getpid(), few, sizeof(few)), 0);
	assert_memory_equal(few, self, 5);
	assert_int_equal(few[5], 0);
	/* A kernel thread runs no program. */
	if (!geteuid())
		assert_int_equal(process_exe(2, buf, sizeof(buf)), -ENOENT);
}

static void child_comes_and_goes(int arg)
{
	(void)arg;
	say_ready();
	for (;;) {
		pid_t pid = fork();

		if (!pid) {
			for (int i = 0; i < 20; i++)
				socket(AF_INET, SOCK_STREAM, 0);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* Processes that end under our hands are neither errors nor refused. */
static void test_dying_processes(void **state)
{
	int sock = make_socket();
	struct holders *h;
	pid_t pid;
	size_t n;

	(void)state;
	pid = start(child_comes_and_goes, 0);
	for (int i = 0; i < 50; i++) {
		h = take();
		assert_non_null(h);
		if (!geteuid())
			assert_int_equal(holders_refused(h), 0);
		holders_of(h, inode_of(sock), &n);
		assert_in_range(n, 2, 3);
		holders_free(h);
	}
	stop(pid);
	close(sock);
}

static void child_as_nobody(int arg)
{
	struct holders *h;

	(void)arg;
	if (setgid(65534) || setuid(65534))
		_exit(1);
	h = holders_take(HOLDERS_AUTO, NULL, NULL);
	if (!h || !holders_refused(h))
		_exit(2);
	say_ready();
	for (;;)
		pause();
}

static void test_refused_is_counted(void **state)
{
	(void)state;
	need_root();	/* to become nobody */
	stop(start(child_as_nobody, 0));
}

static void test_fd_usage(void **state)
{
	const struct rlimit lower = { .rlim_cur = 217, .rlim_max = 218 };
	uint64_t before, after, limit;
	int sock;
	pid_t pid;

	(void)state;
	assert_int_equal(process_fd_usage(getpid(), &before, &limit), 0);
	sock = make_socket();
	assert_int_equal(process_fd_usage(getpid(), &after, &limit), 0);
	assert_true(after == before + 1);

	pid = start(child_inherits, 0);
	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &lower, NULL), 0);
	assert_int_equal(process_fd_usage(pid, &after, &limit), 0);
	assert_true(limit == 217);
	assert_true(after > 1 && after < 217);
	stop(pid);
	close(sock);
}

static void test_no_such_process(void **state)
{
	uint64_t used = 7, limit = 8;
	char buf[32] = "x";
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	assert_int_equal(process_fd_usage(pid, &used, &limit), -ENOENT);
	assert_true(used == 7 && limit == 8);
	assert_int_equal(process_wchan(pid, buf, sizeof(buf)), -ENOENT);
	assert_int_equal(process_wchan(getpid(), buf, sizeof(buf)), 0);
	assert_string_equal(buf, "0");
}

static int use_iterator(void **state)
{
	(void)state;
	way = HOLDERS_ITERATOR;
	return 0;
}

static int use_proc(void **state)
{
	(void)state;
	way = HOLDERS_PROC;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_itself),
		cmocka_unit_test(test_file_named_like_a_socket),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_leader_has_ended),
		cmocka_unit_test(test_many_threads_without_leader),
		cmocka_unit_test(test_thread_with_own_table),
		cmocka_unit_test(test_heirs_with_duplicates),
		cmocka_unit_test(test_dying_processes),
		cmocka_unit_test(test_way_is_told),
	};
	const struct CMUnitTest once[] = {
		cmocka_unit_test(test_refused_is_counted),
		cmocka_unit_test(test_iterator_refused),
		cmocka_unit_test(test_fd_usage),
		cmocka_unit_test(test_exe),
		cmocka_unit_test(test_no_such_process),
	};
	int failed = cmocka_run_group_tests_name("proc", tests, use_proc, NULL);

	/* Only root may load it; tests/func has it on each kernel. */
	if (!geteuid())
		failed += cmocka_run_group_tests_name("iterator", tests,
						      use_iterator, NULL);
	return failed + cmocka_run_group_tests(once, NULL, NULL);
}

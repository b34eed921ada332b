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

	h = holders_take();
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

	h = holders_take();
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
	h = holders_take();
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
	h = holders_take();
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
	struct holders *h;
	pid_t pid;
	size_t n;

	(void)state;
	need_root();	/* /proc says that an ended leader is root's */
	pid = start(child_without_leader, 0);
	close(sock);
	h = holders_take();
	holder = holders_of(h, inode, &n);
	assert_int_equal(n, 1);
	assert_int_equal(holder->pid, pid);
	assert_int_equal(holder->fd, sock);
	holders_free(h);
	assert_int_equal(process_fd_usage(pid, &used, &limit), 0);
	assert_true(used > 0);
	stop(pid);
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
		h = holders_take();
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
	h = holders_take();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_itself),
		cmocka_unit_test(test_file_named_like_a_socket),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_leader_has_ended),
		cmocka_unit_test(test_dying_processes),
		cmocka_unit_test(test_refused_is_counted),
		cmocka_unit_test(test_fd_usage),
		cmocka_unit_test(test_no_such_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The snapshot shows each socket exactly once, whatever its state, family and
 * network namespace, under the cookie that getsockopt() tells.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/tcpstate.h>

#include "source/snapshot.h"

/* What a snapshot showed. */
struct shown {
	struct tcpstate_record *records;
	size_t n, max;
	uint64_t before_ns, after_ns;
	struct snapshot_result result;
	int ret;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int collect(void *ctx, const void *bytes, size_t len)
{
	struct shown *s = ctx;

	if (len != sizeof(*s->records))
		return -EBADMSG;
	if (s->n == s->max) {
		s->max = s->max ? 2 * s->max : 64;
		s->records = realloc(s->records, s->max * len);
		if (!s->records)
			return -ENOMEM;
	}
	memcpy(&s->records[s->n++], bytes, len);
	return 0;
}

static void take(struct shown *s, unsigned int states)
{
	memset(s, 0, sizeof(*s));
	s->before_ns = now_ns();
	s->ret = snapshot_take(states, collect, s, &s->result);
	s->after_ns = now_ns();
}

/* The record of @cookie, of which there must be one. */
static const struct tcpstate_record *find(const struct shown *s,
					  uint64_t cookie)
{
	const struct tcpstate_record *found = NULL;

	for (size_t i = 0; i < s->n; i++) {
		if (s->records[i].cookie != cookie)
			continue;
		assert_null(found);
		found = &s->records[i];
	}
	assert_non_null(found);
	return found;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len),
			 0);
	return cookie;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* Loopback of a family; "mapped" is IPv4 on an AF_INET6 socket. */
enum kind { V4, V6, MAPPED, KINDS };

static struct sockaddr_storage loopback(enum kind kind, uint16_t port)
{
	union {
		struct sockaddr_storage ss;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { 0 };

	if (kind == V4) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return a.ss;
	}
	a.v6.sin6_family = AF_INET6;
	a.v6.sin6_port = htons(port);
	inet_pton(AF_INET6, kind == V6 ? "::1" : "::ffff:127.0.0.1",
		  &a.v6.sin6_addr);
	return a.ss;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
	return ntohs(((struct sockaddr_in *)&a)->sin_port);
}

struct pair {
	int listener, client, server;
};

static int listen_on(enum kind kind, int backlog)
{
	struct sockaddr_storage a = loopback(kind, 0);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int connect_to(enum kind kind, int listener, int flags)
{
	struct sockaddr_storage a = loopback(kind, port_of(listener));
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	assert_true(fd >= 0);
	if (connect(fd, (void *)&a, sizeof(a)))
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static struct pair make_pair(enum kind kind)
{
	struct pair p;

	p.listener = listen_on(kind, 5);
	p.client = connect_to(kind, p.listener, 0);
	p.server = accept(p.listener, NULL, NULL);
	assert_true(p.server >= 0);
	return p;
}

static void close_pair(const struct pair *p)
{
	close(p->client);
	close(p->server);
	close(p->listener);
}

static void check_common(const struct shown *s,
			 const struct tcpstate_record *rec, unsigned int state)
{
	static const uint8_t zero[16];

	assert_int_equal(rec->size, sizeof(*rec));
	assert_int_equal(rec->version, TCPSTATE_RECORD_VERSION);
	assert_int_equal(rec->type, TCPSTATE_SNAPSHOT);
	assert_int_equal(rec->basis, TCPSTATE_BY_SNAPSHOT);
	assert_int_equal(rec->protocol, IPPROTO_TCP);
	assert_int_equal(rec->old_state, 0);
	assert_int_equal(rec->new_state, state);
	assert_true(rec->mono_ns >= s->before_ns && rec->mono_ns <= s->after_ns);
	assert_int_equal(rec->netns_ino, inode_of("/proc/self/ns/net"));
	assert_true(rec->netns_cookie != 0);
	if (rec->family == AF_INET) {
		assert_memory_equal(rec->saddr + 4, zero, 12);
		assert_memory_equal(rec->daddr + 4, zero, 12);
	} else {
		assert_int_equal(rec->family, AF_INET6);
	}
	assert_int_equal(rec->cpu, 0);
	assert_int_equal(rec->seq, 0);
	assert_true(rec->timer < TCPSTATE_TIMERS);
	/* The sockets of these tests are young. */
	assert_in_range(rec->sent_ms, 0, 60000);
	assert_in_range(rec->received_ms, 0, 60000);
}

static void check_full(const struct shown *s, int fd, unsigned int state)
{
	const struct tcpstate_record *rec = find(s, cookie_of(fd));
	struct stat st;

	check_common(s, rec, state);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(rec->inode == st.st_ino);
	assert_true(rec->flags & TCPSTATE_F_HAS_FILE);
	assert_int_equal(rec->uid, geteuid());
	assert_true(rec->cgroup != 0);
	assert_int_equal(rec->sport, port_of(fd));
	assert_int_equal(rec->timeout_ms, 0);
}

static void check_addresses(const struct shown *s, int fd, enum kind kind,
			    uint16_t peer_port)
{
	const struct tcpstate_record *rec = find(s, cookie_of(fd));
	struct sockaddr_storage a = loopback(kind, 0);
	const void *addr = kind == V4 ?
		(void *)&((struct sockaddr_in *)&a)->sin_addr :
		(void *)&((struct sockaddr_in6 *)&a)->sin6_addr;

	assert_int_equal(rec->family, kind == V4 ? AF_INET : AF_INET6);
	assert_memory_equal(rec->saddr, addr, kind == V4 ? 4 : 16);
	assert_memory_equal(rec->daddr, addr, kind == V4 ? 4 : 16);
	assert_int_equal(rec->dport, peer_port);
}

static void test_every_family_once(void **state)
{
	struct pair pairs[KINDS];
	struct shown s;

	(void)state;
	for (int k = 0; k < KINDS; k++)
		pairs[k] = make_pair(k);
	take(&s, SNAPSHOT_ALL_STATES);
	assert_int_equal(s.ret, 0);
	assert_int_equal(s.result.sockets, s.n);
	assert_true(s.result.namespaces >= 1);
	for (int k = 0; k < KINDS; k++) {
		struct pair *p = &pairs[k];

		check_full(&s, p->listener, TCPSTATE_LISTEN);
		check_full(&s, p->client, TCPSTATE_ESTABLISHED);
		check_full(&s, p->server, TCPSTATE_ESTABLISHED);
		check_addresses(&s, p->client, k, port_of(p->server));
		check_addresses(&s, p->server, k, port_of(p->client));
		assert_int_equal(find(&s, cookie_of(p->listener))->wqueue, 5);
		assert_int_equal(find(&s, cookie_of(p->listener))->age_ms, 0);
		close_pair(p);
	}
	free(s.records);
}

static void test_close_wait(void **state)
{
	struct pair p = make_pair(V4);
	const struct tcpstate_record *rec;
	struct shown s;

	(void)state;
	assert_int_equal(write(p.client, "0123456789", 10), 10);
	shutdown(p.client, SHUT_WR);
	usleep(200000);
	take(&s, SNAPSHOT_ALL_STATES);
	check_full(&s, p.server, TCPSTATE_CLOSE_WAIT);
	check_full(&s, p.client, TCPSTATE_FIN_WAIT2);
	rec = find(&s, cookie_of(p.server));
	assert_int_equal(rec->rqueue, 11);
	assert_int_equal(rec->wqueue, 0);
	assert_int_equal(rec->shutdown, 1);
	assert_int_equal(rec->bytes_received, 11);	/* with the FIN */
	assert_int_equal(rec->data_segs_in, 1);
	assert_true(rec->segs_in >= 3);
	assert_in_range(rec->age_ms, 190, 5000);
	rec = find(&s, cookie_of(p.client));
	assert_int_equal(rec->shutdown, 2);
	assert_int_equal(rec->data_segs_out, 1);
	/* The ACK of the FIN may have been delayed. */
	assert_in_range(rec->age_ms, 100, 5000);
	free(s.records);

	/* Only the FIN is left. */
	assert_int_equal(read(p.server, (char[16]){ 0 }, 10), 10);
	take(&s, 1u << TCPSTATE_CLOSE_WAIT);
	assert_in_range(find(&s, cookie_of(p.server))->rqueue, 0, 1);
	free(s.records);
	close_pair(&p);
}

static void check_mini(const struct shown *s, uint64_t cookie,
		       unsigned int state, uint16_t port)
{
	const struct tcpstate_record *rec = find(s, cookie);

	check_common(s, rec, state);
	assert_int_equal(rec->sport, port);
	assert_int_equal(rec->inode, 0);
	assert_true(rec->timeout_ms > 0);
	assert_int_equal(rec->flags, 0);
}

/*
 * The ACK of a FIN may be delayed: wait until @cookie is in @state, as a
 * mini-socket, for at most 5 s.
 */
static void take_mini(struct shown *s, uint64_t cookie, unsigned int state)
{
	for (int i = 0; i < 500; i++) {
		take(s, 1u << state);
		for (size_t k = 0; k < s->n; k++)
			if (s->records[k].cookie == cookie &&
			    s->records[k].timeout_ms)
				return;
		free(s->records);
		usleep(10000);
	}
	fail_msg("no mini-socket in state %u", state);
}

static void test_timewait(void **state)
{
	for (int k = 0; k < KINDS; k++) {
		struct pair p = make_pair(k);
		uint64_t cookie = cookie_of(p.client);
		uint16_t port = port_of(p.client);
		const struct tcpstate_record *rec;
		struct shown s;

		/* Orphaned, and still waiting for the FIN. */
		close(p.client);
		take_mini(&s, cookie, TCPSTATE_FIN_WAIT2);
		check_mini(&s, cookie, TCPSTATE_FIN_WAIT2, port);
		assert_int_equal(find(&s, cookie)->age_ms, 0);
		free(s.records);

		close(p.server);
		usleep(100000);
		take_mini(&s, cookie, TCPSTATE_TIME_WAIT);
		check_mini(&s, cookie, TCPSTATE_TIME_WAIT, port);
		rec = find(&s, cookie);
		assert_in_range(rec->age_ms, 90, 5000);
		assert_in_range(rec->age_ms + rec->timeout_ms, 60000, 60000);
		assert_int_equal(rec->family, k == V4 ? AF_INET : AF_INET6);
		free(s.records);
		close(p.listener);
	}
	(void)state;
}

/* The listener waits for data, so the server's end stays a request. */
static void test_request(void **state)
{
	(void)state;
	for (int k = 0; k < KINDS; k++) {
		int listener = listen_on(k, 5), seconds = 30, client;
		unsigned int found = 0;
		struct shown s;

		assert_int_equal(setsockopt(listener, IPPROTO_TCP,
					    TCP_DEFER_ACCEPT, &seconds,
					    sizeof(seconds)), 0);
		client = connect_to(k, listener, 0);
		take(&s, 1u << TCPSTATE_SYN_RECV);
		for (size_t i = 0; i < s.n; i++) {
			if (s.records[i].dport != port_of(client))
				continue;
			found++;
			check_mini(&s, s.records[i].cookie, TCPSTATE_SYN_RECV,
				   port_of(listener));
			assert_true(s.records[i].cookie != 0);
			assert_int_equal(s.records[i].age_ms, 0);
		}
		assert_int_equal(found, 1);
		free(s.records);
		close(client);
		close(listener);
	}
}

/* No room in the accept queue, so the second SYN is dropped. */
static void test_syn_sent(void **state)
{
	int listener = listen_on(V4, 0);
	int first = connect_to(V4, listener, 0);
	int second = connect_to(V4, listener, SOCK_NONBLOCK);
	struct shown s;

	(void)state;
	take(&s, SNAPSHOT_ALL_STATES);
	check_full(&s, second, TCPSTATE_SYN_SENT);
	assert_int_equal(find(&s, cookie_of(second))->age_ms, 0);
	assert_int_equal(find(&s, cookie_of(second))->timer,
			 TCPSTATE_TIMER_RETRANS);
	assert_int_equal(find(&s, cookie_of(second))->unacked, 1);
	assert_in_range(find(&s, cookie_of(second))->rto_ms, 1000, 120000);
	assert_int_equal(find(&s, cookie_of(listener))->rqueue, 1);
	free(s.records);
	close(first);
	close(second);
	close(listener);
}

static void test_keepalive(void **state)
{
	struct pair p = make_pair(V4);
	int on = 1;
	struct shown s;

	(void)state;
	assert_int_equal(setsockopt(p.client, SOL_SOCKET, SO_KEEPALIVE, &on,
				    sizeof(on)), 0);
	take(&s, SNAPSHOT_ALL_STATES);
	assert_true(find(&s, cookie_of(p.client))->flags &
		    TCPSTATE_F_KEEPALIVE);
	assert_false(find(&s, cookie_of(p.server))->flags &
		     TCPSTATE_F_KEEPALIVE);
	assert_int_equal(find(&s, cookie_of(p.client))->timer,
			 TCPSTATE_TIMER_KEEPALIVE);
	assert_int_equal(find(&s, cookie_of(p.server))->timer,
			 TCPSTATE_TIMER_NONE);
	free(s.records);
	close_pair(&p);
}

/* A FIN behind a window that the peer has shut: it is unsent, and probed for. */
static void test_shut_window(void **state)
{
	static const char bytes[65536];
	const struct tcpstate_record *rec;
	struct pair p = make_pair(V4);
	uint64_t until_ns = now_ns() + 30000000000ULL;
	struct shown s;
	bool shut;

	(void)state;
	while (send(p.client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(shutdown(p.client, SHUT_WR), 0);
	do {
		take(&s, 1u << TCPSTATE_FIN_WAIT1);
		rec = find(&s, cookie_of(p.client));
		shut = rec->timer == TCPSTATE_TIMER_PROBE && !rec->snd_wnd;
		assert_true(rec->unsent > 0);
		free(s.records);
	} while (!shut && now_ns() < until_ns);
	assert_true(shut);
	close_pair(&p);
}

/* A connected socket that nobody has accepted is in no file. */
static void test_never_accepted(void **state)
{
	int listener = listen_on(V4, 5);
	int client = connect_to(V4, listener, 0);
	unsigned int found = 0;
	struct shown s;

	(void)state;
	take(&s, 1u << TCPSTATE_ESTABLISHED);
	for (size_t i = 0; i < s.n; i++) {
		if (s.records[i].dport != port_of(client))
			continue;
		found++;
		assert_int_equal(s.records[i].inode, 0);
		assert_false(s.records[i].flags & TCPSTATE_F_HAS_FILE);
		assert_int_equal(s.records[i].timeout_ms, 0);
	}
	assert_int_equal(found, 1);
	free(s.records);
	close(client);
	close(listener);
}

static void test_only_the_states_asked_for(void **state)
{
	struct pair p = make_pair(V4);
	struct shown s;

	(void)state;
	take(&s, 1u << TCPSTATE_LISTEN);
	find(&s, cookie_of(p.listener));
	for (size_t i = 0; i < s.n; i++)
		assert_int_equal(s.records[i].new_state, TCPSTATE_LISTEN);
	free(s.records);
	take(&s, 1u << TCPSTATE_CLOSE);
	assert_int_equal(s.ret, 0);
	assert_int_equal(s.n, 0);
	free(s.records);
	close_pair(&p);
}

static int refuse(void *ctx, const void *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	++*(int *)ctx;
	return -ECANCELED;
}

static void test_callback_stops_it(void **state)
{
	struct pair p = make_pair(V4);
	struct snapshot_result result;
	int calls = 0;

	(void)state;
	assert_int_equal(snapshot_take(SNAPSHOT_ALL_STATES, refuse, &calls,
				       &result), -ECANCELED);
	assert_int_equal(calls, 1);
	assert_int_equal(result.sockets, 1);
	close_pair(&p);
}

/* Of a child in a namespace of its own. */
struct elsewhere {
	uint64_t cookie;
	uint32_t ino;
};

static void need_root(void)
{
	if (!geteuid())
		return;
	print_message("a network namespace takes root\n");
	skip();
}

static int listen_anywhere(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (void *)&any, sizeof(any)) || listen(fd, 1))
		_exit(2);
	return fd;
}

/* A child, and a grandchild with it, that live until they are killed. */
static pid_t start_elsewhere(struct elsewhere *e)
{
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET))
			_exit(1);
		memset(e, 0, sizeof(*e));
		e->cookie = cookie_of(listen_anywhere());
		e->ino = inode_of("/proc/self/ns/net");
		/* The grandchild tells, when nothing can leave it behind. */
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (write(pipes[1], e, sizeof(*e)) != sizeof(*e))
				_exit(1);
		}
		for (;;)
			pause();
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], e, sizeof(*e)), sizeof(*e));
	close(pipes[0]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_other_namespace(void **state)
{
	struct pair p = make_pair(V4);
	ino_t ours = inode_of("/proc/self/ns/net");
	struct elsewhere e;
	struct shown s;
	pid_t pid;

	(void)state;
	need_root();
	pid = start_elsewhere(&e);
	take(&s, SNAPSHOT_ALL_STATES);
	assert_int_equal(s.ret, 0);
	assert_int_equal(find(&s, e.cookie)->netns_ino, e.ino);
	check_full(&s, p.client, TCPSTATE_ESTABLISHED);
	assert_true(e.ino != ours);
	assert_true(find(&s, e.cookie)->netns_cookie !=
		    find(&s, cookie_of(p.client))->netns_cookie);
	assert_true(s.result.namespaces >= 2);
	/* We are where we were. */
	assert_int_equal(inode_of("/proc/thread-self/ns/net"), ours);
	free(s.records);
	stop(pid);
	close_pair(&p);
}

/* Without a process: the socket's owner has left, a mount keeps it. */
static int snapshot_of_mounted(void)
{
	char dir[] = "/tmp/tcpstate-test-XXXXXX", path[64];
	int fd, home, sock, ret = 5;
	struct elsewhere e;
	struct shown s;

	if (!mkdtemp(dir) || unshare(CLONE_NEWNS) ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL))
		return 1;
	snprintf(path, sizeof(path), "%s/a \\040 net", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || home < 0 || unshare(CLONE_NEWNET) ||
	    mount("/proc/self/ns/net", path, "none", MS_BIND, NULL))
		return 2;
	sock = listen_anywhere();
	e.cookie = cookie_of(sock);
	e.ino = inode_of("/proc/self/ns/net");
	if (setns(home, CLONE_NEWNET))
		return 3;
	take(&s, SNAPSHOT_ALL_STATES);
	umount(path);
	unlink(path);
	rmdir(dir);
	for (size_t i = 0; i < s.n; i++)
		if (s.records[i].cookie == e.cookie)
			ret = s.records[i].netns_ino == e.ino ? 0 : 4;
	free(s.records);
	return ret;
}

static void test_mounted_namespace(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	need_root();
	pid = fork();
	if (!pid)
		_exit(snapshot_of_mounted());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static struct snapshot_result result_as_nobody(void)
{
	struct snapshot_result result;
	int pipes[2];
	struct shown s;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(1);
		take(&s, SNAPSHOT_ALL_STATES);
		free(s.records);
		_exit(write(pipes[1], &s.result, sizeof(s.result)) < 0);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &result, sizeof(result)),
			 sizeof(result));
	close(pipes[0]);
	waitpid(pid, NULL, 0);
	return result;
}

/*
 * Without privilege nobody's namespace may be read, and that counts for those
 * which are not ours: once each, however many processes are in them.
 */
static void test_refused(void **state)
{
	struct snapshot_result without, with;
	struct pair p = make_pair(V4);
	struct elsewhere e;
	pid_t pid;

	(void)state;
	need_root();
	without = result_as_nobody();
	assert_int_equal(without.namespaces, 1);
	assert_true(without.sockets >= 3);
	pid = start_elsewhere(&e);
	with = result_as_nobody();
	assert_int_equal(with.namespaces, 1);
	assert_int_equal(with.refused, without.refused + 1);
	assert_true(strlen(with.why) > 20);
	stop(pid);
	close_pair(&p);
}

static void come_and_go(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		pid_t pid = fork();

		if (!pid) {
			if (!unshare(CLONE_NEWNET))
				listen_anywhere();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* Namespaces that end under our hands are neither errors nor refused. */
static void test_dying_namespaces(void **state)
{
	struct pair p = make_pair(V6);
	struct shown s;
	pid_t pid;

	(void)state;
	need_root();
	pid = fork();
	if (!pid)
		come_and_go();
	for (int i = 0; i < 50; i++) {
		take(&s, SNAPSHOT_ALL_STATES);
		assert_int_equal(s.ret, 0);
		assert_int_equal(s.result.refused, 0);
		check_full(&s, p.server, TCPSTATE_ESTABLISHED);
		free(s.records);
	}
	stop(pid);
	close_pair(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_family_once),
		cmocka_unit_test(test_close_wait),
		cmocka_unit_test(test_timewait),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_syn_sent),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_shut_window),
		cmocka_unit_test(test_never_accepted),
		cmocka_unit_test(test_only_the_states_asked_for),
		cmocka_unit_test(test_callback_stops_it),
		cmocka_unit_test(test_other_namespace),
		cmocka_unit_test(test_mounted_namespace),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_dying_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

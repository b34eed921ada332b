// SPDX-License-Identifier: GPL-2.0
/* Connections that make every hook fire, in a namespace of their own. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "traffic.h"

#define LIMIT_S		1	/* for a step */
#define AGAIN_S		3	/* for a segment to be sent again; a SYN after 1 */
#define PAUSE_NS	1000000
#define BACKLOG		8
#define DEFER_S		60

/* ---- steps: 0, or -1 with what failed in @t ---- */

static int failed(struct traffic *t, const char *step)
{
	t->error = errno ? -errno : -EIO;
	snprintf(t->step, sizeof(t->step), "%s", step);
	return -1;
}

static int enter_namespace(struct traffic *t)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct stat st;
	int fd, err;

	if (unshare(CLONE_NEWNET))
		return failed(t, "make a network namespace");
	if (stat("/proc/self/ns/net", &st))
		return failed(t, "read /proc/self/ns/net");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(t, "make a socket");
	err = ioctl(fd, SIOCSIFFLAGS, &lo);
	if (err)
		failed(t, "bring lo up");
	close(fd);
	__atomic_store_n(&t->netns, (uint32_t)st.st_ino, __ATOMIC_RELEASE);
	return err;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* No call on it lasts longer than a step may. */
static int new_socket(struct traffic *t)
{
	const struct timeval limit = { .tv_sec = LIMIT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return failed(t, "make a socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

static int listen_somewhere(struct traffic *t)
{
	const struct sockaddr_in any = loopback(0);
	int fd = new_socket(t);

	if (fd < 0)
		return fd;
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) ||
	    listen(fd, BACKLOG))
		return failed(t, "listen");
	return fd;
}

static uint16_t port_of(int fd, bool peer)
{
	struct sockaddr_in addr = {};
	socklen_t len = sizeof(addr);
	int err;

	err = peer ? getpeername(fd, (struct sockaddr *)&addr, &len) :
		     getsockname(fd, (struct sockaddr *)&addr, &len);
	return err ? 0 : ntohs(addr.sin_port);
}

static int note(struct traffic *t, enum traffic_end end, int fd)
{
	struct traffic_socket *s = &t->ends[end];
	socklen_t len = sizeof(s->cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &s->cookie, &len))
		return failed(t, "read a socket's cookie");
	s->sport = port_of(fd, false);
	s->dport = port_of(fd, true);
	return 0;
}

/* @sport 0: any. */
static int connect_from(struct traffic *t, enum traffic_end end, int listener,
			uint16_t sport)
{
	const struct sockaddr_in from = loopback(sport);
	const struct sockaddr_in to = loopback(port_of(listener, false));
	int fd = new_socket(t);

	if (fd < 0)
		return fd;
	if (sport && bind(fd, (const struct sockaddr *)&from, sizeof(from)))
		return failed(t, "bind to a port that was just used");
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)))
		return failed(t, "connect");
	return note(t, end, fd) ? -1 : fd;
}

static int accept_from(struct traffic *t, enum traffic_end end, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return failed(t, "accept");
	return note(t, end, fd) ? -1 : fd;
}

/* From now on every segment for it is lost. */
static int deafen(struct traffic *t, int fd)
{
	struct sock_filter drop = { .code = BPF_RET | BPF_K, .k = 0 };
	const struct sock_fprog program = { .len = 1, .filter = &drop };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)))
		return failed(t, "attach a filter to a socket");
	return 0;
}

static int wait_again(struct traffic *t, int fd)
{
	const struct timespec pause_for = { .tv_nsec = PAUSE_NS };
	struct tcp_info info = {};
	socklen_t len;

	for (int i = 0; i < AGAIN_S * 1000000000L / PAUSE_NS; i++) {
		len = sizeof(info);
		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
			return failed(t, "read TCP_INFO");
		if (info.tcpi_total_retrans)
			return 0;
		nanosleep(&pause_for, NULL);
	}
	errno = ETIMEDOUT;
	return failed(t, "wait for a segment to be sent again");
}

static int wait_state(struct traffic *t, int fd, unsigned int state)
{
	const struct timespec pause_for = { .tv_nsec = PAUSE_NS };
	struct tcp_info info = {};
	socklen_t len;

	for (int i = 0; i < LIMIT_S * 1000000000L / PAUSE_NS; i++) {
		len = sizeof(info);
		if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
			return failed(t, "read TCP_INFO");
		if (info.tcpi_state == state)
			return 0;
		nanosleep(&pause_for, NULL);
	}
	errno = ETIMEDOUT;
	return failed(t, "wait for a socket's state");
}

/* Send a FIN but keep the descriptor, which shows the state. */
static int finish(struct traffic *t, int fd, unsigned int state)
{
	if (shutdown(fd, SHUT_WR))
		return failed(t, "shut a connection down");
	return wait_state(t, fd, state);
}

static int reset(struct traffic *t, int fd)
{
	const struct linger now = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		return failed(t, "set SO_LINGER");
	close(fd);
	return 0;
}

/* ---- a SYN that nobody sent ---- */

struct segment_sent {
	struct iphdr ip;
	struct tcphdr tcp;
};

/* The addresses of the pseudo header lie just before the TCP header. */
static uint16_t tcp_sum(const struct segment_sent *s)
{
	const uint16_t *words = (const uint16_t *)&s->ip.saddr;
	size_t n = (sizeof(*s) - offsetof(struct segment_sent, ip.saddr)) / 2;
	uint32_t sum = htons(IPPROTO_TCP) + htons(sizeof(s->tcp));

	for (size_t i = 0; i < n; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* With the addresses and ports of the connection that @fd is one end of. */
static int forge_syn(struct traffic *t, int fd)
{
	struct segment_sent s = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64,
			.protocol = IPPROTO_TCP,
			.saddr = htonl(INADDR_LOOPBACK),
			.daddr = htonl(INADDR_LOOPBACK) },
		.tcp = { .source = htons(port_of(fd, true)),
			 .dest = htons(port_of(fd, false)),
			 .doff = 5, .syn = 1, .window = htons(UINT16_MAX) },
	};
	const struct sockaddr_in to = loopback(0);
	int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	ssize_t sent;

	if (raw < 0)
		return failed(t, "make a raw socket");
	s.tcp.check = tcp_sum(&s);
	sent = sendto(raw, &s, sizeof(s), 0, (const struct sockaddr *)&to,
		      sizeof(to));
	if (sent < 0)
		failed(t, "send a SYN");
	close(raw);
	return sent < 0 ? -1 : 0;
}

/* ---- connections ---- */

struct pair {
	int client, server;
};

static int make_pair(struct traffic *t, struct pair *p, int listener,
		     enum traffic_end client, enum traffic_end server,
		     uint16_t sport)
{
	p->client = connect_from(t, client, listener, sport);
	if (p->client < 0)
		return -1;
	p->server = accept_from(t, server, listener);
	return p->server < 0 ? -1 : 0;
}

static int client_closes(struct traffic *t, int listener)
{
	struct pair p;

	if (make_pair(t, &p, listener, END_CLIENT, END_SERVER, 0) ||
	    forge_syn(t, p.server) || finish(t, p.client, TCP_FIN_WAIT2))
		return -1;
	close(p.server);
	/* The socket's own CLOSE; what is left is its mini-socket. */
	if (wait_state(t, p.client, TCP_CLOSE))
		return -1;
	close(p.client);
	return 0;
}

/* Closed in FIN_WAIT2, the socket becomes a mini-socket within close(). */
static int orphan(struct traffic *t, int listener)
{
	struct pair p;

	if (make_pair(t, &p, listener, END_ORPHAN, END_ORPHAN_PEER, 0) ||
	    finish(t, p.client, TCP_FIN_WAIT2))
		return -1;
	close(p.client);
	close(p.server);
	return 0;
}

/*
 * The end of a namespace would end a TIME_WAIT too, but when, that is up to a
 * queue of the kernel that other namespaces may keep busy for seconds.
 */
static int take_over(struct traffic *t, int listener)
{
	struct pair p, again;

	if (make_pair(t, &p, listener, END_REPLACED_PEER, END_REPLACED, 0) ||
	    finish(t, p.server, TCP_FIN_WAIT2) ||
	    finish(t, p.client, TCP_CLOSE) ||
	    wait_state(t, p.server, TCP_CLOSE))
		return -1;
	close(p.client);
	close(p.server);
	if (make_pair(t, &again, listener, END_ABORTER, END_ABORTED,
		      t->ends[END_REPLACED_PEER].sport) ||
	    reset(t, again.client) ||
	    wait_state(t, again.server, TCP_CLOSE))
		return -1;
	close(again.server);
	return 0;
}

/*
 * The server waits for data after the handshake, and so has but a request when
 * the RST comes.
 */
static int reset_request(struct traffic *t, int listener)
{
	const int seconds = DEFER_S;
	int client;

	if (setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds,
		       sizeof(seconds)))
		return failed(t, "set TCP_DEFER_ACCEPT");
	client = connect_from(t, END_RESETTER, listener, 0);
	if (client < 0)
		return -1;
	t->ends[END_REQUEST] = (struct traffic_socket){
		.sport = t->ends[END_RESETTER].dport,
		.dport = t->ends[END_RESETTER].sport,
	};
	return reset(t, client);
}

/*
 * The SYN is sent again after a second; what comes back, that and the answer to
 * it, is lost as well.
 */
static int lose_syn_ack(struct traffic *t, int listener)
{
	const struct sockaddr_in to = loopback(port_of(listener, false));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return failed(t, "make a socket");
	if (deafen(t, fd))
		return -1;
	if (!connect(fd, (const struct sockaddr *)&to, sizeof(to)) ||
	    errno != EINPROGRESS)
		return failed(t, "begin to connect");
	if (note(t, END_LOST_SYN, fd))
		return -1;
	t->ends[END_LOST_SYN_PEER] = (struct traffic_socket){
		.sport = port_of(listener, false),
		.dport = t->ends[END_LOST_SYN].sport,
	};
	return fd;
}

static int lose_fin(struct traffic *t, int listener)
{
	struct pair p;

	if (make_pair(t, &p, listener, END_LOST_FIN, END_LOST_FIN_PEER, 0) ||
	    deafen(t, p.server) || finish(t, p.client, TCP_FIN_WAIT1))
		return -1;
	return wait_again(t, p.client);
}

static void make_all(struct traffic *t)
{
	int listener, deaf;

	if (enter_namespace(t))
		return;
	listener = listen_somewhere(t);
	if (listener < 0)
		return;
	deaf = lose_syn_ack(t, listener);
	if (deaf < 0 || client_closes(t, listener) || orphan(t, listener) ||
	    take_over(t, listener) || lose_fin(t, listener))
		return;
	listener = listen_somewhere(t);
	if (listener >= 0 && !reset_request(t, listener))
		wait_again(t, deaf);
}

/* ---- the child ---- */

/* It keeps the namespace until it is killed, or its parent is. */
__attribute__((noreturn))
static void be_child(struct traffic *t, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	make_all(t);
	__atomic_store_n(&t->made, true, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

struct traffic *traffic_start(void)
{
	const pid_t parent = getpid();
	struct traffic *t;
	pid_t child;

	t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		return NULL;
	child = fork();
	if (child < 0) {
		munmap(t, sizeof(*t));
		return NULL;
	}
	if (!child)
		be_child(t, parent);
	t->child = child;
	return t;
}

bool traffic_is_made(struct traffic *t)
{
	siginfo_t info = {};

	if (__atomic_load_n(&t->made, __ATOMIC_ACQUIRE))
		return true;
	if (waitid(P_PID, t->child, &info, WEXITED | WNOHANG | WNOWAIT) ||
	    !info.si_pid)
		return false;
	t->error = -ECHILD;
	snprintf(t->step, sizeof(t->step), "keep the child alive");
	return true;
}

void traffic_end(struct traffic *t)
{
	if (!t)
		return;
	kill(t->child, SIGKILL);
	waitpid(t->child, NULL, 0);
	munmap(t, sizeof(*t));
}

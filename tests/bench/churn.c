// SPDX-License-Identifier: GPL-2.0
/*
 * churn PAIRS SECONDS: PAIRS clients open and close connections to as many
 * servers, on loopback, in a network namespace of their own, as fast as they
 * can. Prints how many.
 *
 * The client closes first. Destinations go round in 127.1.0.0/16, or the local
 * ports would be used up by TIME_WAIT.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUCKETS "1000000"

struct shared {
	atomic_ulong connections;
	atomic_bool stop;
};

static void own_namespace(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET))
		err(1, "unshare");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		err(1, "lo up");
	close(fd);
	fd = open("/proc/sys/net/ipv4/tcp_max_tw_buckets", O_WRONLY);
	if (fd < 0 || write(fd, BUCKETS, strlen(BUCKETS)) < 0)
		err(1, "tcp_max_tw_buckets");
	close(fd);
}

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) ||
	    listen(fd, 1024) ||
	    getsockname(fd, (struct sockaddr *)&at, &len))
		err(1, "listen");
	*port = at.sin_port;
	return fd;
}

static void serve(int listener)
{
	char c;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			err(1, "accept");
		if (read(fd, &c, 1) < 0)
			err(1, "read");
		close(fd);
	}
}

static void churn(struct shared *shared, uint16_t port, unsigned int i)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = port };
	unsigned long n = 0;

	while (!atomic_load(&shared->stop)) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		to.sin_addr.s_addr = htonl(0x7f010001 + (i * 4096 + n % 4096));
		if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
			err(1, "connect");
		close(fd);
		n++;
	}
	atomic_fetch_add(&shared->connections, n);
}

static pid_t child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

int main(int argc, char **argv)
{
	unsigned int pairs = argc > 1 ? atoi(argv[1]) : 3;
	double seconds = argc > 2 ? atof(argv[2]) : 5;
	struct timespec ts = {
		.tv_sec = seconds,
		.tv_nsec = (seconds - (long)seconds) * 1e9,
	};
	pid_t servers[64], clients[64];
	struct shared *shared;

	if (!pairs || pairs > 64 || seconds <= 0)
		errx(2, "usage: churn PAIRS SECONDS");
	own_namespace();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	for (unsigned int i = 0; i < pairs; i++) {
		uint16_t port;
		int listener = listen_somewhere(&port);

		servers[i] = child();
		if (!servers[i])
			serve(listener);
		close(listener);
		clients[i] = child();
		if (!clients[i]) {
			churn(shared, port, i);
			_exit(0);
		}
	}
	nanosleep(&ts, NULL);
	atomic_store(&shared->stop, true);
	for (unsigned int i = 0; i < pairs; i++)
		waitpid(clients[i], NULL, 0);
	for (unsigned int i = 0; i < pairs; i++)
		kill(servers[i], SIGKILL);
	for (unsigned int i = 0; i < pairs; i++)
		waitpid(servers[i], NULL, 0);
	printf("%lu\n", atomic_load(&shared->connections));
	return 0;
}

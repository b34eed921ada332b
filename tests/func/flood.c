// SPDX-License-Identifier: GPL-2.0
/*
 * flood PAIRS SECONDS: PAIRS clients open and close connections to as many
 * servers, on loopback, in this network namespace, as fast as they can. Prints
 * how many. No test by itself: nested_misses.py saturates the CPUs with it.
 *
 * The client closes first. Destinations go round in 127.0.0.0/8, or the local
 * ports would be used up by TIME_WAIT.
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAIRS_MAX 64

struct shared {
	atomic_ulong connections;
	atomic_uint pairs;	/* whose client goes on */
	atomic_bool stop;
};

static pid_t child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* Until all clients are gone, and nothing is left to accept. */
static void serve(int listener, struct shared *shared)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };
	bool over = false;
	char c;

	for (;;) {
		int fd;

		if (poll(&ready, 1, 100) <= 0) {
			if (over)
				_exit(0);
			over = !atomic_load(&shared->pairs);
			continue;
		}
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		if (read(fd, &c, 1) < 0)
			err(1, "read");
		close(fd);
	}
}

static void request(struct shared *shared, in_port_t port, unsigned int pair)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = port };
	unsigned long n = 0;

	while (!atomic_load(&shared->stop)) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		to.sin_addr.s_addr = htonl((127 << 24) + ((pair + 1) << 16) +
					   1 + n % 65000);
		if (fd < 0 || connect(fd, (void *)&to, sizeof(to)))
			err(1, "connect");
		close(fd);
		n++;
	}
	atomic_fetch_add(&shared->connections, n);
	atomic_fetch_sub(&shared->pairs, 1);
	_exit(0);
}

static void start_pair(struct shared *shared, unsigned int pair)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	/* accept() must not block when its client has gone. */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (void *)&at, len) || listen(fd, 1024) ||
	    getsockname(fd, (void *)&at, &len))
		err(1, "listen");
	if (!child())
		serve(fd, shared);
	if (!child())
		request(shared, at.sin_port, pair);
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned int pairs = argc > 1 ? atoi(argv[1]) : 0;
	double seconds = argc > 2 ? atof(argv[2]) : 0;
	bool good = true;
	struct shared *shared;
	int status;

	if (!pairs || pairs > PAIRS_MAX || seconds <= 0)
		errx(2, "usage: flood PAIRS SECONDS");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	atomic_store(&shared->pairs, pairs);
	for (unsigned int i = 0; i < pairs; i++)
		start_pair(shared, i);
	usleep(seconds * 1e6);
	atomic_store(&shared->stop, true);
	while (wait(&status) > 0)
		good = good && !status;
	printf("%lu\n", atomic_load(&shared->connections));
	return good ? 0 : 1;
}

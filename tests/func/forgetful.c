// SPDX-License-Identifier: GPL-2.0
/*
 * forgetful PORT [MS [once]]: an echo server on loopback that does not close what
 * its clients have closed; or does, after MS milliseconds. With "once" it reads
 * once, and is busy elsewhere so long before it reads on. No test by itself:
 * real_servers_leak.py has it leak.
 */
#include <arpa/inet.h>
#include <err.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

static int close_ms = -1;
static bool once;

static void pause_ms(int ms)
{
	usleep((useconds_t)ms * 1000);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (write(fd, buf, n) < 0)
			break;
		if (once)
			pause_ms(close_ms);
	}
	if (close_ms < 0)
		return NULL;	/* the bug: no close(fd) */
	if (!once)
		pause_ms(close_ms);
	close(fd);
	return NULL;
}

static int listen_on(int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 64))
		err(1, "port %d", port);
	return fd;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	int listener;

	if (argc < 2)
		errx(2, "usage: forgetful PORT [MS [once]]");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (argc > 2)
		close_ms = atoi(argv[2]);
	once = argc > 3 && !strcmp(argv[3], "once");
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	listener = listen_on(atoi(argv[1]));
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0)
			err(1, "accept");
		if (pthread_create(&thread, &attr, serve,
				   (void *)(intptr_t)fd))
			errx(1, "no thread");
	}
}

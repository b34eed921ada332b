// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE 1	/* fopencookie() */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

#define BUFFER_BYTES	(1 << 18)
#define WAIT_MS		100
#define WAITS_AFTER_STOP 20

static struct {
	FILE *file;
	const volatile sig_atomic_t *stop;
	bool is_file;	/* takes any amount at any time */
	int error;
} stream;

/* Wait until stdout takes PIPE_BUF bytes; 0 or an errno. */
static int wait_for_room(void)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int waits = 0, n;

	for (;;) {
		n = poll(&pfd, 1, WAIT_MS);
		if (n > 0)
			return 0;	/* or an error, which write() tells */
		if (n < 0 && errno != EINTR)
			return errno;
		if (*stream.stop && ++waits > WAITS_AFTER_STOP)
			return ETIMEDOUT;
	}
}

static ssize_t stream_write(void *cookie, const char *buf, size_t len)
{
	size_t done = 0, chunk;
	ssize_t n;

	(void)cookie;
	while (done < len && !stream.error) {
		chunk = len - done;
		if (!stream.is_file) {
			stream.error = wait_for_room();
			if (stream.error)
				break;
			/* A pipe that polls writable takes this much. */
			if (chunk > PIPE_BUF)
				chunk = PIPE_BUF;
		}
		n = write(STDOUT_FILENO, buf + done, chunk);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			stream.error = errno;
	}
	/* stdio would keep what it believes unwritten and try for ever. */
	return (ssize_t)len;
}

FILE *stream_stdout(const volatile sig_atomic_t *stop)
{
	const cookie_io_functions_t io = { .write = stream_write };
	struct stat st;

	if (stream.file)
		return stream.file;
	stream.stop = stop;
	stream.is_file = !fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode);
	stream.file = fopencookie(NULL, "w", io);
	if (stream.file)
		setvbuf(stream.file, NULL, _IOFBF, BUFFER_BYTES);
	return stream.file;
}

int stream_error(void)
{
	return stream.error;
}

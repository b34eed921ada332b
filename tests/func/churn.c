// SPDX-License-Identifier: GPL-2.0
/*
 * Thousands of short connections from several threads at once, so that hooks
 * are interrupted by each other on every CPU: each connection's stream is
 * complete, in order and its own, and nothing is lost.
 *
 *	threads --connections--> lo of a namespace of our own
 *	tcpstate-watch events -j --netns OURS --> a letter per state and cookie
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS		4
#define PER_THREAD	1000
#define PATH_MAX_STATES	12
#define LIMIT_S		60
#define EXIT_SKIP	4
#define SLOTS		(1 << 16)	/* more than four per connection */

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

/* The letters of a stream: S and R are the two of the handshake. */
static const struct {
	const char *name;
	char letter;
} states[] = {
	{ "SYN_SENT", 'S' }, { "SYN_RECV", 'R' }, { "ESTABLISHED", 'E' },
	{ "FIN_WAIT1", '1' }, { "FIN_WAIT2", '2' }, { "TIME_WAIT", 'T' },
	{ "CLOSE_WAIT", 'W' }, { "LAST_ACK", 'L' }, { "CLOSING", 'G' },
	{ "CLOSE", 'C' }, { "LISTEN", 'N' },
};

/* One end of a connection: what it must go through, and what was told. */
struct stream {
	uint64_t cookie;
	const char *expected;
	char told[PATH_MAX_STATES];
};

static struct stream streams[SLOTS];
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;
static char why[512];

static bool failed(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!why[0])
		vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return false;
}

/* ---- streams ---- */

static struct stream *stream_of(uint64_t cookie)
{
	size_t i = cookie * 0x9e3779b97f4a7c15ULL >> 48;

	while (streams[i].cookie && streams[i].cookie != cookie)
		i = (i + 1) % SLOTS;
	streams[i].cookie = cookie;
	return &streams[i];
}

static void expect(int sock, const char *path)
{
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie = 0;

	getsockopt(sock, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	pthread_mutex_lock(&streams_lock);
	stream_of(cookie)->expected = path;
	pthread_mutex_unlock(&streams_lock);
}

/* The text behind "key": in a line of JSON; NULL if there is none. */
static const char *value_of(const char *line, const char *key)
{
	char pattern[32];
	const char *at;

	snprintf(pattern, sizeof(pattern), "\"%s\":", key);
	at = strstr(line, pattern);
	if (!at)
		return NULL;
	at += strlen(pattern);
	return *at == '"' ? at + 1 : at;
}

static char letter_of(const char *name)
{
	size_t len = strcspn(name, "\"");

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strlen(states[i].name) == len &&
		    !memcmp(states[i].name, name, len))
			return states[i].letter;
	return '?';
}

static void take_line(const char *line)
{
	const char *id = value_of(line, "conn_id");
	const char *state = value_of(line, "new_state");
	struct stream *s;
	size_t n;

	if (!id || !state)
		return;
	pthread_mutex_lock(&streams_lock);
	s = stream_of(strtoull(id, NULL, 16));
	n = strlen(s->told);
	if (n + 1 < PATH_MAX_STATES)
		s->told[n] = letter_of(state);
	pthread_mutex_unlock(&streams_lock);
}

static bool complete(size_t *missing)
{
	*missing = 0;
	pthread_mutex_lock(&streams_lock);
	for (size_t i = 0; i < SLOTS; i++)
		*missing += streams[i].expected &&
			    strlen(streams[i].told) < strlen(streams[i].expected);
	pthread_mutex_unlock(&streams_lock);
	return !*missing;
}

/* A TIME_WAIT may be over by now, by its timer or because its port is used. */
static bool is_as_expected(const struct stream *s)
{
	size_t len = strlen(s->expected);

	return !strcmp(s->told, s->expected) ||
	       (s->expected[len - 1] == 'T' &&
		!strncmp(s->told, s->expected, len) &&
		!strcmp(s->told + len, "C"));
}

static bool compare(void)
{
	size_t n = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		const struct stream *s = &streams[i];

		if (!s->cookie)
			continue;
		if (!s->expected)
			return failed("nobody made the connection %" PRIx64 ", %s",
				      s->cookie, s->told);
		if (!is_as_expected(s))
			return failed("connection %" PRIx64 " went through %s and must have through %s",
				      s->cookie, s->told, s->expected);
		n++;
	}
	if (n != THREADS * (1 + 2 * PER_THREAD))
		return failed("%zu connections were told", n);
	return true;
}

/* ---- the traffic ---- */

/* One for each thread: then accept() gives it its own children. */
static int open_server(struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (bind(fd, (void *)addr, len) || listen(fd, 16) ||
	    getsockname(fd, (void *)addr, &len)) {
		failed("no listener: %s", strerror(errno));
		return -1;
	}
	expect(fd, "N");
	return fd;
}

/* FIN by @one, and by @other when it has read it. */
static bool close_in_order(int one, int other)
{
	char c;

	shutdown(one, SHUT_WR);
	if (read(other, &c, 1) != 0)
		return false;
	close(other);
	if (read(one, &c, 1) != 0)
		return false;
	close(one);
	return true;
}

static bool reset(int one, int other)
{
	const struct linger now = { .l_onoff = 1 };
	char c;

	setsockopt(one, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(one);
	if (read(other, &c, 1) != -1 || errno != ECONNRESET)
		return false;
	close(other);
	return true;
}

static bool one_connection(int listener, const struct sockaddr_in *to, int i)
{
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), child;

	if (connect(client, (const void *)to, sizeof(*to)))
		return failed("connect: %s", strerror(errno));
	child = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (child < 0)
		return failed("accept: %s", strerror(errno));
	switch (i % 4) {
	case 0:
		expect(client, "SE12T");
		expect(child, "REWLC");
		return close_in_order(client, child) || failed("no FIN came");
	case 1:
		expect(client, "SEWLC");
		expect(child, "RE12T");
		return close_in_order(child, client) || failed("no FIN came");
	case 2:
		expect(client, "SEC");
		expect(child, "REC");
		return reset(client, child) || failed("no RST came");
	default:
		expect(client, "SEC");
		expect(child, "REC");
		return reset(child, client) || failed("no RST came");
	}
}

static void *churn(void *unused)
{
	struct sockaddr_in addr;
	int server = open_server(&addr);

	(void)unused;
	for (int i = 0; i < PER_THREAD; i++)
		if (server < 0 || !one_connection(server, &addr, i))
			return "failed";
	return NULL;
}

static bool run_churn(void)
{
	pthread_t threads[THREADS];
	bool good = true;
	void *result;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, churn, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		good = good && !result;
	}
	return good;
}

/* ---- the tool ---- */

struct tool {
	pid_t pid;
	FILE *out, *err;
	pthread_t reader;
	bool stopped;
	char summary[512];	/* the last line of stdout */
};

static void *read_out(void *arg)
{
	struct tool *tool = arg;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, tool->out) > 0) {
		take_line(line);
		snprintf(tool->summary, sizeof(tool->summary), "%s", line);
	}
	free(line);
	return NULL;
}

static const char *tool_path(const char *self)
{
	static char path[PATH_MAX + 32];
	char real[PATH_MAX];

	if (getenv("TCPSTATE_WATCH"))
		return getenv("TCPSTATE_WATCH");
	if (getenv("TCPSTATE_BUILD")) {
		snprintf(path, sizeof(path), "%s/tcpstate-watch",
			 getenv("TCPSTATE_BUILD"));
	} else if (realpath(self, real)) {
		/* In build/func or in tests/func. */
		snprintf(path, sizeof(path), "%s/../tcpstate-watch",
			 dirname(real));
		if (access(path, X_OK))
			snprintf(path, sizeof(path),
				 "%s/../../build/tcpstate-watch", real);
	}
	return access(path, X_OK) ? NULL : path;
}

static void become_tool(const char *path, const char *source, ino_t netns,
			const int out[2], const int err[2])
{
	char inode[32];

	snprintf(inode, sizeof(inode), "%lu", (unsigned long)netns);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	execl(path, path, "events", "-j", "--source", source, "--netns", inode,
	      (char *)NULL);
	_exit(127);
}

static bool tool_start(struct tool *tool, const char *path, const char *source)
{
	char line[512] = "";
	int out[2], err[2];
	struct stat st;

	if (stat("/proc/self/ns/net", &st) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		return failed("pipe: %s", strerror(errno));
	tool->pid = fork();
	if (!tool->pid)
		become_tool(path, source, st.st_ino, out, err);
	close(out[1]);
	close(err[1]);
	tool->out = fdopen(out[0], "r");
	tool->err = fdopen(err[0], "r");
	if (!fgets(line, sizeof(line), tool->err) || !strstr(line, ": ready, "))
		return failed("no ready line but %.200s", line);
	pthread_create(&tool->reader, NULL, read_out, tool);
	return true;
}

static bool wait_complete(void)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	size_t missing = 0;

	for (int i = 0; i < LIMIT_S * 50; i++) {
		if (complete(&missing))
			return true;
		nanosleep(&pause, NULL);
	}
	return failed("%zu streams are not complete after %d s", missing,
		      LIMIT_S);
}

static bool tool_stop(struct tool *tool)
{
	const char *lost;
	int status = -1;

	tool->stopped = true;
	kill(tool->pid, SIGINT);
	pthread_join(tool->reader, NULL);
	waitpid(tool->pid, &status, 0);
	if (status)
		return failed("the tool ended with status %#x", status);
	lost = value_of(tool->summary, "lost");
	if (!strstr(tool->summary, "\"summary\"") || !lost)
		return failed("the last line is no summary: %.200s",
			      tool->summary);
	if (strtoull(lost, NULL, 10))
		return failed("events were lost: %.200s", tool->summary);
	return true;
}

/* ---- a case ---- */

static bool own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET))
		return failed("unshare: %s", strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &lo))
		return failed("lo: %s", strerror(errno));
	close(fd);
	fd = open("/proc/sys/net/ipv4/tcp_max_tw_buckets", O_WRONLY);
	if (fd < 0 || write(fd, "65536", 5) != 5)
		return failed("tcp_max_tw_buckets: %s", strerror(errno));
	close(fd);
	return true;
}

/* In a process of its own, since it changes its namespace. */
static int run_case(const char *path, const char *source)
{
	struct tool tool = {};
	bool good;

	good = own_network() && tool_start(&tool, path, source) &&
	       run_churn() && wait_complete() && tool_stop(&tool) && compare();
	if (good)
		return 0;
	printf("# %s\n", why[0] ? why : "failed");
	if (tool.reader && !tool.stopped)
		tool_stop(&tool);
	if (tool.pid > 0)
		kill(tool.pid, SIGKILL);
	printf("# the tool's last line: %s", tool.summary);
	fflush(stdout);
	return 1;
}

static bool case_passes(const char *path, const char *source)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(run_case(path, source));
	return waitpid(pid, &status, 0) == pid && !status;
}

/* ---- sources ---- */

static bool insert_module(const char *path)
{
	char command[PATH_MAX + 32];

	snprintf(command, sizeof(command), "insmod '%s' 2>/dev/null", path);
	return !access(path, R_OK) && !system(command);
}

static bool module_works(const char *tool, bool *inserted)
{
	char folder[PATH_MAX], path[PATH_MAX + 128];
	struct utsname u;

	if (!access("/dev/tcpstate", F_OK))
		return true;
	uname(&u);
	snprintf(folder, sizeof(folder), "%s", tool);
	dirname(folder);
	snprintf(path, sizeof(path), "%s/ko/%s/tcpstate.ko", folder, u.release);
	*inserted = insert_module(path);
	if (!*inserted) {
		snprintf(path, sizeof(path), "%s/tcpstate.ko", folder);
		*inserted = insert_module(path);
	}
	return *inserted;
}

static const char *sources(const char *tool, bool *inserted)
{
	const char *named = getenv("TCPSTATE_SOURCES");

	if (named && !strstr(named, "kmod"))
		return named;
	if (module_works(tool, inserted))
		return named ? named : "kmod bpf";
	return named ? "" : "bpf";
}

static int skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	return EXIT_SKIP;
}

int main(int argc, char **argv)
{
	int n = 0, planned = 1, bad = 0;
	const char *tool;
	bool inserted = false;
	char list[64], *word, *save;

	(void)argc;
	printf("KTAP version 1\n");
	tool = tool_path(argv[0]);
	if (geteuid() != 0)
		return skip_all("must be root");
	if (!tool)
		return skip_all("there is no tcpstate-watch: build it, or set TCPSTATE_WATCH");
	snprintf(list, sizeof(list), "%s", sources(tool, &inserted));
	if (!list[0])
		return skip_all("the module is not loaded and cannot be");
	for (char *p = list; (p = strchr(p, ' ')); p++)
		planned++;
	printf("1..%d\n", planned);
	for (word = strtok_r(list, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		bool good = case_passes(tool, word);

		bad += !good;
		printf("%s %d churn %s\n", good ? "ok" : "not ok", ++n, word);
	}
	if (inserted && system("rmmod tcpstate")) {
		printf("# rmmod failed after the test\n");
		bad++;
	}
	printf("# Totals: pass:%d fail:%d xfail:0 xpass:0 skip:0 error:0\n",
	       n - bad, bad);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

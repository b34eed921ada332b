// SPDX-License-Identifier: GPL-2.0
/*
 * load [OPTIONS]: clients open and close connections to as many servers, on
 * loopback, in a network namespace of their own, and what the whole machine
 * spends on them is read off /proc/stat: softirq and whoever traces are in it.
 *
 *	quiet   the machine has done with what was before, but for --now
 *	warm    workers run, nothing is counted
 *	window  --seconds; or all of --count
 *
 * Prints one object: connections, seconds, busy_us (of all CPUs, per
 * connection), load_us (of the workers, all of their lives), idle (percent of
 * the window), stolen (percent, by the host) and total (connections of all
 * their lives).
 *
 * The namespace goes away with the program, and with it its TIME_WAITs.
 * Destinations go round in 127.1.0.0/16, or the local ports would be used up by
 * them.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX	64
#define BUCKETS		"4000000"
#define WARM_NS		200000000ULL
#define QUIET_NS	100000000ULL
#define QUIET_PERCENT	10.0
#define QUIET_TRIES	300
#define BACKLOG		1024
#define ADDRESSES	4096	/* of each client */

enum closer { BY_CLIENT, BY_SERVER, BY_RST };

static const char *const closers[] = { "client", "server", "rst" };

static struct {
	enum closer closer;
	unsigned int pairs;
	double seconds;
	unsigned long count;	/* of all clients together; 0: until the end */
	unsigned long rate;	/* a second, all clients together; 0: no limit */
	unsigned int payload;	/* bytes of the answer; 0: nothing is said */
	bool both;		/* a client is its own server */
	bool now;		/* whatever else the machine does */
} cfg = { .pairs = 6, .seconds = 2 };

/* A line of the cache each: they are written at every connection. */
struct worker {
	atomic_ulong connections;
	char pad[56];
};

static struct {
	struct worker clients[PAIRS_MAX];
	atomic_bool stop;
} *shared;

/* ---- the machine ---- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void sleep_ns(uint64_t ns)
{
	const struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&ts, NULL);
}

/* In ticks of all CPUs. */
struct times {
	uint64_t busy, idle, stolen;
};

static struct times machine_times(void)
{
	unsigned long long user, nice, sys, idle, wait, irq, softirq, steal;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
			 &user, &nice, &sys, &idle, &wait, &irq, &softirq,
			 &steal) != 8)
		err(1, "/proc/stat");
	fclose(f);
	return (struct times){
		.busy = user + nice + sys + irq + softirq,
		.idle = idle + wait,
		.stolen = steal,
	};
}

static struct times since(struct times from)
{
	const struct times to = machine_times();

	return (struct times){ to.busy - from.busy, to.idle - from.idle,
			       to.stolen - from.stolen };
}

static double percent(uint64_t part, struct times all)
{
	const uint64_t sum = all.busy + all.idle + all.stolen;

	return sum ? 100.0 * part / sum : 0;
}

/* The namespace of the run before is taken down by a thread of the kernel. */
static void wait_until_quiet(void)
{
	for (int i = 0; i < QUIET_TRIES; i++) {
		const struct times from = machine_times();
		struct times spent;

		sleep_ns(QUIET_NS);
		spent = since(from);
		if (percent(spent.busy, spent) <= QUIET_PERCENT)
			return;
	}
	errx(1, "the machine is busy with something else");
}

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

/* ---- servers ---- */

static int listen_somewhere(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) ||
	    listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)&at, &len))
		err(1, "listen");
	*port = at.sin_port;
	return fd;
}

static char *answer_new(void)
{
	char *answer = calloc(1, cfg.payload + 1);

	if (!answer)
		err(1, "answer");
	return answer;
}

/* A client that was reset, or has gone, is no error. */
static void serve_answer(int fd, const char *answer)
{
	char question[256];

	if (cfg.payload && read(fd, question, sizeof(question)) > 0)
		send(fd, answer, cfg.payload, MSG_NOSIGNAL);
}

static void serve_end(int fd)
{
	char c;

	if (cfg.closer != BY_SERVER)
		(void)!read(fd, &c, 1);
	close(fd);
}

static int serve_one(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		err(1, "accept");
	return fd;
}

static void serve(int listener)
{
	char *answer = answer_new();

	for (;;) {
		int fd = serve_one(listener);

		serve_answer(fd, answer);
		serve_end(fd);
	}
}

/* ---- clients ---- */

static void ask(int fd)
{
	static const char question[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";

	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0)
		err(1, "send");
}

static void hear(int fd, char *answer)
{
	size_t got = 0;

	while (got < cfg.payload) {
		ssize_t n = read(fd, answer, cfg.payload - got);

		if (n <= 0)
			err(1, "read");
		got += (size_t)n;
	}
}

static void client_end(int fd)
{
	const struct linger none = { .l_onoff = 1 };
	char c;

	if (cfg.closer == BY_SERVER)
		(void)!read(fd, &c, 1);
	if (cfg.closer == BY_RST)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
}

/* @listener: -1, or both ends are ours, and nobody waits for anybody. */
static void connection(const struct sockaddr_in *to, int listener, char *answer)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), child = -1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		err(1, "connect");
	if (listener >= 0)
		child = serve_one(listener);
	if (cfg.payload)
		ask(fd);
	if (child >= 0)
		serve_answer(child, answer);
	hear(fd, answer);
	if (child >= 0 && cfg.closer == BY_SERVER)
		serve_end(child);
	client_end(fd);
	if (child >= 0 && cfg.closer != BY_SERVER)
		serve_end(child);
}

/* Behind its time it does not sleep, so that the mean is kept if it can be. */
static void wait_for_turn(uint64_t began_ns, unsigned long n)
{
	const uint64_t at = began_ns +
			    n * 1000000000ULL * cfg.pairs / cfg.rate;
	const uint64_t now = now_ns();

	if (now < at)
		sleep_ns(at - now);
}

static void run_client(unsigned int i, uint16_t port, int listener)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = port };
	const unsigned long all = cfg.count / cfg.pairs;
	const uint64_t began_ns = now_ns();
	char *answer = answer_new();
	unsigned long n;

	for (n = 0; !atomic_load(&shared->stop) && (!all || n < all); n++) {
		to.sin_addr.s_addr = htonl(0x7f010001 + i * ADDRESSES +
					   n % ADDRESSES);
		if (cfg.rate)
			wait_for_turn(began_ns, n);
		connection(&to, listener, answer);
		atomic_store_explicit(&shared->clients[i].connections, n + 1,
				      memory_order_relaxed);
	}
}

/* ---- the run ---- */

static pid_t child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void wait_for(const pid_t *pids)
{
	int status;

	for (unsigned int i = 0; i < cfg.pairs; i++)
		if (waitpid(pids[i], &status, 0) < 0 ||
		    (WIFEXITED(status) && WEXITSTATUS(status)))
			errx(1, "a worker has failed");
}

static unsigned long connections(void)
{
	unsigned long sum = 0;

	for (unsigned int i = 0; i < cfg.pairs; i++)
		sum += atomic_load(&shared->clients[i].connections);
	return sum;
}

static double children_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static void start(pid_t *servers, pid_t *clients)
{
	for (unsigned int i = 0; i < cfg.pairs; i++) {
		uint16_t port;
		int listener = listen_somewhere(&port);

		servers[i] = cfg.both ? 0 : child();
		if (!servers[i] && !cfg.both)
			serve(listener);
		clients[i] = child();
		if (!clients[i]) {
			run_client(i, port, cfg.both ? listener : -1);
			_exit(0);
		}
		close(listener);
	}
}

static void report(unsigned long n, uint64_t ns, struct times spent)
{
	const double tick_us = 1e6 / sysconf(_SC_CLK_TCK);
	const unsigned long total = connections();

	printf("{\"connections\":%lu,\"seconds\":%.6f,\"busy_us\":%.4f,"
	       "\"load_us\":%.4f,\"idle\":%.2f,\"stolen\":%.2f,"
	       "\"total\":%lu}\n",
	       n, ns / 1e9, n ? spent.busy * tick_us / n : 0,
	       total ? children_us() / total : 0,
	       percent(spent.idle, spent), percent(spent.stolen, spent),
	       total);
}

static volatile sig_atomic_t enough;

/* The window ends early, and all as it should. */
static void on_interrupt(int signal)
{
	(void)signal;
	enough = 1;
}

static void run(void)
{
	pid_t servers[PAIRS_MAX], clients[PAIRS_MAX];
	unsigned long before = 0;
	struct times from, spent;
	uint64_t began_ns;

	if (!cfg.now)
		wait_until_quiet();
	from = machine_times();
	began_ns = now_ns();
	start(servers, clients);
	if (!cfg.count) {
		sleep_ns(WARM_NS);
		from = machine_times();
		began_ns = now_ns();
		before = connections();
		if (!enough)
			sleep_ns((uint64_t)(cfg.seconds * 1e9));
	} else {
		wait_for(clients);
	}
	spent = since(from);
	before = connections() - before;
	began_ns = now_ns() - began_ns;
	atomic_store(&shared->stop, true);
	if (!cfg.count)
		wait_for(clients);
	for (unsigned int i = 0; i < cfg.pairs && !cfg.both; i++)
		kill(servers[i], SIGKILL);
	if (!cfg.both)
		wait_for(servers);
	report(before, began_ns, spent);
}

/* ---- options ---- */

static const struct argp_option options[] = {
	{ "both", 'b', NULL, 0, "a client is its own server", 0 },
	{ "now", 'q', NULL, 0, "do not wait until the machine is quiet", 0 },
	{ "closer", 'c', "WHO", 0, "client, server or rst", 0 },
	{ "pairs", 'w', "N", 0, "of a client and a server", 0 },
	{ "seconds", 's', "S", 0, "length of the window", 0 },
	{ "count", 'n', "N", 0, "so many connections instead", 0 },
	{ "rate", 'r', "N", 0, "connections a second", 0 },
	{ "payload", 'p', "BYTES", 0, "question and answer", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'c':
		for (unsigned int i = 0; i < 3; i++)
			if (!strcmp(arg, closers[i])) {
				cfg.closer = i;
				return 0;
			}
		argp_error(state, "%s: no closer", arg);
		break;
	case 'b':
		cfg.both = true;
		break;
	case 'q':
		cfg.now = true;
		break;
	case 'w':
		cfg.pairs = strtoul(arg, NULL, 10);
		if (!cfg.pairs || cfg.pairs > PAIRS_MAX)
			argp_error(state, "%s: 1 to %d pairs", arg, PAIRS_MAX);
		break;
	case 's':
		cfg.seconds = atof(arg);
		break;
	case 'n':
		cfg.count = strtoul(arg, NULL, 10);
		break;
	case 'r':
		cfg.rate = strtoul(arg, NULL, 10);
		break;
	case 'p':
		cfg.payload = strtoul(arg, NULL, 10);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct argp argp = { .options = options, .parser = parse };

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	own_namespace();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		err(1, "mmap");
	if (!cfg.count)
		signal(SIGINT, on_interrupt);
	run();
	return 0;
}

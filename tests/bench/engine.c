// SPDX-License-Identifier: GPL-2.0
/*
 * engine [LIVE]..: what the engine alone takes, on one core, with LIVE connections
 * in its table (1,000 to 1,000,000): records per second, and bytes of memory for
 * each, in ESTABLISHED and in TIME_WAIT.
 *
 * Records come through two rings, as from two CPUs: a churn of loopback
 * connections at 40,000 a second, whose clients close first; LIVE of them are in
 * TIME_WAIT, and the oldest ends with each new one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "ring.h"

#define RATE	40000
#define CPUS	2
#define SHIFT	12
#define ROUND	100	/* connections between two looks at the rings */
#define MEASURED	400000	/* connections */

static struct tcpstate_record slots[CPUS][1 << SHIFT];
static uint32_t head[CPUS], tail[CPUS];
static uint64_t told;

static void on_transition(void *ctx, const struct transition *t)
{
	(void)ctx;
	told += t->new_state;
}

static void store(uint64_t ns, uint64_t cookie, uint8_t type, uint8_t from,
		  uint8_t to, uint32_t flags)
{
	const unsigned int cpu = cookie / 2 % CPUS;
	const uint32_t at = head[cpu]++;
	struct tcpstate_record *r = &slots[cpu][at & ((1 << SHIFT) - 1)];

	*r = (struct tcpstate_record){
		.size = sizeof(*r), .version = TCPSTATE_RECORD_VERSION,
		.type = type, .cpu = cpu, .turn = (at >> SHIFT) + 1,
		.seq = at, .mono_ns = ns, .cookie = cookie,
		.netns_ino = 4026531840, .flags = flags, .family = 2,
		.protocol = 6, .saddr = { 127, 0, 0, 1 },
		.daddr = { 127, 0, 0, 2 }, .sport = 1 + cookie % 60000,
		.dport = 80, .old_state = from, .new_state = to,
		.tgid = 4711, .comm = "bench",
	};
}

#define S(name) TCPSTATE_##name
#define T(name) TCPSTATE_##name
#define TASK (TCPSTATE_F_OWNED | TCPSTATE_F_HAS_FILE)

/* The @i-th, after which @live are in TIME_WAIT.  How many records. */
static unsigned int connection(uint64_t ns, uint64_t i, uint64_t live)
{
	const uint64_t client = 2 * i + 2, server = client + 1;

	store(ns, client, T(STATE), S(CLOSE), S(SYN_SENT), TASK);
	store(ns + 500, client, T(CONNECT), S(SYN_SENT), S(SYN_SENT), TASK);
	store(ns + 1000, server, T(REQ_ADD), S(LISTEN), S(NEW_SYN_RECV), 0);
	store(ns + 2000, client, T(STATE), S(SYN_SENT), S(ESTABLISHED), 1);
	store(ns + 4000, server, T(STATE), S(SYN_RECV), S(ESTABLISHED), 0);
	store(ns + 5000, client, T(STATE), S(ESTABLISHED), S(FIN_WAIT1), TASK);
	store(ns + 6000, server, T(STATE), S(ESTABLISHED), S(CLOSE_WAIT), 0);
	store(ns + 7000, client, T(STATE), S(FIN_WAIT1), S(FIN_WAIT2), 0);
	store(ns + 7100, client, T(TW_ADD), 0, S(FIN_WAIT2), 0);
	store(ns + 7200, client, T(STATE), S(FIN_WAIT2), S(CLOSE), 16);
	store(ns + 8000, server, T(STATE), S(CLOSE_WAIT), S(LAST_ACK), TASK);
	store(ns + 9000, client, T(TW_REARM), 0, S(TIME_WAIT), 0);
	store(ns + 9500, server, T(STATE), S(LAST_ACK), S(CLOSE), 16);
	if (i < live)
		return 13;
	store(ns + 9600, client - 2 * live, T(TW_KILL), S(TIME_WAIT), S(CLOSE),
	      TCPSTATE_F_TIMER);
	return 14;
}

/* One that stays. */
static unsigned int established(uint64_t ns, uint64_t i, uint64_t live)
{
	const uint64_t client = i + 2;

	(void)live;
	store(ns, client, T(STATE), S(CLOSE), S(SYN_SENT), TASK);
	store(ns + 500, client, T(CONNECT), S(SYN_SENT), S(SYN_SENT), TASK);
	store(ns + 2000, client, T(STATE), S(SYN_SENT), S(ESTABLISHED), 1);
	return 3;
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static long resident_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* Connections @from to @to - 1. */
static uint64_t run(struct engine *e,
		    unsigned int (*one)(uint64_t ns, uint64_t i, uint64_t live),
		    uint64_t from, uint64_t to, uint64_t live)
{
	uint64_t records = 0, ns = 0;

	for (uint64_t i = from; i < to; i++) {
		ns = 1000000000 + i * (1000000000 / RATE);
		records += one(ns, i, live);
		if (i % ROUND == 0)
			engine_advance(e, ns);
	}
	engine_advance(e, ns + 100000000);
	return records;
}

static struct engine *begin(uint64_t live)
{
	static struct ring rings[CPUS];
	const struct engine_sink sink = { .transition = on_transition };
	const struct engine_config cfg = {
		.max_conns = 2 * live + 65536, .holdback_ns = 2000000,
		.settle_ns = 60000000, .hooks = ~0U,
	};
	struct engine *e = engine_new(&cfg, &sink, NULL);

	for (int cpu = 0; cpu < CPUS; cpu++)
		rings[cpu] = (struct ring){
			.slots = (const void *)slots[cpu],
			.slot_bytes = sizeof(slots[cpu][0]), .shift = SHIFT,
			.cpu = cpu, .tail = &tail[cpu],
		};
	return e && !engine_set_rings(e, rings, CPUS) ? e : NULL;
}

static int measure_memory(uint64_t live)
{
	const long before_kb = resident_kb();
	struct engine *e = begin(live);
	struct engine_stats stats;

	if (!e)
		return 1;
	run(e, established, 0, live, live);
	engine_get_stats(e, &stats);
	if (stats.corrected || stats.lost || stats.live != live)
		return 1;
	printf("{\"live\":%zu,\"state\":\"ESTABLISHED\",\"bytes\":%.0f}\n",
	       stats.live, (resident_kb() - before_kb) * 1024.0 / live);
	engine_free(e);
	return 0;
}

static int measure(uint64_t live)
{
	const long before_kb = resident_kb();
	struct engine *e = begin(live);
	struct engine_stats stats;
	uint64_t records;
	double seconds;
	long grown_kb;

	if (!e)
		return 1;
	run(e, connection, 0, live, live);
	grown_kb = resident_kb() - before_kb;
	seconds = cpu_seconds();
	records = run(e, connection, live, live + MEASURED, live);
	seconds = cpu_seconds() - seconds;
	engine_get_stats(e, &stats);
	if (stats.corrected || stats.lost || stats.live != live)
		return 1;
	printf("{\"live\":%zu,\"state\":\"TIME_WAIT\",\"records_per_second\":%.0f,\"ns\":%.1f,"
	       "\"bytes\":%.0f}\n", stats.live, records / seconds,
	       seconds / records * 1e9, grown_kb * 1024.0 / live);
	engine_free(e);
	return 0;
}

/* In a process of its own: memory that was freed is not new. */
static int in_child(int (*of)(uint64_t live), uint64_t live)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		status = of(live);
		fflush(stdout);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	return status;
}

static int both(uint64_t live)
{
	return in_child(measure_memory, live) | in_child(measure, live);
}

int main(int argc, char **argv)
{
	static const uint64_t usual[] = { 1000, 10000, 100000, 1000000 };
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= both(strtoull(argv[i], NULL, 0));
	for (size_t i = 0; argc < 2 && i < sizeof(usual) / sizeof(*usual); i++)
		failed |= both(usual[i]);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * engine [-r RINGS] [LIVE]..: what the engine alone takes, on one core, with LIVE
 * connections in its table (1,000 to 1,000,000): bytes of memory for each, in
 * ESTABLISHED and in TIME_WAIT, and records per second.  Two objects, on a line
 * each, for each LIVE.
 *
 * Records come through two rings, as from two CPUs, or through RINGS: a churn of
 * loopback connections at 40,000 a second, whose clients close first; LIVE of them
 * are in TIME_WAIT, and the oldest ends with each new one.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "engine/engine.h"
#include "ring.h"

#define RATE	40000
#define RINGS	2
#define RINGS_MAX	256
#define SHIFT	12
#define ROUND	100	/* connections between two looks at the rings */
#define MEASURED	400000	/* connections */

static unsigned int n_rings = RINGS;
static struct tcpstate_record (*slots)[1 << SHIFT];
static uint32_t head[RINGS_MAX], tail[RINGS_MAX];
static uint64_t told;

static void on_transition(void *ctx, const struct transition *t)
{
	(void)ctx;
	told += t->new_state;
}

/* Both ends of a connection on one CPU. */
static void store(uint64_t pair, const struct tcpstate_record *rec)
{
	const unsigned int cpu = pair % n_rings;
	const uint32_t at = head[cpu]++;
	struct tcpstate_record *r = &slots[cpu][at & ((1 << SHIFT) - 1)];

	*r = *rec;
	r->cpu = cpu;
	r->turn = (at >> SHIFT) + 1;
	r->seq = at;
}

/* The @i-th, after which @live are in TIME_WAIT.  How many records. */
static unsigned int connection(uint64_t ns, uint64_t i, uint64_t live)
{
	unsigned int n = connection_opens(ns, i) +
			 connection_closes(ns + 5000, i);

	return i < live ? n : n + connection_expires(ns + 9600, i - live);
}

/* One that stays, both of whose ends are live. */
static unsigned int established(uint64_t ns, uint64_t i, uint64_t live)
{
	(void)live;
	return connection_opens(ns, i);
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
	static struct ring rings[RINGS_MAX];
	const struct engine_sink sink = { .transition = on_transition };
	const struct engine_config cfg = {
		.max_conns = 2 * live + 65536, .holdback_ns = 2000000,
		.settle_ns = 60000000, .hooks = ~0U,
	};
	struct engine *e = engine_new(&cfg, &sink, NULL);

	for (unsigned int cpu = 0; cpu < n_rings; cpu++)
		rings[cpu] = (struct ring){
			.slots = (const void *)slots[cpu],
			.slot_bytes = sizeof(slots[cpu][0]), .shift = SHIFT,
			.cpu = cpu, .tail = &tail[cpu],
		};
	return e && !engine_set_rings(e, rings, n_rings) ? e : NULL;
}

static int measure_memory(uint64_t live)
{
	const long before_kb = resident_kb();
	struct engine *e = begin(live);
	struct engine_stats stats;

	if (!e)
		return 1;
	run(e, established, 0, live / 2, live);
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
	printf("{\"live\":%zu,\"state\":\"TIME_WAIT\",\"rings\":%u,"
	       "\"records_per_second\":%.0f,\"ns\":%.1f,\"bytes\":%.0f}\n",
	       stats.live, n_rings, records / seconds,
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
		/* no connection's memory, and no page of it is new later */
		memset(slots, 0, n_rings * sizeof(*slots));
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
	int failed = 0, option;

	while ((option = getopt(argc, argv, "r:")) != -1)
		n_rings = option == 'r' ? strtoul(optarg, NULL, 0) : 0;
	if (!n_rings || n_rings > RINGS_MAX)
		errx(2, "usage: engine [-r RINGS] [LIVE]..; at most %d rings",
		     RINGS_MAX);
	slots = calloc(n_rings, sizeof(*slots));
	if (!slots)
		err(1, "rings");
	for (int i = optind; i < argc; i++)
		failed |= both(strtoull(argv[i], NULL, 0));
	for (size_t i = 0; optind == argc && i < sizeof(usual) / sizeof(*usual);
	     i++)
		failed |= both(usual[i]);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * engine [CONNECTIONS]: records per second of the engine alone, one core: a
 * churn of loopback connections at 40,000 a second whose clients close first,
 * with a minute of TIME_WAIT behind each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"

#define RATE 40000
#define MINUTE (60ULL * RATE)

static uint64_t seq[2], told;

static void on_transition(void *ctx, const struct transition *t)
{
	(void)ctx;
	told += t->new_state;
}

static void feed(struct engine *e, uint64_t ns, uint64_t cookie, uint8_t type,
		 uint8_t from, uint8_t to, uint32_t flags)
{
	struct tcpstate_record r = {
		.size = sizeof(r), .version = TCPSTATE_RECORD_VERSION,
		.type = type, .cpu = cookie / 2 % 2,
		.seq = seq[cookie / 2 % 2]++, .mono_ns = ns, .cookie = cookie,
		.netns_ino = 4026531840, .flags = flags, .family = 2,
		.protocol = 6, .saddr = { 127, 0, 0, 1 },
		.daddr = { 127, 0, 0, 2 }, .sport = 1 + cookie % 60000,
		.dport = 80, .old_state = from, .new_state = to,
		.tgid = 4711, .comm = "bench",
	};

	engine_feed(e, &r, sizeof(r));
}

#define S(name) TCPSTATE_##name
#define T(name) TCPSTATE_##name
#define TASK (TCPSTATE_F_OWNED | TCPSTATE_F_HAS_FILE)

static unsigned int connection(struct engine *e, uint64_t ns, uint64_t i)
{
	uint64_t client = 2 * i + 2, server = client + 1;

	feed(e, ns, client, T(STATE), S(CLOSE), S(SYN_SENT), TASK);
	feed(e, ns + 500, client, T(CONNECT), S(SYN_SENT), S(SYN_SENT), TASK);
	feed(e, ns + 1000, server, T(REQ_ADD), S(LISTEN), S(NEW_SYN_RECV), 0);
	feed(e, ns + 2000, client, T(STATE), S(SYN_SENT), S(ESTABLISHED), 1);
	feed(e, ns + 3000, server, T(STATE), S(LISTEN), S(SYN_RECV), 0);
	feed(e, ns + 3500, server, T(REQ_DROP), S(NEW_SYN_RECV), S(CLOSE), 0);
	feed(e, ns + 4000, server, T(STATE), S(SYN_RECV), S(ESTABLISHED), 0);
	feed(e, ns + 5000, client, T(STATE), S(ESTABLISHED), S(FIN_WAIT1), TASK);
	feed(e, ns + 6000, server, T(STATE), S(ESTABLISHED), S(CLOSE_WAIT), 0);
	feed(e, ns + 7000, client, T(STATE), S(FIN_WAIT1), S(FIN_WAIT2), 0);
	feed(e, ns + 7100, client, T(TW_ADD), 0, S(FIN_WAIT2), 0);
	feed(e, ns + 7200, client, T(STATE), S(FIN_WAIT2), S(CLOSE), 16);
	feed(e, ns + 8000, server, T(STATE), S(CLOSE_WAIT), S(LAST_ACK), TASK);
	feed(e, ns + 9000, client, T(TW_REARM), 0, S(TIME_WAIT), 0);
	feed(e, ns + 9500, server, T(STATE), S(LAST_ACK), S(CLOSE), 16);
	if (i < MINUTE)
		return 15;
	feed(e, ns + 9600, client - 2 * MINUTE, T(TW_KILL), S(TIME_WAIT),
	     S(CLOSE), TCPSTATE_F_TIMER);
	return 16;
}

int main(int argc, char **argv)
{
	const uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	const struct engine_sink sink = { .transition = on_transition };
	const struct engine_config cfg = {
		.max_conns = 1 << 23, .holdback_ns = 10000000,
		.settle_ns = 60000000, .hooks = 0xff,
	};
	struct engine *e = engine_new(&cfg, &sink, NULL);
	struct timespec from, to;
	struct engine_stats stats;
	uint64_t records = 0, ns = 1000000000;
	double seconds;

	if (!e)
		return 1;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (uint64_t i = 0; i < n; i++) {
		records += connection(e, ns, i);
		ns += 1000000000 / RATE;
		if (i % (RATE / 40) == 0)
			engine_advance(e, ns);
	}
	engine_finish(e);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	engine_get_stats(e, &stats);
	seconds = to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
	printf("%.0f records/s, %.0f ns each, %zu live, %llu corrected, "
	       "%llu told\n", records / seconds, seconds / records * 1e9,
	       stats.live, (unsigned long long)stats.corrected,
	       (unsigned long long)told);
	engine_free(e);
	return 0;
}

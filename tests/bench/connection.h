/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The records of connections that do not exist: both ends on loopback, the client
 * closes first.  What is done with each is up to store() of whoever includes this.
 */
#ifndef TCPSTATE_BENCH_CONNECTION_H
#define TCPSTATE_BENCH_CONNECTION_H

#include <linux/tcpstate.h>
#include <stdint.h>

static void store(uint64_t pair, const struct tcpstate_record *r);

#define S(name) TCPSTATE_##name
#define T(name) TCPSTATE_##name
#define TASK (TCPSTATE_F_OWNED | TCPSTATE_F_HAS_FILE)

/* The cookies of a connection's ends. */
static inline uint64_t client_of(uint64_t pair)
{
	return 2 * pair + 2;
}

static inline uint64_t server_of(uint64_t pair)
{
	return client_of(pair) + 1;
}

static void event(uint64_t ns, uint64_t cookie, uint8_t type, uint8_t from,
		  uint8_t to, uint32_t flags)
{
	const struct tcpstate_record r = {
		.size = sizeof(r), .version = TCPSTATE_RECORD_VERSION,
		.type = type, .mono_ns = ns, .cookie = cookie,
		.netns_ino = 4026531840, .flags = flags, .family = 2,
		.protocol = 6, .saddr = { 127, 0, 0, 1 },
		.daddr = { 127, 0, 0, 2 }, .sport = 1 + cookie % 60000,
		.dport = 80, .old_state = from, .new_state = to,
		.tgid = 4711, .comm = "bench",
	};

	store(cookie / 2, &r);
}

/* Five records, of which four are moves. */
static unsigned int connection_opens(uint64_t ns, uint64_t pair)
{
	const uint64_t client = client_of(pair), server = server_of(pair);

	event(ns, client, T(STATE), S(CLOSE), S(SYN_SENT), TASK);
	event(ns + 500, client, T(CONNECT), S(SYN_SENT), S(SYN_SENT), TASK);
	event(ns + 1000, server, T(REQ_ADD), S(LISTEN), S(NEW_SYN_RECV), 0);
	event(ns + 2000, client, T(STATE), S(SYN_SENT), S(ESTABLISHED), 1);
	event(ns + 4000, server, T(STATE), S(SYN_RECV), S(ESTABLISHED), 0);
	return 5;
}

/* Eight, of which six are: the server is gone then, the client in TIME_WAIT. */
static unsigned int connection_closes(uint64_t ns, uint64_t pair)
{
	const uint64_t client = client_of(pair), server = server_of(pair);

	event(ns, client, T(STATE), S(ESTABLISHED), S(FIN_WAIT1), TASK);
	event(ns + 1000, server, T(STATE), S(ESTABLISHED), S(CLOSE_WAIT), 0);
	event(ns + 2000, client, T(STATE), S(FIN_WAIT1), S(FIN_WAIT2), 0);
	event(ns + 2100, client, T(TW_ADD), 0, S(FIN_WAIT2), 0);
	event(ns + 2200, client, T(STATE), S(FIN_WAIT2), S(CLOSE), 16);
	event(ns + 3000, server, T(STATE), S(CLOSE_WAIT), S(LAST_ACK), TASK);
	event(ns + 4000, client, T(TW_REARM), 0, S(TIME_WAIT), 0);
	event(ns + 4500, server, T(STATE), S(LAST_ACK), S(CLOSE), 16);
	return 8;
}

/* One, a move. */
static unsigned int connection_expires(uint64_t ns, uint64_t pair)
{
	event(ns, client_of(pair), T(TW_KILL), S(TIME_WAIT), S(CLOSE),
	      TCPSTATE_F_TIMER);
	return 1;
}

#undef S
#undef T
#undef TASK

#endif /* TCPSTATE_BENCH_CONNECTION_H */

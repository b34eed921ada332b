// SPDX-License-Identifier: GPL-2.0
#include "ports_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/advice.h"
#include "finding_words.h"
#include "output_ops.h"

void ports_rate(double per_s, char *buf, size_t len)
{
	struct cell cell;

	if (per_s >= 9.95)
		snprintf(buf, len, "%s",
			 cell_thousands(&cell, (uint64_t)(per_s + 0.5)));
	else
		snprintf(buf, len, per_s >= 0.995 || per_s <= 0 ? "%.1f" :
			 "%.2f", per_s);
}

void ports_eta(uint64_t s, char *buf, size_t len)
{
	if (s < 120)
		snprintf(buf, len, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(buf, len, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else
		snprintf(buf, len, "%" PRIu64 "h%02" PRIu64 "m", s / 3600,
			 s % 3600 / 60);
}

/* ---- verdicts ---- */

/* Below the thresholds, and far below. */
static bool is_harmless(const struct finding *f, uint64_t used, uint64_t limit)
{
	return f->severity == SEVERITY_INFO && used * 10 < limit;
}

static void destination_verdict(const struct finding *f, char *buf, size_t len)
{
	const struct finding_budget *b = &f->budget;
	struct cell used, usable, level;
	char eta[CELL_LEN];

	cell_thousands(&used, b->used);
	cell_thousands(&usable, b->usable);
	ports_eta(f->eta_s, eta, sizeof(eta));
	if (!f->facts || f->facts->port_first < 0)
		snprintf(buf, len, "the ports of this namespace are not known");
	else if (b->used >= b->usable)
		snprintf(buf, len, "no port is left: connect() fails with "
			 "EADDRNOTAVAIL");
	else if (f->has_eta)
		snprintf(buf, len, "%s of %s ports are used, the last one in "
			 "%s; then connect() fails with EADDRNOTAVAIL", used.s,
			 usable.s, eta);
	else if (b->level)
		snprintf(buf, len, "%s of %s ports are used, and it levels "
			 "off at %s", used.s, usable.s,
			 cell_thousands(&level, b->level));
	else
		snprintf(buf, len, "%s of %s ports are used%s", used.s,
			 usable.s, is_harmless(f, b->used, b->usable) ?
				", which is harmless" : "");
}

static void netns_verdict(const struct finding *f, char *buf, size_t len)
{
	const struct finding_budget *b = &f->budget;
	struct cell used, limit, more;
	char eta[CELL_LEN];

	cell_thousands(&used, (uint64_t)b->buckets_used);
	cell_thousands(&limit, (uint64_t)b->buckets_limit);
	ports_eta(f->eta_s, eta, sizeof(eta));
	if (b->buckets_limit < 0)
		snprintf(buf, len, "how many this namespace may have is not "
			 "known");
	else if (b->overflows_now > 0)
		snprintf(buf, len, "tcp_max_tw_buckets (%s) was reached: %s "
			 "were closed without TIME_WAIT", limit.s,
			 cell_thousands(&more, (uint64_t)b->overflows_now));
	else if (f->has_eta)
		snprintf(buf, len, "%s of %s buckets are used, the last one in "
			 "%s; then it is closed without TIME_WAIT", used.s,
			 limit.s, eta);
	else if (b->level)
		snprintf(buf, len, "%s of %s buckets are used, and it levels "
			 "off at %s", used.s, limit.s,
			 cell_thousands(&more, b->level));
	else
		snprintf(buf, len, "%s of %s buckets are used%s", used.s,
			 limit.s, is_harmless(f, (uint64_t)b->buckets_used,
				(uint64_t)b->buckets_limit) ?
				", which is harmless" : "");
}

void ports_verdict(const struct finding *f, char *buf, size_t len)
{
	switch (f->budget.scope) {
	case SCOPE_DESTINATION:
		destination_verdict(f, buf, len);
		return;
	case SCOPE_NETNS:
		netns_verdict(f, buf, len);
		return;
	}
	snprintf(buf, len, "closed by the accepting side, which takes no port "
		 "that connect() could use: harmless but for the memory");
}

/* ---- what helps ---- */

void say_pool(const struct finding *f, char *buf, size_t len)
{
	const struct finding_budget *b = &f->budget;
	struct cell open, waiting, ports;
	char rate[CELL_LEN];

	cell_thousands(&open, b->states[TCPSTATE_ESTABLISHED]);
	if (b->has_rate) {
		ports_rate(b->rate_per_s, rate, sizeof(rate));
		snprintf(buf, len, "keep connections, in a pool: %s/s are "
			 "closed, %s are open at a time", rate, open.s);
		return;
	}
	snprintf(buf, len, "keep connections, in a pool: %s of %s ports are in "
		 "TIME_WAIT, %s open", cell_thousands(&waiting, b->time_wait),
		 cell_thousands(&ports, b->ports), open.s);
}

void say_peer_first(const struct finding *f, char *buf, size_t len)
{
	const struct finding_budget *b = &f->budget;
	struct cell peer, here, all;

	cell_addr(&peer, b->family, b->daddr);
	if (b->closed_here + b->closed_there)
		snprintf(buf, len, "let %s close first, then it has the "
			 "TIME_WAIT: %s of %s were closed here first", peer.s,
			 cell_thousands(&here, b->closed_here),
			 cell_thousands(&all, b->closed_here +
					b->closed_there));
	else
		snprintf(buf, len, "let %s close first, then it has the "
			 "TIME_WAIT: the %s here were closed here", peer.s,
			 cell_thousands(&here, b->time_wait));
}

void say_tw_reuse(const struct finding *f, char *buf, size_t len)
{
	struct cell ports;

	snprintf(buf, len, "tcp_tw_reuse=1 (now %" PRId64 " = %s; timestamps "
		 "are on): takes over the %s in TIME_WAIT after 1 s, if the "
		 "peer has timestamps too", f->facts->tcp_tw_reuse,
		 f->budget.reuse == TW_REUSE_OFF ? "off" : "loopback only",
		 cell_thousands(&ports, f->budget.time_wait));
}

void say_timestamps(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_timestamps=1: now %" PRId64 ", and without them "
		 "tcp_tw_reuse (%" PRId64 ") does nothing",
		 f->facts->tcp_timestamps, f->facts->tcp_tw_reuse);
}

void say_more_addresses(const struct finding *f, char *buf, size_t len)
{
	struct cell ports;

	snprintf(buf, len, "a second source address, or address or port of the "
		 "peer: +%s ports", cell_thousands(&ports, f->budget.usable));
}

static void say_range(const struct netns_facts *facts, char *buf, size_t len)
{
	snprintf(buf, len, "%" PRId64 "-%" PRId64, facts->port_first,
		 facts->port_last);
}

void say_wider_range(const struct finding *f, char *buf, size_t len)
{
	char now[CELL_LEN];
	struct cell more;

	say_range(f->facts, now, sizeof(now));
	snprintf(buf, len, "ip_local_port_range %d %d: +%s ports (now %s); "
		 "reserve those of your services", WIDEST_FIRST, WIDEST_LAST,
		 cell_thousands(&more, (uint64_t)(WIDEST_PORTS -
			(f->facts->port_last - f->facts->port_first + 1))),
		 now);
}

void say_fewer_reserved(const struct finding *f, char *buf, size_t len)
{
	char now[CELL_LEN];
	struct cell reserved;

	say_range(f->facts, now, sizeof(now));
	snprintf(buf, len, "a shorter ip_local_reserved_ports: it takes %s "
		 "ports of %s", cell_thousands(&reserved,
			(uint64_t)f->facts->ports_reserved), now);
}

void say_bind_no_port(const struct finding *f, char *buf, size_t len)
{
	struct cell bound, ports;

	snprintf(buf, len, "IP_BIND_ADDRESS_NO_PORT before bind(): %s of %s "
		 "ports were chosen by bind(), for all destinations",
		 cell_thousands(&bound, f->budget.other_parity),
		 cell_thousands(&ports, f->budget.ports));
}

static unsigned int most_frequent_state(const struct finding_budget *b)
{
	unsigned int most = TCPSTATE_ESTABLISHED;

	for (unsigned int i = 0; i < TCPSTATE_STATES; i++)
		if (i != TCPSTATE_TIME_WAIT && b->states[i] > b->states[most])
			most = i;
	return most;
}

void say_close_others(const struct finding *f, char *buf, size_t len)
{
	const struct finding_budget *b = &f->budget;
	unsigned int state = most_frequent_state(b);
	struct cell others, ports;

	snprintf(buf, len, "close what is not needed: %s of %s ports are in "
		 "%s", cell_thousands(&others, b->states[state]),
		 cell_thousands(&ports, b->ports), state_name(state));
}

void say_client_first(const struct finding *f, char *buf, size_t len)
{
	struct cell here;

	snprintf(buf, len, "let the clients close first, then they have the "
		 "TIME_WAIT: %s were closed here first",
		 cell_thousands(&here, f->budget.closed_here));
}

void say_keep_alive(const struct finding *f, char *buf, size_t len)
{
	char rate[CELL_LEN];

	ports_rate(f->budget.rate_per_s, rate, sizeof(rate));
	snprintf(buf, len, "keep connections open (keep-alive): %s/s are "
		 "closed here", rate);
}

void say_more_buckets(const struct finding *f, char *buf, size_t len)
{
	const struct finding_budget *b = &f->budget;
	struct cell used, limit, overflows;

	snprintf(buf, len, "a higher tcp_max_tw_buckets: %s of %s are used, %s "
		 "overflows so far",
		 cell_thousands(&used, (uint64_t)b->buckets_used),
		 cell_thousands(&limit, (uint64_t)b->buckets_limit),
		 b->overflows < 0 ? "unknown" :
			cell_thousands(&overflows, (uint64_t)b->overflows));
}

/* ---- what does not ---- */

void say_not_fin_timeout(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_fin_timeout (%" PRId64 " s) is for FIN_WAIT2; "
		 "TIME_WAIT lasts %d s whatever it says",
		 f->facts->tcp_fin_timeout, ADVICE_TIME_WAIT_S);
}

void say_not_recycle(const struct finding *f, char *buf, size_t len)
{
	(void)f;
	snprintf(buf, len, "tcp_tw_recycle: this kernel has none, it is gone "
		 "since 4.12");
}

void say_not_reuse(const struct finding *f, char *buf, size_t len)
{
	struct cell ports;

	snprintf(buf, len, "tcp_tw_reuse: it is %" PRId64 " and applies here "
		 "already, %s ports in TIME_WAIT can be taken over",
		 f->facts->tcp_tw_reuse,
		 cell_thousands(&ports, f->budget.reusable));
}

void say_not_reuse_accepted(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_tw_reuse (%" PRId64 ") is for connect(), and "
		 "these were accepted", f->facts->tcp_tw_reuse);
}

void say_not_wider_range(const struct finding *f, char *buf, size_t len)
{
	char rate[CELL_LEN];
	struct cell ports, most;

	ports_rate(f->budget.rate_per_s, rate, sizeof(rate));
	snprintf(buf, len, "a wider ip_local_port_range: %s/s are closed, and "
		 "even %s ports bear only %s/s", rate,
		 cell_thousands(&ports, WIDEST_PORTS),
		 cell_thousands(&most, WIDEST_PORTS / ADVICE_TIME_WAIT_S));
}

void say_not_range_accepted(const struct finding *f, char *buf, size_t len)
{
	char now[CELL_LEN];

	say_range(f->facts, now, sizeof(now));
	snprintf(buf, len, "a wider ip_local_port_range (%s): accepted "
		 "connections take no port of it", now);
}

void say_not_fewer_buckets(const struct finding *f, char *buf, size_t len)
{
	struct cell limit;

	snprintf(buf, len, "a lower tcp_max_tw_buckets (%s): what is closed "
		 "without TIME_WAIT can meet old segments",
		 cell_thousands(&limit,
				(uint64_t)f->facts->tcp_max_tw_buckets));
}

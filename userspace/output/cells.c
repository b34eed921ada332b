// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "output_ops.h"
#include "utf8.h"

#define NS_PER_MS	UINT64_C(1000000)
#define NS_PER_SEC	UINT64_C(1000000000)

/* Digits of @number at @to, without an end; what follows them. */
static char *digits(char *to, uint64_t number)
{
	char text[20], *p = text + sizeof(text);
	size_t len;

	do {
		*--p = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	len = (size_t)(text + sizeof(text) - p);
	memcpy(to, p, len);
	return to + len;
}

const char *cell_number(struct cell *cell, uint64_t number)
{
	*digits(cell->s, number) = '\0';
	return cell->s;
}

const char *cell_thousands(struct cell *cell, uint64_t number)
{
	char text[24];
	int n = (int)(digits(text, number) - text);
	char *to = cell->s;
	int i;

	for (i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = text[i];
	}
	*to = '\0';
	return cell->s;
}

/* inet_ntop() takes 300 ns for this, at two addresses an event. */
static const char *cell_ipv4(struct cell *cell, const uint8_t *addr)
{
	char *p = cell->s;
	int i;

	for (i = 0; i < 4; i++) {
		if (addr[i] >= 100)
			*p++ = (char)('0' + addr[i] / 100);
		if (addr[i] >= 10)
			*p++ = (char)('0' + addr[i] / 10 % 10);
		*p++ = (char)('0' + addr[i] % 10);
		*p++ = i < 3 ? '.' : '\0';
	}
	return cell->s;
}

const char *cell_addr(struct cell *cell, uint8_t family, const uint8_t *addr)
{
	if (family != 6)
		return cell_ipv4(cell, addr);
	inet_ntop(AF_INET6, addr, cell->s, sizeof(cell->s));
	return cell->s;
}

const char *cell_end(struct cell *cell, uint8_t family, const uint8_t *addr,
		     uint16_t port)
{
	struct cell host;

	snprintf(cell->s, sizeof(cell->s), family == 6 ? "[%.45s]:%u" :
		 "%.45s:%u", cell_addr(&host, family, addr), port);
	return cell->s;
}

const char *cell_comm(struct cell *cell, const char *comm)
{
	utf8_clean(cell->s, sizeof(cell->s), comm);
	return cell->s;
}

const char *cell_ms(struct cell *cell, uint64_t ns)
{
	const uint64_t us = ns / 1000 + (ns % 1000 >= 500);
	char *p = digits(cell->s, us / 1000);

	*p++ = '.';
	*p++ = (char)('0' + us / 100 % 10);
	*p++ = (char)('0' + us / 10 % 10);
	*p++ = (char)('0' + us % 10);
	*p = '\0';
	return cell->s;
}

static void days_and_hours(struct cell *cell, uint64_t s)
{
	if (s >= 86400)
		snprintf(cell->s, sizeof(cell->s), "%" PRIu64 "d%02uh",
			 s / 86400, (unsigned int)(s % 86400 / 3600));
	else if (s >= 3600)
		snprintf(cell->s, sizeof(cell->s), "%uh%02um",
			 (unsigned int)(s / 3600),
			 (unsigned int)(s % 3600 / 60));
	else
		snprintf(cell->s, sizeof(cell->s), "%um%02us",
			 (unsigned int)(s / 60), (unsigned int)(s % 60));
}

const char *cell_span(struct cell *cell, uint64_t ns)
{
	double ms = (double)ns / NS_PER_MS;

	if (ns < 10 * NS_PER_MS)
		snprintf(cell->s, sizeof(cell->s), "%.2fms", ms);
	else if (ns < NS_PER_SEC)
		snprintf(cell->s, sizeof(cell->s), "%.0fms", ms);
	else if (ns < 60 * NS_PER_SEC)
		snprintf(cell->s, sizeof(cell->s), "%.3fs", ms / 1000);
	else if (ns < 600 * NS_PER_SEC)
		snprintf(cell->s, sizeof(cell->s), "%" PRIu64 "s",
			 ns / NS_PER_SEC);
	else
		days_and_hours(cell, ns / NS_PER_SEC);
	return cell->s;
}

const char *cell_clock(struct output *out, uint64_t mono_ns)
{
	int64_t real = (int64_t)mono_ns + out->style.realtime_offset_ns;
	time_t s = real / (int64_t)NS_PER_SEC;
	struct tm tm;

	if (!out->ts[0] || s != out->ts_second) {
		localtime_r(&s, &tm);
		strftime(out->ts, sizeof(out->ts), "%H:%M:%S", &tm);
		out->ts_second = s;
	}
	return out->ts;
}

const char *cell_elapsed(struct cell *cell, struct output *out,
			 uint64_t mono_ns)
{
	if (!out->first_ns)
		out->first_ns = mono_ns;
	snprintf(cell->s, sizeof(cell->s), "%.6f",
		 ((double)mono_ns - (double)out->first_ns) / NS_PER_SEC);
	return cell->s;
}

/* Raw records */

const char *record_type_name(unsigned int type)
{
	static const char *const names[TCPSTATE_TYPES] = {
		[TCPSTATE_STATE]	= "state",
		[TCPSTATE_REQ_ADD]	= "req_add",
		[TCPSTATE_REQ_DROP]	= "req_drop",
		[TCPSTATE_TW_ADD]	= "tw_add",
		[TCPSTATE_TW_REARM]	= "tw_rearm",
		[TCPSTATE_TW_KILL]	= "tw_kill",
		[TCPSTATE_CONNECT]	= "connect",
		[TCPSTATE_ACCEPT]	= "accept",
		[TCPSTATE_LOST]		= "lost",
		[TCPSTATE_SNAPSHOT]	= "snapshot",
		[TCPSTATE_RETRANSMIT]	= "retransmit",
		[TCPSTATE_SYNACK_AGAIN]	= "synack_again",
		[TCPSTATE_RST_SENT]	= "rst_sent",
		[TCPSTATE_RST_RECEIVED]	= "rst_received",
		[TCPSTATE_CHALLENGE]	= "challenge",
		[TCPSTATE_TW_SYN]	= "tw_syn",
		[TCPSTATE_TW_FIN]	= "tw_fin",
	};

	return type < TCPSTATE_TYPES && names[type] ? names[type] : "?";
}

uint8_t record_family(const struct tcpstate_record *rec)
{
	return rec->family == AF_INET6 ? 6 : 4;
}

// SPDX-License-Identifier: GPL-2.0
/* How a connection ended, in a few words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/duration.h"
#include "output_ops.h"

static const char *const kinds[KINDS] = {
	[KIND_UNKNOWN]		= "FIN",
	[KIND_FOUR_SEGMENT]	= "4 segments",
	[KIND_THREE_SEGMENT]	= "3 segments",
	[KIND_SIMULTANEOUS]	= "simultaneous",
	[KIND_RST]		= "RST",
	[KIND_REFUSED]		= "refused",
	[KIND_TIMEOUT]		= "timeout",
	[KIND_OTHER]		= "other",
};

/* NULL: the FIN decides, see kinds[]. */
static const char *const reasons[REASONS] = {
	[REASON_CLOSED]		= "closed",
	[REASON_REFUSED]	= "refused",
	[REASON_RST_RECEIVED]	= "RST received",
	[REASON_ABORT]		= "abort",
	[REASON_RST_SENT]	= "RST sent",
	[REASON_NO_PORT]	= "no port left",
	[REASON_TIMEOUT]	= "timeout",
	[REASON_KEEPALIVE]	= "keepalive timeout",
	[REASON_UNREACHABLE]	= "unreachable",
	[REASON_OVERFLOW]	= "queue overflow",
	[REASON_KILLED]		= "killed",
	[REASON_NETNS]		= "namespace gone",
	[REASON_UNKNOWN]	= "unknown",
};

static const char *const tw_ends[REASONS] = {
	[REASON_TW_EXPIRED]	= "expired",
	[REASON_TW_REUSED]	= "reused",
	[REASON_TW_RST]		= "RST",
	[REASON_TW_OVERFLOW]	= "overflow",
	[REASON_KILLED]		= "killed",
	[REASON_NETNS]		= "namespace gone",
};

static const char *const details[DETAILS] = {
	[DETAIL_LINGER0]	= "linger 0",
	[DETAIL_UNREAD_DATA]	= "unread data",
	[DETAIL_DISCONNECT]	= "disconnect",
	[DETAIL_LISTENER_CLOSED] = "listener closed",
	[DETAIL_REPAIR]		= "repair",
	[DETAIL_DATA_AFTER_CLOSE] = "data after close",
	[DETAIL_LINGER2]	= "linger2",
	[DETAIL_ORPHAN_LIMIT]	= "orphan limit",
	[DETAIL_SYN]		= "SYN",
	[DETAIL_SYNACK]		= "SYN-ACK",
	[DETAIL_DATA]		= "data",
	[DETAIL_FIN]		= "FIN",
	[DETAIL_USER_TIMEOUT]	= "TCP_USER_TIMEOUT",
	[DETAIL_FIN_WAIT2]	= "FIN_WAIT2",
};

/* The word for @n, NULL if there is none. */
#define WORD(table, n) \
	((n) < sizeof(table) / sizeof(*(table)) ? (table)[n] : NULL)

__attribute__((format(printf, 3, 4)))
static void add(char *how, size_t how_len, const char *fmt, ...)
{
	size_t used = strlen(how);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(how + used, how_len - used, fmt, ap);
	va_end(ap);
}

static void add_detail(const struct conn *conn, char *how, size_t how_len)
{
	unsigned int sent = conn->syn_retrans + 1;
	const char *detail = WORD(details, conn->detail);

	if (conn->detail == DETAIL_UNREAD_DATA && conn->unread)
		add(how, how_len, ", %u B unread", conn->unread);
	else if (conn->detail == DETAIL_SYN || conn->detail == DETAIL_SYNACK)
		add(how, how_len, ", %u %s%s sent", sent, detail,
		    sent == 1 ? "" : "s");
	else if (detail)
		add(how, how_len, ", %s", detail);
}

void conn_how(const struct conn *conn, char *how, size_t how_len)
{
	const char *kind = WORD(kinds, conn->kind);
	const char *end = WORD(tw_ends, conn->reason);
	const char *reason = WORD(reasons, conn->reason);
	struct cell cell;
	uint64_t ns;

	/* Past TIME_WAIT, reason is that of its end and not of the close. */
	if (conn_closing(conn)->tw_ns || !reason) {
		snprintf(how, how_len, "%s", kind ? kind : "FIN");
	} else {
		snprintf(how, how_len, "%s", reason);
		add_detail(conn, how, how_len);
	}
	if (conn->by_exit)
		add(how, how_len, ", by exit");
	if (conn_closing(conn)->tw_ns &&
	    conn_duration(conn, DURATION_TIME_WAIT, &ns))
		add(how, how_len, ", TIME_WAIT %s%s%s", cell_span(&cell, ns),
		    end ? " " : "", end ? end : "");
	else if (conn->reason == REASON_TW_OVERFLOW)
		add(how, how_len, ", no TIME_WAIT: overflow");
}

// SPDX-License-Identifier: GPL-2.0
/* What text and pictures of a ladder say alike. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "ladder.h"
#include "output_ops.h"

struct text {
	char *at;
	size_t room;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at, t->room, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= t->room)
		n = t->room ? (int)t->room - 1 : 0;
	t->at += n;
	t->room -= (size_t)n;
}

/* As if the side's first number were another. */
static uint32_t shown(const struct ladder *l, const struct ladder_style *style,
		      enum side side, uint32_t seq)
{
	uint32_t isn;

	if (!style->renumber || !ladder_isn(l, side, &isn))
		return seq;
	return seq - isn + style->isn[side];
}

/* "seq=" and the number: its letter, or itself. */
static void add_number(struct text *t, const struct ladder *l,
		       const struct ladder_style *style, const char *what,
		       enum side side, bool fin, int plus)
{
	static const char letters[2][2] = { { 'x', 'y' }, { 'u', 'w' } };
	char letter = letters[fin][fin ? side != l->first : side];
	uint32_t seq;
	bool known = fin ? ladder_fin(l, side, &seq) : ladder_isn(l, side, &seq);

	if (known && style->renumber)
		add(t, " %s=%" PRIu32, what,
		    shown(l, style, side, seq + (uint32_t)plus));
	else if (plus)
		add(t, " %s=%c+%d", what, letter, plus);
	else
		add(t, " %s=%c", what, letter);
}

static void add_fin(struct text *t, const struct ladder *l,
		    const struct ladder_row *row,
		    const struct ladder_style *style)
{
	bool acks = row->kind == ROW_FIN_ACK;

	add(t, acks ? "FIN,ACK" : "FIN");
	add_number(t, l, style, "seq", row->from, true, 0);
	if (acks)
		add_number(t, l, style, "ack", !row->from, true, 1);
}

static void add_reason(struct text *t, const struct ladder_row *row)
{
	const char *reason = reason_name(row->reason);
	const char *detail = detail_name(row->detail);

	add(t, "%s%s%s", reason ? reason : "unknown", detail ? ", " : "",
	    detail ? detail : "");
}

void ladder_label(const struct ladder *l, const struct ladder_row *row,
		  const struct ladder_style *style, char *label, size_t len)
{
	struct text t = { label, len };

	*label = '\0';
	switch (row->kind) {
	case ROW_SYN:
		add(&t, "SYN");
		add_number(&t, l, style, "seq", row->from, false, 0);
		break;
	case ROW_SYNACK:
		add(&t, "SYN,ACK");
		add_number(&t, l, style, "seq", row->from, false, 0);
		add_number(&t, l, style, "ack", !row->from, false, 1);
		break;
	case ROW_ACK_OF_SYN:
		add(&t, "ACK");
		add_number(&t, l, style, "seq", row->from, false, 1);
		add_number(&t, l, style, "ack", !row->from, false, 1);
		break;
	case ROW_FIN:
	case ROW_FIN_ACK:
		add_fin(&t, l, row, style);
		break;
	case ROW_ACK_OF_FIN:
		add(&t, "ACK");
		add_number(&t, l, style, "ack", !row->from, true, 1);
		break;
	case ROW_RST:
		add(&t, "RST");
		break;
	case ROW_DATA:
		add(&t, "%" PRIu64 " B in %" PRIu32 " segment%s", row->bytes,
		    row->segments, row->segments == 1 ? "" : "s");
		break;
	case ROW_END:
		add_reason(&t, row);
		break;
	}
	if (row->again)
		add(&t, " again");
}

/* ---- above and below ---- */

static void add_end(struct text *t, const struct ladder *l, enum side side)
{
	const struct conn *c = l->conn[side], *far = l->conn[!side];
	struct cell end, comm;

	if (c && c->pid)
		add(t, "%s[%" PRIu32 "] ", cell_comm(&comm, c->comm), c->pid);
	if (c)
		add(t, "%s", cell_end(&end, c->family, c->saddr, c->sport));
	else
		add(t, "%s", cell_end(&end, far->family, far->daddr,
				      far->dport));
}

void ladder_title(const struct ladder *l, char *title, size_t len)
{
	const struct conn *c = l->conn[LEFT] ? l->conn[LEFT] : l->conn[RIGHT];
	struct text t = { title, len };

	add(&t, "%" PRIx64, c->cookie);
	if (l->conn[LEFT] && l->conn[RIGHT])
		add(&t, " %" PRIx64, l->conn[RIGHT]->cookie);
	add(&t, "  ");
	add_end(&t, l, LEFT);
	add(&t, " -> ");
	add_end(&t, l, RIGHT);
}

/* Each number of a side, and what it is of the first one. */
bool ladder_numbers(const struct ladder *l, enum side side,
		    const struct ladder_style *style, char *numbers, size_t len)
{
	struct text t = { numbers, len };
	uint32_t isn = 0, fin;
	bool has_isn = ladder_isn(l, side, &isn);

	*numbers = '\0';
	if (has_isn)
		add(&t, "%c = %" PRIu32, "xy"[side],
		    shown(l, style, side, isn));
	if (!l->has_fin || !ladder_fin(l, side, &fin))
		return has_isn;
	add(&t, "%s%c = %" PRIu32, has_isn ? "   " : "",
	    side == l->first ? 'u' : 'w', shown(l, style, side, fin));
	if (has_isn)
		add(&t, " = %c+%" PRIu32, "xy"[side], fin - isn);
	return true;
}

static unsigned int count_again(const struct ladder *l, uint8_t kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->n; i++)
		n += l->rows[i].again && l->rows[i].kind == kind;
	return n;
}

/* The first thing that RFC 9293's figures 6, 12 and 13 do not have. */
static const char *not_textbook(const struct ladder *l)
{
	for (enum side side = LEFT; side <= RIGHT; side++)
		if (l->conn[side] && l->began[side] != TCPSTATE_CLOSE &&
		    l->began[side] != TCPSTATE_LISTEN)
			return "its beginning was not seen";
	if (l->unexplained)
		return "a move that no segment makes";
	for (unsigned int i = 0; i < l->n; i++) {
		if (l->rows[i].again)
			return "something was sent again";
		if (l->rows[i].kind == ROW_RST)
			return "a RST";
		if (l->rows[i].kind == ROW_END &&
		    l->rows[i].reason != REASON_TW_EXPIRED)
			return "ended without a segment";
	}
	return l->has_fin ? NULL : "no FIN";
}

static const char *who_closed(const struct conn *c)
{
	switch (c->first) {
	case FIRST_BOTH:
		return "both closed at once";
	case FIRST_LOCAL:
		if (c->role == ROLE_UNKNOWN)
			return "this end closed first";
		return c->role == ROLE_SERVER ? "server closed first" :
						"client closed first";
	case FIRST_PEER:
		if (c->role == ROLE_UNKNOWN)
			return "the far end closed first";
		return c->role == ROLE_SERVER ? "client closed first" :
						"server closed first";
	}
	return "nobody closed";
}

void ladder_verdict(const struct ladder *l, char *verdict, size_t len)
{
	const struct conn *c = l->conn[LEFT] ? l->conn[LEFT] : l->conn[RIGHT];
	const char *unlike = not_textbook(l);
	struct text t = { verdict, len };
	char how[64];

	conn_how(c, how, sizeof(how));
	add(&t, "textbook: %s%s   %s, %s", unlike ? "no, " : "yes",
	    unlike ? unlike : "", who_closed(c), how);
}

void ladder_retransmissions(const struct ladder *l, char *words, size_t len)
{
	snprintf(words, len, "sent again: SYN %u, SYN-ACK %u, FIN %u",
		 count_again(l, ROW_SYN), count_again(l, ROW_SYNACK),
		 count_again(l, ROW_FIN) + count_again(l, ROW_FIN_ACK));
}

void ladder_time(const struct ladder *l, uint64_t ns, char *time, size_t len)
{
	uint64_t us = ns > l->began_ns ? (ns - l->began_ns) / 1000 : 0;

	if (us < 10000)
		snprintf(time, len, "+%.3fms", (double)us / 1e3);
	else if (us < 100000)
		snprintf(time, len, "+%.2fms", (double)us / 1e3);
	else if (us < 1000000)
		snprintf(time, len, "+%.1fms", (double)us / 1e3);
	else if (us < 100000000)
		snprintf(time, len, "+%.3fs", (double)us / 1e6);
	else
		snprintf(time, len, "+%.0fs", (double)us / 1e6);
}

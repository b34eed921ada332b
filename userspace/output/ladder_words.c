// SPDX-License-Identifier: GPL-2.0
/* What text and pictures of a ladder say alike. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "engine/duration.h"
#include "engine/fsm.h"
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

/* Of an ACK of a FIN: v, or after our own FIN what follows it. */
static void add_own_number(struct text *t, const struct ladder *l,
			   const struct ladder_row *row,
			   const struct ladder_style *style)
{
	uint32_t seq;

	for (const struct ladder_row *r = l->rows; r < row; r++)
		if (r->from == row->from &&
		    (r->kind == ROW_FIN || r->kind == ROW_FIN_ACK)) {
			add_number(t, l, style, "seq", row->from, true, 1);
			return;
		}
	if (row->from == l->first || !ladder_ack(l, &seq))
		return;
	if (style->renumber)
		add(t, " seq=%" PRIu32, shown(l, style, row->from, seq));
	else
		add(t, " seq=v");
}

static void add_end_of(struct text *t, const struct ladder_row *row,
		       const struct conn *c)
{
	const char *reason = reason_name(row->reason);
	const char *detail = detail_name(row->detail);
	const struct closing *end;
	struct cell span;
	uint64_t ns;

	if (c && conn_closing(c)->tw_ns &&
	    conn_duration(c, DURATION_TIME_WAIT, &ns))
		add(t, "TIME_WAIT %s, ", cell_span(&span, ns));
	add(t, "%s%s%s", reason ? reason : "unknown", detail ? ", " : "",
	    detail ? detail : "");
	if (!c || row->reason != REASON_KEEPALIVE)
		return;
	end = conn_closing(c);
	if (end->idle_ms)
		add(t, ": idle %s", cell_span(&span, end->idle_ms * 1000000ULL));
	add(t, ", %u probe%s", end->probes, end->probes == 1 ? "" : "s");
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
		add_own_number(&t, l, row, style);
		add_number(&t, l, style, "ack", !row->from, true, 1);
		break;
	case ROW_RST:
		add(&t, "RST");
		break;
	case ROW_DATA:
		add(&t, "%" PRIu64 " B", row->bytes);
		if (row->segments)
			add(&t, " in %" PRIu32 " segment%s", row->segments,
			    row->segments == 1 ? "" : "s");
		break;
	case ROW_END:
		add_end_of(&t, row, l->conn[row->from]);
		break;
	}
	if (row->again)
		add(&t, " again");
}

/* ---- above and below ---- */

static void add_end(struct text *t, const struct ladder *l, enum side side)
{
	const struct conn *c = l->conn[side], *far = l->conn[!side];
	const struct origin *origin = c ? conn_origin(c) : NULL;
	struct cell end, comm;

	if (origin && origin->pid)
		add(t, "%s[%" PRIu32 "] ", cell_comm(&comm, origin->comm),
		    origin->pid);
	if (c)
		add(t, "%s", cell_end(&end, c->family, conn_saddr(c), c->sport));
	else
		add(t, "%s", cell_end(&end, far->family, conn_daddr(far),
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

/* Its first number, if no handshake told it. */
static const char *how_known(const struct ladder *l, enum side side)
{
	const struct conn *own = l->conn[side], *far = l->conn[!side];
	bool from_own = own && (own->known & CONN_ISN_LOCAL);
	bool derived = from_own ? own->derived & CONN_ISN_LOCAL :
		       far && (far->derived & CONN_ISN_PEER);

	return derived ? " (derived)" : "";
}

/* Each number of a side, and what it is of the first one. */
bool ladder_numbers(const struct ladder *l, enum side side,
		    const struct ladder_style *style, char *numbers, size_t len)
{
	struct text t = { numbers, len };
	uint32_t isn = 0, fin, ack;
	bool has_isn = ladder_isn(l, side, &isn);

	*numbers = '\0';
	if (has_isn)
		add(&t, "%c = %" PRIu32 "%s", "xy"[side],
		    shown(l, style, side, isn), how_known(l, side));
	if (!l->has_fin || !ladder_fin(l, side, &fin))
		return has_isn;
	if (side != l->first && ladder_ack(l, &ack))
		add(&t, "%sv = %" PRIu32, has_isn ? "   " : "",
		    shown(l, style, side, ack));
	add(&t, "%s%c = %" PRIu32, *numbers ? "   " : "",
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

static bool is_open(const struct ladder *l)
{
	const struct conn *c = l->conn[LEFT] ? l->conn[LEFT] : l->conn[RIGHT];

	return c->state != TCPSTATE_CLOSE && c->state != TCPSTATE_TIME_WAIT;
}

/* The first thing that RFC 9293's figures 6, 12 and 13 do not have. */
static const char *not_textbook(const struct ladder *l)
{
	for (enum side side = LEFT; side <= RIGHT; side++)
		if (l->conn[side] && l->began[side] != TCPSTATE_CLOSE &&
		    l->began[side] != TCPSTATE_LISTEN)
			return "its beginning was not seen";
	for (enum side side = LEFT; side <= RIGHT; side++)
		if (l->conn[side] && l->conn[side]->contradicts)
			return "its numbers contradict each other";
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
	for (unsigned int i = 0; i < l->n; i++)
		if (l->rows[i].lost)
			return "something was lost";
	return l->has_fin ? NULL : is_open(l) ? "not closed yet" : "no FIN";
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

static void say_verdict(const struct ladder *l, struct text *t)
{
	const char *unlike = not_textbook(l);

	add(t, "textbook: %s%s", unlike ? "no, " : "yes", unlike ? unlike : "");
}

static void say_close(const struct ladder *l, struct text *t)
{
	const struct conn *c = l->conn[LEFT] ? l->conn[LEFT] : l->conn[RIGHT];
	char how[64];

	conn_how(c, how, sizeof(how));
	if (is_open(l))
		add(t, "open: %s, %s", state_name(c->state), who_closed(c));
	else
		add(t, "end: %s, %s", who_closed(c), how);
}

/* What has no row of its own: text, and what a far side sent again. */
static void say_again(const struct ladder *l, struct text *t)
{
	unsigned int data = 0;

	for (enum side side = LEFT; side <= RIGHT; side++) {
		const struct conn *c = l->conn[side];

		if (c && c->retrans > c->syn_retrans + conn_closing(c)->fin_retrans)
			data += c->retrans - c->syn_retrans -
				conn_closing(c)->fin_retrans;
	}
	add(t, "sent again: SYN %u, SYN-ACK %u, FIN %u, data %u",
	    count_again(l, ROW_SYN), count_again(l, ROW_SYNACK),
	    count_again(l, ROW_FIN) + count_again(l, ROW_FIN_ACK), data);
}

/* Both of a simultaneous open are clients. */
static const char *side_name(const struct ladder *l, enum side side)
{
	const struct conn *far = l->conn[!side];

	if (l->conn[LEFT] && l->conn[RIGHT] &&
	    l->conn[LEFT]->role == l->conn[RIGHT]->role)
		return side == LEFT ? "left" : "right";
	if (!l->conn[side] && far->role == ROLE_UNKNOWN)
		return "far end";
	return side == LEFT ? "client" : "server";
}

static void say_moves(const struct ladder *l, struct text *t, enum side side)
{
	const uint8_t courses = l->courses[side];
	const bool client = courses & 1u << COURSE_CLIENT;
	const bool server = courses & 1u << COURSE_SERVER;

	if (!courses)
		return;
	add(t, "moves of the %s: ", side_name(l, side));
	if (courses & 1u << COURSE_UNUSUAL)
		add(t, "unusual, %s -> %s",
		    state_name(l->unusual[side].old_state),
		    state_name(l->unusual[side].new_state));
	else
		add(t, "%s%s%s", client ? "normal client" : "",
		    client && server ? " and " : "",
		    server ? "normal server" : "");
}

static void say_left_moves(const struct ladder *l, struct text *t)
{
	say_moves(l, t, LEFT);
}

static void say_right_moves(const struct ladder *l, struct text *t)
{
	say_moves(l, t, RIGHT);
}

/* TIME_WAIT keeps one of them for 2MSL more. */
static void say_closed(const struct ladder *l, struct text *t)
{
	uint64_t left = ladder_closed_ns(l, LEFT);
	uint64_t right = ladder_closed_ns(l, RIGHT);
	const enum side first = left && (!right || left <= right) ? LEFT : RIGHT;
	struct cell span;

	if (left && right)
		add(t, "CLOSE first: %s, %s before the %s", side_name(l, first),
		    cell_span(&span, left < right ? right - left : left - right),
		    side_name(l, !first));
	else if ((left && l->conn[!LEFT]) || (right && l->conn[!RIGHT]))
		add(t, "CLOSE first: %s; the %s is in %s", side_name(l, first),
		    side_name(l, !first), state_name(l->conn[!first]->state));
}

bool ladder_foot(const struct ladder *l, unsigned int n, char *words,
		 size_t len)
{
	static void (*const feet[LADDER_FOOTS])(const struct ladder *l,
						struct text *t) = {
		say_verdict, say_close, say_again, say_left_moves,
		say_right_moves, say_closed,
	};
	struct text t = { words, len };

	*words = '\0';
	feet[n](l, &t);
	return *words;
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

// SPDX-License-Identifier: GPL-2.0
/* Text for people: bcc tcpstates' columns for events, ours for connections. */
#include <inttypes.h>
#include <string.h>

#include "conn_wide.h"
#include "engine/duration.h"
#include "output_ops.h"
#include "utf8.h"

static const char role_letters[ROLES] = {
	[ROLE_UNKNOWN] = '-',
	[ROLE_CLIENT] = 'C',
	[ROLE_SERVER] = 'S',
	[ROLE_LISTENER] = 'L',
};

/* Events */

/* The cells of one line; the header is such a line as well. */
struct event_line {
	const char *time, *elapsed, *pid, *comm, *ip;
	const char *laddr, *lport, *raddr, *rport;
	const char *old_state, *new_state;
	const char *ms;		/* of the logical stream */
	const char *type;	/* of the raw one, otherwise NULL */
};

/* A left-aligned cell and a space; @p has room for any cell. */
static char *put_cell(char *p, const char *cell, size_t width)
{
	size_t len = strnlen(cell, CELL_LEN);

	memcpy(p, cell, len);
	if (len < width)
		memset(p + len, ' ', width - len);
	p += len < width ? width : len;
	*p++ = ' ';
	return p;
}

static void event_print(struct output *out, const struct event_line *l)
{
	const bool wide = out->style.wide;
	const size_t addr_width = wide ? 39 : 15;
	const size_t state_width = l->type ? 12 : 11;
	char line[16 * (CELL_LEN + 1)], *p = line;
	struct cell comm;

	if (out->style.time)
		p = put_cell(p, l->time, 8);
	if (out->style.elapsed)
		p = put_cell(p, l->elapsed, 9);
	p = put_cell(p, l->pid, 7);
	/* bcc cuts it to 10, too. */
	utf8_clean(comm.s, wide ? sizeof(comm.s) : 11, l->comm);
	p = put_cell(p, comm.s, wide ? 16 : 10);
	if (wide)
		p = put_cell(p, l->ip, 2);
	p = put_cell(p, l->laddr, addr_width);
	p = put_cell(p, l->lport, 5);
	p = put_cell(p, l->raddr, addr_width);
	p = put_cell(p, l->rport, 5);
	p = put_cell(p, l->old_state, state_width);
	p = put_cell(p, "->", 2);
	p = put_cell(p, l->new_state, state_width);
	p = put_cell(p, l->type ? l->type : l->ms, 0);
	p[-1] = '\n';
	fwrite(line, 1, (size_t)(p - line), out->to);
}

static void event_header(struct output *out, const char *type)
{
	const struct event_line header = {
		.time = "TIME", .elapsed = "TIME(s)", .pid = "C-PID",
		.comm = "C-COMM", .ip = "IP", .laddr = "LADDR",
		.lport = "LPORT", .raddr = "RADDR", .rport = "RPORT",
		.old_state = "OLDSTATE", .new_state = "NEWSTATE", .ms = "MS", .type = type,
	};

	event_print(out, &header);
}

static void text_transition(struct output *out, const struct transition *t)
{
	struct cell elapsed, pid, laddr, lport, raddr, rport, ms;
	const struct conn *c = t->conn;
	const struct origin *origin = conn_origin(c);

	event_print(out, &(struct event_line){
		.time = out->style.time ? cell_clock(out, t->ns) : "",
		.elapsed = out->style.elapsed ?
			cell_elapsed(&elapsed, out, t->ns) : "",
		.pid = origin->pid ? cell_number(&pid, origin->pid) : "-",
		.comm = origin->comm[0] ? origin->comm : "-",
		.ip = c->family == 6 ? "6" : "4",
		.laddr = cell_addr(&laddr, c->family, conn_saddr(c)),
		.lport = cell_number(&lport, c->sport),
		.raddr = cell_addr(&raddr, c->family, conn_daddr(c)),
		.rport = cell_number(&rport, c->dport),
		.old_state = state_name(t->old_state),
		.new_state = state_name(t->new_state),
		.ms = t->has_span ? cell_ms(&ms, t->span_ns) : "-",
	});
}

/* In the place of the new state what came or went. */
static void text_mark(struct output *out, const struct conn *c, uint64_t ns,
		      uint8_t state, const char *what, const char *last)
{
	const struct origin *origin = conn_origin(c);
	struct cell elapsed, pid, laddr, lport, raddr, rport;

	event_print(out, &(struct event_line){
		.time = out->style.time ? cell_clock(out, ns) : "",
		.elapsed = out->style.elapsed ?
			cell_elapsed(&elapsed, out, ns) : "",
		.pid = origin->pid ? cell_number(&pid, origin->pid) : "-",
		.comm = origin->comm[0] ? origin->comm : "-",
		.ip = c->family == 6 ? "6" : "4",
		.laddr = cell_addr(&laddr, c->family, conn_saddr(c)),
		.lport = cell_number(&lport, c->sport),
		.raddr = cell_addr(&raddr, c->family, conn_daddr(c)),
		.rport = cell_number(&rport, c->dport),
		.old_state = state_name(state),
		.new_state = what,
		.ms = last,
	});
}

static void text_segment(struct output *out, const struct segment *s)
{
	const struct conn *c = s->conn;
	char what[32];

	if (!out->style.segments)
		return;
	switch (s->kind) {
	case SEGMENT_RETRANSMIT:
		snprintf(what, sizeof(what), "%s again",
			 segment_flags_name(s->flags));
		text_mark(out, c, s->ns, s->state, what, "-");
		break;
	case SEGMENT_RST_SENT:
		text_mark(out, c, s->ns, s->state, "RST sent", "-");
		break;
	case SEGMENT_RST_RECEIVED:
		text_mark(out, c, s->ns, s->state, "RST came", "-");
		break;
	case SEGMENT_FIN_RECEIVED:
		text_mark(out, c, s->ns, s->state, "FIN came again", "-");
		break;
	}
}

static void text_accept(struct output *out, const struct conn *c, uint64_t ns)
{
	bool known = c->established_ns && ns >= c->established_ns;
	struct cell ms;

	if (out->style.segments)
		text_mark(out, c, ns, c->state, "accept()",
			  known ? cell_ms(&ms, ns - c->established_ns) : "-");
}

/* The task that happened to run; it may have nothing to do with the socket. */
static void text_raw(struct output *out, const struct tcpstate_record *rec)
{
	struct cell elapsed, pid, laddr, lport, raddr, rport;
	bool task = !(rec->flags & TCPSTATE_F_NO_TASK);
	uint8_t family = record_family(rec);
	char name[TCPSTATE_COMM_LEN + 1] = "";

	memcpy(name, rec->comm, TCPSTATE_COMM_LEN);
	event_print(out, &(struct event_line){
		.time = out->style.time ? cell_clock(out, rec->mono_ns) : "",
		.elapsed = out->style.elapsed ?
			cell_elapsed(&elapsed, out, rec->mono_ns) : "",
		.pid = task ? cell_number(&pid, rec->tgid) : "-",
		.comm = task && name[0] ? name : "-",
		.ip = family == 6 ? "6" : "4",
		.laddr = cell_addr(&laddr, family, rec->saddr),
		.lport = cell_number(&lport, rec->sport),
		.raddr = cell_addr(&raddr, family, rec->daddr),
		.rport = cell_number(&rport, rec->dport),
		.old_state = rec->old_state ? state_name(rec->old_state) : "-",
		.new_state = rec->new_state ? state_name(rec->new_state) : "-",
		.type = record_type_name(rec->type),
	});
}

/* Connections */

struct conn_line {
	const char *pid, *comm, *role, *local, *peer;
	const char *life, *handshake, *first, *how;
};

/* @conn: of the header NULL. */
static void conn_print(struct output *out, const struct conn_line *l,
		       const struct conn *conn)
{
	fprintf(out->to, out->style.wide ?
		"%-7s %-16s %s %-47s %-47s %9s %8s %-5s" :
		"%-6s %-8.8s %s %-16s %-16s %7s %7s %-5s",
		l->pid, l->comm, l->role, l->local, l->peer, l->life,
		l->handshake, l->first);
	if (out->style.wide)
		conn_wide_text(out, conn);
	fprintf(out->to, " %s\n", l->how);
}

static const char *cell_role(struct cell *cell, unsigned int role)
{
	cell->s[0] = role < ROLES ? role_letters[role] : '-';
	cell->s[1] = '\0';
	return cell->s;
}

static void text_conn(struct output *out, const struct conn *c, bool ended)
{
	const struct origin *origin = conn_origin(c);
	struct cell pid, comm, role, local, peer, life, handshake;
	uint64_t life_ns, handshake_ns;
	char how[128];

	(void)ended;
	conn_how(c, how, sizeof(how));
	conn_print(out, &(struct conn_line){
		.pid = origin->pid ? cell_number(&pid, origin->pid) : "-",
		.comm = origin->comm[0] ? cell_comm(&comm, origin->comm) : "-",
		.role = cell_role(&role, c->role),
		.local = cell_end(&local, c->family, conn_saddr(c), c->sport),
		.peer = cell_end(&peer, c->family, conn_daddr(c), c->dport),
		.life = conn_duration(c, DURATION_LIFE, &life_ns) ?
			cell_span(&life, life_ns) : "-",
		.handshake = conn_duration(c, DURATION_HANDSHAKE, &handshake_ns) ?
			cell_span(&handshake, handshake_ns) : "-",
		.first = c->first == FIRST_NONE ? "-" : first_name(c->first),
		.how = how,
	}, c);
}

struct open_line {
	const char *pid, *comm, *role, *state, *age, *local, *peer;
};

static void open_print(struct output *out, const struct open_line *l)
{
	fprintf(out->to, out->style.wide ?
		"%-7s %-16s %s %-11s %9s %-47s %s\n" :
		"%-6s %-10.10s %s %-11s %9s %-18s %s\n",
		l->pid, l->comm, l->role, l->state, l->age, l->local, l->peer);
}

static void text_open(struct output *out, const struct conn *c,
		      uint64_t now_ns)
{
	const struct origin *origin = conn_origin(c);
	struct cell pid, comm, role, span, local, peer;
	char age[CELL_LEN + 2] = "-";

	if (c->state_ns && now_ns >= c->state_ns)
		snprintf(age, sizeof(age), "%s%s", c->snapshot ? ">=" : "",
			 cell_span(&span, now_ns - c->state_ns));
	open_print(out, &(struct open_line){
		.pid = origin->pid ? cell_number(&pid, origin->pid) : "-",
		.comm = origin->comm[0] ? cell_comm(&comm, origin->comm) : "-",
		.role = cell_role(&role, c->role),
		.state = state_name(c->state),
		.age = age,
		.local = cell_end(&local, c->family, conn_saddr(c), c->sport),
		.peer = c->role == ROLE_LISTENER ? "-" :
			cell_end(&peer, c->family, conn_daddr(c), c->dport),
	});
}

static void text_start(struct output *out)
{
	static const struct conn_line conns = {
		"PID", "COMM", "R", "LOCAL", "PEER", "LIFE", "HS", "FIRST",
		"HOW",
	};
	static const struct open_line open = {
		"PID", "COMM", "R", "STATE", "AGE", "LOCAL", "PEER",
	};

	switch (out->style.kind) {
	case OUTPUT_NO_HEADER:
		break;
	case OUTPUT_EVENTS:
		event_header(out, NULL);
		break;
	case OUTPUT_RAW:
		event_header(out, "TYPE");
		break;
	case OUTPUT_CONNS:
		conn_print(out, &conns, NULL);
		break;
	case OUTPUT_OPEN:
		open_print(out, &open);
		break;
	}
}

/* The rest */

void say_lost(uint32_t cpu, uint64_t count)
{
	char on[32] = "";

	if (cpu != ~0u)
		snprintf(on, sizeof(on), " on CPU %" PRIu32, cpu);
	fprintf(stderr, "tcpstate-watch: lost %" PRIu64 " events%s\n", count,
		on);
}

/* Where the gap is, for whoever reads only stdout. */
static void text_lost(struct output *out, uint64_t ns, uint32_t cpu,
		      uint64_t count)
{
	(void)ns;
	say_lost(cpu, count);
	if (out->style.kind == OUTPUT_NO_HEADER ||
	    out->style.kind == OUTPUT_OPEN)
		return;
	fprintf(out->to, "-- lost %" PRIu64 " events", count);
	if (cpu != ~0u)
		fprintf(out->to, " on CPU %" PRIu32, cpu);
	fputs(" --\n", out->to);
}

static void text_counts(struct output *out, uint64_t ns,
			const struct engine_counts *counts, size_t n)
{
	unsigned int state;
	size_t i;

	(void)ns;
	for (i = 0; i < n; i++) {
		fprintf(out->to, "netns %u", counts[i].netns);
		for (state = 1; state < TCPSTATE_NEW_SYN_RECV; state++)
			if (counts[i].states[state])
				fprintf(out->to, "  %s %u", state_name(state),
					counts[i].states[state]);
		fputc('\n', out->to);
	}
}

const struct output_ops output_text = {
	.start = text_start,
	.transition = text_transition,
	.raw = text_raw,
	.accept = text_accept,
	.segment = text_segment,
	.conn = text_conn,
	.open = text_open,
	.lost = text_lost,
	.finding = text_finding,
	.counts = text_counts,
};

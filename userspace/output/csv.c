// SPDX-License-Identifier: GPL-2.0
/*
 * Comma-separated values, RFC 4180 with bare line feeds.  An unknown value is
 * an empty field.
 */
#include <inttypes.h>
#include <string.h>

#include "conn_wide.h"
#include "engine/duration.h"
#include "output_ops.h"

/* bcc tcpstates' order; without the kernel pointer, with both times. */
#define EVENT_COLUMNS \
	"TIME,TIME(s),C-PID,C-COMM,IP,LADDR,LPORT,RADDR,RPORT,OLDSTATE,NEWSTATE,MS"

static void put(FILE *to, const char *field)
{
	if (!field[strcspn(field, ",\"\n\r")]) {
		fputs(field, to);
		return;
	}
	fputc('"', to);
	for (; *field; field++) {
		if (*field == '"')
			fputc('"', to);
		fputc(*field, to);
	}
	fputc('"', to);
}

static void put_fields(struct output *out, const char *const *fields, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (i)
			fputc(',', out->to);
		if (fields[i])
			put(out->to, fields[i]);
	}
}

/* A line of @n fields; NULL is an empty one. */
static void put_line(struct output *out, const char *const *fields, size_t n)
{
	put_fields(out, fields, n);
	fputc('\n', out->to);
}

#define PUT_LINE(out, fields) \
	put_line(out, fields, sizeof(fields) / sizeof(*(fields)))

static void csv_transition(struct output *out, const struct transition *t)
{
	struct cell elapsed, pid, comm, laddr, lport, raddr, rport, ms;
	const struct conn *c = t->conn;
	const struct origin *origin = conn_origin(c);
	const char *const fields[] = {
		cell_clock(out, t->ns),
		cell_elapsed(&elapsed, out, t->ns),
		origin->pid ? cell_number(&pid, origin->pid) : NULL,
		origin->comm[0] ? cell_comm(&comm, origin->comm) : NULL,
		c->family == 6 ? "6" : "4",
		cell_addr(&laddr, c->family, conn_saddr(c)),
		cell_number(&lport, c->sport),
		cell_addr(&raddr, c->family, conn_daddr(c)),
		cell_number(&rport, c->dport),
		state_name(t->old_state),
		state_name(t->new_state),
		t->has_span ? cell_ms(&ms, t->span_ns) : NULL,
	};

	PUT_LINE(out, fields);
}

static void csv_raw(struct output *out, const struct tcpstate_record *rec)
{
	struct cell elapsed, pid, comm, laddr, lport, raddr, rport;
	bool task = !(rec->flags & TCPSTATE_F_NO_TASK);
	uint8_t family = record_family(rec);
	char name[TCPSTATE_COMM_LEN + 1] = "";
	const char *const fields[] = {
		cell_clock(out, rec->mono_ns),
		cell_elapsed(&elapsed, out, rec->mono_ns),
		task ? cell_number(&pid, rec->tgid) : NULL,
		task ? cell_comm(&comm, memcpy(name, rec->comm,
					       TCPSTATE_COMM_LEN)) : NULL,
		family == 6 ? "6" : "4",
		cell_addr(&laddr, family, rec->saddr),
		cell_number(&lport, rec->sport),
		cell_addr(&raddr, family, rec->daddr),
		cell_number(&rport, rec->dport),
		rec->old_state ? state_name(rec->old_state) : NULL,
		rec->new_state ? state_name(rec->new_state) : NULL,
		NULL,
		record_type_name(rec->type),
	};

	PUT_LINE(out, fields);
}

static const char *span_us(struct cell *cell, const struct conn *conn,
			   enum duration duration)
{
	uint64_t ns;

	return conn_duration(conn, duration, &ns) ?
	       cell_number(cell, ns / 1000) : NULL;
}

static void csv_conn(struct output *out, const struct conn *c, bool ended)
{
	const struct origin *origin = conn_origin(c);
	struct cell pid, comm, laddr, lport, raddr, rport, life, hs, tw;
	char how[128];
	const char *fields[] = {
		origin->pid ? cell_number(&pid, origin->pid) : NULL,
		origin->comm[0] ? cell_comm(&comm, origin->comm) : NULL,
		role_name(c->role),
		c->family == 6 ? "6" : "4",
		cell_addr(&laddr, c->family, conn_saddr(c)),
		cell_number(&lport, c->sport),
		cell_addr(&raddr, c->family, conn_daddr(c)),
		cell_number(&rport, c->dport),
		span_us(&life, c, DURATION_LIFE),
		span_us(&hs, c, DURATION_HANDSHAKE),
		first_name(c->first),
		kind_name(c->kind),
		reason_name(c->reason),
		detail_name(c->detail),
		ended ? span_us(&tw, c, DURATION_TIME_WAIT) : NULL,
		how,
	};

	conn_how(c, how, sizeof(how));
	put_fields(out, fields, sizeof(fields) / sizeof(*fields));
	if (out->style.wide)
		conn_wide_csv(out, c);
	fputc('\n', out->to);
}

static void csv_open(struct output *out, const struct conn *c, uint64_t now_ns)
{
	const struct origin *origin = conn_origin(c);
	struct cell pid, comm, laddr, lport, raddr, rport, age;
	bool known = c->state_ns && now_ns >= c->state_ns;
	const char *const fields[] = {
		origin->pid ? cell_number(&pid, origin->pid) : NULL,
		origin->comm[0] ? cell_comm(&comm, origin->comm) : NULL,
		role_name(c->role),
		state_name(c->state),
		known ? cell_number(&age, (now_ns - c->state_ns) / 1000) : NULL,
		known ? (c->snapshot ? "0" : "1") : NULL,
		c->family == 6 ? "6" : "4",
		cell_addr(&laddr, c->family, conn_saddr(c)),
		cell_number(&lport, c->sport),
		cell_addr(&raddr, c->family, conn_daddr(c)),
		cell_number(&rport, c->dport),
	};

	PUT_LINE(out, fields);
}

/* A line with as many fields: LOST for a state, or the words in HOW. */
static void csv_lost(struct output *out, uint64_t ns, uint32_t cpu,
		     uint64_t count)
{
	bool raw = out->style.kind == OUTPUT_RAW;
	struct cell elapsed, number;
	char words[48];
	const char *const event[] = {
		cell_clock(out, ns), cell_elapsed(&elapsed, out, ns),
		[9] = "LOST", cell_number(&number, count), NULL,
		record_type_name(TCPSTATE_LOST),
	};
	const char *const conn[16] = { [15] = words };

	say_lost(cpu, count);
	snprintf(words, sizeof(words), "lost %" PRIu64 " events", count);
	if (raw || out->style.kind == OUTPUT_EVENTS)
		put_line(out, event, sizeof(event) / sizeof(*event) - !raw);
	if (out->style.kind != OUTPUT_CONNS)
		return;
	put_fields(out, conn, sizeof(conn) / sizeof(*conn));
	if (out->style.wide)
		conn_wide_csv_none(out);
	fputc('\n', out->to);
}

static void csv_start(struct output *out)
{
	static const char *const headers[] = {
		[OUTPUT_NO_HEADER] = "",
		[OUTPUT_RAW] = EVENT_COLUMNS ",TYPE\n",
		[OUTPUT_EVENTS] = EVENT_COLUMNS "\n",
		[OUTPUT_CONNS] =
			"PID,COMM,ROLE,IP,LADDR,LPORT,RADDR,RPORT,LIFE_US,"
			"HANDSHAKE_US,FIRST,KIND,REASON,DETAIL,TIME_WAIT_US,"
			"HOW",
		[OUTPUT_OPEN] =
			"PID,COMM,ROLE,STATE,AGE_US,AGE_EXACT,IP,LADDR,LPORT,"
			"RADDR,RPORT\n",
	};

	fputs(headers[out->style.kind], out->to);
	if (out->style.kind != OUTPUT_CONNS)
		return;
	if (out->style.wide)
		conn_wide_csv(out, NULL);
	fputc('\n', out->to);
}

const struct output_ops output_csv = {
	.start = csv_start,
	.transition = csv_transition,
	.raw = csv_raw,
	.conn = csv_conn,
	.open = csv_open,
	.lost = csv_lost,
};

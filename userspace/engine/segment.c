// SPDX-License-Identifier: GPL-2.0
/*
 * Segments that are told though they are no move: SYN, SYN-ACK and FIN sent
 * again, here or by the peer in TIME_WAIT, and each RST.
 */
#include "conn.h"
#include "facts.h"
#include "numbers.h"

static uint8_t flags_of(const struct tcpstate_record *r)
{
	if (r->type == TCPSTATE_SYNACK_AGAIN)
		return SEGMENT_SYNACK;
	switch (r->old_state) {
	case TCPSTATE_SYN_SENT:
		return SEGMENT_SYN;
	case TCPSTATE_SYN_RECV:
		return SEGMENT_SYNACK;
	default:
		return SEGMENT_FIN;
	}
}

/* Of a SYN nothing is acknowledged yet; after a FIN nothing can be written. */
static uint32_t seq_of(const struct tcpstate_record *r, uint8_t flags)
{
	if (r->type == TCPSTATE_SYNACK_AGAIN)
		return r->snd_nxt - 1;
	return flags == SEGMENT_FIN ? r->write_seq - 1 : r->snd_una;
}

static void tell(struct engine *e, struct segment *s, const struct conn *conn)
{
	s->conn = conn;
	s->state = conn->state;
	if (e->sink.segment)
		e->sink.segment(e->ctx, s);
}

/* A listener of :: may have answered to IPv4. */
static void tell_of_peer(struct engine *e, struct segment *s,
			 const struct entry *listener,
			 const struct tcpstate_record *r)
{
	struct conn conn = listener->conn;
	struct address_pair pair;

	set_tuple(&conn, &pair, r);
	tell(e, s, &conn);
}

static struct entry *find_live(struct engine *e,
			       const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);

	/* SYN_SENT is told first, if its port is still awaited. */
	if (entry && !entry->dead)
		decide_now(e, entry);
	return entry && !entry->dead ? entry : NULL;
}

void on_retransmit(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = find_live(e, r);
	struct segment s = {
		.ns = r->mono_ns,
		.kind = SEGMENT_RETRANSMIT,
		.flags = flags_of(r),
		.has_seq = true,
	};

	if (!entry)
		return;
	if (s.flags == SEGMENT_FIN) {
		s.times = ++closing_of(e, entry)->fin_retrans;
	} else {
		s.times = r->total_retrans;
		count_syn_retrans(&entry->conn, r);
	}
	s.seq = seq_of(r, s.flags);
	tell(e, &s, &entry->conn);
}

/*
 * Most aborts are CLOSE before their RST leaves (F24), and their entries dead;
 * it is told all the same.
 */
void on_rst_sent(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);
	struct segment s = {
		.ns = r->mono_ns,
		.kind = SEGMENT_RST_SENT,
		.rst_reason = r->rst_reason,
	};

	if (!entry)
		return;
	/* As in find_live(). */
	if (entry->pending == PENDING_PORT)
		decide_now(e, entry);
	entry->rst_sent = true;
	entry->rst_reason = r->rst_reason;
	if (entry->conn.role == ROLE_LISTENER)
		tell_of_peer(e, &s, entry, r);
	else
		tell(e, &s, &entry->conn);
	/* It was what had to be waited for. */
	if (entry->pending == PENDING_CLOSE)
		decide_now(e, entry);
}

/* Late data passes the same function of the kernel; no RST came then. */
void on_rst_received(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = find_live(e, r);
	struct segment s = {
		.ns = r->mono_ns,
		.kind = SEGMENT_RST_RECEIVED,
	};

	if (!entry || (r->flags & TCPSTATE_F_LATE_DATA))
		return;
	entry->rst_received = true;
	tell(e, &s, &entry->conn);
}

/*
 * Our last ACK did not arrive, or not yet: the peer waits in LAST_ACK.  A
 * mini-socket of a former life may end while its socket is connected again.
 */
void on_tw_fin(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = find_live(e, r);
	struct segment s = {
		.ns = r->mono_ns,
		.kind = SEGMENT_FIN_RECEIVED,
		.has_seq = true,
		.seq = r->rcv_nxt - 1,
	};

	if (!entry || entry->conn.state != TCPSTATE_TIME_WAIT ||
	    entry->conn.sport != r->sport || entry->conn.dport != r->dport)
		return;
	s.times = ++closing_of(e, entry)->tw_fins;
	tell(e, &s, &entry->conn);
}

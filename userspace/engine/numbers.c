// SPDX-License-Identifier: GPL-2.0
#include "numbers.h"

#include <errno.h>

#include "conn.h"

void know(struct conn *c, uint8_t bit, uint32_t *field, uint32_t seq)
{
	if (c->known & bit)
		return;
	*field = seq;
	c->known |= bit;
}

void know_or_check(struct conn *c, uint8_t bit, uint32_t *field, uint32_t seq)
{
	if ((c->known & bit) && *field != seq)
		c->contradicts |= bit;
	know(c, bit, field, seq);
}

#define IN(state) (1u << TCPSTATE_##state)

/* From ESTABLISHED on the counters are counted from the ISNs. */
static bool counts_from_isn(const struct tcpstate_record *r)
{
	const unsigned int states = IN(ESTABLISHED) | IN(FIN_WAIT1) |
		IN(FIN_WAIT2) | IN(CLOSE_WAIT) | IN(LAST_ACK) | IN(CLOSING);

	/* TCP_REPAIR sets numbers, and not the counters. */
	if (r->flags & TCPSTATE_F_REPAIR)
		return false;
	/* A child of Fast Open has no request to tell them. */
	return r->old_state == TCPSTATE_SYN_RECV ||
	       (states & 1u << r->new_state);
}

/* DESIGN F20, checked against packets by tests/func/packets_agree.py. */
static void take_isn(struct conn *c, const struct tcpstate_record *r)
{
	uint32_t isn_peer = r->rcv_nxt - 1 - (uint32_t)r->bytes_received;
	uint32_t acked = r->snd_una - (uint32_t)r->bytes_acked;
	uint8_t before = c->known;

	if (!counts_from_isn(r))
		return;
	know_or_check(c, CONN_ISN_PEER, &c->isn_peer, isn_peer);
	if (c->role == ROLE_CLIENT)
		know_or_check(c, CONN_ISN_LOCAL, &c->isn_local, acked);
	else if (c->role == ROLE_SERVER)
		know_or_check(c, CONN_ISN_LOCAL, &c->isn_local, acked - 1);
	/* The handshake was not seen: the counters alone tell of it. */
	if (r->new_state != TCPSTATE_ESTABLISHED &&
	    r->old_state != TCPSTATE_SYN_RECV)
		c->derived |= c->known & ~before;
}

/*
 * v, the number of the segment that acknowledges the first FIN: what is to be
 * sent next when it has come; at the other end what is expected when our FIN is
 * acknowledged.
 */
static void take_ack_of_fin(struct conn *c, struct closing *end,
			    const struct tcpstate_record *r)
{
	if (r->new_state == TCPSTATE_CLOSE_WAIT) {
		know(c, CONN_ACK_SEQ, &end->ack_seq, r->snd_nxt);
		end->segs_before_ack = r->data_segs_out;
	} else if (r->new_state == TCPSTATE_FIN_WAIT2 &&
		   !(r->flags & TCPSTATE_F_OOO)) {
		know(c, CONN_ACK_SEQ, &end->ack_seq, r->rcv_nxt);
	}
}

/* Half the space of numbers; up to there an order can be told from them. */
#define HALF	0x80000000U

/*
 * A FIN comes after its SYN, and the second one not before the ACK of the first:
 * certain as long as no more text than half the space was counted.
 */
static void check_order(struct conn *c)
{
	const bool few_out = c->bytes_out < HALF, few_in = c->bytes_in < HALF;
	const struct closing *end = conn_closing(c);
	const uint8_t known = c->known;

	if ((known & CONN_ISN_LOCAL) && (known & CONN_FIN_LOCAL) && few_out &&
	    end->fin_local - c->isn_local - 1 >= HALF)
		c->contradicts |= CONN_FIN_LOCAL;
	if ((known & CONN_ISN_PEER) && (known & CONN_FIN_PEER) && few_in &&
	    end->fin_peer - c->isn_peer - 1 >= HALF)
		c->contradicts |= CONN_FIN_PEER;
	if (!(known & CONN_ACK_SEQ))
		return;
	if (c->first == FIRST_PEER && (known & CONN_FIN_LOCAL) && few_out &&
	    end->fin_local - end->ack_seq >= HALF)
		c->contradicts |= CONN_ACK_SEQ;
	if (c->first == FIRST_LOCAL && (known & CONN_FIN_PEER) && few_in &&
	    end->fin_peer - end->ack_seq >= HALF)
		c->contradicts |= CONN_ACK_SEQ;
}

static void take_fins(struct engine *e, struct entry *entry,
		      const struct tcpstate_record *r)
{
	const unsigned int closes = IN(LAST_ACK) | IN(FIN_WAIT1) |
		IN(FIN_WAIT2) | IN(CLOSE_WAIT) | IN(CLOSING);
	struct conn *c = &entry->conn;
	struct closing *end;

	if (!(closes & 1u << r->new_state))
		return;
	end = closing_of(e, entry);
	switch (r->new_state) {
	case TCPSTATE_LAST_ACK:
		/* Nothing comes after a FIN. */
		know_or_check(c, CONN_FIN_PEER, &end->fin_peer, r->rcv_nxt - 1);
		know(c, CONN_FIN_LOCAL, &end->fin_local, r->write_seq);
		break;
	case TCPSTATE_FIN_WAIT1:
		know(c, CONN_FIN_LOCAL, &end->fin_local, r->write_seq);
		break;
	case TCPSTATE_FIN_WAIT2:
		know_or_check(c, CONN_FIN_LOCAL, &end->fin_local,
			      r->snd_una - 1);
		break;
	case TCPSTATE_CLOSE_WAIT:
	case TCPSTATE_CLOSING:
		know(c, CONN_FIN_PEER, &end->fin_peer, r->rcv_nxt - 1);
		break;
	}
	take_ack_of_fin(c, end, r);
}

/* What the field holds; the kernel gives up after 255 at most. */
#define SYN_RETRANS_MAX 4095

void count_syn_retrans(struct conn *c, const struct tcpstate_record *r)
{
	if (c->syn_retrans < r->total_retrans)
		c->syn_retrans = r->total_retrans < SYN_RETRANS_MAX ?
				 r->total_retrans : SYN_RETRANS_MAX;
	if (c->retrans < c->syn_retrans)
		c->retrans = c->syn_retrans;
}

void take_numbers(struct engine *e, struct entry *entry,
		  const struct tcpstate_record *r)
{
	struct conn *c = &entry->conn;

	if (r->type != TCPSTATE_STATE)
		return;
	c->bytes_in = r->bytes_received;
	c->bytes_out = r->bytes_acked;
	c->segs_in = r->segs_in;
	c->segs_out = r->segs_out;
	c->data_segs_in = r->data_segs_in;
	c->data_segs_out = r->data_segs_out;
	c->retrans = r->total_retrans;
	c->unread = r->rcv_nxt - r->copied_seq;
	/* The child of a request has inherited its count. */
	if (r->old_state == TCPSTATE_SYN_SENT ||
	    r->old_state == TCPSTATE_SYN_RECV)
		count_syn_retrans(c, r);
	if (r->flags & TCPSTATE_F_FASTOPEN)
		c->fastopen = true;
	if (r->new_state == TCPSTATE_CLOSE) {
		struct closing *end = closing_of(e, entry);

		end->probes = r->probes_out;
		end->idle_ms = r->sk_err == ETIMEDOUT &&
			       (r->old_state == TCPSTATE_ESTABLISHED ||
				r->old_state == TCPSTATE_CLOSE_WAIT) ?
			       r->idle_ms : 0;
	}
	take_isn(c, r);
	take_fins(e, entry, r);
	check_order(c);
}

bool conn_bytes_between(uint64_t counted, uint32_t isn, uint32_t fin,
			uint64_t *bytes)
{
	int32_t more = (int32_t)(fin - isn - 1 - (uint32_t)counted);

	if (more < 0 && counted < (uint64_t)-(int64_t)more)
		return false;
	*bytes = counted + (uint64_t)(int64_t)more;
	return true;
}

bool conn_bytes_in(const struct conn *c, uint64_t *bytes)
{
	*bytes = c->bytes_in;
	/* The counter has the FIN once it was taken, unless a mini-socket did. */
	if ((c->known & CONN_ISN_PEER) && (c->known & CONN_FIN_PEER))
		return conn_bytes_between(c->bytes_in, c->isn_peer,
					  conn_closing(c)->fin_peer, bytes);
	return c->known & CONN_ISN_PEER;
}

bool conn_half_close_bytes(const struct conn *c, uint64_t *bytes)
{
	const struct closing *end = conn_closing(c);
	const bool peers = c->first == FIRST_LOCAL;

	if (!(c->known & CONN_ACK_SEQ) ||
	    !(c->known & (peers ? CONN_FIN_PEER : CONN_FIN_LOCAL)))
		return false;
	*bytes = (uint32_t)((peers ? end->fin_peer : end->fin_local) -
			    end->ack_seq);
	return *bytes < HALF;
}

bool conn_bytes_out(const struct conn *c, uint64_t *bytes)
{
	bool client = c->role == ROLE_CLIENT;
	uint32_t una = c->isn_local + (uint32_t)c->bytes_out + !client;

	if (!(c->known & CONN_ISN_LOCAL) ||
	    (c->role != ROLE_SERVER && !client))
		return false;
	*bytes = c->bytes_out;
	/* A client's SYN counts, as of anyone the FIN. */
	if (client && *bytes)
		--*bytes;
	if ((c->known & CONN_FIN_LOCAL) && *bytes &&
	    una == conn_closing(c)->fin_local + 1)
		--*bytes;
	return true;
}

/*
 * Three or four segments: F21.
 *
 * At the end that closed first: did the segment that acknowledged our FIN bring
 * the peer's as well?  If another one came between, no, unless the first one had
 * come out of order, and waited with its FIN for what was missing.  Text between
 * v and the FIN may be segments of its own, that GRO has made one with the FIN.
 *
 * At the other end: has the peer's FIN been acknowledged when ours is queued? If
 * not, ours does, unless it has to wait for what is to be sent before it.
 */
static uint8_t kind_of_passive(const struct tcpstate_record *r)
{
	if (r->rcv_wup == r->rcv_nxt)
		return KIND_FOUR_SEGMENT;
	return r->snd_una == r->write_seq ? KIND_THREE_SEGMENT : KIND_UNKNOWN;
}

void count_close_segments(struct engine *e, struct entry *entry,
			  const struct tcpstate_record *r)
{
	struct conn *c = &entry->conn;

	switch (r->new_state) {
	case TCPSTATE_FIN_WAIT2:
		closing_of(e, entry)->segs_fw2 = r->segs_in;
		entry->fw2_in_order = !(r->flags & TCPSTATE_F_OOO);
		entry->fw2_softirq = !(r->flags & TCPSTATE_F_OWNED);
		break;
	case TCPSTATE_LAST_ACK:
		c->kind = kind_of_passive(r);
		break;
	case TCPSTATE_CLOSE:
		if (c->kind || r->old_state != TCPSTATE_FIN_WAIT2 ||
		    !entry->fw2_in_order || (r->flags & TCPSTATE_F_OOO))
			break;
		if (r->segs_in != conn_closing(c)->segs_fw2)
			c->kind = KIND_FOUR_SEGMENT;
		else if (entry->fw2_softirq &&
			 !(r->flags & TCPSTATE_F_OWNED) &&
			 r->rcv_nxt - conn_closing(c)->ack_seq <= 1)
			c->kind = KIND_THREE_SEGMENT;
		break;
	}
}

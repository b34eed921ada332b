// SPDX-License-Identifier: GPL-2.0
#include "reason.h"

/* errno values of every Linux architecture but alpha, mips, parisc, sparc. */
#include <errno.h>

#define VERDICT(r, d, k) \
	((struct verdict){ REASON_##r, DETAIL_##d, KIND_##k })

/* Which timer gave up: ETIMEDOUT is one errno for all of them. */
static struct verdict timeout(uint8_t old_state,
			      const struct tcpstate_record *r)
{
	switch (old_state) {
	case TCPSTATE_SYN_SENT:
		return VERDICT(TIMEOUT, SYN, TIMEOUT);
	case TCPSTATE_SYN_RECV:
		return VERDICT(TIMEOUT, SYNACK, TIMEOUT);
	case TCPSTATE_FIN_WAIT1:
	case TCPSTATE_LAST_ACK:
	case TCPSTATE_CLOSING:
		return VERDICT(TIMEOUT, FIN, TIMEOUT);
	}
	/* It stands in for the number of tries, and of keepalive probes. */
	if (r->flags & TCPSTATE_F_USER_TIMEOUT)
		return VERDICT(TIMEOUT, USER_TIMEOUT, TIMEOUT);
	if ((r->flags & TCPSTATE_F_KEEPALIVE) && r->snd_una == r->write_seq)
		return VERDICT(KEEPALIVE, NONE, TIMEOUT);
	return VERDICT(TIMEOUT, DATA, TIMEOUT);
}

/*
 * tcp_reset(), tcp_write_err() and tcp_abort() set sk_err before CLOSE;
 * tcp_disconnect() and the aborts of close() set it after, or never.
 */
static bool by_error(uint8_t old_state, const struct tcpstate_record *r,
		     struct verdict *v)
{
	switch (r->sk_err) {
	case 0:
		return false;
	case ECONNREFUSED:
		*v = VERDICT(REFUSED, NONE, REFUSED);
		return true;
	case ECONNRESET:
	case EPIPE:
		*v = r->flags & TCPSTATE_F_LATE_DATA ?
		     VERDICT(RST_SENT, DATA_AFTER_CLOSE, RST) :
		     VERDICT(RST_RECEIVED, NONE, RST);
		return true;
	case ETIMEDOUT:
		*v = timeout(old_state, r);
		return true;
	case ECONNABORTED:
		*v = VERDICT(KILLED, NONE, RST);
		return true;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENOPROTOOPT:
		*v = VERDICT(UNREACHABLE, NONE, OTHER);
		return true;
	}
	return false;
}

/* Data that the program never took; an unread FIN is none. */
static uint32_t unread_data(uint8_t old_state, const struct tcpstate_record *r)
{
	uint32_t unread = r->rcv_nxt - r->copied_seq;

	if (unread && (old_state == TCPSTATE_CLOSE_WAIT ||
		       (r->flags & TCPSTATE_F_DONE)))
		unread--;
	return unread;
}

/* __tcp_close() looks at these in this order. */
static struct verdict abort_by_task(uint8_t old_state,
				    const struct tcpstate_record *r)
{
	bool closing = r->shutdown == 3;

	if (r->flags & TCPSTATE_F_REPAIR)
		return VERDICT(ABORT, REPAIR, OTHER);
	if (closing && unread_data(old_state, r))
		return VERDICT(ABORT, UNREAD_DATA, RST);
	if (closing && (r->flags & TCPSTATE_F_LINGER0))
		return VERDICT(ABORT, LINGER0, RST);
	return VERDICT(ABORT, DISCONNECT, RST);
}

/* F6: no mini-socket was made, so it is not TIME_WAIT. */
static struct verdict after_fin(const struct tcpstate_record *r)
{
	if (r->flags & TCPSTATE_F_DONE)
		return VERDICT(TW_OVERFLOW, NONE, UNKNOWN);
	if (r->linger2 < 0)
		return VERDICT(RST_SENT, LINGER2, RST);
	if (r->flags & TCPSTATE_F_DEAD)
		return VERDICT(UNKNOWN, NONE, UNKNOWN);
	return abort_by_task(TCPSTATE_FIN_WAIT2, r);
}

struct verdict reason_of_close(const struct conn *conn, uint8_t old_state,
			       const struct tcpstate_record *r)
{
	bool owned = r->flags & TCPSTATE_F_OWNED;
	/* Our FIN too; the kernel also gives such sockets up for want of memory. */
	bool all_acked = r->snd_una == r->write_seq;
	struct verdict v;

	if (old_state == TCPSTATE_LISTEN)
		return VERDICT(CLOSED, NONE, UNKNOWN);
	if (by_error(old_state, r, &v))
		return v;
	switch (old_state) {
	case TCPSTATE_SYN_SENT:
		/* No SYN yet with TCP_FASTOPEN_CONNECT: then close() came. */
		if (!conn->sport && !r->shutdown)
			return VERDICT(NO_PORT, NONE, OTHER);
		return VERDICT(CLOSED, NONE, OTHER);
	case TCPSTATE_LAST_ACK:
		if (all_acked)
			return VERDICT(FIN, NONE, UNKNOWN);
		return VERDICT(UNKNOWN, NONE, UNKNOWN);
	case TCPSTATE_CLOSING:
		if (all_acked)
			return VERDICT(TW_OVERFLOW, NONE, UNKNOWN);
		break;
	case TCPSTATE_FIN_WAIT2:
		return after_fin(r);
	}
	/* close() has gone past its aborts: what is left is the orphan limit. */
	if (owned && (r->flags & TCPSTATE_F_DEAD))
		return VERDICT(UNKNOWN, NONE, UNKNOWN);
	if (owned)
		return abort_by_task(old_state, r);
	if (conn->role == ROLE_SERVER && !conn->accepted &&
	    !(r->flags & TCPSTATE_F_HAS_FILE))
		return VERDICT(ABORT, LISTENER_CLOSED, RST);
	return VERDICT(UNKNOWN, NONE, UNKNOWN);
}

/*
 * Data that comes with the ACK of our FIN ends FIN_WAIT2 by tcp_done() and, after
 * it, a RST (tcp_rcv_state_process()); its timer sends one before
 * (tcp_keepalive_timer()).  The limit, or want of memory, is both close()'s and
 * a timer's (tcp_check_oom(), tcp_out_of_resources()).
 */
struct verdict reason_of_orphan(const struct orphan_end *end)
{
	if (!end->rst_sent)
		return VERDICT(UNKNOWN, NONE, UNKNOWN);
	if (end->rst_reason == TCPSTATE_RST_TCP_ABORT_ON_DATA)
		return VERDICT(RST_SENT, DATA_AFTER_CLOSE, RST);
	if (end->rst_reason == TCPSTATE_RST_TCP_ABORT_ON_MEMORY)
		return VERDICT(RST_SENT, ORPHAN_LIMIT, RST);
	if (end->old_state != TCPSTATE_FIN_WAIT2)
		return VERDICT(RST_SENT, ORPHAN_LIMIT, RST);
	if (end->rst_first)
		return VERDICT(TIMEOUT, FIN_WAIT2, TIMEOUT);
	/* Before 6.10, in close(): one or the other. */
	if (end->owned)
		return VERDICT(UNKNOWN, NONE, RST);
	return VERDICT(RST_SENT, DATA_AFTER_CLOSE, RST);
}

/* More wait for accept() than the backlog of the listener has room for. */
static bool no_room(const struct tcpstate_record *r)
{
	return r->rqueue > r->wqueue;
}

/* No answer; or one that could not be taken, or that nobody listens for. */
static struct verdict expired_request(const struct tcpstate_record *r)
{
	if (r->cause == TCPSTATE_CAUSE_INPUT)
		return VERDICT(ABORT, LISTENER_CLOSED, OTHER);
	if ((r->flags & TCPSTATE_F_ACKED) && no_room(r))
		return VERDICT(OVERFLOW, NONE, TIMEOUT);
	return VERDICT(TIMEOUT, SYNACK, TIMEOUT);
}

/* Its timer ran out. */
static struct verdict expired(uint8_t state, const struct tcpstate_record *r)
{
	switch (state) {
	case TCPSTATE_TIME_WAIT:
		return VERDICT(TW_EXPIRED, NONE, UNKNOWN);
	case TCPSTATE_FIN_WAIT2:
		return VERDICT(TIMEOUT, FIN_WAIT2, TIMEOUT);
	default:
		return expired_request(r);
	}
}

/* A RST, or what the kernel answers with one (tcp_check_req()). */
static struct verdict request_reset(const struct tcpstate_record *r)
{
	if (no_room(r))
		return VERDICT(OVERFLOW, NONE, RST);
	return VERDICT(RST_RECEIVED, NONE, RST);
}

/* enum tcpstate_cause says which function stands for what. */
struct verdict reason_of_mini_end(uint8_t state,
				  const struct tcpstate_record *r)
{
	bool tw = state == TCPSTATE_TIME_WAIT;
	bool orphan = state == TCPSTATE_FIN_WAIT2;

	if (r->flags & TCPSTATE_F_TIMER)
		return expired(state, r);
	switch (r->cause) {
	case TCPSTATE_CAUSE_RST:
		if (tw)
			return VERDICT(TW_RST, NONE, UNKNOWN);
		return orphan ? VERDICT(RST_RECEIVED, NONE, RST) :
				request_reset(r);
	case TCPSTATE_CAUSE_INPUT:
		if (tw)
			return VERDICT(TW_REUSED, NONE, UNKNOWN);
		return orphan ? VERDICT(RST_SENT, DATA_AFTER_CLOSE, RST) :
				VERDICT(ABORT, LISTENER_CLOSED, RST);
	case TCPSTATE_CAUSE_CONNECT:
		return VERDICT(TW_REUSED, NONE, UNKNOWN);
	case TCPSTATE_CAUSE_ABORT:
		return VERDICT(KILLED, NONE, UNKNOWN);
	case TCPSTATE_CAUSE_ICMP:
		return VERDICT(UNREACHABLE, NONE, OTHER);
	case TCPSTATE_CAUSE_NETNS:
		return VERDICT(NETNS, NONE, UNKNOWN);
	default:
		return VERDICT(UNKNOWN, NONE, UNKNOWN);
	}
}

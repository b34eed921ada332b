// SPDX-License-Identifier: GPL-2.0
/* The column of a far end, by RFC 9293 and what came of it. */
#include "ladder_internal.h"

static uint8_t far_sends(uint8_t state, const struct ladder_row *row)
{
	if (row->again)
		return state;
	switch (row->kind) {
	case ROW_SYN:
		return TCPSTATE_SYN_SENT;
	case ROW_SYNACK:
		return TCPSTATE_SYN_RECV;
	case ROW_FIN:
	case ROW_FIN_ACK:
		return state == TCPSTATE_CLOSE_WAIT ? TCPSTATE_LAST_ACK :
						      TCPSTATE_FIN_WAIT1;
	case ROW_RST:
		return TCPSTATE_CLOSE;
	default:
		return state;
	}
}

static uint8_t far_receives(uint8_t state, const struct ladder_row *row)
{
	switch (row->kind) {
	case ROW_SYN:
		return state == TCPSTATE_LISTEN ? TCPSTATE_SYN_RECV : state;
	case ROW_SYNACK:
	case ROW_ACK_OF_SYN:
		return state == TCPSTATE_SYN_SENT || state == TCPSTATE_SYN_RECV ?
		       TCPSTATE_ESTABLISHED : state;
	case ROW_FIN_ACK:
		return TCPSTATE_TIME_WAIT;
	case ROW_FIN:
		return state == TCPSTATE_FIN_WAIT1 ? TCPSTATE_CLOSING :
		       state == TCPSTATE_FIN_WAIT2 ? TCPSTATE_TIME_WAIT :
		       state == TCPSTATE_ESTABLISHED ||
		       state == TCPSTATE_SYN_RECV ? TCPSTATE_CLOSE_WAIT : state;
	case ROW_ACK_OF_FIN:
		return state == TCPSTATE_FIN_WAIT1 ? TCPSTATE_FIN_WAIT2 :
		       state == TCPSTATE_CLOSING ? TCPSTATE_TIME_WAIT :
		       state == TCPSTATE_LAST_ACK ? TCPSTATE_CLOSE : state;
	case ROW_RST:
		return TCPSTATE_CLOSE;
	default:
		return state;
	}
}

static bool far_sent(const struct ladder *l, uint8_t far, uint8_t kind)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->rows[i].from == far && l->rows[i].kind == kind)
			return true;
	return false;
}

/*
 * A SYN may be an old one, whose sender knows nothing of it: only the answer to
 * our SYN-ACK proves that somebody wanted to open.  Our own SYN is no matter.
 */
static bool was_opened(const struct ladder *l, uint8_t far)
{
	return !far_sent(l, far, ROW_SYN) || far_sent(l, far, ROW_ACK_OF_SYN) ||
	       far_sent(l, far, ROW_SYNACK);
}

/* What the far side was before: only its answer tells. */
static uint8_t far_began(const struct ladder *l, uint8_t far,
			 const struct history *one)
{
	uint8_t own = one->n ? one->steps[0].old_state : 0;

	if (!was_opened(l, far))
		return 0;
	if (own == TCPSTATE_LISTEN || far_sent(l, far, ROW_SYN))
		return TCPSTATE_CLOSE;
	if (own == TCPSTATE_CLOSE && far_sent(l, far, ROW_SYNACK))
		return TCPSTATE_LISTEN;
	if (own == TCPSTATE_CLOSE && one->conn.reason == REASON_REFUSED)
		return TCPSTATE_CLOSE;
	return own == TCPSTATE_CLOSE ? 0 : TCPSTATE_ESTABLISHED;
}

/* Sent once more, and so not known to have arrived. */
static bool is_sent_again(const struct ladder *l, unsigned int i)
{
	for (unsigned int k = i + 1; k < l->n; k++)
		if (l->rows[k].from == l->rows[i].from && l->rows[k].again &&
		    ladder_same_segment(l->rows[k].kind, l->rows[i].kind))
			return true;
	return false;
}

/* Both FINs were under way at once: our CLOSING proves that theirs was. */
static bool fins_crossed(const struct ladder *l, uint8_t far)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->rows[i].state[!far] == TCPSTATE_CLOSING)
			return true;
	return false;
}

/* As RFC 9293 has it, if what was sent arrived. */
void ladder_infer(struct ladder *l, uint8_t far, const struct history *one)
{
	bool crossed = fins_crossed(l, far), opened = was_opened(l, far);
	uint8_t state, next;

	l->began[far] = far_began(l, far, one);
	state = l->began[far];

	for (unsigned int i = 0; i < l->n; i++) {
		struct ladder_row *row = &l->rows[i];

		if (row->kind == ROW_DATA || row->kind == ROW_END)
			continue;
		if (!opened && (row->kind == ROW_SYN ||
				row->kind == ROW_SYNACK))
			continue;
		if (row->from == far && crossed && row->kind == ROW_FIN &&
		    !row->again)
			/* It was sent before ours arrived, and is told after. */
			next = TCPSTATE_CLOSING;
		else if (row->from == far)
			next = far_sends(state, row);
		else if (is_sent_again(l, i) ||
			 (crossed && row->kind == ROW_FIN))
			next = state;
		else
			next = far_receives(state, row);
		if (next != state) {
			row->state[far] = next;
			row->inferred[far] = true;
		}
		state = next;
	}
}


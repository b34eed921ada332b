// SPDX-License-Identifier: GPL-2.0
#include "decode.h"

#include <string.h>

/* <linux/in.h> and <linux/socket.h>; the engine includes no system headers. */
#define FAMILY_INET	2
#define FAMILY_INET6	10
#define PROTOCOL_TCP	6
#define PROTOCOL_MPTCP	262

static bool head_is_sane(const struct tcpstate_record *r, size_t len)
{
	return r->size == len && r->version == TCPSTATE_RECORD_VERSION &&
	       r->type > 0 && r->type < TCPSTATE_TYPES &&
	       r->cpu < DECODE_MAX_CPUS;
}

static bool socket_is_sane(const struct tcpstate_record *r)
{
	if (r->family != FAMILY_INET && r->family != FAMILY_INET6)
		return false;
	return r->protocol == PROTOCOL_TCP || r->protocol == PROTOCOL_MPTCP;
}

/* 0 stands where a type has no such state. */
static bool states_are_sane(const struct tcpstate_record *r)
{
	if (r->old_state >= TCPSTATE_STATES || r->new_state >= TCPSTATE_STATES)
		return false;
	switch (r->type) {
	case TCPSTATE_STATE:
		return r->old_state && r->new_state &&
		       r->old_state != TCPSTATE_NEW_SYN_RECV &&
		       r->new_state != TCPSTATE_NEW_SYN_RECV;
	case TCPSTATE_TW_ADD:
	case TCPSTATE_TW_REARM:
		return r->new_state == TCPSTATE_FIN_WAIT2 ||
		       r->new_state == TCPSTATE_TIME_WAIT;
	case TCPSTATE_TW_KILL:
		return r->old_state == TCPSTATE_FIN_WAIT2 ||
		       r->old_state == TCPSTATE_TIME_WAIT;
	case TCPSTATE_RETRANSMIT:
	case TCPSTATE_SYNACK_AGAIN:
	case TCPSTATE_RST_SENT:
	case TCPSTATE_RST_RECEIVED:
	case TCPSTATE_CHALLENGE:
		return r->old_state != 0;
	case TCPSTATE_TW_SYN:
		return r->old_state == TCPSTATE_FIN_WAIT2 ||
		       r->old_state == TCPSTATE_TIME_WAIT;
	case TCPSTATE_TW_FIN:
		return r->old_state == TCPSTATE_TIME_WAIT;
	case TCPSTATE_SNAPSHOT:
		return r->new_state != 0;
	default:
		return true;
	}
}

bool record_head_is_sane(const struct tcpstate_record *rec, size_t len)
{
	return len == sizeof(*rec) && head_is_sane(rec, len);
}

bool record_is_sane(const struct tcpstate_record *rec, size_t len)
{
	if (!record_head_is_sane(rec, len))
		return false;
	if (rec->type == TCPSTATE_LOST)
		return true;
	if (!socket_is_sane(rec) || !states_are_sane(rec))
		return false;
	/* No identity, no connection; a request's may be learned later. */
	if (!rec->cookie)
		return false;
	if (rec->basis >= TCPSTATE_BASES)
		return false;
	switch (rec->type) {
	case TCPSTATE_REQ_DROP:
	case TCPSTATE_TW_KILL:
		return rec->cause < TCPSTATE_CAUSES;
	case TCPSTATE_RST_SENT:
		return rec->rst_reason < TCPSTATE_RST_REASONS;
	case TCPSTATE_SNAPSHOT:
		return rec->timer < TCPSTATE_TIMERS;
	default:
		return rec->comm[TCPSTATE_COMM_LEN - 1] == '\0';
	}
}

bool record_decode(const void *bytes, size_t len, struct tcpstate_record *rec)
{
	if (len != sizeof(*rec))
		return false;
	memcpy(rec, bytes, sizeof(*rec));
	return record_is_sane(rec, len);
}

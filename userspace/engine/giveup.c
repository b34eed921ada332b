// SPDX-License-Identifier: GPL-2.0
/*
 * After net/ipv4/tcp_timer.c: tcp_write_timeout(), retransmits_timed_out(),
 * tcp_model_timeout(), tcp_orphan_retries(), tcp_probe_timer(),
 * tcp_rtx_probe0_timed_out(), tcp_keepalive_timer(); tcp_send_probe0() of
 * tcp_output.c, and reqsk_timer_handler() of inet_connection_sock.c.
 */
#include "giveup.h"

#define RTO_MIN_MS	200		/* TCP_RTO_MIN */
#define RTO_MAX_MS	120000		/* TCP_RTO_MAX */
#define SYN_RTO_MS	1000		/* TCP_TIMEOUT_INIT */
#define ORPHAN_RETRIES	8		/* what 0 means while it is alive */
#define SHUT_MS		(2 * RTO_MAX_MS)	/* tcp_rtx_probe0_timed_out() */
#define TIMEWAIT_S	60		/* TCP_TIMEWAIT_LEN */
/* No setting allows more, and a loop must end. */
#define STEPS_MAX	512

static uint64_t capped(uint64_t ms)
{
	return ms < RTO_MAX_MS ? ms : RTO_MAX_MS;
}

/* @ms doubled @times, as a timer is. */
static uint64_t backed_off(uint64_t ms, unsigned int times)
{
	while (times-- && ms < RTO_MAX_MS)
		ms *= 2;
	return capped(ms);
}

/* tcp_model_timeout(): so long a first timer of @rto_ms would last. */
static uint64_t model_timeout(int64_t boundary, uint64_t rto_ms)
{
	uint64_t sum = 0;

	for (int64_t i = 0; i <= boundary && i < STEPS_MAX; i++)
		sum += backed_off(rto_ms, (unsigned int)i);
	return sum;
}

/* icsk_rto < TCP_RTO_MAX: so long the kernel thinks that it may come back. */
static int64_t orphan_retries(const struct netns_facts *s, bool alive)
{
	if (!s->tcp_orphan_retries && alive)
		return ORPHAN_RETRIES;
	return s->tcp_orphan_retries;
}

/*
 * Since the first retransmission, which is one timer less than since the
 * segment was sent; negative if it is still to come.
 */
static int64_t since_first_again(const struct stuck_facts *f)
{
	uint64_t first = f->rto_ms >> (f->backoff < 31 ? f->backoff : 31);

	return (int64_t)(stuck_unanswered_ms(f) - first);
}

static enum giveup of_retransmissions(const struct stuck_facts *f,
				      const struct netns_facts *s,
				      uint64_t *ms)
{
	int64_t waited = since_first_again(f), retries;
	uint64_t rto = f->rto_ms, left;

	if (f->in_file ? s->tcp_retries2 < 0 : s->tcp_orphan_retries < 0)
		return GIVEUP_UNKNOWN;
	left = f->timer_ms;
	for (unsigned int i = 0; i < STEPS_MAX; i++) {
		retries = f->in_file ? s->tcp_retries2 :
				       orphan_retries(s, rto < RTO_MAX_MS);
		if (f->again + i > 0 &&
		    waited + (int64_t)left >=
			    (int64_t)model_timeout(retries, RTO_MIN_MS))
			break;
		rto = capped(rto * 2);
		left += rto;
	}
	*ms = left;
	return GIVEUP_AT;
}

/*
 * The window is shut.  While the peer answers the probes only an orphan is given
 * up, when the timer has come to its end; and it is not doubled oftener than
 * tcp_retries2, with which it may never come there.
 */
static enum giveup of_probes(const struct stuck_facts *f,
			     const struct netns_facts *s, uint64_t *ms)
{
	unsigned int backoff = f->backoff;
	bool answered = stuck_peer_answers(f);
	int64_t probes = answered ? 0 : f->probes, most;
	uint64_t left = f->timer_ms;
	bool alive;

	if (s->tcp_retries2 < 0 || (!f->in_file && s->tcp_orphan_retries < 0))
		return GIVEUP_UNKNOWN;
	if (f->in_file && answered)
		return GIVEUP_NEVER;
	for (unsigned int i = 0; i < STEPS_MAX; i++) {
		most = s->tcp_retries2;
		if (!f->in_file) {
			alive = backed_off(f->rto_ms, backoff) < RTO_MAX_MS;
			most = orphan_retries(s, alive);
			if (!alive && backoff >= most)
				break;
		}
		if (probes >= most)
			break;
		if (backoff < s->tcp_retries2)
			backoff++;
		else if (answered)
			return GIVEUP_NEVER;
		probes += !answered;
		left += backed_off(f->rto_ms, backoff);
	}
	*ms = left;
	return GIVEUP_AT;
}

/*
 * A window that was taken back with data under way: the retransmissions are
 * probes, and only an orphan counts them.  What is held is given up when
 * nothing at all has come for four minutes.
 */
static enum giveup of_shut_window(const struct stuck_facts *f,
				  const struct netns_facts *s, uint64_t *ms)
{
	int64_t waited = since_first_again(f);
	uint64_t rto = f->rto_ms, left = f->timer_ms;

	if (!f->in_file)
		return of_retransmissions(f, s, ms);
	if (stuck_peer_answers(f))
		return GIVEUP_NEVER;
	while (f->acked_ms + left <= SHUT_MS ||
	       waited + (int64_t)left <= SHUT_MS) {
		rto = rto ? capped(rto * 2) : RTO_MIN_MS;
		left += rto;
	}
	*ms = left;
	return GIVEUP_AT;
}

/* Counted, not timed; since 6.5 the first, 4 as a rule, have no backoff. */
static enum giveup of_syns(const struct stuck_facts *f,
			   const struct netns_facts *s, uint64_t *ms)
{
	uint64_t rto = f->rto_ms ? f->rto_ms : SYN_RTO_MS;
	uint64_t left = f->timer_ms;
	int64_t linear = s->tcp_syn_linear_timeouts > 0 ?
			 s->tcp_syn_linear_timeouts : 0;

	if (s->tcp_syn_retries < 0)
		return GIVEUP_UNKNOWN;
	for (int64_t again = f->again; again < s->tcp_syn_retries + linear;
	     again++) {
		if (again >= linear)
			rto = capped(rto * 2);
		left += rto;
	}
	*ms = left;
	return GIVEUP_AT;
}

static enum giveup of_synacks(const struct stuck_facts *f,
			      const struct netns_facts *s, uint64_t *ms)
{
	uint64_t left = f->timer_ms;

	if (s->tcp_synack_retries < 0)
		return GIVEUP_UNKNOWN;
	for (unsigned int n = stuck_request_timeouts(f);
	     n < s->tcp_synack_retries; n++)
		left += backed_off(SYN_RTO_MS, n + 1);
	*ms = left;
	return GIVEUP_AT;
}

/*
 * FIN_WAIT2, closed here.  The timer of a mini-socket is all there is to it; a
 * tcp_fin_timeout of more than 60 s begins with a socket, and the mini-socket
 * after it has again what is beyond these.
 */
static enum giveup of_orphan(const struct stuck_facts *f,
			     const struct netns_facts *s, uint64_t *ms)
{
	uint64_t left = f->timer_ms;

	if (f->full && (!s || s->tcp_fin_timeout < 0 ||
			f->timer != TCPSTATE_TIMER_KEEPALIVE))
		return GIVEUP_UNKNOWN;
	if (f->full && s->tcp_fin_timeout > TIMEWAIT_S)
		left += (uint64_t)(s->tcp_fin_timeout - TIMEWAIT_S) * 1000;
	*ms = left;
	return GIVEUP_AT;
}

enum giveup giveup_ms(const struct stuck_facts *f,
		      const struct netns_facts *s, uint64_t *ms)
{
	if (f->state == TCPSTATE_FIN_WAIT2 && !f->in_file)
		return of_orphan(f, s, ms);
	if (!s)
		return GIVEUP_UNKNOWN;
	switch (f->state) {
	case TCPSTATE_SYN_SENT:
		return of_syns(f, s, ms);
	case TCPSTATE_SYN_RECV:
		return f->full ? GIVEUP_UNKNOWN : of_synacks(f, s, ms);
	case TCPSTATE_FIN_WAIT1:
	case TCPSTATE_CLOSING:
	case TCPSTATE_LAST_ACK:
		if (f->timer == TCPSTATE_TIMER_PROBE)
			return of_probes(f, s, ms);
		if (f->timer != TCPSTATE_TIMER_RETRANS)
			return GIVEUP_UNKNOWN;
		return f->snd_wnd ? of_retransmissions(f, s, ms) :
				    of_shut_window(f, s, ms);
	default:
		/* A keepalive that is off, a peer that does not close. */
		return GIVEUP_NEVER;
	}
}

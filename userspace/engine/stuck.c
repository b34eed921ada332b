// SPDX-License-Identifier: GPL-2.0
#include "stuck.h"

#include <string.h>

#include "address.h"
#include "giveup.h"

#define MS_NS UINT64_C(1000000)
#define RTO_MIN_MS	200	/* TCP_RTO_MIN, but for a route that has less */
#define RTO_MAX_MS	120000	/* TCP_RTO_MAX */
#define SYN_RTO_MS	1000	/* TCP_TIMEOUT_INIT */

/*
 * Normal life.  A segment that is lost is sent again once, a busy receiver leaves
 * two probes of its window without an answer; a SYN that has gone out four times
 * in three (since 6.5) or seven seconds has not just been lost.
 */
#define AGAIN_MIN	2
#define PROBES_MIN	3
#define SYNS_MIN	3
/* Of what a timer ends, after tcp_fin_timeout (60 s): half of it is normal. */
#define ORPHAN_MIN_NS	(30000 * MS_NS)
/* Scanners leave some requests behind on each server; fewer are nothing. */
#define REQUESTS_MIN	10
/*
 * %: tcp_out_of_resources() counts the orphans of peers that have not been heard
 * of for long twice, so that from a half on the first are killed.
 */
#define ORPHANS_WARN	50
#define ORPHANS_CRIT	95

static const char *const causes[CAUSES] = {
	[CAUSE_PEER_GONE] = "peer_gone",
	[CAUSE_WINDOW_SHUT] = "window_shut",
	[CAUSE_PEER_OPEN] = "peer_open",
	[CAUSE_ORPHAN] = "orphan",
	[CAUSE_NO_ANSWER] = "no_answer",
	[CAUSE_FLOOD] = "flood",
	[CAUSE_QUEUE_FULL] = "accept_queue_full",
	[CAUSE_BACKLOG] = "backlog",
	[CAUSE_NO_KEEPALIVE] = "no_keepalive",
};

const char *cause_name(unsigned int cause)
{
	return cause < CAUSES ? causes[cause] : NULL;
}

/* ---- facts ---- */

/*
 * Nothing has been sent or has come, and no timer runs: that of keepalive would
 * be shown.
 */
static bool is_idle(const struct tcpstate_record *r, uint64_t idle_ns)
{
	return r->inode && r->timer == TCPSTATE_TIMER_NONE && !r->unacked &&
	       r->sent_ms * MS_NS >= idle_ns &&
	       r->received_ms * MS_NS >= idle_ns && r->age_ms * MS_NS >= idle_ns;
}

bool stuck_is_candidate(const struct tcpstate_record *r, uint64_t idle_ns)
{
	switch (r->new_state) {
	case TCPSTATE_ESTABLISHED:
		return is_idle(r, idle_ns);
	case TCPSTATE_SYN_SENT:
		return r->retransmits > 0;
	case TCPSTATE_SYN_RECV:
	case TCPSTATE_NEW_SYN_RECV:
	case TCPSTATE_FIN_WAIT1:
	case TCPSTATE_FIN_WAIT2:
	case TCPSTATE_CLOSING:
	case TCPSTATE_LAST_ACK:
		return true;
	}
	return false;
}

void stuck_take_facts(struct stuck_facts *f, const struct tcpstate_record *r)
{
	memset(f, 0, sizeof(*f));
	f->cookie = r->cookie;
	f->read_ns = r->mono_ns;
	f->state = r->new_state == TCPSTATE_NEW_SYN_RECV ? TCPSTATE_SYN_RECV :
							   r->new_state;
	f->again = r->retransmits;
	/* Only mini-sockets have it, and theirs is never 0. */
	f->full = !r->timeout_ms;
	if (!f->full) {
		f->timer_ms = r->timeout_ms;
		return;
	}
	f->in_file = r->inode != 0;
	f->timer = r->timer;
	f->backoff = r->backoff;
	f->probes = r->probes_out;
	f->timer_ms = r->expires_ms;
	f->rto_ms = r->rto_ms;
	f->unacked = r->unacked;
	f->unsent = r->unsent;
	f->snd_wnd = r->snd_wnd;
	f->sent_ms = r->sent_ms;
	f->received_ms = r->received_ms;
	f->acked_ms = r->age_ms;
}

/* ---- how long ---- */

static uint64_t capped(uint64_t ms)
{
	return ms < RTO_MAX_MS ? ms : RTO_MAX_MS;
}

static uint64_t backed_off(uint64_t ms, unsigned int times)
{
	while (times-- && ms < RTO_MAX_MS)
		ms *= 2;
	return capped(ms);
}

/* A timer of @ms, of which @left_ms are left. */
static uint64_t run_off(uint64_t ms, uint64_t left_ms)
{
	return ms > left_ms ? ms - left_ms : 0;
}

/* The timers before this one, the first having been @first_ms. */
static uint64_t timers_before(uint64_t first_ms, unsigned int n)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < n; i++)
		sum += backed_off(first_ms, i);
	return sum;
}

/*
 * The timer doubles with each segment that is sent again, up to 120 s; then its
 * beginning is lost, and what can be proved is the larger of two bounds: each
 * was at least half of the next, and the first at least 0.2 s.
 */
static uint64_t retransmitting_ms(const struct stuck_facts *f)
{
	unsigned int backoff = f->backoff < 31 ? f->backoff : 31;
	uint64_t first = f->rto_ms >> backoff, by_half, by_count;
	/* SYNs may go out some times without a backoff. */
	uint64_t plain = f->again > backoff ? f->again - backoff : 0;

	by_half = plain * first + timers_before(first, backoff);
	by_count = timers_before(first < RTO_MIN_MS && f->rto_ms < RTO_MAX_MS ?
				 first : RTO_MIN_MS, backoff);
	return (by_half > by_count ? by_half : by_count) +
	       run_off(f->rto_ms, f->timer_ms);
}

/*
 * .again is no measure of it: a SYN that comes again brings a SYN-ACK forth,
 * and counts, and the timer begins anew without being doubled.
 */
unsigned int stuck_request_timeouts(const struct stuck_facts *f)
{
	unsigned int n = 0;

	while (backed_off(SYN_RTO_MS, n) < f->timer_ms &&
	       backed_off(SYN_RTO_MS, n) < RTO_MAX_MS)
		n++;
	return n;
}

static uint64_t requested_ms(const struct stuck_facts *f)
{
	unsigned int n = stuck_request_timeouts(f);

	return timers_before(SYN_RTO_MS, n) +
	       run_off(backed_off(SYN_RTO_MS, n), f->timer_ms);
}

uint64_t stuck_unanswered_ms(const struct stuck_facts *f)
{
	if (!f->full)
		return requested_ms(f);
	switch (f->timer) {
	case TCPSTATE_TIMER_RETRANS:
		return retransmitting_ms(f);
	case TCPSTATE_TIMER_PROBE:
		return timers_before(f->rto_ms, f->backoff) +
		       run_off(backed_off(f->rto_ms, f->backoff), f->timer_ms);
	}
	return 0;
}

static uint64_t state_age(const struct stuck_config *cfg, const struct conn *c)
{
	return cfg->now_ns > c->state_ns ? cfg->now_ns - c->state_ns : 0;
}

/* Of what is older than the capture @proved_ns may be the better bound. */
static void set_age(const struct stuck_config *cfg, const struct conn *c,
		    uint64_t proved_ns, struct stuck *s)
{
	s->age_ns = state_age(cfg, c);
	s->exact = !c->snapshot;
	if (!s->exact && proved_ns > s->age_ns)
		s->age_ns = proved_ns;
}

/* ---- the rules ---- */

static bool window_is_shut(const struct stuck_facts *f)
{
	return f->timer == TCPSTATE_TIMER_PROBE ||
	       (f->timer == TCPSTATE_TIMER_RETRANS && !f->snd_wnd);
}

bool stuck_peer_answers(const struct stuck_facts *f)
{
	if (f->timer == TCPSTATE_TIMER_PROBE)
		return f->probes < PROBES_MIN;
	return f->acked_ms <= 2 * (uint64_t)f->rto_ms;
}

/* FIN_WAIT1, CLOSING, LAST_ACK: our FIN is not acknowledged. */
static bool judge_fin(const struct stuck_config *cfg, const struct conn *c,
		      const struct stuck_facts *f, struct stuck *s)
{
	uint64_t unanswered_ns = stuck_unanswered_ms(f) * MS_NS;

	/* Nothing was acknowledged since it was sent. */
	if (!c->snapshot && !window_is_shut(f) && f->acked_ms * MS_NS >= state_age(cfg, c) &&
	    state_age(cfg, c) > unanswered_ns)
		unanswered_ns = state_age(cfg, c);
	set_age(cfg, c, unanswered_ns, s);
	/* A peer that reads slowly, or a line that loses much, is no such thing. */
	if (s->age_ns < cfg->age_ns || unanswered_ns < cfg->age_ns)
		return false;
	s->cause = CAUSE_PEER_GONE;
	if (window_is_shut(f) && stuck_peer_answers(f))
		s->cause = CAUSE_WINDOW_SHUT;
	return window_is_shut(f) ||
	       (f->timer == TCPSTATE_TIMER_RETRANS && f->again >= AGAIN_MIN);
}

/* As long as data comes it is half a close, and well. */
static bool judge_fin_wait2(const struct stuck_config *cfg,
			    const struct conn *c,
			    const struct stuck_facts *f, struct stuck *s)
{
	/* It was entered by an ACK, and a later one can only be younger. */
	set_age(cfg, c, f->full ? f->acked_ms * MS_NS : 0, s);
	s->cause = f->in_file ? CAUSE_PEER_OPEN : CAUSE_ORPHAN;
	if (f->in_file ? f->received_ms * MS_NS < cfg->age_ns :
			 s->age_ns < ORPHAN_MIN_NS)
		return false;
	return s->age_ns >= cfg->age_ns;
}

static bool judge_syn_sent(const struct stuck_config *cfg,
			   const struct conn *c, const struct stuck_facts *f,
			   struct stuck *s)
{
	set_age(cfg, c, stuck_unanswered_ms(f) * MS_NS, s);
	s->cause = CAUSE_NO_ANSWER;
	return f->again >= SYNS_MIN ||
	       (f->again && s->age_ns >= cfg->age_ns);
}

/* Whether they are too many only their number tells: stuck_is_finding(). */
static bool judge_request(const struct stuck_config *cfg, const struct conn *c,
			  const struct stuck_facts *f, struct stuck *s)
{
	set_age(cfg, c, stuck_unanswered_ms(f) * MS_NS, s);
	s->cause = CAUSE_NONE;
	return true;
}

/* A peer on this host cannot go without its RST or FIN. */
static bool judge_idle(const struct stuck_config *cfg, const struct conn *c,
		       const struct stuck_facts *f, struct stuck *s)
{
	uint64_t quiet_ms = f->sent_ms;

	if (addresses_are_local(c->family, conn_saddr(c), conn_daddr(c)))
		return false;
	if (f->received_ms < quiet_ms)
		quiet_ms = f->received_ms;
	if (f->acked_ms < quiet_ms)
		quiet_ms = f->acked_ms;
	s->cause = CAUSE_NO_KEEPALIVE;
	s->age_ns = quiet_ms * MS_NS;
	s->exact = true;
	return s->age_ns >= cfg->idle_ns;
}

static const struct {
	bool (*judge)(const struct stuck_config *cfg, const struct conn *c,
		      const struct stuck_facts *f, struct stuck *s);
	uint8_t rule;
} rules[TCPSTATE_STATES] = {
	[TCPSTATE_ESTABLISHED] = { judge_idle, RULE_IDLE },
	[TCPSTATE_SYN_SENT] = { judge_syn_sent, RULE_SYN_SENT },
	[TCPSTATE_SYN_RECV] = { judge_request, RULE_SYN_RECV },
	[TCPSTATE_FIN_WAIT1] = { judge_fin, RULE_FIN_WAIT1 },
	[TCPSTATE_FIN_WAIT2] = { judge_fin_wait2, RULE_FIN_WAIT2 },
	[TCPSTATE_CLOSING] = { judge_fin, RULE_CLOSING },
	[TCPSTATE_LAST_ACK] = { judge_fin, RULE_LAST_ACK },
};

bool stuck_judge(const struct stuck_config *cfg, const struct conn *c,
		 const struct stuck_facts *f, struct stuck *stuck)
{
	struct stuck s = { 0 };

	/* It has moved on since the dump. */
	if (c->state != f->state || !rules[c->state].judge)
		return false;
	if (!rules[c->state].judge(cfg, c, f, &s))
		return false;
	s.rule = rules[c->state].rule;
	*stuck = s;
	return true;
}

/* ---- groups ---- */

void stuck_count_end(struct finding *f, const struct stuck_facts *facts,
		     const struct netns_facts *settings)
{
	uint64_t ms = 0;

	switch (giveup_ms(facts, settings, &ms)) {
	case GIVEUP_UNKNOWN:
		return;
	case GIVEUP_NEVER:
		f->has_end = true;
		return;
	case GIVEUP_AT:
		break;
	}
	if (!f->ending || ms * MS_NS < f->end_min_ns)
		f->end_min_ns = ms * MS_NS;
	if (ms * MS_NS > f->end_max_ns)
		f->end_max_ns = ms * MS_NS;
	f->ending++;
	f->has_end = true;
}

/*
 * Probes of a window are told by the timer's doublings: as long as they are
 * answered, or go out as retransmissions of what is held, nothing counts them.
 */
static uint64_t sent_again(const struct stuck_facts *f)
{
	if (f->timer == TCPSTATE_TIMER_PROBE ||
	    (f->full && !f->snd_wnd && f->backoff > f->again))
		return f->backoff;
	return f->again;
}

void stuck_count(struct finding *f, const struct stuck_facts *facts,
		 const struct netns_facts *settings)
{
	uint64_t again = sent_again(facts);

	/* group_count() was first. */
	if (f->count == 1 || again < f->again_min)
		f->again_min = again;
	if (again > f->again_max)
		f->again_max = again;
	f->often += again >= AGAIN_MIN;
	f->unsent += facts->unsent > 0;
	f->orphans += facts->full && !facts->in_file;
	f->facts = settings;
	stuck_count_end(f, facts, settings);
}

static uint64_t percent(uint64_t part, uint64_t whole)
{
	return whole ? part * 100 / whole : 0;
}

static bool accept_queue_is_full(const struct finding *f)
{
	return f->accept_limit && f->accept_queue > f->accept_limit;
}

bool stuck_is_finding(const struct finding *f, const struct thresholds *t)
{
	if (f->rule != RULE_SYN_RECV)
		return true;
	return threshold_rate_share(&t->syn_recv, f->count, f->accept_limit) ||
	       (accept_queue_is_full(f) && f->again_max) ||
	       f->often >= REQUESTS_MIN;
}

/*
 * Requests: whose fault?  A flood has about as many peers as SYNs, whose SYN-ACKs
 * nobody asked for; where one way is cut there are some that ask again and again.
 */
void stuck_explain(struct finding *f)
{
	if (f->rule != RULE_SYN_RECV)
		return;
	if (accept_queue_is_full(f))
		f->cause = CAUSE_QUEUE_FULL;
	else if (f->often * 2 < f->count)
		f->cause = CAUSE_BACKLOG;
	else if (f->n_peers >= REQUESTS_MIN &&
		 (f->n_peers == FINDING_PEERS_MAX ||
		  f->n_peers * 2 >= f->count))
		f->cause = CAUSE_FLOOD;
	else
		f->cause = CAUSE_NO_ANSWER;
}

static enum rating rate(const struct finding *f, const struct thresholds *t)
{
	static const struct threshold orphans = { ORPHANS_WARN, ORPHANS_CRIT };
	int64_t most = f->facts ? f->facts->tcp_max_orphans : 0;

	switch (f->rule) {
	case RULE_SYN_RECV:
		return threshold_rate_share(&t->syn_recv, f->count,
					    f->accept_limit);
	case RULE_ORPHANS:
		return threshold_rate_share(&orphans, f->count,
					    most > 0 ? (uint64_t)most : 0);
	}
	return threshold_rate_share(&t->fds_used, f->fd_used, f->fd_limit);
}

void stuck_rate(struct finding *f, const struct thresholds *t)
{
	f->severity = rate(f, t) == RATING_CRITICAL ? SEVERITY_CRITICAL :
						      SEVERITY_WARNING;
}

bool stuck_too_many_orphans(const struct netns_facts *s)
{
	return s->orphans > 0 && s->tcp_max_orphans > 0 &&
	       percent((uint64_t)s->orphans, (uint64_t)s->tcp_max_orphans) >=
		       ORPHANS_WARN;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections that are stuck in another state than CLOSE_WAIT: what a dump tells
 * of them, which rule they break, and why.
 */
#ifndef TCPSTATE_STUCK_H
#define TCPSTATE_STUCK_H

#include "finding.h"
#include "thresholds.h"

/* Of one connection in a dump, what struct conn does not keep. */
struct stuck_facts {
	uint64_t cookie;
	uint64_t read_ns;	/* when the dump showed it */
	uint8_t state;		/* never NEW_SYN_RECV */
	bool full;		/* a socket; otherwise only timer_ms, again */
	bool in_file;
	uint8_t timer;		/* enum tcpstate_timer */
	uint8_t again;		/* sent again since the last answer */
	uint8_t backoff;	/* doublings of the timer since then */
	uint8_t probes;		/* of the window, without an answer */
	uint32_t timer_ms;	/* left */
	uint32_t rto_ms;	/* backed off, unless .timer is PROBE */
	uint32_t unacked;	/* segments under way */
	uint32_t unsent;	/* bytes, the FIN is one */
	uint32_t snd_wnd;	/* TCPSTATE_NO_WINDOW: not known */
	uint32_t sent_ms, received_ms, acked_ms;	/* ago */
};

struct stuck_config {
	uint64_t now_ns;
	uint64_t age_ns;	/* for so long nothing may be stuck */
	uint64_t idle_ns;	/* ESTABLISHED: without data and keepalive */
	const struct thresholds *thresholds;	/* NULL: the defaults */
};

struct stuck {
	uint8_t rule, cause;
	uint64_t age_ns;
	bool exact;		/* otherwise a lower bound */
};

/* Two hours, after which keepalive would have asked. */
#define STUCK_IDLE_NS	UINT64_C(7200000000000)

/* May the socket of this SNAPSHOT be stuck?  Then its facts are of interest. */
bool stuck_is_candidate(const struct tcpstate_record *rec, uint64_t idle_ns);
void stuck_take_facts(struct stuck_facts *facts,
		      const struct tcpstate_record *rec);

/* @facts are those of @c.  false, and nothing is written: it is not stuck. */
bool stuck_judge(const struct stuck_config *cfg, const struct conn *c,
		 const struct stuck_facts *facts, struct stuck *stuck);

/* Of a window that is shut: is each probe answered, as by one that is busy? */
bool stuck_peer_answers(const struct stuck_facts *facts);

/* Of a request: its timer was doubled so often, at least. */
unsigned int stuck_request_timeouts(const struct stuck_facts *facts);

/* How long the peer has not answered, or its window is shut: at least. */
uint64_t stuck_unanswered_ms(const struct stuck_facts *facts);

/*
 * Count a connection that was judged to be stuck, or may be a request too many,
 * in its finding; @settings may be NULL.
 */
void stuck_count(struct finding *f, const struct stuck_facts *facts,
		 const struct netns_facts *settings);
/* When the kernel will end it; the same of RULE_COLLISION. */
void stuck_count_end(struct finding *f, const struct stuck_facts *facts,
		     const struct netns_facts *settings);
/* All are counted: is this one a finding, and why? */
bool stuck_is_finding(const struct finding *f, const struct thresholds *t);
void stuck_explain(struct finding *f);
/* Its severity. */
void stuck_rate(struct finding *f, const struct thresholds *t);

/* Are there so many that the kernel begins to kill them? */
bool stuck_too_many_orphans(const struct netns_facts *settings);

#endif /* TCPSTATE_STUCK_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What check looks at: a few numbers, each rated by its threshold, and the
 * findings behind them.
 */
#ifndef TCPSTATE_HEALTH_H
#define TCPSTATE_HEALTH_H

#include "finding.h"
#include "thresholds.h"

/* In the order in which they are told. */
enum measure_id {
	MEASURE_CLOSE_WAIT,		/* connections of the age */
	MEASURE_CLOSE_WAIT_OLDEST,	/* ns; of those */
	MEASURE_FDS_USED,		/* of the process nearest its limit */
	MEASURE_PORTS_USED,		/* of the destination nearest to none */
	MEASURE_SYN_RECV,		/* of the listener nearest its limit */
	MEASURE_TIME_WAIT,		/* of the namespace nearest its limit */
	MEASURE_TW_OVERFLOWS,		/* of all, since they were made */
	MEASURE_LOST,			/* events */
	MEASURES
};

struct measure {
	bool known;
	enum rating rating;
	uint64_t value;
	/* Of a share: the whole, and whose it is. */
	uint64_t of;
	uint32_t pid;		/* 0: not of a process */
	char comm[TCPSTATE_COMM_LEN];
	uint32_t netns;		/* 0: not of a namespace */
	uint16_t sport;		/* 0: not of a listener */
	uint64_t overflows;	/* of TIME_WAIT, and they go on */
	const struct finding *finding;	/* NULL: none tells more of it */
};

struct health {
	struct thresholds thresholds;
	struct measure measures[MEASURES];
	const struct finding *findings;	/* worst first */
	size_t n_findings;
};

/* The findings, which stay their owner's, and what follows from them. */
void health_set_findings(struct health *h, const struct finding *findings,
			 size_t n);
void health_set_lost(struct health *h, uint64_t lost);
/* @used of @of descriptors; the process nearest its limit is kept. */
void health_add_fds(struct health *h, uint32_t pid, const char *comm,
		    uint64_t used, uint64_t of);

/* @count requests of @listener, whose backlog is its .wqueue. */
void health_add_syn_recv(struct health *h, const struct conn *listener,
			 uint64_t count);
/*
 * TIME_WAIT of a namespace, of which @before is known from when it was first
 * looked at; NULL: it was not.
 */
void health_add_time_wait(struct health *h, const struct netns_facts *before,
			  const struct netns_facts *now);

/* The worst of them. */
enum rating health_rating(const struct health *h);
/* What it belongs to has reached a threshold. */
bool health_tells(const struct health *h, const struct finding *f);

#endif /* TCPSTATE_HEALTH_H */

// SPDX-License-Identifier: GPL-2.0
#include "health.h"

#include "group.h"
#include "ports.h"

/* Of the same rating, the larger share. */
static bool is_worse(const struct measure *a, const struct measure *b)
{
	if (!b->known || a->rating != b->rating)
		return !b->known || a->rating > b->rating;
	return (unsigned __int128)a->value * b->of >
	       (unsigned __int128)b->value * a->of;
}

static void keep_worse(struct measure *worst, const struct measure *m)
{
	if (m->of && is_worse(m, worst))
		*worst = *m;
}

static void add_close_wait(struct health *h, const struct finding *f)
{
	struct measure *count = &h->measures[MEASURE_CLOSE_WAIT];
	struct measure *oldest = &h->measures[MEASURE_CLOSE_WAIT_OLDEST];

	count->value += f->count;
	if (f->oldest_ns > oldest->value)
		oldest->value = f->oldest_ns;
}

static void add_ports(struct health *h, const struct finding *f)
{
	struct measure m = {
		.known = true,
		.rating = threshold_rate_share(&h->thresholds.ports_used,
					       f->budget.used,
					       ports_limit(&f->budget)),
		.value = f->budget.used,
		.of = ports_limit(&f->budget),
		.pid = f->pid,
		.finding = f,
	};

	if (f->budget.scope != SCOPE_DESTINATION)
		return;
	group_set_comm(m.comm, f->comm);
	keep_worse(&h->measures[MEASURE_PORTS_USED], &m);
}

void health_set_findings(struct health *h, const struct finding *findings,
			 size_t n)
{
	struct measure *count = &h->measures[MEASURE_CLOSE_WAIT];
	struct measure *oldest = &h->measures[MEASURE_CLOSE_WAIT_OLDEST];
	enum rating rating;

	h->findings = findings;
	h->n_findings = n;
	*count = *oldest = (struct measure){ .known = true };
	for (size_t i = 0; i < n; i++) {
		if (findings[i].rule == RULE_CLOSE_WAIT)
			add_close_wait(h, &findings[i]);
		if (findings[i].rule == RULE_PORTS)
			add_ports(h, &findings[i]);
	}
	count->rating = threshold_rate(&h->thresholds.close_wait_count,
				       count->value);
	/* Its first value has decided what is counted, which is no rating. */
	rating = threshold_rate(&h->thresholds.close_wait_age, oldest->value);
	if (count->value && rating == RATING_CRITICAL)
		oldest->rating = rating;
}

void health_set_lost(struct health *h, uint64_t lost)
{
	h->measures[MEASURE_LOST] = (struct measure){
		.known = true,
		.value = lost,
	};
}

void health_add_fds(struct health *h, uint32_t pid, const char *comm,
		    uint64_t used, uint64_t of)
{
	struct measure m = {
		.known = true,
		.rating = threshold_rate_share(&h->thresholds.fds_used, used,
					       of),
		.value = used,
		.of = of,
		.pid = pid,
	};

	group_set_comm(m.comm, comm);
	keep_worse(&h->measures[MEASURE_FDS_USED], &m);
}

void health_add_syn_recv(struct health *h, const struct conn *listener,
			 uint64_t count)
{
	const struct origin *origin = conn_origin(listener);
	struct measure m = {
		.known = true,
		.rating = threshold_rate_share(&h->thresholds.syn_recv, count,
					       listener->wqueue),
		.value = count,
		.of = listener->wqueue,
		.pid = origin->pid,
		.sport = listener->sport,
	};

	group_set_comm(m.comm, origin->comm);
	keep_worse(&h->measures[MEASURE_SYN_RECV], &m);
}

/*
 * The counter began with the namespace, and what was long ago is no reason to
 * wake somebody: it has grown while we looked, or there is no bucket left now.
 */
static bool overflows(const struct netns_facts *before,
		      const struct netns_facts *now)
{
	if (now->tw_overflows <= 0)
		return false;
	if (now->time_waits >= now->tcp_max_tw_buckets)
		return true;
	return before && before->tw_overflows >= 0 &&
	       now->tw_overflows > before->tw_overflows;
}

void health_add_time_wait(struct health *h, const struct netns_facts *before,
			  const struct netns_facts *now)
{
	struct measure *sum = &h->measures[MEASURE_TW_OVERFLOWS];
	struct measure m = { .known = true, .netns = now->netns };

	if (now->tw_overflows >= 0) {
		sum->known = true;
		sum->value += (uint64_t)now->tw_overflows;
	}
	/* Without any bucket there is nothing that could run out. */
	if (now->time_waits < 0 || now->tcp_max_tw_buckets <= 0)
		return;
	m.value = (uint64_t)now->time_waits;
	m.of = (uint64_t)now->tcp_max_tw_buckets;
	m.rating = threshold_rate_share(&h->thresholds.time_wait, m.value,
					m.of);
	if (overflows(before, now)) {
		m.rating = RATING_CRITICAL;
		m.overflows = (uint64_t)now->tw_overflows;
	}
	keep_worse(&h->measures[MEASURE_TIME_WAIT], &m);
}

enum rating health_rating(const struct health *h)
{
	enum rating worst = RATING_OK;

	for (size_t i = 0; i < MEASURES; i++)
		if (h->measures[i].known && h->measures[i].rating > worst)
			worst = h->measures[i].rating;
	return worst;
}

bool health_tells(const struct health *h, const struct finding *f)
{
	const struct measure *m = h->measures;

	switch (f->rule) {
	case RULE_CLOSE_WAIT:
		return m[MEASURE_CLOSE_WAIT].rating ||
		       m[MEASURE_CLOSE_WAIT_OLDEST].rating ||
		       (m[MEASURE_FDS_USED].rating && f->pid &&
			f->pid == m[MEASURE_FDS_USED].pid);
	case RULE_PORTS:
		return f->budget.scope == SCOPE_DESTINATION &&
		       threshold_rate_share(&h->thresholds.ports_used,
					    f->budget.used,
					    ports_limit(&f->budget));
	case RULE_TIME_WAIT:
		return f->budget.scope == SCOPE_NETNS &&
		       m[MEASURE_TIME_WAIT].rating &&
		       f->severity != SEVERITY_INFO;
	case RULE_FDS:
		return m[MEASURE_FDS_USED].rating;
	case RULE_SYN_RECV:
		return threshold_rate_share(&h->thresholds.syn_recv, f->count,
					    f->accept_limit);
	}
	return false;
}

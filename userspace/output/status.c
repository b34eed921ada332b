// SPDX-License-Identifier: GPL-2.0
#include "status.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "output_ops.h"
#include "utf8.h"

#define NS_PER_SEC	UINT64_C(1000000000)
#define SERVICE		"TCPSTATE"
/* With the performance data it stays below the 1024 that some agents take. */
#define TEXT_MAX	400
#define FINDINGS_SHOWN	20

static const char *const status_words[] = {
	"OK", "WARNING", "CRITICAL", "UNKNOWN",
};

enum status status_of(const struct status_report *r)
{
	enum rating rating = health_rating(r->health);

	if (rating == RATING_OK && r->doubt[0])
		return STATUS_UNKNOWN;
	return (enum status)rating;
}

/* ---- text ---- */

/*
 * The bar would begin performance data, and a control character, a line feed
 * above all, another line.
 */
static void put_clean(FILE *to, const char *text)
{
	char clean[TEXT_MAX], *bar;

	utf8_clean(clean, sizeof(clean), text);
	while ((bar = strchr(clean, '|')))
		*bar = '?';
	fputs(clean, to);
}

typedef void (*words_fn)(FILE *to, const struct status_report *r);

/* What @words says, made harmless; nothing if there is no memory for it. */
static void put_words(FILE *to, const struct status_report *r, words_fn words)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	words(f, r);
	if (!fclose(f))
		put_clean(to, text);
	free(text);
}

static void put_who(FILE *to, const struct finding *f)
{
	if (f->pid)
		fprintf(to, "%s[%" PRIu32 "]", f->comm, f->pid);
	else if (f->rule == RULE_CLOSE_WAIT && f->bug == BUG_OWNERLESS)
		fputs("no process", to);
	else if (f->listener.pid)
		fprintf(to, "%s[%" PRIu32 "]", f->listener.comm,
			f->listener.pid);
	else
		fputs("unknown owner", to);
}

/* ":8080" of all addresses, as people say it. */
static void put_listener(FILE *to, const struct finding_listener *l)
{
	static const uint8_t any[16];
	struct cell cell;

	if (l->family && memcmp(l->saddr, any, sizeof(any)))
		fprintf(to, " on %s",
			cell_end(&cell, l->family, l->saddr, l->sport));
	else if (l->sport)
		fprintf(to, " on :%u", l->sport);
}

static void put_close_wait(FILE *to, const struct status_report *r)
{
	const struct health *h = r->health;
	const struct finding *f = h->findings;
	const struct measure *all = &h->measures[MEASURE_CLOSE_WAIT];
	struct cell age;

	while (f->rule != RULE_CLOSE_WAIT)
		f++;
	put_who(to, f);
	fprintf(to, " %" PRIu64 " CLOSE_WAIT", f->count);
	put_listener(to, &f->listener);
	fprintf(to, ", oldest %s", cell_span(&age, f->oldest_ns));
	if (all->value > f->count)
		fprintf(to, ", %" PRIu64 " in all", all->value);
}

static void put_fds(FILE *to, const struct status_report *r)
{
	const struct measure *m = &r->health->measures[MEASURE_FDS_USED];

	fprintf(to, "%s[%" PRIu32 "] %" PRIu64 " of %" PRIu64 " descriptors",
		m->comm, m->pid, m->value, m->of);
}

/* Whose ports, and to where. */
static void put_way(FILE *to, const struct finding *f)
{
	const struct finding_budget *b = &f->budget;
	struct cell from, dest;

	if (f->pid)
		fprintf(to, "%s[%" PRIu32 "] ", f->comm, f->pid);
	fprintf(to, "%s -> %s", cell_addr(&from, b->family, b->saddr),
		cell_end(&dest, b->family, b->daddr, b->dport));
}

static void put_ports(FILE *to, const struct status_report *r)
{
	const struct measure *m = &r->health->measures[MEASURE_PORTS_USED];

	put_way(to, m->finding);
	fprintf(to, " %" PRIu64 " of %" PRIu64 " ports", m->value, m->of);
}

static void put_syn_recv(FILE *to, const struct status_report *r)
{
	const struct measure *m = &r->health->measures[MEASURE_SYN_RECV];

	if (m->pid)
		fprintf(to, "%s[%" PRIu32 "] ", m->comm, m->pid);
	fprintf(to, "%" PRIu64 " SYN_RECV on :%u, its backlog is %" PRIu64,
		m->value, m->sport, m->of);
}

static void put_time_wait(FILE *to, const struct status_report *r)
{
	const struct measure *m = &r->health->measures[MEASURE_TIME_WAIT];

	fprintf(to, "%" PRIu64 " of %" PRIu64 " TIME_WAIT buckets in network "
		"namespace %" PRIu32, m->value, m->of, m->netns);
	if (m->overflows)
		fprintf(to, ", and they overflow: %" PRIu64 " so far",
			m->overflows);
}

/* How each is told when it is too high.  Both of CLOSE_WAIT say the same. */
static const words_fn problems[MEASURES] = {
	[MEASURE_CLOSE_WAIT] = put_close_wait,
	[MEASURE_CLOSE_WAIT_OLDEST] = put_close_wait,
	[MEASURE_FDS_USED] = put_fds,
	[MEASURE_PORTS_USED] = put_ports,
	[MEASURE_SYN_RECV] = put_syn_recv,
	[MEASURE_TIME_WAIT] = put_time_wait,
};

/* The worst first, since the line may be cut. */
static void put_problems(FILE *to, const struct status_report *r)
{
	const struct measure *m = r->health->measures;
	words_fn before = NULL;
	const char *lead = "";

	for (int rating = RATING_CRITICAL; rating > RATING_OK; rating--)
		for (size_t i = 0; i < MEASURES; i++) {
			if ((int)m[i].rating != rating ||
			    problems[i] == before)
				continue;
			before = problems[i];
			fputs(lead, to);
			problems[i](to, r);
			lead = "; ";
		}
}

static void put_all_is_well(FILE *to, const struct status_report *r)
{
	const struct health *h = r->health;
	const uint64_t n = h->measures[MEASURE_CLOSE_WAIT].value;
	const uint64_t age_ns = h->thresholds.close_wait_age.warn;
	struct cell age, count;

	fprintf(to, "%s CLOSE_WAIT", n ? cell_number(&count, n) : "no");
	if (age_ns)
		fprintf(to, " of %s or longer", cell_span(&age, age_ns));
	fprintf(to, ", %" PRIu64 " sockets", r->sockets);
}

static void put_doubt(FILE *to, const struct status_report *r)
{
	fputs(r->doubt, to);
}

/* ---- performance data ---- */

enum unit { UNIT_NUMBER, UNIT_COUNTER, UNIT_SECONDS, UNIT_PERCENT };

#define THRESHOLD(member) (offsetof(struct thresholds, member) + 1)

static const struct {
	const char *label;
	enum unit unit;
	size_t threshold;	/* offset + 1; 0: none */
} perfdata[MEASURES] = {
	[MEASURE_CLOSE_WAIT] = { "close_wait", UNIT_NUMBER,
				 THRESHOLD(close_wait_count) },
	[MEASURE_CLOSE_WAIT_OLDEST] = { "close_wait_oldest", UNIT_SECONDS,
					THRESHOLD(close_wait_age) },
	[MEASURE_FDS_USED] = { "fds_used", UNIT_PERCENT, THRESHOLD(fds_used) },
	[MEASURE_PORTS_USED] = { "ports_used", UNIT_PERCENT,
				 THRESHOLD(ports_used) },
	[MEASURE_SYN_RECV] = { "syn_recv", UNIT_PERCENT, THRESHOLD(syn_recv) },
	[MEASURE_TIME_WAIT] = { "time_wait", UNIT_PERCENT,
				THRESHOLD(time_wait) },
	[MEASURE_TW_OVERFLOWS] = { "time_wait_overflows", UNIT_COUNTER, 0 },
	[MEASURE_LOST] = { "lost", UNIT_NUMBER, 0 },
};

static void put_limit(FILE *to, enum unit unit, uint64_t limit)
{
	fputc(';', to);
	if (limit == THRESHOLD_NEVER)
		return;
	if (unit == UNIT_SECONDS && limit % NS_PER_SEC)
		fprintf(to, "%.3f", (double)limit / NS_PER_SEC);
	else
		fprintf(to, "%" PRIu64,
			unit == UNIT_SECONDS ? limit / NS_PER_SEC : limit);
}

static void put_value(FILE *to, enum unit unit, const struct measure *m)
{
	uint64_t tenths;

	switch (unit) {
	case UNIT_NUMBER:
		fprintf(to, "%" PRIu64, m->value);
		return;
	case UNIT_COUNTER:
		fprintf(to, "%" PRIu64 "c", m->value);
		return;
	case UNIT_SECONDS:
		fprintf(to, "%" PRIu64 "s", m->value / NS_PER_SEC);
		return;
	case UNIT_PERCENT:
		/* Rounded down: 80.0 is shown when 80 is reached. */
		tenths = (uint64_t)((unsigned __int128)m->value * 1000 / m->of);
		fprintf(to, "%" PRIu64 ".%u%%", tenths / 10,
			(unsigned int)(tenths % 10));
	}
}

static void put_perfdata(FILE *to, const struct health *h)
{
	const char *lead = " | ";

	for (size_t i = 0; i < MEASURES; i++) {
		const char *thresholds = (const char *)&h->thresholds;
		const enum unit unit = perfdata[i].unit;
		const struct threshold *t;

		if (!h->measures[i].known)
			continue;
		fprintf(to, "%s%s=", lead, perfdata[i].label);
		put_value(to, unit, &h->measures[i]);
		lead = " ";
		if (!perfdata[i].threshold)
			continue;
		t = (const void *)(thresholds + perfdata[i].threshold - 1);
		put_limit(to, unit, t->warn);
		put_limit(to, unit, t->crit);
		fputs(unit == UNIT_PERCENT ? ";0;100" : ";0;", to);
	}
}

/* ---- long output ---- */

static void put_command(FILE *to, const struct finding *f, const char *options)
{
	if (f->rule == RULE_PORTS)
		fprintf(to, "tcpstate-watch timewait --dport %u",
			f->budget.dport);
	else if (f->pid)
		fprintf(to, "tcpstate-watch leaks -p %" PRIu32, f->pid);
	else if (f->listener.sport)
		fprintf(to, "tcpstate-watch leaks --sport %u",
			f->listener.sport);
	else
		fputs("tcpstate-watch leaks", to);
	fputs(options, to);
}

static void put_finding(FILE *to, const struct finding *f, const char *options)
{
	char *text = NULL;
	size_t len;
	FILE *line = open_memstream(&text, &len);

	if (!line)
		return;
	fprintf(line, "%s ", rule_name(f->rule));
	if (f->rule == RULE_CLOSE_WAIT)
		fprintf(line, "%s ", bug_name(f->bug));
	else if (cause_name(f->cause))
		fprintf(line, "%s ", cause_name(f->cause));
	if (f->rule == RULE_PORTS) {
		put_way(line, f);
	} else {
		put_who(line, f);
		put_listener(line, &f->listener);
	}
	if (f->rule == RULE_PORTS)
		fprintf(line, ": %" PRIu64 " of %" PRIu64, f->budget.used,
			f->budget.usable);
	else if (f->rule == RULE_FDS)
		fprintf(line, ": %" PRIu64 " of %" PRIu64, f->fd_used,
			f->fd_limit);
	else
		fprintf(line, ": %" PRIu64, f->count);
	fputs(", run: ", line);
	put_command(line, f, options);
	if (!fclose(line)) {
		put_clean(to, text);
		fputc('\n', to);
	}
	free(text);
}

static void put_findings(FILE *to, const struct status_report *r)
{
	const struct health *h = r->health;
	size_t told = 0;

	for (size_t i = 0; i < h->n_findings; i++) {
		/* The line of its number says all of it. */
		if (h->findings[i].rule == RULE_TIME_WAIT ||
		    !health_tells(h, &h->findings[i]))
			continue;
		if (told++ < FINDINGS_SHOWN)
			put_finding(to, &h->findings[i], r->options);
	}
	if (told > FINDINGS_SHOWN)
		fprintf(to, "and %zu more, run: tcpstate-watch leaks%s\n",
			told - FINDINGS_SHOWN, r->options);
}

static void put_time_wait_line(FILE *to, const struct status_report *r)
{
	const struct measure *m = &r->health->measures[MEASURE_TIME_WAIT];

	if (!m->rating)
		return;
	fputs("time_wait ", to);
	put_words(to, r, put_time_wait);
	fprintf(to, ", run: tcpstate-watch timewait --netns %" PRIu32 "%s\n",
		m->netns, r->options);
}

void status_tell(FILE *to, const struct status_report *r)
{
	const enum status status = status_of(r);

	fprintf(to, SERVICE " %s - ", status_words[status]);
	put_words(to, r, status == STATUS_OK ? put_all_is_well :
			 status == STATUS_UNKNOWN ? put_doubt : put_problems);
	put_perfdata(to, r->health);
	fputc('\n', to);
	put_findings(to, r);
	put_time_wait_line(to, r);
	if (r->doubt[0] && status != STATUS_UNKNOWN) {
		fputs("not all was seen: ", to);
		put_words(to, r, put_doubt);
		fputc('\n', to);
	}
}

void status_tell_unknown(FILE *to, const char *why)
{
	fputs(SERVICE " UNKNOWN - ", to);
	put_clean(to, why);
	fputc('\n', to);
}

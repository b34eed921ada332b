// SPDX-License-Identifier: GPL-2.0
#include "picture.h"

#include <inttypes.h>

#include "finding_words.h"
#include "output_ops.h"

#define NS_PER_SEC UINT64_C(1000000000)
#define FINDINGS_SHOWN 5

/* Two columns: the healthy half of a life, and its end. */
static const uint8_t left[] = {
	TCPSTATE_ESTABLISHED, TCPSTATE_SYN_SENT, TCPSTATE_SYN_RECV,
	TCPSTATE_LISTEN, TCPSTATE_CLOSE_WAIT,
};

static const uint8_t right[] = {
	TCPSTATE_TIME_WAIT, TCPSTATE_FIN_WAIT1, TCPSTATE_FIN_WAIT2,
	TCPSTATE_CLOSING, TCPSTATE_LAST_ACK,
};

static double per_second(double count, const struct picture *p)
{
	return p->interval_ns ? count * NS_PER_SEC / p->interval_ns : 0;
}

static void put_head(FILE *to, const struct picture *p)
{
	uint64_t s = p->elapsed_ns / NS_PER_SEC;
	uint64_t failed = 0;

	for (size_t i = 0; i < REASONS; i++)
		failed += p->failed[i];
	fprintf(to, "%s  %s  %s  %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "  ",
		p->host, p->release, p->source, s / 3600, s / 60 % 60, s % 60);
	if (p->interval_ns)
		fprintf(to, "open %.0f/s close %.0f/s failed %.0f/s   ",
			per_second(p->opened, p), per_second(p->closed, p),
			per_second(failed, p));
	fprintf(to, "lost %" PRIu64 " inferred %" PRIu64 "\n", p->lost,
		p->inferred);
}

static void put_state(FILE *to, const struct picture *p, uint8_t state)
{
	double delta = (double)p->now[state] - p->before[state];
	char rate[24] = "";
	struct cell cell;

	if (p->interval_ns && delta != 0)
		snprintf(rate, sizeof(rate), "%+.1f/s", per_second(delta, p));
	fprintf(to, "%-12s %9s %9s", state_name(state),
		cell_thousands(&cell, p->now[state]), rate);
}

static void put_states(FILE *to, const struct picture *p)
{
	for (size_t i = 0; i < sizeof(left); i++) {
		put_state(to, p, left[i]);
		fputs("     ", to);
		put_state(to, p, right[i]);
		fputc('\n', to);
	}
}

static void put_failures(FILE *to, const struct picture *p)
{
	const char *lead = "failed: ";

	for (size_t i = 0; i < REASONS; i++) {
		if (!p->failed[i])
			continue;
		fprintf(to, "%s%s %" PRIu64, lead, reason_name(i),
			p->failed[i]);
		lead = ", ";
	}
	if (lead[0] == ',')
		fputc('\n', to);
}

static void put_finding(FILE *to, const struct finding *f)
{
	char verdict[FINDING_SENTENCE_MAX];
	struct cell who, count, age;

	finding_verdict(f, verdict, sizeof(verdict));
	fprintf(to, "%s ", f->severity == SEVERITY_CRITICAL ? "CRIT" : "WARN");
	if (f->pid)
		fprintf(to, "%s[%u]", cell_comm(&who, f->comm), f->pid);
	else if (f->listener.pid)
		fprintf(to, "%s[%u]", cell_comm(&who, f->listener.comm),
			f->listener.pid);
	else
		fputs(f->rule == RULE_ORPHANS ? "this host" : "unknown owner",
		      to);
	if (f->listener.sport)
		fprintf(to, " :%u", f->listener.sport);
	else if (f->remote_family)
		fprintf(to, " -> %s", cell_end(&age, f->remote_family,
					       f->remote_addr, f->remote_port));
	else if (f->many_ends)
		fprintf(to, " at more than %d ends", FINDING_ENDS_MAX);
	if (!f->state) {
		fprintf(to, " %s: %s\n", cell_thousands(&count, f->count),
			verdict);
		return;
	}
	fprintf(to, " %s %s, oldest %s%s: %s\n",
		cell_thousands(&count, f->count), state_name(f->state),
		f->oldest_exact ? "" : ">=", cell_span(&age, f->oldest_ns),
		verdict);
}

static void put_next(FILE *to, const struct finding *f)
{
	uint32_t pid = f->pid ? f->pid : f->listener.pid;

	if (f->pid)
		fprintf(to, "next: tcpstate-watch leaks -p %u\n", pid);
	else if (f->listener.sport)
		fprintf(to, "next: tcpstate-watch leaks --sport %u\n",
			f->listener.sport);
}

void picture_paint(FILE *to, const struct picture *p)
{
	put_head(to, p);
	put_states(to, p);
	put_failures(to, p);
	for (size_t i = 0; i < p->n_findings && i < FINDINGS_SHOWN; i++)
		put_finding(to, &p->findings[i]);
	if (p->n_findings > FINDINGS_SHOWN)
		fprintf(to, "and %zu more findings\n",
			p->n_findings - FINDINGS_SHOWN);
	if (p->n_findings)
		put_next(to, &p->findings[0]);
	fputc('\n', to);
}

// SPDX-License-Identifier: GPL-2.0
/* A finding about ports or TIME_WAIT as a paragraph. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/advice.h"
#include "finding_words.h"
#include "output_ops.h"
#include "ports_words.h"

#define CLOSERS_SHOWN	3
#define PEERS_SHOWN	5

static const char *const severity_words[SEVERITIES] = { "ok", "WARN", "CRIT" };

static void put_number(FILE *to, uint64_t number)
{
	struct cell cell;

	fputs(cell_thousands(&cell, number), to);
}

/* ---- who, and where ---- */

static bool one_name(const struct finding *f)
{
	for (size_t i = 1; i < f->n_holders; i++)
		if (memcmp(f->holders[i].comm, f->comm, sizeof(f->comm)))
			return false;
	return true;
}

static void put_closer(struct output *out, const struct finding *f)
{
	char unit[128] = "", container[128] = "";
	struct cell comm;
	FILE *to = out->to;

	if (!f->pid) {
		fputs("unknown process", to);
		return;
	}
	fputs(cell_comm(&comm, f->comm), to);
	if (f->n_holders > 1 && one_name(f))
		fprintf(to, " (%zu processes)", f->n_holders);
	else if (f->n_holders > 1)
		fprintf(to, "[%" PRIu32 "] and %zu more", f->pid,
			f->n_holders - 1);
	else
		fprintf(to, "[%" PRIu32 "]", f->pid);
	if (f->cgroup && out->style.cgroup_name)
		out->style.cgroup_name(out->style.cgroup_ctx, f->cgroup, unit,
				       sizeof(unit), container,
				       sizeof(container));
	if (unit[0])
		fprintf(to, " %s", unit);
}

static void put_closed_here(FILE *to, const struct finding_budget *b)
{
	uint64_t all = b->closed_here + b->closed_there;

	if (all)
		fprintf(to, "   closed here first: %.0f%%",
			100.0 * (double)b->closed_here / (double)all);
}

static void put_head(struct output *out, const struct finding *f)
{
	const struct finding_budget *b = &f->budget;
	struct cell from, peer, age;
	FILE *to = out->to;

	fprintf(to, "%-4s  ", severity_words[f->severity]);
	if (b->scope == SCOPE_NETNS) {
		fprintf(to, "network namespace %" PRIu32 "  ", f->netns);
		put_number(to, f->count);
		fputs(" TIME_WAIT\n", to);
		return;
	}
	put_closer(out, f);
	if (b->scope == SCOPE_DESTINATION) {
		fprintf(to, "  %s -> %s", cell_addr(&from, b->family, b->saddr),
			cell_end(&peer, b->family, b->daddr, b->dport));
		put_closed_here(to, b);
		fputc('\n', to);
		return;
	}
	fputs("  ", to);
	put_number(to, f->count);
	fprintf(to, " TIME_WAIT accepted on %s, oldest %s%s\n",
		cell_end(&from, b->family, b->saddr, b->sport),
		f->oldest_exact ? "" : ">=", cell_span(&age, f->oldest_ns));
}

/* ---- how many ---- */

static void put_states(FILE *to, const struct finding_budget *b)
{
	const char *plus = "";

	for (unsigned int i = 0; i < TCPSTATE_STATES; i++) {
		/* TIME_WAIT first, which it is about. */
		unsigned int state = !i ? TCPSTATE_TIME_WAIT :
				     i <= TCPSTATE_TIME_WAIT ? i - 1 : i;

		if (!b->states[state])
			continue;
		fprintf(to, "%s%s ", plus, state_name(state));
		put_number(to, b->states[state]);
		plus = " + ";
	}
}

static void put_ports(FILE *to, const struct finding *f)
{
	const struct finding_budget *b = &f->budget;

	fputs(" ports ", to);
	if (!f->facts || f->facts->port_first < 0) {
		fputs("not known: ", to);
		put_states(to, b);
		fputc('\n', to);
		return;
	}
	put_number(to, b->usable);
	fprintf(to, " = %" PRId64 "-%" PRId64, f->facts->port_first,
		f->facts->port_last);
	if (f->facts->ports_reserved >= 0)
		fprintf(to, ", %" PRId64 " reserved", f->facts->ports_reserved);
	if (b->bound)
		fprintf(to, ", %" PRIu64 " of listeners", b->bound);
	fputs(": ", to);
	put_states(to, b);
	if (b->reusable) {
		fputs(", ", to);
		put_number(to, b->reusable);
		fputs(" reusable", to);
	}
	if (b->usable)
		fprintf(to, " = %.1f %%", 100.0 * (double)b->used /
			(double)b->usable);
	fputc('\n', to);
}

static void put_buckets(FILE *to, const struct finding_budget *b)
{
	if (b->buckets_limit < 0)
		return;
	fputs(" host  ", to);
	put_number(to, (uint64_t)b->buckets_used);
	fputs(" of ", to);
	put_number(to, (uint64_t)b->buckets_limit);
	fputs(" buckets", to);
	if (b->overflows >= 0) {
		fputs(", ", to);
		put_number(to, (uint64_t)b->overflows);
		fputs(" overflows", to);
	}
	if (b->overflows_now > 0)
		fprintf(to, " (%" PRId64 " now)", b->overflows_now);
	if (b->bytes)
		fprintf(to, ", %.1f MB", (double)b->bytes / 1e6);
	fputc('\n', to);
}

/* ---- how fast ---- */

static void put_rate(FILE *to, const struct finding *f)
{
	const struct finding_budget *b = &f->budget;
	char rate[CELL_LEN], bearable[CELL_LEN], growth[CELL_LEN];
	char eta[CELL_LEN];
	struct cell span;

	if (!b->has_rate) {
		fputs(" rate  measuring: it takes 5 s\n", to);
		return;
	}
	ports_eta(f->eta_s, eta, sizeof(eta));
	ports_rate(b->rate_per_s, rate, sizeof(rate));
	fprintf(to, " rate  %s/s over %s", rate,
		cell_span(&span, f->observed_ns));
	if (b->bearable_per_s > 0) {
		ports_rate(b->bearable_per_s, bearable, sizeof(bearable));
		fprintf(to, "; this destination can bear %s/s", bearable);
	}
	ports_rate(f->growth_per_min < 0 ? -f->growth_per_min / 60 :
		   f->growth_per_min / 60, growth, sizeof(growth));
	fprintf(to, "; %c%s/s now", f->growth_per_min < 0 ? '-' : '+', growth);
	if (f->has_eta)
		fprintf(to, ", full in %s", eta);
	fputc('\n', to);
}

/* Those of which nobody has seen whose they are, or were, being older. */
static uint64_t unknown_closers(const struct finding *f)
{
	uint64_t known = 0, all = f->count;

	if (f->budget.scope == SCOPE_DESTINATION)
		for (size_t i = all = 0; i < TCPSTATE_STATES; i++)
			all += f->budget.states[i];
	for (size_t i = 0; i < f->n_holders; i++)
		known += f->holders[i].count;
	return all > known ? all - known : 0;
}

static void put_closers(FILE *to, const struct finding *f, size_t shown)
{
	uint64_t unknown = unknown_closers(f);
	struct cell comm;

	if (!f->n_holders || (f->n_holders == 1 && !unknown))
		return;
	fputs(" by   ", to);
	for (size_t i = 0; i < shown && i < f->n_holders; i++) {
		fprintf(to, " %s[%" PRIu32 "] ",
			cell_comm(&comm, f->holders[i].comm),
			f->holders[i].pid);
		put_number(to, f->holders[i].count);
		fputc(' ', to);
	}
	if (f->n_holders > shown)
		fprintf(to, " and %zu more", f->n_holders - shown);
	/* Of a list that is full they are not known. */
	if (unknown && f->n_holders < FINDING_HOLDERS_MAX) {
		fputs(" unknown ", to);
		put_number(to, unknown);
	}
	fputc('\n', to);
}

static void put_peers(FILE *to, const struct finding *f, size_t shown)
{
	struct cell cell;

	fputs(" peers", to);
	for (size_t i = 0; i < shown && i < f->n_peers; i++) {
		fprintf(to, " %s ", cell_addr(&cell, f->peers[i].family,
					      f->peers[i].addr));
		put_number(to, f->peers[i].count);
		fputc(' ', to);
	}
	if (f->n_peers > shown)
		fprintf(to, " and %zu more", f->n_peers - shown);
	fputc('\n', to);
}

static void put_advice(FILE *to, const struct finding *f)
{
	char line[FINDING_SENTENCE_MAX];
	uint8_t list[ADVICES];
	size_t n = advice_choose(f, list, ADVICES);
	const char *label, *before = "";

	for (size_t i = 0; i < n; i++) {
		label = advice_helps(list[i]) ? "helps" : "not";
		finding_advice(f, list[i], line, sizeof(line));
		fprintf(to, " %-5s %s\n", label == before ? "" : label, line);
		before = label;
	}
}

void text_ports(struct output *out, const struct finding *f)
{
	char verdict[FINDING_SENTENCE_MAX];
	const uint8_t scope = f->budget.scope;
	const bool wide = out->style.wide;
	FILE *to = out->to;

	put_head(out, f);
	ports_verdict(f, verdict, sizeof(verdict));
	fprintf(to, " is    %s\n", verdict);
	if (scope == SCOPE_DESTINATION)
		put_ports(to, f);
	else if (scope == SCOPE_NETNS)
		put_buckets(to, &f->budget);
	put_rate(to, f);
	if (scope != SCOPE_NETNS)
		put_closers(to, f, wide ? FINDING_LIST_MAX : CLOSERS_SHOWN);
	if (scope == SCOPE_SERVICE)
		put_peers(to, f, wide ? FINDING_LIST_MAX : PEERS_SHOWN);
	put_advice(to, f);
}

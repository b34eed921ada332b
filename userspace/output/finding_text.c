// SPDX-License-Identifier: GPL-2.0
/* A finding as a paragraph. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/advice.h"
#include "finding_words.h"
#include "output_ops.h"
#include "stuck_words.h"
#include "utf8.h"

#define FDS_SHOWN	12
#define PEERS_SHOWN	5
#define HOLDERS_SHOWN	5

static const char *const severity_words[SEVERITIES] = {
	"ok  ", "WARN", "CRIT"
};

static void put_number(FILE *to, uint64_t number)
{
	struct cell cell;

	fputs(cell_thousands(&cell, number), to);
}

static void put_who(FILE *to, uint32_t pid, const char *comm)
{
	struct cell cell;

	fprintf(to, "%s[%u]", cell_comm(&cell, comm), pid);
}

/* The listener, or the peer that it went out to. */
static void put_end(FILE *to, const struct finding *f)
{
	const struct finding_listener *l = &f->listener;
	struct cell cell;

	if (f->remote_family)
		fprintf(to, " -> %s", cell_end(&cell, f->remote_family,
					       f->remote_addr, f->remote_port));
	else if (l->family)
		fprintf(to, " on %s",
			cell_end(&cell, l->family, l->saddr, l->sport));
	else if (l->sport)
		fprintf(to, " on port %u", l->sport);
	else if (f->many_ends)
		fprintf(to, " at more than %d ends", FINDING_ENDS_MAX);
}

static void put_subject(FILE *to, const struct finding *f)
{
	if (f->pid)
		put_who(to, f->pid, f->comm);
	else if (f->rule == RULE_CLOSE_WAIT && f->bug == BUG_OWNERLESS)
		fputs("no process", to);
	else if (f->rule == RULE_ORPHANS)
		fputs("this host", to);
	else if (f->rule == RULE_COLLISION && f->inferred && !f->state)
		fputs("unknown socket", to);
	else if ((f->orphans || f->rule == RULE_COLLISION) && f->owner_pid)
		put_who(to, f->owner_pid, f->owner_comm);
	else if (f->listener.pid)
		put_who(to, f->listener.pid, f->listener.comm);
	else
		fputs(f->orphans ? "closed by an unknown process" :
				   "unknown owner", to);
}

static const char *head_noun(const struct finding *f)
{
	if (f->state)
		return state_name(f->state);
	if (f->rule == RULE_COLLISION)
		return "SYNs refused";
	if (f->rule == RULE_ILLEGAL)
		return "not as in RFC 9293";
	return f->rule == RULE_ORPHANS ? "orphans" : "connections";
}

static void put_head(struct output *out, const struct finding *f)
{
	char unit[128] = "", container[128] = "";
	struct cell age;
	FILE *to = out->to;

	fprintf(to, "%s  ", severity_words[f->severity]);
	put_subject(to, f);
	if (f->cgroup && out->style.cgroup_name)
		out->style.cgroup_name(out->style.cgroup_ctx, f->cgroup, unit,
				       sizeof(unit), container,
				       sizeof(container));
	if (unit[0])
		fprintf(to, " %s", unit);
	if (container[0])
		fprintf(to, " container %.12s", container);
	fputs("  ", to);
	put_number(to, f->rule == RULE_COLLISION && !f->state ? f->syns.count :
								 f->count);
	fprintf(to, " %s", head_noun(f));
	put_end(to, f);
	if (f->oldest_ns)
		fprintf(to, ", %s %s%s", f->rule == RULE_IDLE ? "idle up to" :
			"oldest", f->oldest_exact ? "" : ">=",
			cell_span(&age, f->oldest_ns));
	fputc('\n', to);
}

static void put_closer(FILE *to, const struct finding *f)
{
	if (!f->owner_pid)
		return;
	fputs("; taken by ", to);
	put_who(to, f->owner_pid, f->owner_comm);
	fputs(", which has no descriptor of it", to);
}

static void put_proof(FILE *to, const struct finding *f)
{
	if (f->unread_min == f->unread_max)
		fprintf(to, " proof Recv-Q %" PRIu64, f->unread_min);
	else
		fprintf(to, " proof Recv-Q %" PRIu64 " to %" PRIu64,
			f->unread_min, f->unread_max);
	fputs(" on all ", to);
	put_number(to, f->count);
	switch (f->bug) {
	case BUG_NEVER_ACCEPTED:
		fputs("; in no file; accept queue ", to);
		fprintf(to, "%u of %u\n", f->accept_queue, f->accept_limit);
		return;
	case BUG_OWNERLESS:
		fputs("; in a file that no process has open", to);
		put_closer(to, f);
		break;
	case BUG_HELD_ELSEWHERE:
		put_closer(to, f);
		break;
	default:
		if (!f->pid)
			fputs("; not every descriptor table could be read", to);
		else if (!f->n_fds)	/* a recording has none */
			fputs("; who else holds them is not known", to);
		else if (f->shared)
			fprintf(to, "; %" PRIu64 " also open in other "
				"processes", f->shared);
		else
			fputs("; no other process holds them", to);
	}
	fputc('\n', to);
}

static void put_fds(FILE *to, const struct finding *f, size_t shown)
{
	const char *lead = f->n_fds ? "; " : " ";

	if (!f->n_fds && f->rule != RULE_FDS)
		return;
	fputs(" fds  ", to);
	for (size_t i = 0; i < shown && i < f->n_fds; i++)
		fprintf(to, " %d", f->fds[i]);
	if (f->n_fds > shown)
		fputs(" ..", to);
	if (f->fd_limit) {
		fputs(lead, to);
		put_number(to, f->fd_used);
		fputs(" of ", to);
		put_number(to, f->fd_limit);
		fputs(" descriptors used", to);
	}
	fputc('\n', to);
}

/* Of those that are not counted apart any more the number is not known. */
static void put_rest(FILE *to, size_t n, size_t shown, size_t most)
{
	if (n > shown)
		fprintf(to, " and %s%zu more", n == most ? "at least " : "",
			n - shown);
}

/* With a single one the head has named it. */
static void put_holders(FILE *to, const struct finding *f)
{
	char exe[1024];

	if (f->exe) {
		utf8_clean(exe, sizeof(exe), f->exe);
		fprintf(to, " exe   %s\n", exe);
	}
	if (f->n_holders < 2)
		return;
	fputs(" held ", to);
	for (size_t i = 0; i < HOLDERS_SHOWN && i < f->n_holders; i++) {
		fputc(' ', to);
		put_who(to, f->holders[i].pid, f->holders[i].comm);
		fputc(' ', to);
		put_number(to, f->holders[i].count);
		if (i + 1 < f->n_holders)
			fputc(' ', to);
	}
	put_rest(to, f->n_holders, HOLDERS_SHOWN, FINDING_HOLDERS_MAX);
	fputc('\n', to);
}

static void put_ages(FILE *to, const struct finding *f)
{
	static const char *const names[AGES] = {
		"<1m", "1-10m", "10-60m", ">1h",
	};

	fputs(" age  ", to);
	for (size_t i = 0; i < AGES; i++) {
		fprintf(to, " %s ", names[i]);
		put_number(to, f->ages[i]);
		if (i + 1 < AGES)
			fputs("  ", to);
	}
	fputc('\n', to);
}

static void put_peers(FILE *to, const struct finding *f)
{
	struct cell cell;

	fputs(" peers", to);
	for (size_t i = 0; i < PEERS_SHOWN && i < f->n_peers; i++) {
		fprintf(to, "%s %s ", i ? " " : "",
			cell_addr(&cell, f->peers[i].family,
				  f->peers[i].addr));
		put_number(to, f->peers[i].count);
	}
	put_rest(to, f->n_peers, PEERS_SHOWN, FINDING_PEERS_MAX);
	fputc('\n', to);
}

/* Where it sleeps says what it waits for instead. */
static void put_wait(FILE *to, const struct finding *f)
{
	struct cell age;

	if (f->wchan[0])
		fprintf(to, " waits in %s\n", f->wchan);
	if (f->bug != BUG_NEVER_ACCEPTED && f->rule != RULE_SYN_RECV)
		return;
	if (f->accept_ns)
		fprintf(to, " accept last called %s ago\n",
			cell_span(&age, f->accept_ns));
	else if (f->accept_observed)
		fprintf(to, " accept not called in the %s of observation\n",
			cell_span(&age, f->observed_ns));
}

/* Of two digits the second stands behind the point. */
static bool is_small(double rate)
{
	return rate > -10 && rate < 10 && (rate > 0 || rate < 0);
}

static void put_growth(FILE *to, const struct finding *f)
{
	struct cell observed, left;

	if (f->rule == RULE_IDLE || f->rule == RULE_ORPHANS ||
	    f->rule == RULE_COLLISION)
		return;
	if (f->has_growth)
		fprintf(to, " grows %+.*f/min over %s",
			is_small(f->growth_per_min) ? 1 : 0, f->growth_per_min,
			cell_span(&observed, f->observed_ns));
	else
		fputs(" grows measuring", to);
	if (f->has_eta && !f->eta_s)
		fputs("; EMFILE now", to);
	else if (f->has_eta)
		fprintf(to, "; EMFILE in %s at this rate",
			cell_span(&left, f->eta_s * 1000000000));
	fputc('\n', to);
}

static void put_why(FILE *to, const struct finding *f)
{
	char words[FINDING_SENTENCE_MAX];

	finding_verdict(f, words, sizeof(words));
	fprintf(to, " %s %s\n", f->rule == RULE_CLOSE_WAIT ? "bug  " : "why  ",
		words);
	if (f->rule == RULE_CLOSE_WAIT) {
		put_proof(to, f);
		return;
	}
	stuck_proof(f, words, sizeof(words));
	if (words[0])
		fprintf(to, " proof %s\n", words);
	stuck_end(f, words, sizeof(words));
	if (words[0])
		fprintf(to, " ends  %s\n", words);
}

static void put_advice(FILE *to, const struct finding *f)
{
	char line[FINDING_SENTENCE_MAX];
	uint8_t list[ADVICES];
	size_t n = advice_choose(f, list, ADVICES);
	const char *label, *before = "";

	for (size_t i = 0; i < n; i++) {
		label = advice_helps(list[i]) ? "do" : "not";
		finding_advice(f, list[i], line, sizeof(line));
		fprintf(to, " %-5s %s\n", label == before ? "" : label, line);
		before = label;
	}
}

void text_finding(struct output *out, const struct finding *f, uint64_t ns)
{
	FILE *to = out->to;

	(void)ns;
	if (f->rule == RULE_PORTS || f->rule == RULE_TIME_WAIT) {
		text_ports(out, f);
		return;
	}
	put_head(out, f);
	put_why(to, f);
	put_wait(to, f);
	put_holders(to, f);
	put_fds(to, f, out->style.wide ? FINDING_LIST_MAX : FDS_SHOWN);
	if (f->oldest_ns)
		put_ages(to, f);
	put_growth(to, f);
	if (f->n_peers)
		put_peers(to, f);
	put_advice(to, f);
}

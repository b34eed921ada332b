// SPDX-License-Identifier: GPL-2.0
/* A finding as a paragraph. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "finding_words.h"
#include "output_ops.h"

#define FDS_SHOWN	12
#define PEERS_SHOWN	5

static const char *const severity_words[SEVERITIES] = { "WARN", "CRIT" };

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

static void put_listener(FILE *to, const struct finding_listener *l)
{
	struct cell cell;

	if (l->family)
		fprintf(to, " on %s",
			cell_end(&cell, l->family, l->saddr, l->sport));
	else if (l->sport)
		fprintf(to, " on port %u", l->sport);
}

static void put_head(struct output *out, const struct finding *f)
{
	char unit[128] = "", container[128] = "";
	struct cell age;
	FILE *to = out->to;

	fprintf(to, "%s  ", severity_words[f->severity]);
	if (f->pid)
		put_who(to, f->pid, f->comm);
	else if (f->listener.pid)
		put_who(to, f->listener.pid, f->listener.comm);
	else
		fputs("unknown owner", to);
	if (f->cgroup && out->style.cgroup_name)
		out->style.cgroup_name(out->style.cgroup_ctx, f->cgroup, unit,
				       sizeof(unit), container,
				       sizeof(container));
	if (unit[0])
		fprintf(to, " %s", unit);
	fputs("  ", to);
	put_number(to, f->count);
	fprintf(to, " %s", state_name(f->state));
	put_listener(to, &f->listener);
	fprintf(to, ", oldest %s%s\n", f->oldest_exact ? "" : ">=",
		cell_span(&age, f->oldest_ns));
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
		fputs("; in a file that no process has open\n", to);
		return;
	case BUG_HELD_ELSEWHERE:
		fputs("; taken by ", to);
		put_who(to, f->owner_pid, f->owner_comm);
		fputs(", which has it no longer", to);
		break;
	default:
		if (f->shared)
			fprintf(to, "; %" PRIu64 " also open in other "
				"processes", f->shared);
		else
			fputs("; no other process holds them", to);
	}
	fputc('\n', to);
}

static void put_fds(FILE *to, const struct finding *f, size_t shown)
{
	if (!f->n_fds)
		return;
	fputs(" fds  ", to);
	for (size_t i = 0; i < shown && i < f->n_fds; i++)
		fprintf(to, " %d", f->fds[i]);
	if (f->n_fds > shown)
		fputs(" ..", to);
	if (f->fd_limit) {
		fputs("; ", to);
		put_number(to, f->fd_used);
		fputs(" of ", to);
		put_number(to, f->fd_limit);
		fputs(" descriptors used", to);
	}
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
		fprintf(to, " %s ", cell_addr(&cell, f->peers[i].family,
					      f->peers[i].addr));
		put_number(to, f->peers[i].count);
		fputs("  ", to);
	}
	if (f->n_peers > PEERS_SHOWN)
		fprintf(to, "and %zu more", f->n_peers - PEERS_SHOWN);
	fputc('\n', to);
}

void text_finding(struct output *out, const struct finding *f, uint64_t ns)
{
	const struct finding_words *words = finding_words(f);
	FILE *to = out->to;

	(void)ns;
	put_head(out, f);
	fprintf(to, " bug   %s\n", words->verdict);
	put_proof(to, f);
	put_fds(to, f, out->style.wide ? FINDING_LIST_MAX : FDS_SHOWN);
	put_ages(to, f);
	put_peers(to, f);
	for (size_t i = 0; i < FINDING_ADVICE_MAX && words->advice[i]; i++)
		fprintf(to, " %-5s %s\n", i ? "" : "do", words->advice[i]);
	if (words->no_help)
		fprintf(to, " not   %s\n", words->no_help);
}

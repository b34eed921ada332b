// SPDX-License-Identifier: GPL-2.0
/* A finding as a JSON object. */
#include "finding_words.h"
#include "json_parts.h"

static void put_who(struct jsonw *w, const struct output *out,
		    const struct finding *f)
{
	char unit[128] = "", container[128] = "";

	if (f->pid) {
		jsonw_number(w, "pid", f->pid);
		jsonw_string(w, "comm", f->comm);
	}
	if (f->has_uid)
		jsonw_number(w, "uid", f->uid);
	if (f->cgroup && out->style.cgroup_name)
		out->style.cgroup_name(out->style.cgroup_ctx, f->cgroup, unit,
				       sizeof(unit), container,
				       sizeof(container));
	if (f->cgroup)
		jsonw_number(w, "cgroup", f->cgroup);
	if (unit[0])
		jsonw_string(w, "unit", unit);
	else
		jsonw_null(w, "unit");
	if (container[0])
		jsonw_string(w, "container", container);
	else
		jsonw_null(w, "container");
}

static void put_listener(struct jsonw *w, const struct finding_listener *l)
{
	if (!l->sport)
		return;
	jsonw_object(w, "listener");
	if (l->family)
		json_end_point(w, "saddr", "sport", l->family, l->saddr,
			       l->sport, true);
	else
		jsonw_number(w, "sport", l->sport);
	if (l->pid) {
		jsonw_number(w, "pid", l->pid);
		jsonw_string(w, "comm", l->comm);
	}
	jsonw_object_end(w);
}

static void put_lists(struct jsonw *w, const struct finding *f)
{
	struct cell cell;

	jsonw_array(w, "peers");
	for (size_t i = 0; i < f->n_peers && i < FINDING_LIST_MAX; i++) {
		jsonw_object(w, NULL);
		jsonw_string(w, "daddr", cell_addr(&cell, f->peers[i].family,
						   f->peers[i].addr));
		jsonw_number(w, "count", f->peers[i].count);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_array(w, "fds");
	for (size_t i = 0; i < f->n_fds && i < FINDING_LIST_MAX; i++)
		jsonw_number(w, NULL, f->fds[i]);
	jsonw_array_end(w);
	jsonw_array(w, "conn_ids");
	for (size_t i = 0; i < f->count && i < FINDING_LIST_MAX; i++)
		jsonw_hex(w, NULL, f->conn_ids[i]);
	jsonw_array_end(w);
}

static void put_words(struct jsonw *w, const struct finding *f)
{
	const struct finding_words *words = finding_words(f);

	jsonw_string(w, "verdict", words->verdict);
	jsonw_array(w, "advice");
	for (size_t i = 0; i < FINDING_ADVICE_MAX && words->advice[i]; i++)
		jsonw_string(w, NULL, words->advice[i]);
	jsonw_array_end(w);
}

void json_finding(struct output *out, const struct finding *f, uint64_t ns)
{
	struct jsonw w;

	json_begin(&w, out, "finding", ns);
	jsonw_string(&w, "rule", rule_name(f->rule));
	jsonw_string(&w, "severity", severity_name(f->severity));
	jsonw_string(&w, "bug", bug_name(f->bug));
	jsonw_number(&w, "netns", f->netns);
	jsonw_string(&w, "state", state_name(f->state));
	jsonw_number(&w, "count", f->count);
	jsonw_number(&w, "oldest_us", f->oldest_ns / 1000);
	jsonw_bool(&w, "oldest_exact", f->oldest_exact);
	/* Not measured by a single look. */
	jsonw_null(&w, "growth_per_min");
	jsonw_number(&w, "observed_us", f->observed_ns / 1000);
	put_who(&w, out, f);
	put_listener(&w, &f->listener);
	if (f->fd_limit) {
		jsonw_number(&w, "fd_used", f->fd_used);
		jsonw_number(&w, "fd_limit", f->fd_limit);
	}
	jsonw_null(&w, "eta_s");
	put_lists(&w, f);
	put_words(&w, f);
	jsonw_end(&w);
}

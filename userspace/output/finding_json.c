// SPDX-License-Identifier: GPL-2.0
/* A finding as a JSON object. */
#include "engine/advice.h"
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
	if (f->exe)
		jsonw_string(w, "exe", f->exe);
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

static void put_closer(struct jsonw *w, const struct finding *f)
{
	if (!f->owner_pid)
		return;
	jsonw_object(w, "closed_by");
	jsonw_number(w, "pid", f->owner_pid);
	jsonw_string(w, "comm", f->owner_comm);
	jsonw_object_end(w);
}

static void put_holders(struct jsonw *w, const struct finding *f)
{
	jsonw_array(w, "holders");
	for (size_t i = 0; i < f->n_holders && i < FINDING_LIST_MAX; i++) {
		jsonw_object(w, NULL);
		jsonw_number(w, "pid", f->holders[i].pid);
		jsonw_string(w, "comm", f->holders[i].comm);
		jsonw_number(w, "count", f->holders[i].count);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
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
	for (size_t i = 0; i < (f->state ? f->count : 0) &&
	     i < FINDING_LIST_MAX; i++)
		jsonw_hex(w, NULL, f->conn_ids[i]);
	jsonw_array_end(w);
}

static void put_advice(struct jsonw *w, const char *key, const struct finding *f,
		       bool helps)
{
	char line[FINDING_SENTENCE_MAX];
	uint8_t list[ADVICES];
	size_t n = advice_choose(f, list, ADVICES);

	jsonw_array(w, key);
	for (size_t i = 0; i < n; i++) {
		if (advice_helps(list[i]) != helps)
			continue;
		finding_advice(f, list[i], line, sizeof(line));
		jsonw_string(w, NULL, line);
	}
	jsonw_array_end(w);
}

static void put_words(struct jsonw *w, const struct finding *f)
{
	char verdict[FINDING_SENTENCE_MAX];

	finding_verdict(f, verdict, sizeof(verdict));
	jsonw_string(w, "verdict", verdict);
	put_advice(w, "advice", f, true);
	put_advice(w, "no_help", f, false);
}

static void put_growth(struct jsonw *w, const struct finding *f)
{
	/* Two digits of it count, wherever they are. */
	if (f->has_growth)
		jsonw_real(w, "growth_per_min", f->growth_per_min, 3);
	else
		jsonw_null(w, "growth_per_min");
	jsonw_number(w, "observed_us", f->observed_ns / 1000);
}

static void put_age(struct jsonw *w, const struct finding *f)
{
	static const char *const names[AGES] = {
		"under_1m", "under_10m", "under_1h", "over_1h",
	};

	jsonw_number(w, "oldest_us", f->oldest_ns / 1000);
	jsonw_bool(w, "oldest_exact", f->oldest_exact);
	if (f->rule == RULE_PORTS || f->rule == RULE_TIME_WAIT)
		return;
	jsonw_object(w, "ages");
	for (size_t i = 0; i < AGES; i++)
		jsonw_number(w, names[i], f->ages[i]);
	jsonw_object_end(w);
}

/* Of CLOSE_WAIT: what the program has not read, and who else has it. */
static void put_unread(struct jsonw *w, const struct finding *f)
{
	jsonw_object(w, "recv_q");
	jsonw_number(w, "min", f->unread_min);
	jsonw_number(w, "max", f->unread_max);
	jsonw_object_end(w);
	jsonw_number(w, "shared", f->shared);
}

static void put_remote(struct jsonw *w, const struct finding *f)
{
	if (f->many_ends)
		jsonw_bool(w, "many_ends", true);
	if (!f->remote_family)
		return;
	jsonw_object(w, "peer");
	json_end_point(w, "daddr", "dport", f->remote_family, f->remote_addr,
		       f->remote_port, true);
	jsonw_object_end(w);
}

/* When the kernel ends them by itself, which "count" of them it does. */
static void put_end(struct jsonw *w, const struct finding *f)
{
	if (!f->has_end)
		return;
	jsonw_object(w, "ends");
	jsonw_number(w, "count", f->ending);
	if (f->ending) {
		jsonw_number(w, "first_us", f->end_min_ns / 1000);
		jsonw_number(w, "last_us", f->end_max_ns / 1000);
	}
	jsonw_object_end(w);
}

static void put_waiting(struct jsonw *w, const struct finding *f)
{
	if (f->wchan[0])
		jsonw_string(w, "wchan", f->wchan);
	if (f->accept_limit) {
		jsonw_number(w, "accept_queue", f->accept_queue);
		jsonw_number(w, "accept_limit", f->accept_limit);
	}
	if (f->accept_ns)
		jsonw_number(w, "last_accept_us", f->accept_ns / 1000);
	else if (f->accept_observed)
		jsonw_null(w, "last_accept_us");
}

/* The end that sent them is the peer's. */
static void put_syns(struct jsonw *w, const struct finding *f)
{
	const struct finding_syns *s = &f->syns;

	jsonw_string(w, "basis", basis_name(f->inferred ?
					    TCPSTATE_BY_INFERENCE :
					    TCPSTATE_BY_PROBE));
	jsonw_object(w, "syns");
	jsonw_number(w, "count", s->count);
	if (s->family) {
		jsonw_number(w, "first_us", s->first_ns / 1000);
		jsonw_number(w, "last_us", s->last_ns / 1000);
		json_end_point(w, "saddr", "sport", s->family, s->saddr,
			       s->sport, true);
		json_end_point(w, "daddr", "dport", s->family, s->daddr,
			       s->dport, true);
	}
	jsonw_object_end(w);
	jsonw_number(w, "gone", s->gone);
	put_end(w, f);
}

static void put_stuck(struct jsonw *w, const struct finding *f)
{
	put_remote(w, f);
	put_waiting(w, f);
	if (f->rule == RULE_COLLISION)
		put_syns(w, f);
	if (f->rule == RULE_ORPHANS && f->facts)
		jsonw_number(w, "limit", f->facts->tcp_max_orphans);
	if (f->rule < RULE_FIN_WAIT1 || f->rule > RULE_SYN_RECV)
		return;
	jsonw_object(w, "again");
	jsonw_number(w, "min", f->again_min);
	jsonw_number(w, "max", f->again_max);
	jsonw_number(w, "twice", f->often);
	jsonw_object_end(w);
	jsonw_number(w, "unsent", f->unsent);
	jsonw_number(w, "orphans", f->orphans);
	put_end(w, f);
}

void json_finding(struct output *out, const struct finding *f, uint64_t ns)
{
	struct jsonw w;

	json_begin(&w, out, "finding", ns);
	jsonw_string(&w, "rule", rule_name(f->rule));
	jsonw_string(&w, "severity", severity_name(f->severity));
	if (f->rule == RULE_CLOSE_WAIT)
		jsonw_string(&w, "bug", bug_name(f->bug));
	if (cause_name(f->cause))
		jsonw_string(&w, "cause", cause_name(f->cause));
	jsonw_number(&w, "netns", f->netns);
	if (f->state)
		jsonw_string(&w, "state", state_name(f->state));
	jsonw_number(&w, "count", f->count);
	if (f->oldest_ns || f->state)
		put_age(&w, f);
	if (f->rule == RULE_CLOSE_WAIT)
		put_unread(&w, f);
	put_growth(&w, f);
	put_who(&w, out, f);
	put_closer(&w, f);
	put_holders(&w, f);
	put_listener(&w, &f->listener);
	put_stuck(&w, f);
	if (f->fd_limit) {
		jsonw_number(&w, "fd_used", f->fd_used);
		jsonw_number(&w, "fd_limit", f->fd_limit);
	}
	if (f->has_eta)
		jsonw_number(&w, "eta_s", f->eta_s);
	else
		jsonw_null(&w, "eta_s");
	if (f->rule == RULE_PORTS || f->rule == RULE_TIME_WAIT)
		json_ports(&w, f);
	put_lists(&w, f);
	put_words(&w, f);
	jsonw_end(&w);
}

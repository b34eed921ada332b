// SPDX-License-Identifier: GPL-2.0
/*
 * What a record leaves open, until one that follows or the time decides it: enum
 * pending.
 */
#include "conn.h"

/* TCP_TIMEWAIT_LEN is 60 s; measured, it lasted 60.8 to 61.4 s (F5). */
#define MINI_LASTS_NS		61000000000ULL
#define LATE_NS			1000000000ULL
#define PREDICTED_EVERY_NS	500000000ULL
/*
 * connect() has its port microseconds after SYN_SENT, unless its task loses the
 * processor in between.
 */
#define PORT_NS			1000000000ULL

/* ---- to be decided ---- */

/* How a mini-socket would end; only of some records, what says so is set. */
static struct verdict verdict_of_mini(uint8_t state,
				      const struct tcpstate_record *r)
{
	struct tcpstate_record end = { .flags = r->flags };

	if (r->type == TCPSTATE_REQ_DROP || r->type == TCPSTATE_TW_KILL)
		end.cause = r->cause;
	if (r->type == TCPSTATE_REQ_DROP) {
		end.rqueue = r->rqueue;
		end.wqueue = r->wqueue;
	}
	return reason_of_mini_end(state, &end);
}

void settle_later(struct engine *e, struct entry *entry,
		  enum pending pending, const struct tcpstate_record *r)
{
	const bool port = pending == PENDING_PORT;
	struct verdict v = no_verdict;

	if (pending == PENDING_DROP)
		v = verdict_of_mini(TCPSTATE_SYN_RECV, r);
	else if (pending == PENDING_END)
		v = verdict_of_mini(r->old_state, r);
	entry->pending = pending;
	entry->due_ns = r->mono_ns + (port ? PORT_NS : e->cfg.settle_ns);
	if (entry->due_ns < e->due_ns)
		e->due_ns = entry->due_ns;
	entry->held = (struct held){
		.state = r->old_state,
		.basis = r->basis,
		.owned = r->flags & TCPSTATE_F_OWNED,
		.reason = v.reason,
		.detail = v.detail,
		.kind = v.kind,
	};
	table_move(e->table, entry, port ? LIST_CONNECTING : LIST_SETTLING);
}

enum list list_of(const struct entry *entry)
{
	return entry->conn.state == TCPSTATE_TIME_WAIT ? LIST_TIME_WAIT :
							 LIST_LIVE;
}

void settled(struct engine *e, struct entry *entry)
{
	entry->pending = PENDING_NONE;
	table_move(e->table, entry, list_of(entry));
}

void predict_end(struct engine *e, struct entry *entry, uint64_t from_ns,
		 uint32_t timeout_ms)
{
	uint64_t lasts_ns = timeout_ms ? timeout_ms * 1000000ULL + LATE_NS :
					 MINI_LASTS_NS;

	if (e->cfg.hooks & SEEN_TW_KILL)
		return;
	entry->pending = PENDING_EXPIRY;
	entry->due_ns = from_ns + lasts_ns;
	table_move(e->table, entry, LIST_PREDICTED);
}

/* ---- decided ---- */

void tell_time_wait_line(struct engine *e, struct entry *entry)
{
	settled(e, entry);
	tell_conn(e, entry, false);
	predict_end(e, entry, conn_closing(&entry->conn)->tw_ns, 0);
}

/* Where no hook shows a mini-socket's end, it is when its timer runs out. */
static void expire(struct engine *e, struct entry *entry)
{
	struct tcpstate_record r = {
		.mono_ns = entry->due_ns,
		.flags = TCPSTATE_F_TIMER,
		.basis = TCPSTATE_BY_INFERENCE,
	};

	end(e, entry, &r, reason_of_mini_end(entry->conn.state, &r));
}

struct verdict verdict_of_orphan(const struct entry *entry, uint8_t old_state,
				 bool owned, bool rst_first)
{
	const struct orphan_end end = {
		.old_state = old_state,
		.owned = owned,
		.rst_sent = entry->rst_sent,
		.rst_first = rst_first,
		.rst_reason = entry->rst_reason,
	};

	return reason_of_orphan(&end);
}

static void settle(struct engine *e, struct entry *entry)
{
	const struct held held = entry->held;
	const struct verdict v = { held.reason, held.detail, held.kind };
	const uint64_t waits_ns = entry->pending == PENDING_PORT ?
				  PORT_NS : e->cfg.settle_ns;
	struct tcpstate_record r = {
		.mono_ns = entry->due_ns - waits_ns,
		.basis = held.basis,
	};

	switch (entry->pending) {
	case PENDING_PORT:
		settled(e, entry);
		move(e, entry, TCPSTATE_SYN_SENT, r.mono_ns, r.basis,
		     no_verdict);
		break;
	case PENDING_DROP:
		end(e, entry, &r, v);
		break;
	case PENDING_END:
		end_mini(e, entry, held.state, &r, v);
		break;
	case PENDING_LINE:
		tell_time_wait_line(e, entry);
		break;
	case PENDING_CLOSE:
		end(e, entry, &r, verdict_of_orphan(entry, held.state,
						    held.owned, false));
		break;
	case PENDING_FORGET:
		table_remove(e->table, entry);
		break;
	case PENDING_EXPIRY:
		expire(e, entry);
		break;
	}
}

static int settle_predicted(void *ctx, struct entry *entry)
{
	struct engine *e = ctx;

	if (entry->list == LIST_PREDICTED && entry->due_ns <= e->predicted_ns &&
	    table_reserve(e->table))
		settle(e, entry);
	return 0;
}

/* In no order, so all are looked at; half a second is exact enough. */
static void settle_expired(struct engine *e, uint64_t now_ns)
{
	if (!table_count(e->table, LIST_PREDICTED) ||
	    now_ns < e->predicted_ns + PREDICTED_EVERY_NS)
		return;
	e->predicted_ns = now_ns;
	table_each_in(e->table, LIST_PREDICTED, settle_predicted, e);
}

/* When the next one is due. */
static uint64_t settle_list(struct engine *e, enum list list, uint64_t now_ns)
{
	struct entry *entry;

	/* Without memory it waits for the next time. */
	while ((entry = table_oldest(e->table, list)) &&
	       entry->due_ns <= now_ns && table_reserve(e->table)) {
		table_fetch_ahead(e->table);
		settle(e, entry);
	}
	return entry ? entry->due_ns : UINT64_MAX;
}

static void settle_due(struct engine *e, uint64_t now_ns)
{
	uint64_t ports_ns, others_ns;

	/* What settles may bring something that is due before all others. */
	e->due_ns = UINT64_MAX;
	ports_ns = settle_list(e, LIST_CONNECTING, now_ns);
	others_ns = settle_list(e, LIST_SETTLING, now_ns);
	if (ports_ns < e->due_ns)
		e->due_ns = ports_ns;
	if (others_ns < e->due_ns)
		e->due_ns = others_ns;
}

void conn_settle(struct engine *e, uint64_t now_ns)
{
	if (now_ns >= e->due_ns)
		settle_due(e, now_ns);
	/* At the very end nothing is predicted: it has not happened yet. */
	if (now_ns != UINT64_MAX)
		settle_expired(e, now_ns);
}

/* A record decides what was pending.  Ends are left to their own rules. */
void decide_now(struct engine *e, struct entry *entry)
{
	if (entry->pending == PENDING_PORT || entry->pending == PENDING_LINE ||
	    entry->pending == PENDING_CLOSE)
		settle(e, entry);
}

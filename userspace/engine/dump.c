// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets as sock_diag shows them: those that are older than the capture, and
 * what only a dump tells of the others.
 */
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "facts.h"

/* TCP_TIMEWAIT_LEN and what a timer may be late. */
#define MINI_AT_MOST_NS 65000000000ULL

static uint64_t snapshot_since(const struct tcpstate_record *r)
{
	uint64_t age = r->age_ms * 1000000ULL;

	if (r->new_state != TCPSTATE_CLOSE_WAIT &&
	    r->new_state != TCPSTATE_TIME_WAIT)
		return r->mono_ns;
	return age < r->mono_ns ? r->mono_ns - age : 0;
}

/* Facts that only a dump has; true even if the state has moved on. */
static void take_dump(struct engine *e, struct entry *entry,
		      const struct tcpstate_record *r)
{
	struct conn *c = &entry->conn;
	struct origin origin = *conn_origin(c);

	c->dumped_ns = r->mono_ns;
	c->inode = r->inode;
	c->rqueue = r->rqueue;
	c->wqueue = r->wqueue;
	if (r->inode) {
		c->accepted = true;
		origin.uid = r->uid;
		c->has_uid = true;
	}
	if (r->cgroup)
		origin.cgroup = r->cgroup;
	table_set_origin(e->table, entry, &origin);
	if (!c->sport)
		c->sport = r->sport;
}

/* A FIN_WAIT2 in no file, with a timer of its own, has no full socket. */
static bool is_orphan_mini(const struct tcpstate_record *r)
{
	return r->new_state == TCPSTATE_FIN_WAIT2 && !r->inode &&
	       r->timeout_ms;
}

/*
 * A mini-socket's FIN that no hook shows: the dump does.  Where one does, its
 * record may only be late: engine_dump_end() sees what is wrong.
 */
static bool snapshot_moves(const struct engine *e, const struct entry *entry,
			   uint8_t state)
{
	return !(e->cfg.hooks & SEEN_TW_REARM) &&
	       state == TCPSTATE_TIME_WAIT && entry->conn.mini &&
	       entry->conn.state == TCPSTATE_FIN_WAIT2;
}

/* What is left of its 60 s says when TIME_WAIT began. */
static void move_by_dump(struct engine *e, struct entry *entry,
			 const struct tcpstate_record *r)
{
	struct tcpstate_record then = *r;

	then.mono_ns = snapshot_since(r);
	if (then.mono_ns < entry->conn.state_ns)
		then.mono_ns = entry->conn.state_ns;
	enter_time_wait(e, entry, &then, false);
}

void on_snapshot(struct engine *e, const struct tcpstate_record *r)
{
	uint8_t state = r->new_state == TCPSTATE_NEW_SYN_RECV ?
			TCPSTATE_SYN_RECV : r->new_state;
	struct entry *entry = table_find(e->table, r->cookie);
	struct conn *c;

	if (entry) {
		if (entry->dead)
			return;
		take_dump(e, entry, r);
		entry->dump = e->dump;
		entry->dumped = state;
		if (snapshot_moves(e, entry, state))
			move_by_dump(e, entry, r);
		return;
	}
	if (state == TCPSTATE_CLOSE)
		return;
	entry = entry_new(e, r);
	if (!entry)
		return;
	c = &entry->conn;
	c->snapshot = true;
	c->basis = TCPSTATE_BY_SNAPSHOT;
	take_dump(e, entry, r);
	entry->dump = e->dump;
	entry->dumped = state;
	entry->moved_ns = r->mono_ns;
	c->bytes_in = r->bytes_received;
	c->bytes_out = r->bytes_acked;
	set_state(e, entry, state, snapshot_since(r));
	if (state == TCPSTATE_TIME_WAIT || is_orphan_mini(r)) {
		become_mini(e, entry);
		predict_end(e, entry, r->mono_ns, r->timeout_ms);
		c->first = FIRST_LOCAL;
	}
	if (state == TCPSTATE_TIME_WAIT) {
		entry->line_told = true;
		closing_of(e, entry)->tw_ns = c->state_ns;
	}
	if (state == TCPSTATE_CLOSE_WAIT)
		c->first = FIRST_PEER;
	if (state == TCPSTATE_SYN_RECV)
		c->role = ROLE_SERVER;
	if (state == TCPSTATE_SYN_SENT)
		c->role = ROLE_CLIENT;
	if (state == TCPSTATE_LISTEN) {
		c->role = ROLE_LISTENER;
		table_move(e->table, entry, LIST_LISTENING);
		roles_listener(e);
	}
	roles_later(e, entry);
}

/* ---- what a dump proves ---- */

struct proof {
	struct engine *e;
	uint64_t began_ns;
	const uint32_t *netns;
	size_t n;
	size_t doubts;
};

static bool is_read(const struct proof *p, uint32_t netns)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->netns[i] == netns)
			return true;
	return false;
}

/* Its end was lost. */
static void end_unseen(struct engine *e, struct entry *entry, uint64_t ns)
{
	const struct verdict unknown = { .reason = REASON_UNKNOWN };
	struct tcpstate_record r = {
		.mono_ns = ns,
		.basis = TCPSTATE_BY_INFERENCE,
	};

	e->stats.corrected++;
	entry->conn.state_ns = 0;
	end(e, entry, &r, unknown);
}

static void mend_by_dump(struct engine *e, struct entry *entry)
{
	mend(e, entry, entry->dumped, entry->conn.dumped_ns);
	entry->conn.snapshot = true;
	if (entry->dumped != TCPSTATE_TIME_WAIT)
		return;
	become_mini(e, entry);
	if (!entry->line_told)
		tell_conn(e, entry, false);
	predict_end(e, entry, entry->conn.dumped_ns, 0);
}

/*
 * Not in this dump.  Where its namespace was not read, perhaps because it is
 * gone as well, only the time that no mini-socket outlasts proves anything.
 */
static bool is_over(const struct proof *p, const struct entry *entry)
{
	uint64_t lasts_ns = p->e->cfg.holdback_ns;

	if (!is_read(p, entry->conn.netns)) {
		if (!entry->conn.mini)
			return false;
		lasts_ns = MINI_AT_MOST_NS;
	}
	return entry->moved_ns + lasts_ns < p->began_ns;
}

/*
 * A dump takes many steps, and may pass over a socket whose neighbours in the
 * hash come and go; and a record may be late.  Two in a row are believed.
 */
static bool is_sure(struct proof *p, struct entry *entry)
{
	bool again = entry->doubt &&
		     entry->doubt == (uint16_t)(p->e->dump - 1);

	entry->doubt = p->e->dump;
	p->doubts += !again;
	return again;
}

/* What has moved since the dump was begun may have moved after it was read. */
static int prove(void *ctx, struct entry *entry)
{
	struct proof *p = ctx;
	struct conn *c = &entry->conn;

	if (entry->dead || !c->state || entry->list == LIST_SETTLING ||
	    entry->list == LIST_CONNECTING || !table_reserve(p->e->table))
		return 0;
	if (entry->dump == (uint16_t)p->e->dump) {
		if (entry->dumped != c->state &&
		    entry->moved_ns < c->dumped_ns && is_sure(p, entry))
			mend_by_dump(p->e, entry);
	} else if (is_over(p, entry) && is_sure(p, entry)) {
		end_unseen(p->e, entry, p->began_ns);
	}
	return 0;
}

void engine_dump_begin(struct engine *e)
{
	engine_tell_input(e, &(struct engine_input){ .type = INPUT_DUMP_BEGIN });
	e->dump++;
}

size_t engine_dump_end(struct engine *e, uint64_t began_ns,
		       const uint32_t *netns, size_t n)
{
	struct proof proof = { e, began_ns, netns, n, 0 };

	engine_tell_input(e, &(struct engine_input){
		.type = INPUT_DUMP_END, .ns = began_ns, .netns = netns, .n = n });
	table_each(e->table, prove, &proof);
	return proof.doubts;
}

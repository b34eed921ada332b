// SPDX-License-Identifier: GPL-2.0
/*
 * What a record means for its connection: the logical stream.
 *
 * Three kernel objects with one cookie make one connection.  The rules, with
 * the facts behind them, are in Documentation/design.rst:
 *
 *   request_sock    REQ_ADD                  LISTEN -> SYN_RECV
 *   sock            LISTEN -> SYN_RECV       nothing: the child's own
 *                   all other moves          as they are
 *   timewait_sock   TW_ADD                   -> TIME_WAIT, or FIN_WAIT2 stays
 *                   FIN_WAIT2|CLOSING->CLOSE nothing: only the sock is gone
 *                   TW_KILL                  -> CLOSE
 */
#include "conn.h"

#include <string.h>

#include "collision.h"
#include "facts.h"
#include "fsm.h"
#include "numbers.h"
#include "oddity.h"

#define PROTOCOL_TCP	6
/* Closed sockets whose file may connect or listen again, at most. */
#define DORMANT_MAX	8192

const struct verdict no_verdict;

/* ---- telling ---- */

/* An orphan's mini-socket: its TIME_WAIT may be seen by a dump alone. */
static bool is_unconfirmed(const struct conn *c)
{
	/* In one test with .mini it would be read wider than it was written. */
	const bool waits = c->state == TCPSTATE_FIN_WAIT2;

	return waits && c->mini;
}

/* 0 is SYN_SENT that has not been told yet. */
static bool is_counted(const struct conn *c)
{
	return c->state && c->state != TCPSTATE_CLOSE;
}

static void forget_state(struct engine *e, const struct conn *c)
{
	e->stats.unconfirmed -= is_unconfirmed(c);
	if (is_counted(c))
		engine_count(e, c->netns, c->state, -1);
}

void set_state(struct engine *e, struct entry *entry, uint8_t state,
	       uint64_t ns)
{
	struct conn *c = &entry->conn;

	forget_state(e, c);
	c->state = state;
	c->state_ns = ns;
	e->stats.unconfirmed += is_unconfirmed(c);
	if (is_counted(c))
		engine_count(e, c->netns, state, 1);
}

void become_mini(struct engine *e, struct entry *entry)
{
	struct conn *c = &entry->conn;

	entry->mini_seen = true;
	if (c->mini)
		return;
	c->mini = true;
	if (is_unconfirmed(c))
		e->stats.unconfirmed++;
}

void tell_conn(struct engine *e, struct entry *entry, bool ended)
{
	struct conn *c = &entry->conn;

	if (c->role == ROLE_LISTENER)
		return;
	if (!entry->line_told && !conn_origin(c)->pid)
		e->stats.unknown_owner++;
	if (!entry->line_told && c->contradicts)
		oddity_met(e, c, e->now_ns, 0, 0);
	entry->line_told = true;
	if (e->sink.conn)
		e->sink.conn(e->ctx, c, ended);
}

static void note_closing(struct conn *c, struct closing *end, uint8_t state,
			 uint64_t ns)
{
	switch (state) {
	case TCPSTATE_FIN_WAIT1:
		c->first = FIRST_LOCAL;
		end->fin_ns = ns;
		break;
	case TCPSTATE_LAST_ACK:
		end->fin_ns = ns;
		break;
	case TCPSTATE_CLOSE_WAIT:
		c->first = FIRST_PEER;
		end->peer_fin_ns = ns;
		break;
	case TCPSTATE_CLOSING:
		c->first = FIRST_BOTH;
		c->kind = KIND_SIMULTANEOUS;
		end->peer_fin_ns = ns;
		break;
	case TCPSTATE_TIME_WAIT:
		end->tw_ns = ns;
		if (!end->peer_fin_ns)
			end->peer_fin_ns = ns;
		break;
	}
}

static void note_times(struct engine *e, struct entry *entry, uint8_t state,
		       uint64_t ns)
{
	struct conn *c = &entry->conn;

	switch (state) {
	case TCPSTATE_SYN_SENT:
	case TCPSTATE_SYN_RECV:
	case TCPSTATE_LISTEN:
		if (!c->born_ns)
			c->born_ns = ns;
		break;
	case TCPSTATE_ESTABLISHED:
		c->established_ns = ns;
		break;
	case TCPSTATE_CLOSE:
		break;
	default:
		note_closing(c, closing_of(e, entry), state, ns);
		break;
	}
}

/* One move of the logical stream.  @v is for -> CLOSE and -> TIME_WAIT. */
void move(struct engine *e, struct entry *entry, uint8_t state,
	  uint64_t ns, uint8_t basis, struct verdict v)
{
	struct conn *c = &entry->conn;
	struct transition t = {
		.conn = c,
		.ns = ns,
		.old_state = c->state ? c->state : TCPSTATE_CLOSE,
		.new_state = state,
		.basis = basis,
		.has_span = c->state && c->state != TCPSTATE_CLOSE &&
			    c->state_ns && ns >= c->state_ns && !c->snapshot,
		.by_exit = state == TCPSTATE_CLOSE && c->by_exit,
	};

	if (!c->state && state == TCPSTATE_SYN_RECV)
		t.old_state = TCPSTATE_LISTEN;
	if (t.has_span)
		t.span_ns = ns - c->state_ns;
	if (state == TCPSTATE_CLOSE) {
		t.reason = v.reason;
		t.detail = v.detail;
	}
	/* The end of a TIME_WAIT does not change how it was closed. */
	if (c->state != TCPSTATE_TIME_WAIT) {
		c->reason = v.reason;
		c->detail = v.detail;
		if (v.kind)
			c->kind = v.kind;
	}
	t.legal = fsm_legal(t.old_state, t.new_state);
	t.course = fsm_course(t.old_state, t.new_state);
	if (t.course == COURSE_UNUSUAL)
		c->unusual = true;
	if (!t.legal) {
		e->stats.illegal++;
		/* Over a gap, which is told: nobody has made this move. */
		if (basis != TCPSTATE_BY_INFERENCE)
			oddity_met(e, c, ns, t.old_state, t.new_state);
	}
	if (basis == TCPSTATE_BY_INFERENCE)
		e->stats.inferred++;
	c->basis = basis;
	set_state(e, entry, state, ns);
	entry->moved_ns = ns;
	entry->rst_sent = false;
	entry->rst_received = false;
	note_times(e, entry, state, ns);
	/* From its first seen move on, its times are exact. */
	c->snapshot = false;
	if (state == TCPSTATE_LISTEN) {
		table_move(e->table, entry, LIST_LISTENING);
		roles_listener(e);
	} else if (entry->list == LIST_LIVE || entry->list == LIST_TIME_WAIT) {
		table_move(e->table, entry, list_of(entry));
	}
	if (e->sink.transition)
		e->sink.transition(e->ctx, &t);
}

/* When it came to be in either state is not known. */
void mend(struct engine *e, struct entry *entry, uint8_t state, uint64_t ns)
{
	e->stats.corrected++;
	entry->conn.state_ns = 0;
	move(e, entry, state, ns, TCPSTATE_BY_INFERENCE, no_verdict);
	entry->conn.state_ns = 0;
}

/* It is CLOSE now: its entry stays for late records, or for a second life. */
/* Late records of a life that was told as over may still come. */
static void make_dormant(struct engine *e, struct entry *entry)
{
	entry->dead = true;
	entry->pending = PENDING_NONE;
	table_move(e->table, entry, LIST_DORMANT);
	if (table_count(e->table, LIST_DORMANT) > DORMANT_MAX)
		table_remove(e->table,
			     table_oldest(e->table, LIST_DORMANT));
}

void end(struct engine *e, struct entry *entry,
	 const struct tcpstate_record *r, struct verdict v)
{
	bool may_live_again = r->type == TCPSTATE_STATE &&
			      !(r->flags & TCPSTATE_F_DEAD) &&
			      (r->flags & TCPSTATE_F_HAS_FILE);
	struct conn *c = &entry->conn;

	if (c->first == FIRST_NONE && v.reason == REASON_ABORT)
		c->first = FIRST_LOCAL;
	if (c->first == FIRST_NONE && v.reason == REASON_RST_RECEIVED)
		c->first = FIRST_PEER;
	move(e, entry, TCPSTATE_CLOSE, r->mono_ns, r->basis, v);
	tell_conn(e, entry, true);
	entry->dead = true;
	settle_later(e, entry, PENDING_FORGET, r);
	if (!may_live_again)
		return;
	make_dormant(e, entry);
}

/* ---- births ---- */

/* Without room the longest-unchanged goes, closed sockets first. */
static void make_room(struct engine *e)
{
	struct entry *entry = table_oldest(e->table, LIST_DORMANT);
	struct entry *settling = table_oldest(e->table, LIST_SETTLING);

	if (!settling)
		settling = table_oldest(e->table, LIST_CONNECTING);
	if (!entry && settling && settling->dead)
		entry = settling;
	if (!entry)
		entry = table_oldest(e->table, LIST_PREDICTED);
	if (!entry)
		entry = table_oldest(e->table, LIST_TIME_WAIT);
	if (!entry)
		entry = table_oldest(e->table, LIST_LIVE);
	if (!entry)
		entry = settling;
	if (!entry)
		entry = table_oldest(e->table, LIST_LISTENING);
	if (!entry)
		return;
	if (!entry->dead) {
		e->stats.evicted++;
		forget_state(e, &entry->conn);
	}
	table_remove(e->table, entry);
}

void entry_forget(struct engine *e, struct entry *entry)
{
	if (entry->dead)
		return;
	if (entry->conn.life > 1) {
		set_state(e, entry, TCPSTATE_CLOSE, entry->conn.state_ns);
		make_dormant(e, entry);
		return;
	}
	forget_state(e, &entry->conn);
	table_remove(e->table, entry);
}

struct entry *entry_new(struct engine *e,
			const struct tcpstate_record *r)
{
	struct entry *entry;

	if (table_is_full(e->table))
		make_room(e);
	entry = table_add(e->table, r->cookie);
	if (!entry) {
		e->stats.evicted++;
		return NULL;
	}
	entry->conn.netns = r->netns_ino;
	entry->conn.life = 1;
	take_tuple(e, entry, r);
	return entry;
}

/* A socket that is used again: all but its identity begins anew. */
void entry_reset(struct engine *e, struct entry *entry,
		 const struct tcpstate_record *r)
{
	uint64_t cookie = entry->conn.cookie;
	uint32_t life = entry->conn.life + 1;

	table_reset(e->table, entry);
	entry->conn.cookie = cookie;
	entry->conn.life = life;
	entry->conn.netns = r->netns_ino;
	entry->dead = false;
	entry->mini_seen = false;
	entry->line_told = false;
	entry->rst_sent = false;
	entry->rst_received = false;
	entry->fw2_in_order = false;
	entry->fw2_softirq = false;
	take_tuple(e, entry, r);
	settled(e, entry);
}

/* A record of a connection that was never seen, or already told as gone. */
struct entry *entry_in_the_middle(struct engine *e,
				  const struct tcpstate_record *r,
				  uint8_t state)
{
	struct entry *entry = entry_new(e, r);

	if (!entry)
		return NULL;
	entry->conn.snapshot = true;
	entry->conn.basis = TCPSTATE_BY_INFERENCE;
	entry->moved_ns = r->mono_ns;
	set_state(e, entry, state, r->mono_ns);
	if (state == TCPSTATE_SYN_SENT)
		entry->conn.role = ROLE_CLIENT;
	/* Its listener may have been dumped before it. */
	else if (state != TCPSTATE_TIME_WAIT && state != TCPSTATE_FIN_WAIT2)
		roles_later(e, entry);
	return entry;
}

/* ---- full sockets ---- */

static void begin_life(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);
	struct tcpstate_record unseen = *r;

	if (!entry) {
		entry = entry_new(e, r);
	} else {
		bool late_snapshot = entry->conn.snapshot;

		decide_now(e, entry);
		if (!entry->dead && !late_snapshot) {
			e->stats.corrected++;
			unseen.basis = TCPSTATE_BY_INFERENCE;
			end(e, entry, &unseen, (struct verdict){
				    REASON_UNKNOWN, DETAIL_NONE, KIND_UNKNOWN });
		} else if (!entry->dead) {
			set_state(e, entry, TCPSTATE_CLOSE, r->mono_ns);
		}
		entry_reset(e, entry, r);
		if (late_snapshot)
			entry->conn.life = 1;
	}
	if (!entry)
		return;
	take_owner(e, entry, r);
	if (r->new_state != TCPSTATE_SYN_SENT) {
		if (r->new_state == TCPSTATE_LISTEN)
			entry->conn.role = ROLE_LISTENER;
		move(e, entry, r->new_state, r->mono_ns, r->basis, no_verdict);
		return;
	}
	entry->conn.role = ROLE_CLIENT;
	/* A port at this point may be one of a former life. */
	entry->conn.sport = 0;
	entry->conn.state = 0;
	settle_later(e, entry, PENDING_PORT, r);
	if (!(e->cfg.hooks & SEEN_CONNECT))
		decide_now(e, entry);
}

static void on_connect(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);

	if (!entry || entry->dead)
		return;
	take_tuple(e, entry, r);
	know(&entry->conn, CONN_ISN_LOCAL, &entry->conn.isn_local,
	     r->write_seq);
	decide_now(e, entry);
}

/* The child of a request that nobody saw: a SYN cookie, or no such hook. */
static struct entry *unseen_passive_open(struct engine *e,
					 const struct tcpstate_record *r)
{
	struct entry *entry = entry_new(e, r);

	if (!entry)
		return NULL;
	entry->conn.role = ROLE_SERVER;
	entry->conn.syncookie = (e->cfg.hooks & SEEN_REQ_ADD) &&
				!(r->flags & TCPSTATE_F_FASTOPEN);
	move(e, entry, TCPSTATE_SYN_RECV, r->mono_ns, TCPSTATE_BY_INFERENCE,
	     no_verdict);
	roles_later(e, entry);
	/* When the SYN came is not known. */
	entry->conn.born_ns = 0;
	entry->conn.state_ns = 0;
	return entry;
}

/*
 * The loser of a race between two children (F10): its winner is ESTABLISHED
 * before this has settled.  Or it was the only one, and the listener is gone.
 */
static void child_died(struct engine *e, struct entry *entry,
		       const struct tcpstate_record *r)
{
	if (entry && !entry->dead && entry->conn.state == TCPSTATE_SYN_RECV)
		settle_later(e, entry, PENDING_DROP, r);
}

/*
 * The connection that a move of a full socket belongs to, in the state that
 * the move begins with; NULL if the record means nothing.
 */
static struct entry *entry_for_move(struct engine *e,
				    const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);
	struct conn *c;

	if (r->old_state == TCPSTATE_SYN_RECV &&
	    r->new_state == TCPSTATE_CLOSE &&
	    !(r->flags & TCPSTATE_F_FASTOPEN) &&
	    (!entry || entry->conn.role != ROLE_CLIENT)) {
		child_died(e, entry, r);
		return NULL;
	}
	if (!entry && r->old_state == TCPSTATE_SYN_RECV)
		return unseen_passive_open(e, r);
	if (!entry)
		return entry_in_the_middle(e, r, r->old_state);
	if (!entry->dead)
		decide_now(e, entry);
	if (entry->dead)
		return NULL;
	c = &entry->conn;
	if (c->state == r->old_state)
		return entry;
	/* The snapshot may show what came just after it was begun. */
	if (c->snapshot) {
		set_state(e, entry, r->old_state, 0);
		return entry;
	}
	/* It comes too late: what followed it has been told already. */
	if (r->mono_ns < entry->moved_ns) {
		take_numbers(e, entry, r);
		return NULL;
	}
	mend(e, entry, r->old_state, r->mono_ns);
	return entry;
}

/*
 * A program that reads SO_ERROR takes the error of a RST away, without the lock,
 * before the CLOSE that it makes.
 */
static struct verdict reason_of_move(const struct entry *entry,
				     const struct tcpstate_record *r)
{
	const struct verdict by_rst = {
		.reason = r->old_state == TCPSTATE_SYN_SENT ? REASON_REFUSED :
							      REASON_RST_RECEIVED,
		.kind = r->old_state == TCPSTATE_SYN_SENT ? KIND_REFUSED :
							    KIND_RST,
	};

	if (entry->rst_received && !r->sk_err)
		return by_rst;
	return reason_of_close(&entry->conn, r->old_state, r);
}

/*
 * Orphans are given up without a word, for want of memory or because they are
 * too many, but for the RST that goes out before or after.
 */
static void end_or_wait(struct engine *e, struct entry *entry,
			const struct tcpstate_record *r, struct verdict v)
{
	if (v.reason != REASON_UNKNOWN || !(r->flags & TCPSTATE_F_DEAD) ||
	    !(e->cfg.hooks & SEEN_RST_SENT))
		end(e, entry, r, v);
	else if (entry->rst_sent)
		end(e, entry, r, verdict_of_orphan(entry, r->old_state,
						   r->flags & TCPSTATE_F_OWNED,
						   true));
	else
		settle_later(e, entry, PENDING_CLOSE, r);
}

static void on_state(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);
	struct verdict v = no_verdict;

	if (r->old_state == r->new_state)
		return;
	/* A twin may have lost its first program's mark. */
	if ((r->flags & TCPSTATE_F_TWIN) && entry && !entry->dead &&
	    entry->conn.state == r->new_state)
		return;
	if (r->old_state == TCPSTATE_CLOSE) {
		begin_life(e, r);
		return;
	}
	/* The child's own; up to 6.12 under its listener's cookie (F9). */
	if (r->old_state == TCPSTATE_LISTEN &&
	    r->new_state == TCPSTATE_SYN_RECV)
		return;
	if (is_false_close(entry, r)) {
		fold_false_close(e, entry, r);
		return;
	}
	entry = entry_for_move(e, r);
	if (!entry)
		return;
	take_tuple(e, entry, r);
	take_owner(e, entry, r);
	if (r->new_state == TCPSTATE_CLOSE) {
		if (infer_mini(e, entry, r))
			return;
		v = reason_of_move(entry, r);
		/* Without that hook no port means only that nobody saw it. */
		if (v.reason == REASON_NO_PORT &&
		    !(e->cfg.hooks & SEEN_CONNECT))
			v.reason = REASON_CLOSED;
		take_numbers(e, entry, r);
		end_or_wait(e, entry, r, v);
		return;
	}
	if (entry->pending == PENDING_DROP)
		settled(e, entry);
	take_numbers(e, entry, r);
	count_close_segments(e, entry, r);
	move(e, entry, r->new_state, r->mono_ns, r->basis, v);
}

static void on_accept(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie), *listener;
	struct conn *c;
	uint64_t cookie;

	/* Fast Open: accept() may come before ESTABLISHED. */
	if (!entry && r->old_state == TCPSTATE_SYN_RECV)
		entry = unseen_passive_open(e, r);
	if (!entry || entry->dead)
		return;
	c = &entry->conn;
	c->accepted = true;
	c->accept_ns = r->mono_ns;
	cookie = conn_origin(c)->listener;
	listener = cookie ? table_find(e->table, cookie) : NULL;
	if (listener)
		listener->conn.accept_ns = r->mono_ns;
	take_acceptor(e, entry, r);
	if (e->sink.accept)
		e->sink.accept(e->ctx, c, r->mono_ns);
}

void conn_record(struct engine *e, const struct tcpstate_record *rec)
{
	/* MPTCP sockets have no segments of their own; subflows are TCP. */
	if (rec->protocol != PROTOCOL_TCP)
		return;
	if (!table_reserve(e->table)) {
		e->stats.evicted++;
		return;
	}
	switch (rec->type) {
	case TCPSTATE_STATE:
		on_state(e, rec);
		break;
	case TCPSTATE_REQ_ADD:
		on_req_add(e, rec);
		break;
	case TCPSTATE_REQ_DROP:
		on_req_drop(e, rec);
		break;
	case TCPSTATE_TW_ADD:
		on_tw_add(e, rec);
		break;
	case TCPSTATE_TW_REARM:
		on_tw_rearm(e, rec);
		break;
	case TCPSTATE_TW_KILL:
		on_tw_kill(e, rec);
		break;
	case TCPSTATE_CONNECT:
		on_connect(e, rec);
		break;
	case TCPSTATE_ACCEPT:
		on_accept(e, rec);
		break;
	case TCPSTATE_SNAPSHOT:
		on_snapshot(e, rec);
		break;
	case TCPSTATE_RETRANSMIT:
	case TCPSTATE_SYNACK_AGAIN:
		on_retransmit(e, rec);
		break;
	case TCPSTATE_RST_SENT:
		on_rst_sent(e, rec);
		break;
	case TCPSTATE_RST_RECEIVED:
		on_rst_received(e, rec);
		break;
	case TCPSTATE_CHALLENGE:
		on_challenge(e, rec);
		break;
	case TCPSTATE_TW_SYN:
		on_tw_syn(e, rec);
		break;
	case TCPSTATE_TW_FIN:
		on_tw_fin(e, rec);
		break;
	}
}

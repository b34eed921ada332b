// SPDX-License-Identifier: GPL-2.0
/*
 * The inet_timewait_sock: TIME_WAIT, and the FIN_WAIT2 of orphans (F1-F6).
 */
#include "collision.h"
#include "conn.h"
#include "numbers.h"

static const struct verdict by_fin = { .reason = REASON_FIN };

/* FIN_WAIT2 or CLOSING -> CLOSE of a socket whose connection lives on. */
void fold_false_close(struct engine *e, struct entry *entry,
		      const struct tcpstate_record *r)
{
	struct conn *c = &entry->conn;

	/* The FIN of an orphan comes to its mini-socket: another segment. */
	if (c->state == TCPSTATE_TIME_WAIT)
		count_close_segments(e, entry, r);
	if (c->state == TCPSTATE_TIME_WAIT)
		know_or_check(c, CONN_FIN_PEER, &closing_of(e, entry)->fin_peer,
			      r->rcv_nxt - 1);
	take_numbers(e, entry, r);
	if (entry->pending == PENDING_LINE)
		tell_time_wait_line(e, entry);
}

/*
 * The rules of DESIGN below the table, for sources without the mini-socket
 * hooks.  True if the connection lives on.
 */
bool infer_mini(struct engine *e, struct entry *entry,
		const struct tcpstate_record *r)
{
	bool done = r->flags & TCPSTATE_F_DONE;
	bool dead = r->flags & TCPSTATE_F_DEAD;
	struct tcpstate_record inferred = *r;

	if (e->cfg.hooks & SEEN_TW_ADD)
		return false;
	if ((r->old_state == TCPSTATE_FIN_WAIT2 && done) ||
	    (r->old_state == TCPSTATE_CLOSING && !r->sk_err &&
	     r->snd_una == r->write_seq)) {
		count_close_segments(e, entry, r);
		take_numbers(e, entry, r);
		inferred.basis = TCPSTATE_BY_INFERENCE;
		entry->mini_seen = true;
		enter_time_wait(e, entry, &inferred, false);
		return true;
	}
	if (r->old_state == TCPSTATE_FIN_WAIT2 && !done && dead &&
	    !r->sk_err && r->linger2 >= 0) {
		take_numbers(e, entry, r);
		become_mini(e, entry);
		predict_end(e, entry, r->mono_ns, 0);
		return true;
	}
	return false;
}

bool is_false_close(const struct entry *entry,
		    const struct tcpstate_record *r)
{
	return entry && entry->mini_seen && !entry->dead &&
	       r->new_state == TCPSTATE_CLOSE &&
	       (r->old_state == TCPSTATE_FIN_WAIT2 ||
		r->old_state == TCPSTATE_CLOSING);
}

void enter_time_wait(struct engine *e, struct entry *entry,
		     const struct tcpstate_record *r, bool line_later)
{
	struct conn *c = &entry->conn;

	/* ACK and FIN came apart, or the mini-socket would not be here yet. */
	if (c->mini && c->state == TCPSTATE_FIN_WAIT2 && !c->kind)
		c->kind = KIND_FOUR_SEGMENT;
	/* Neither a dump nor what was held has it. */
	if (r->type && r->type != TCPSTATE_SNAPSHOT)
		know(c, CONN_FIN_PEER, &closing_of(e, entry)->fin_peer,
		     r->rcv_nxt - 1);
	move(e, entry, TCPSTATE_TIME_WAIT, r->mono_ns, r->basis, by_fin);
	become_mini(e, entry);
	if (line_later) {
		settle_later(e, entry, PENDING_LINE, r);
		return;
	}
	tell_conn(e, entry, false);
	predict_end(e, entry, r->mono_ns, r->timeout_ms);
}

/* Only two states lead here; another one means that moves were lost. */
static void mend_state(struct engine *e, struct entry *entry,
		       const struct tcpstate_record *r)
{
	uint8_t state = entry->conn.state;

	if (state != TCPSTATE_FIN_WAIT2 && state != TCPSTATE_CLOSING)
		mend(e, entry, TCPSTATE_FIN_WAIT2, r->mono_ns);
}

/* A CLOSE that had to wait for its reason was the false one. */
static void not_closed(struct engine *e, struct entry *entry)
{
	if (entry->pending == PENDING_CLOSE)
		settled(e, entry);
}

/*
 * The connection of a mini-socket that has a history, made up where it was
 * lost; NULL if the record is of a former life of the socket, whose TIME_WAIT
 * goes on while it is connected again.
 */
static struct entry *entry_of_mini(struct engine *e,
				   const struct tcpstate_record *r,
				   uint8_t state)
{
	struct entry *entry = table_find(e->table, r->cookie);

	if (!entry)
		entry = entry_in_the_middle(e, r, state);
	if (!entry || entry->dead || entry->conn.sport != r->sport ||
	    entry->conn.dport != r->dport)
		return NULL;
	not_closed(e, entry);
	decide_now(e, entry);
	if (!entry->mini_seen && entry->conn.state != TCPSTATE_TIME_WAIT)
		mend_state(e, entry, r);
	become_mini(e, entry);
	return entry;
}

/* The timer was started again: 2MSL anew, or the FIN came at last. */
static void restart(struct engine *e, struct entry *entry,
		    const struct tcpstate_record *r)
{
	if (entry->pending == PENDING_END)
		settled(e, entry);
	if (entry->conn.state == TCPSTATE_TIME_WAIT) {
		closing_of(e, entry)->tw_restarts++;
		entry->moved_ns = r->mono_ns;
		predict_end(e, entry, r->mono_ns, r->timeout_ms);
	} else if (r->new_state == TCPSTATE_TIME_WAIT) {
		enter_time_wait(e, entry, r, false);
	}
}

void on_tw_add(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);
	uint8_t from = TCPSTATE_FIN_WAIT2;

	if (entry && entry->dead)
		return;
	if (!entry)
		entry = entry_in_the_middle(e, r, from);
	if (!entry)
		return;
	not_closed(e, entry);
	decide_now(e, entry);
	if (entry->mini_seen) {
		restart(e, entry, r);
		return;
	}
	mend_state(e, entry, r);
	if (r->new_state == TCPSTATE_TIME_WAIT) {
		entry->mini_seen = true;
		enter_time_wait(e, entry, r, true);
		return;
	}
	become_mini(e, entry);
	predict_end(e, entry, r->mono_ns, r->timeout_ms);
}

void on_tw_rearm(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = entry_of_mini(e, r, TCPSTATE_TIME_WAIT);

	if (entry)
		restart(e, entry, r);
}

/* The peer's FIN may have restarted the timer without a hook showing it. */
void end_mini(struct engine *e, struct entry *entry, uint8_t substate,
	      const struct tcpstate_record *r, struct verdict v)
{
	struct tcpstate_record inferred = *r;

	if (substate == TCPSTATE_TIME_WAIT &&
	    entry->conn.state != TCPSTATE_TIME_WAIT) {
		inferred.basis = TCPSTATE_BY_INFERENCE;
		enter_time_wait(e, entry, &inferred, false);
	}
	end(e, entry, r, v);
}

void on_tw_kill(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = entry_of_mini(e, r, r->old_state);

	collision_tw_kill(e, r);
	if (!entry)
		return;
	if (r->flags & TCPSTATE_F_PROVISIONAL)
		settle_later(e, entry, PENDING_END, r);
	else
		end_mini(e, entry, r->old_state, r,
			 reason_of_mini_end(r->old_state, r));
}

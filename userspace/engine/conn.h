/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection's life in the engine: how it is begun, moved, ended and told.
 * request.c, timewait.c and dump.c say what their records mean in these terms.
 */
#ifndef TCPSTATE_CONN_H
#define TCPSTATE_CONN_H

#include "engine_internal.h"
#include "reason.h"

extern const struct verdict no_verdict;

/* ---- begin ---- */

/* In no state yet; NULL without memory. */
struct entry *entry_new(struct engine *e, const struct tcpstate_record *r);
/* A socket that is used again: all but its identity begins anew. */
void entry_reset(struct engine *e, struct entry *entry,
		 const struct tcpstate_record *r);
/* A connection that was never seen, found in @state: told, not made up. */
struct entry *entry_in_the_middle(struct engine *e,
				  const struct tcpstate_record *r,
				  uint8_t state);

/* Nobody is told. */
void entry_forget(struct engine *e, struct entry *entry);

/* The part of it that is about its end, begun if there was none. */
static inline struct closing *closing_of(struct engine *e, struct entry *entry)
{
	return table_closing(e->table, entry);
}

/* ---- move ---- */

/* One move of the logical stream; @v is for -> CLOSE and -> TIME_WAIT. */
void move(struct engine *e, struct entry *entry, uint8_t state, uint64_t ns,
	  uint8_t basis, struct verdict v);
/* The state without a word: of the snapshot, or mended before it was told. */
void set_state(struct engine *e, struct entry *entry, uint8_t state,
	       uint64_t ns);

/* A gap: it must have come to @state unseen.  Told, and counted as corrected. */
void mend(struct engine *e, struct entry *entry, uint8_t state, uint64_t ns);
/* Its full socket has given way to an inet_timewait_sock. */
void become_mini(struct engine *e, struct entry *entry);

/* ---- wait ---- */

/* Decide @pending when nothing has contradicted it for the settle time. */
void settle_later(struct engine *e, struct entry *entry,
		  enum pending pending, const struct tcpstate_record *r);
/* The list of one with nothing pending. */
enum list list_of(const struct entry *entry);
/* What was pending is void. */
void settled(struct engine *e, struct entry *entry);
/*
 * This record decides it; the entry may be dead then.  Ends that may prove to be
 * none are left to their own rules.
 */
void decide_now(struct engine *e, struct entry *entry);

/* What the end of an orphan without an error was, by the RST around it. */
struct verdict verdict_of_orphan(const struct entry *entry, uint8_t old_state,
				 bool owned, bool rst_first);

/*
 * No hook will show the end of this mini-socket: its timer's length does, from
 * @from_ns on; 0 = TIME_WAIT's.
 */
void predict_end(struct engine *e, struct entry *entry, uint64_t from_ns,
		 uint32_t timeout_ms);

/* ---- end ---- */

/* sink->conn(): @ended, or it entered TIME_WAIT. */
void tell_conn(struct engine *e, struct entry *entry, bool ended);
void tell_time_wait_line(struct engine *e, struct entry *entry);
/* It is CLOSE now: its entry stays for late records, or for a second life. */
void end(struct engine *e, struct entry *entry,
	 const struct tcpstate_record *r, struct verdict v);

/* ---- what the records mean ---- */

/* request.c */
void on_req_add(struct engine *e, const struct tcpstate_record *r);
void on_req_drop(struct engine *e, const struct tcpstate_record *r);

/* timewait.c */
void on_tw_add(struct engine *e, const struct tcpstate_record *r);
void on_tw_rearm(struct engine *e, const struct tcpstate_record *r);
void on_tw_kill(struct engine *e, const struct tcpstate_record *r);
/* Its mini-socket, last in @substate, is gone; @v says how. */
void end_mini(struct engine *e, struct entry *entry, uint8_t substate,
	      const struct tcpstate_record *r, struct verdict v);
void enter_time_wait(struct engine *e, struct entry *entry,
		     const struct tcpstate_record *r, bool line_later);
/* FIN_WAIT2 or CLOSING -> CLOSE, of a socket whose connection lives on? */
bool is_false_close(const struct entry *entry,
		    const struct tcpstate_record *r);
void fold_false_close(struct engine *e, struct entry *entry,
		      const struct tcpstate_record *r);
/*
 * For sources without the mini-socket hooks: true if this -> CLOSE is one of
 * a connection that lives on.
 */
bool infer_mini(struct engine *e, struct entry *entry,
		const struct tcpstate_record *r);

/* segment.c */
void on_retransmit(struct engine *e, const struct tcpstate_record *r);
void on_rst_sent(struct engine *e, const struct tcpstate_record *r);
void on_rst_received(struct engine *e, const struct tcpstate_record *r);
void on_tw_fin(struct engine *e, const struct tcpstate_record *r);

/* dump.c */
void on_snapshot(struct engine *e, const struct tcpstate_record *r);

#endif /* TCPSTATE_CONN_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions: who gets the records.
 *
 * Life: session_create() at open; session_reserve(), attach the hooks,
 * session_publish() at START; session_withdraw(), detach, session_destroy() at
 * the last close.  All of them may sleep.
 */
#ifndef TCPSTATE_SESSION_H
#define TCPSTATE_SESSION_H

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/wait.h>

struct rings;
struct session;
struct sock;
struct tcpstate_filter;
struct tcpstate_record;
struct tcpstate_stats;

/* NULL without memory.  Accounted to `current`. */
struct session *session_create(void);
/*
 * Make its rings, which nobody sees yet.  -EDQUOT beyond the limits of the
 * module, -ENOMEM beyond those of the host; the session is then as before.
 */
int session_reserve(struct session *session, u32 slots, u32 watermark);
/* Before session_publish(); @f is sane, and is copied.  -ENOMEM */
int session_set_filter(struct session *session,
		       const struct tcpstate_filter *f);
/* Undo session_reserve(). */
void session_release(struct session *session);
/* From here on records come in, and the rings can be mapped. */
void session_publish(struct session *session);
/* On return no probe uses the session.  Not published is allowed. */
void session_withdraw(struct session *session);
void session_destroy(struct session *session);

/* NULL before session_publish().  Any context, while the session is open. */
struct rings *session_rings(const struct session *session);
/* The reader looks: arms one wake-up, and tells if the watermark is reached. */
bool session_look(struct session *session, const struct rings *rings);
wait_queue_head_t *session_queue(struct session *session);
/* Adds what it counts. */
void session_stats(const struct session *session,
		   struct tcpstate_stats *stats);
u64 sessions_memory_limit(void);
u64 sessions_memory_used(void);

extern struct list_head sessions;

/* Worth filling a record?  A hint for probes, any context. */
static inline bool sessions_exist(void)
{
	return !list_empty(&sessions);
}

extern unsigned int sessions_filtered;

/* For sessions_wanting(), if any has a filter. */
u32 sessions_judge(const struct tcpstate_record *r, struct sock *owner);

/*
 * For whom a record is worth filling, a bit each; 0: for nobody.  Of @r type,
 * states, namespace and addresses are there; @owner as in filter_wants().
 * Preemption is off from here until sessions_emit().
 */
static inline u32 sessions_wanting(const struct tcpstate_record *r,
				   struct sock *owner)
{
	return READ_ONCE(sessions_filtered) ? sessions_judge(r, owner) :
					      U32_MAX;
}

/*
 * Hand @r to the sessions of @wanting; fills its cpu, seq and mono_ns.  Task or
 * softirq context, preemption off, no NMI.
 */
void sessions_emit(struct tcpstate_record *r, u32 wanting);

#endif /* TCPSTATE_SESSION_H */

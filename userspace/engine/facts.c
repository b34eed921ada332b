// SPDX-License-Identifier: GPL-2.0
#include "facts.h"

#include <string.h>

#define RCV_SHUTDOWN 1	/* include/net/sock.h */

#define FAMILY_INET 2

static bool is_v4_mapped(const uint8_t *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(a, prefix, sizeof(prefix));
}

static bool is_zero(const uint8_t *a)
{
	static const uint8_t zero[16];

	return !memcmp(a, zero, sizeof(zero));
}

/*
 * A socket of AF_INET6 that talks to a v4-mapped peer is IPv4 on the wire; so
 * is its end of ::, before connect() has chosen an address.
 */
static bool is_mapped(const struct tcpstate_record *r)
{
	return r->family != FAMILY_INET &&
	       (is_v4_mapped(r->daddr) ||
		(is_zero(r->daddr) && is_v4_mapped(r->saddr)));
}

/*
 * CLOSE and CLOSE -> SYN_SENT have no port or a stale one (F11), a child's
 * first record no peer (F9): what is known is not overwritten with less.
 */
static bool has_tuple(const struct conn *c, const struct tcpstate_record *r)
{
	return !c->family || r->type != TCPSTATE_STATE ||
	       r->new_state != TCPSTATE_CLOSE;
}

void set_tuple(struct conn *c, struct address_pair *pair,
	       const struct tcpstate_record *r)
{
	const size_t at = r->family == FAMILY_INET ? 0 : 12;

	if (r->family == FAMILY_INET || is_mapped(r)) {
		c->family = 4;
		memcpy(c->v4.saddr, r->saddr + at, 4);
		memcpy(c->v4.daddr, r->daddr + at, 4);
	} else {
		c->family = 6;
		memcpy(pair->saddr, r->saddr, 16);
		memcpy(pair->daddr, r->daddr, 16);
		c->v6 = pair;
	}
	if (r->sport)
		c->sport = r->sport;
	if (r->dport)
		c->dport = r->dport;
}

void take_tuple(struct engine *e, struct entry *entry,
		const struct tcpstate_record *r)
{
	struct address_pair *pair = NULL;

	if (!has_tuple(&entry->conn, r))
		return;
	if (r->family == FAMILY_INET || is_mapped(r))
		table_drop_pair(e->table, entry);
	else
		pair = table_pair(e->table, entry);
	set_tuple(&entry->conn, pair, r);
}

static bool task_is_known(const struct engine *e,
		   const struct tcpstate_record *r)
{
	return r->tgid && r->tgid != e->cfg.self &&
	       !(r->flags & (TCPSTATE_F_KTHREAD | TCPSTATE_F_NO_TASK));
}

/*
 * The moves that only a system call on this very socket makes, or the end of its
 * file, which is a stranger's at times.  All others may also be made by whoever
 * releases the socket's lock and finds segments in its backlog (ss -i, an
 * iterator), who is then no owner (F16).
 */
static bool only_by_task(const struct tcpstate_record *r)
{
	uint8_t old_state = r->old_state;

	switch (r->new_state) {
	case TCPSTATE_SYN_SENT:
	case TCPSTATE_LISTEN:
		return old_state == TCPSTATE_CLOSE;
	case TCPSTATE_FIN_WAIT1:
		return old_state == TCPSTATE_ESTABLISHED;
	case TCPSTATE_LAST_ACK:
		return old_state == TCPSTATE_CLOSE_WAIT;
	case TCPSTATE_CLOSE:
		/* An abort; RST, timers and ss -K set the error before. */
		return !r->sk_err && (old_state == TCPSTATE_ESTABLISHED ||
				      old_state == TCPSTATE_CLOSE_WAIT ||
				      old_state == TCPSTATE_SYN_SENT);
	}
	return false;
}

/*
 * A listener's end is a task's too, but of ss -K's as well, which sets no error
 * here: it tells how, and not whose it was.
 */
static bool is_listeners_exit(const struct tcpstate_record *r)
{
	const uint32_t by_exit = TCPSTATE_F_OWNED | TCPSTATE_F_HAS_FILE |
				 TCPSTATE_F_EXITING;

	return r->old_state == TCPSTATE_LISTEN &&
	       r->new_state == TCPSTATE_CLOSE && (r->flags & by_exit) == by_exit;
}

/*
 * The end of a file, by who may never have had its descriptor
 * (TCPSTATE_F_STRANGER).  A server that forks after accept() is a stranger too:
 * where accept() is not seen we would know no owner of its connections, and
 * leave out our own kind alone, which looks into all descriptor tables.  Only
 * that end, or shutdown() of both directions, has ended the receiving one
 * (__tcp_close()): what has not needs the descriptor.
 */
static bool closed_by_stranger(const struct engine *e,
			       const struct tcpstate_record *r)
{
	return (r->flags & TCPSTATE_F_STRANGER) &&
	       (r->shutdown & RCV_SHUTDOWN) &&
	       ((e->cfg.hooks & SEEN_ACCEPT) ||
		!strcmp((const char *)r->comm, "tcpstate-watch"));
}

/* Is it a program's doing? */
static bool is_by_program(const struct engine *e,
			  const struct tcpstate_record *r)
{
	return (r->type != TCPSTATE_STATE || only_by_task(r)) &&
	       (r->flags & TCPSTATE_F_OWNED) &&
	       (r->flags & TCPSTATE_F_HAS_FILE) && task_is_known(e, r);
}

/* What the socket itself says, in any context. */
static struct origin with_socket(struct conn *c,
				 const struct tcpstate_record *r)
{
	struct origin origin = *conn_origin(c);

	c->has_uid = true;
	origin.uid = r->uid;
	if (r->cgroup)
		origin.cgroup = r->cgroup;
	return origin;
}

static void set_owner(struct origin *origin, const struct tcpstate_record *r)
{
	origin->pid = r->tgid;
	memcpy(origin->comm, r->comm, sizeof(origin->comm));
}

void take_owner(struct engine *e, struct entry *entry,
		const struct tcpstate_record *r)
{
	const bool opens = r->new_state == TCPSTATE_SYN_SENT ||
			   r->new_state == TCPSTATE_LISTEN;
	struct conn *c = &entry->conn;
	struct origin origin = with_socket(c, r);

	if (r->type == TCPSTATE_STATE && is_listeners_exit(r))
		c->by_exit = true;
	if (is_by_program(e, r)) {
		if (r->flags & TCPSTATE_F_EXITING)
			c->by_exit = true;
		if (opens || (!origin.pid && !closed_by_stranger(e, r)))
			set_owner(&origin, r);
	}
	table_set_origin(e->table, entry, &origin);
}

void take_acceptor(struct engine *e, struct entry *entry,
		   const struct tcpstate_record *r)
{
	struct origin origin = with_socket(&entry->conn, r);

	if (task_is_known(e, r))
		set_owner(&origin, r);
	table_set_origin(e->table, entry, &origin);
}

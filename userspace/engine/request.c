// SPDX-License-Identifier: GPL-2.0
/*
 * The request_sock: SYN_RECV from the SYN on (F7, F8, F10).
 */
#include "conn.h"
#include "numbers.h"

void on_req_add(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);
	struct origin origin;
	struct conn *c;

	/* Restarted by its timer, or cloned to another listener (F10). */
	if (entry && !entry->dead &&
	    (!entry->conn.snapshot || r->total_retrans)) {
		if (entry->pending == PENDING_DROP)
			settled(e, entry);
		if (entry->conn.state == TCPSTATE_SYN_RECV)
			count_syn_retrans(&entry->conn, r);
		return;
	}
	if (entry) {
		/* A snapshot that was taken after the hook was attached. */
		if (!entry->dead)
			set_state(e, entry, TCPSTATE_CLOSE, r->mono_ns);
		entry_reset(e, entry, r);
		entry->conn.life = 1;
	} else {
		entry = entry_new(e, r);
		if (!entry)
			return;
	}
	c = &entry->conn;
	c->role = ROLE_SERVER;
	origin = *conn_origin(c);
	origin.listener = r->listener;
	table_set_origin(e->table, entry, &origin);
	know(c, CONN_ISN_PEER, &c->isn_peer, r->rcv_nxt - 1);
	know(c, CONN_ISN_LOCAL, &c->isn_local, r->snd_nxt - 1);
	move(e, entry, TCPSTATE_SYN_RECV, r->mono_ns, r->basis, no_verdict);
}

void on_req_drop(struct engine *e, const struct tcpstate_record *r)
{
	struct entry *entry = table_find(e->table, r->cookie);

	if (!entry || entry->dead || entry->conn.state != TCPSTATE_SYN_RECV)
		return;
	count_syn_retrans(&entry->conn, r);
	settle_later(e, entry, PENDING_DROP, r);
}

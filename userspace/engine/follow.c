// SPDX-License-Identifier: GPL-2.0
/*
 * Where the kernel's side filters, only some connections come whole: of others
 * single records do, as long as a filter cannot tell.
 */
#include "conn.h"

/* What an undecided record may be the first one of. */
static bool begins(const struct tcpstate_record *rec)
{
	switch (rec->type) {
	case TCPSTATE_SNAPSHOT:
	case TCPSTATE_REQ_ADD:
		return true;
	case TCPSTATE_STATE:
		return rec->old_state == TCPSTATE_CLOSE ||
		       rec->old_state == TCPSTATE_SYN_RECV;
	default:
		return false;
	}
}

/*
 * A socket may have had other peers, whose mini-sockets have its cookie, and what
 * a listener sends is told with whom it was sent to.
 */
static bool is_of_this_life(const struct conn *c,
			    const struct tcpstate_record *rec)
{
	if (c->dport != rec->dport && c->dport && rec->dport)
		return false;
	if (c->sport != rec->sport && c->sport && rec->sport)
		return false;
	return c->role != ROLE_LISTENER || !rec->dport;
}

bool conn_is_followed(struct engine *e, const struct tcpstate_record *rec)
{
	enum tcpstate_verdict verdict = e->cfg.judge(e->cfg.judge_ctx, rec);
	struct entry *entry;

	if (verdict == TCPSTATE_WANTED)
		return true;
	entry = table_find(e->table, rec->cookie);
	if (verdict == TCPSTATE_UNDECIDED)
		return entry || begins(rec);
	if (entry && is_of_this_life(&entry->conn, rec))
		entry_forget(e, entry);
	return false;
}

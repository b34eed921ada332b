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

bool conn_is_followed(struct engine *e, const struct tcpstate_record *rec)
{
	enum tcpstate_verdict verdict = e->cfg.judge(e->cfg.judge_ctx, rec);
	struct entry *entry;

	if (verdict == TCPSTATE_WANTED)
		return true;
	entry = table_find(e->table, rec->cookie);
	if (verdict == TCPSTATE_UNDECIDED)
		return entry || begins(rec);
	if (entry)
		entry_forget(e, entry);
	return false;
}

// SPDX-License-Identifier: GPL-2.0
/* A record as it was captured, in JSON. */
#include <string.h>

#include "../rst_reason.h"
#include "json_parts.h"

static const char *const flag_names[] = {
	"owned", "kthread", "exiting", "has_file", "dead", "done", "linger0",
	"ooo", "repair", "keepalive", "fastopen", "timer", "provisional",
	"twin", "no_task", "late_data", "user_timeout",
	"acked",
};

static void put_flags(struct jsonw *w, uint32_t flags)
{
	size_t i;

	jsonw_array(w, "flags");
	for (i = 0; i < sizeof(flag_names) / sizeof(*flag_names); i++)
		if (flags & (1U << i))
			jsonw_string(w, NULL, flag_names[i]);
	jsonw_array_end(w);
}

/*
 * The task that ran is not called pid and comm, which are the owner's: it may
 * be a bystander.
 */
static void put_task(struct jsonw *w, const struct tcpstate_record *rec)
{
	char comm[TCPSTATE_COMM_LEN + 1] = "";

	if (rec->flags & TCPSTATE_F_NO_TASK)
		return;
	memcpy(comm, rec->comm, TCPSTATE_COMM_LEN);
	jsonw_number(w, "task_pid", rec->tgid);
	jsonw_string(w, "task_comm", comm);
}

void json_raw(struct output *out, const struct tcpstate_record *rec)
{
	uint8_t family = record_family(rec);
	struct jsonw w;

	json_begin(&w, out, "state", rec->mono_ns);
	jsonw_bool(&w, "raw", true);
	jsonw_string(&w, "type", record_type_name(rec->type));
	jsonw_number(&w, "cpu", rec->cpu);
	jsonw_number(&w, "seq", rec->seq);
	jsonw_hex(&w, "conn_id", rec->cookie);
	if (rec->netns_ino)
		jsonw_number(&w, "netns", rec->netns_ino);
	jsonw_string(&w, "family", family == 6 ? "ipv6" : "ipv4");
	json_end_point(&w, "saddr", "sport", family, rec->saddr, rec->sport,
		       rec->new_state == TCPSTATE_LISTEN);
	json_end_point(&w, "daddr", "dport", family, rec->daddr, rec->dport,
		       false);
	if (rec->old_state)
		jsonw_string(&w, "old_state", state_name(rec->old_state));
	if (rec->new_state)
		jsonw_string(&w, "new_state", state_name(rec->new_state));
	jsonw_string(&w, "basis", basis_name(rec->basis));
	put_flags(&w, rec->flags);
	if (rec->type == TCPSTATE_RST_SENT && rst_reason_name(rec->rst_reason))
		jsonw_string(&w, "rst_reason",
			     rst_reason_name(rec->rst_reason));
	if (rec->sk_err)
		jsonw_number(&w, "sk_err", rec->sk_err);
	put_task(&w, rec);
	jsonw_number(&w, "uid", rec->uid);
	if (rec->cgroup)
		jsonw_number(&w, "cgroup", rec->cgroup);
	jsonw_end(&w);
}

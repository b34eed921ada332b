// SPDX-License-Identifier: GPL-2.0
/* What a finding about ports or TIME_WAIT has beside the others, in JSON. */
#include <ctype.h>

#include "engine/finding.h"
#include "json_parts.h"

static void put_states(struct jsonw *w, const struct finding_budget *b)
{
	char key[32];

	for (unsigned int i = 1; i < TCPSTATE_STATES; i++) {
		const char *name = state_name(i);
		size_t n = 0;

		if (i == TCPSTATE_CLOSE || i == TCPSTATE_LISTEN ||
		    i == TCPSTATE_NEW_SYN_RECV)
			continue;
		for (; name[n] && n < sizeof(key) - 1; n++)
			key[n] = (char)tolower((unsigned char)name[n]);
		key[n] = '\0';
		jsonw_number(w, key, b->states[i]);
	}
}

static void put_ports(struct jsonw *w, const struct finding *f)
{
	const struct finding_budget *b = &f->budget;
	const bool known = f->facts && f->facts->port_first >= 0;

	jsonw_object(w, "ports");
	if (known) {
		jsonw_number(w, "first", (uint64_t)f->facts->port_first);
		jsonw_number(w, "last", (uint64_t)f->facts->port_last);
	}
	if (known && f->facts->ports_reserved >= 0)
		jsonw_number(w, "reserved",
			     (uint64_t)f->facts->ports_reserved);
	if (known) {
		jsonw_number(w, "bound", b->bound);
		jsonw_number(w, "usable", b->usable);
		jsonw_number(w, "used", b->used);
		jsonw_number(w, "reusable", b->reusable);
	}
	if (b->usable)
		jsonw_real(w, "used_percent", 100.0 * (double)b->used /
			   (double)b->usable, 1);
	put_states(w, b);
	jsonw_object_end(w);
	jsonw_string(w, "tw_reuse", tw_reuse_name(b->reuse));
}

static void put_buckets(struct jsonw *w, const struct finding_budget *b)
{
	jsonw_object(w, "buckets");
	jsonw_number(w, "used", (uint64_t)b->buckets_used);
	if (b->buckets_limit >= 0)
		jsonw_number(w, "limit", (uint64_t)b->buckets_limit);
	if (b->overflows >= 0)
		jsonw_number(w, "overflows", (uint64_t)b->overflows);
	if (b->overflows_now >= 0)
		jsonw_number(w, "overflows_observed",
			     (uint64_t)b->overflows_now);
	if (b->bytes)
		jsonw_number(w, "bytes", b->bytes);
	jsonw_object_end(w);
}

void json_ports(struct jsonw *w, const struct finding *f)
{
	const struct finding_budget *b = &f->budget;

	jsonw_string(w, "scope", scope_name(b->scope));
	if (b->scope == SCOPE_NETNS) {
		put_buckets(w, b);
	} else {
		jsonw_string(w, "role", role_name(b->scope == SCOPE_SERVICE ?
						  ROLE_SERVER : ROLE_CLIENT));
		json_end_point(w, "saddr", "sport", b->family, b->saddr,
			       b->sport, true);
		jsonw_number(w, "closed_here", b->closed_here);
		jsonw_number(w, "closed_there", b->closed_there);
	}
	if (b->scope == SCOPE_DESTINATION) {
		json_end_point(w, "daddr", "dport", b->family, b->daddr,
			       b->dport, true);
		put_ports(w, f);
	}
	if (b->has_rate)
		jsonw_real(w, "rate_per_s", b->rate_per_s, 2);
	else
		jsonw_null(w, "rate_per_s");
	if (b->bearable_per_s > 0)
		jsonw_real(w, "bearable_per_s", b->bearable_per_s, 2);
	if (b->level)
		jsonw_number(w, "levels_off_at", b->level);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * JSON: one object a line; a key that is absent is unknown.
 *
 * The names are a contract, see Documentation/json.rst before changing one.
 */
#include <string.h>
#include <time.h>

#include "../rst_reason.h"
#include "engine/duration.h"
#include "json_parts.h"

#define NS_PER_SEC	1000000000LL
#define NS_PER_US	1000

/* Parts that several objects share */

/* RFC 3339 in UTC; date and time are worked out once a second. */
static void put_ts(struct jsonw *w, struct output *out, uint64_t mono_ns)
{
	int64_t real = (int64_t)mono_ns + out->style.realtime_offset_ns;
	time_t s = real / NS_PER_SEC;
	int32_t ns = (int32_t)(real % NS_PER_SEC);
	struct tm tm;
	int i;

	if (!out->ts[0] || s != out->ts_second) {
		gmtime_r(&s, &tm);
		strftime(out->ts, sizeof(out->ts),
			 "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
		out->ts_second = s;
	}
	for (i = 28; i >= 20; i--, ns /= 10)
		out->ts[i] = (char)('0' + ns % 10);
	jsonw_word(w, "ts", out->ts);
	jsonw_number(w, "mono_ns", mono_ns);
}

void json_begin(struct jsonw *w, struct output *out, const char *event,
		uint64_t mono_ns)
{
	jsonw_begin(w, out->to);
	jsonw_word(w, "event", event);
	put_ts(w, out, mono_ns);
}

void json_end_point(struct jsonw *w, const char *addr_key, const char *port_key,
		    uint8_t family, const uint8_t *addr, uint16_t port,
		    bool wildcard)
{
	static const uint8_t zero[16];
	struct cell cell;

	if (wildcard || port || memcmp(addr, zero, family == 6 ? 16 : 4))
		jsonw_word(w, addr_key, cell_addr(&cell, family, addr));
	if (port)
		jsonw_number(w, port_key, port);
}

static void put_identity(struct jsonw *w, const struct conn *c)
{
	jsonw_hex(w, "conn_id", c->cookie);
	if (c->life)
		jsonw_number(w, "life", c->life);
	if (c->netns)
		jsonw_number(w, "netns", c->netns);
	jsonw_word(w, "family", c->family == 6 ? "ipv6" : "ipv4");
	json_end_point(w, "saddr", "sport", c->family, conn_saddr(c), c->sport,
		       c->role == ROLE_LISTENER);
	json_end_point(w, "daddr", "dport", c->family, conn_daddr(c), c->dport,
		       false);
}

static void put_owner(struct jsonw *w, const struct output *out,
		      const struct conn *c)
{
	const struct origin *origin = conn_origin(c);
	char unit[128] = "", container[128] = "";

	if (origin->pid)
		jsonw_number(w, "pid", origin->pid);
	if (origin->comm[0])
		jsonw_string(w, "comm", origin->comm);
	if (c->has_uid)
		jsonw_number(w, "uid", origin->uid);
	if (!origin->cgroup)
		return;
	jsonw_number(w, "cgroup", origin->cgroup);
	if (!out->style.cgroup_name ||
	    !out->style.cgroup_name(out->style.cgroup_ctx, origin->cgroup, unit,
				    sizeof(unit), container, sizeof(container)))
		return;
	if (unit[0])
		jsonw_string(w, "unit", unit);
	if (container[0])
		jsonw_string(w, "container", container);
}

static void put_reason(struct jsonw *w, unsigned int reason,
		       unsigned int detail, bool by_exit)
{
	if (reason_name(reason))
		jsonw_word(w, "reason", reason_name(reason));
	if (detail_name(detail))
		jsonw_word(w, "detail", detail_name(detail));
	if (by_exit)
		jsonw_bool(w, "by_exit", true);
}

static void put_us(struct jsonw *w, const char *key, uint64_t from_ns,
		   uint64_t to_ns)
{
	if (from_ns && to_ns >= from_ns)
		jsonw_number(w, key, (to_ns - from_ns) / NS_PER_US);
}

/* The logical stream */

static void json_transition(struct output *out, const struct transition *t)
{
	const struct conn *c = t->conn;
	struct jsonw w;

	json_begin(&w, out, "state", t->ns);
	put_identity(&w, c);
	jsonw_word(&w, "old_state", state_name(t->old_state));
	jsonw_word(&w, "new_state", state_name(t->new_state));
	if (t->has_span)
		jsonw_number(&w, "span_us", t->span_ns / NS_PER_US);
	jsonw_word(&w, "role", role_name(c->role));
	jsonw_word(&w, "basis", basis_name(t->basis));
	put_reason(&w, t->reason, t->detail, t->by_exit);
	jsonw_word(&w, "course", course_name(t->course));
	if (!t->legal)
		jsonw_bool(&w, "legal", false);
	put_owner(&w, out, c);
	jsonw_end(&w);
}

static void json_accept(struct output *out, const struct conn *c, uint64_t ns)
{
	struct jsonw w;

	json_begin(&w, out, "accept", ns);
	put_identity(&w, c);
	jsonw_word(&w, "state", state_name(c->state));
	put_us(&w, "accept_us", c->established_ns, ns);
	jsonw_word(&w, "role", role_name(c->role));
	jsonw_word(&w, "basis", basis_name(TCPSTATE_BY_PROBE));
	put_owner(&w, out, c);
	jsonw_end(&w);
}

static const char *const segment_events[] = {
	[SEGMENT_RETRANSMIT] = "retransmit",
	[SEGMENT_RST_SENT] = "rst_sent",
	[SEGMENT_RST_RECEIVED] = "rst_received",
	[SEGMENT_FIN_RECEIVED] = "retransmit",
};

static void json_segment(struct output *out, const struct segment *s)
{
	const struct conn *c = s->conn;
	struct jsonw w;

	json_begin(&w, out, segment_events[s->kind], s->ns);
	put_identity(&w, c);
	jsonw_word(&w, "state", state_name(s->state));
	if (s->kind == SEGMENT_RETRANSMIT) {
		jsonw_word(&w, "segment", segment_flags_name(s->flags));
		jsonw_number(&w, "times", s->times);
	} else if (s->kind == SEGMENT_FIN_RECEIVED) {
		jsonw_string(&w, "segment", "FIN");
		jsonw_string(&w, "by", "peer");
		jsonw_number(&w, "times", s->times);
	}
	if (s->has_seq)
		jsonw_number(&w, "seq", s->seq);
	if (s->kind == SEGMENT_RST_SENT && rst_reason_name(s->rst_reason))
		jsonw_word(&w, "rst_reason", rst_reason_name(s->rst_reason));
	jsonw_word(&w, "role", role_name(c->role));
	jsonw_word(&w, "basis", basis_name(s->kind == SEGMENT_FIN_RECEIVED ?
				TCPSTATE_BY_PROBE : TCPSTATE_BY_TRACEPOINT));
	put_owner(&w, out, c);
	jsonw_end(&w);
}

/* Connections */

static const struct {
	uint8_t bit;
	const char *name;
} number_names[] = {
	{ CONN_ISN_LOCAL, "isn_local" },
	{ CONN_ISN_PEER, "isn_peer" },
	{ CONN_FIN_LOCAL, "fin_local" },
	{ CONN_FIN_PEER, "fin_peer" },
	{ CONN_ACK_SEQ, "ack_seq" },
};

static void put_number_names(struct jsonw *w, const char *key, uint8_t bits)
{
	if (!bits)
		return;
	jsonw_array(w, key);
	for (size_t i = 0; i < sizeof(number_names) / sizeof(*number_names); i++)
		if (bits & number_names[i].bit)
			jsonw_string(w, NULL, number_names[i].name);
	jsonw_array_end(w);
}

static void put_known(struct jsonw *w, const char *key, const struct conn *c,
		      unsigned int bit, uint32_t number)
{
	if (c->known & bit)
		jsonw_number(w, key, number);
}

static void put_handshake(struct jsonw *w, const struct conn *c)
{
	jsonw_object(w, "handshake");
	jsonw_word(w, "role", role_name(c->role));
	/* In SYN_SENT or SYN_RECV, however it ended. */
	put_us(w, "syn_us", c->born_ns,
	       c->established_ns ? c->established_ns : conn_end_ns(c));
	/* From the SYN to ESTABLISHED, and from there to accept(). */
	put_us(w, "established_us", c->established_ns ? c->born_ns : 0,
	       c->established_ns);
	put_us(w, "accept_us", c->accept_ns ? c->established_ns : 0,
	       c->accept_ns);
	put_known(w, "isn_local", c, CONN_ISN_LOCAL, c->isn_local);
	put_known(w, "isn_peer", c, CONN_ISN_PEER, c->isn_peer);
	put_number_names(w, "derived", c->derived);
	/* The snapshot has not seen the handshake. */
	if (c->born_ns || c->established_ns || c->fastopen) {
		jsonw_number(w, "syn_retrans", c->syn_retrans);
		jsonw_bool(w, "cookie", c->syncookie);
		jsonw_bool(w, "fastopen", c->fastopen);
	}
	jsonw_object_end(w);
}

static void put_half_close(struct jsonw *w, const struct conn *c)
{
	const struct closing *end = conn_closing(c);

	if (end->fin_ns < end->peer_fin_ns)
		put_us(w, "half_close_us", end->fin_ns, end->peer_fin_ns);
	else
		put_us(w, "half_close_us", end->peer_fin_ns, end->fin_ns);
}

static void put_half_close_bytes(struct jsonw *w, const struct conn *c)
{
	uint64_t bytes;

	if (conn_half_close_bytes(c, &bytes))
		jsonw_number(w, "half_close_bytes", bytes);
}

static void put_restarts(struct jsonw *w, const struct conn *c)
{
	const struct closing *end = conn_closing(c);

	if (end->tw_restarts)
		jsonw_number(w, "time_wait_restarts", end->tw_restarts);
	if (end->tw_fins)
		jsonw_number(w, "fins_received_again", end->tw_fins);
}

static void put_close(struct jsonw *w, const struct conn *c, bool ended)
{
	const struct closing *end = conn_closing(c);
	uint64_t tw_ns;

	jsonw_object(w, "close");
	jsonw_word(w, "first", first_name(c->first));
	if (kind_name(c->kind))
		jsonw_word(w, "kind", kind_name(c->kind));
	else
		jsonw_null(w, "kind");
	put_half_close(w, c);
	put_known(w, "fin_local", c, CONN_FIN_LOCAL, end->fin_local);
	put_known(w, "fin_peer", c, CONN_FIN_PEER, end->fin_peer);
	put_known(w, "ack_seq", c, CONN_ACK_SEQ, end->ack_seq);
	put_half_close_bytes(w, c);
	if (end->fin_retrans)
		jsonw_number(w, "fin_retrans", end->fin_retrans);
	if (ended && conn_duration(c, DURATION_TIME_WAIT, &tw_ns))
		jsonw_number(w, "time_wait_us", tw_ns / NS_PER_US);
	else
		jsonw_null(w, "time_wait_us");
	put_restarts(w, c);
	jsonw_object_end(w);
}

/* Between the handshake and the close: text, without SYN and FIN. */
static void put_data(struct jsonw *w, const struct conn *c)
{
	uint64_t bytes;

	if (!c->segs_in && !c->segs_out)
		return;
	jsonw_object(w, "data");
	if (conn_bytes_in(c, &bytes))
		jsonw_number(w, "bytes_in", bytes);
	if (conn_bytes_out(c, &bytes))
		jsonw_number(w, "bytes_out", bytes);
	jsonw_number(w, "segments_in", c->data_segs_in);
	jsonw_number(w, "segments_out", c->data_segs_out);
	jsonw_number(w, "retrans", c->retrans);
	jsonw_object_end(w);
}

static void put_keepalive(struct jsonw *w, const struct conn *c)
{
	const struct closing *end = conn_closing(c);

	if (c->reason != REASON_KEEPALIVE)
		return;
	jsonw_object(w, "keepalive");
	if (end->idle_ms)
		jsonw_number(w, "idle_us", (uint64_t)end->idle_ms * 1000);
	jsonw_number(w, "probes", end->probes);
	jsonw_object_end(w);
}

static void json_conn(struct output *out, const struct conn *c, bool ended)
{
	const struct closing *end = conn_closing(c);
	uint64_t life_ns;
	struct jsonw w;

	json_begin(&w, out, "conn", ended ? conn_end_ns(c) : end->tw_ns);
	put_identity(&w, c);
	jsonw_word(&w, "state", state_name(c->state));
	jsonw_word(&w, "role", role_name(c->role));
	jsonw_word(&w, "basis", basis_name(c->basis));
	put_reason(&w, c->reason, c->detail, c->by_exit);
	if (conn_duration(c, DURATION_LIFE, &life_ns))
		jsonw_number(&w, "duration_us", life_ns / NS_PER_US);
	if (c->detail == DETAIL_UNREAD_DATA)
		jsonw_number(&w, "unread_bytes", c->unread);
	put_handshake(&w, c);
	put_data(&w, c);
	put_close(&w, c, ended);
	put_keepalive(&w, c);
	if (c->unusual)
		jsonw_bool(&w, "unusual", true);
	put_number_names(&w, "contradiction", c->contradicts);
	put_owner(&w, out, c);
	jsonw_end(&w);
}

static void json_open(struct output *out, const struct conn *c,
		      uint64_t now_ns)
{
	struct jsonw w;

	json_begin(&w, out, "conn", now_ns);
	put_identity(&w, c);
	jsonw_word(&w, "state", state_name(c->state));
	put_us(&w, "age_us", c->state_ns, now_ns);
	jsonw_bool(&w, "age_exact", !c->snapshot);
	jsonw_word(&w, "role", role_name(c->role));
	jsonw_word(&w, "basis", basis_name(c->basis));
	if (c->born_ns && c->role != ROLE_LISTENER)
		put_handshake(&w, c);
	put_owner(&w, out, c);
	jsonw_end(&w);
}

/* The rest */

static void json_lost(struct output *out, uint64_t ns, uint32_t cpu,
		      uint64_t count)
{
	struct jsonw w;

	json_begin(&w, out, "lost", ns);
	if (cpu != ~0u)
		jsonw_number(&w, "cpu", cpu);
	jsonw_number(&w, "count", count);
	jsonw_end(&w);
}

static void json_counts(struct output *out, uint64_t ns,
			const struct engine_counts *counts, size_t n)
{
	unsigned int state;
	struct jsonw w;
	size_t i;

	for (i = 0; i < n; i++) {
		json_begin(&w, out, "counts", ns);
		jsonw_number(&w, "netns", counts[i].netns);
		jsonw_object(&w, "states");
		/* Zeroes too: they are known. */
		for (state = 1; state < TCPSTATE_NEW_SYN_RECV; state++)
			jsonw_number(&w, state_name(state),
				     counts[i].states[state]);
		jsonw_object_end(&w);
		jsonw_end(&w);
	}
}

static void json_summary(struct output *out, const struct output_summary *s)
{
	struct jsonw w;

	jsonw_begin(&w, out->to);
	jsonw_string(&w, "event", "summary");
	jsonw_number(&w, "captured", s->captured);
	jsonw_number(&w, "lost", s->lost);
	jsonw_number(&w, "corrected", s->corrected);
	jsonw_number(&w, "unknown_owner", s->unknown_owner);
	jsonw_number(&w, "inferred", s->inferred);
	if (s->malformed)
		jsonw_number(&w, "malformed", s->malformed);
	if (s->evicted)
		jsonw_number(&w, "evicted", s->evicted);
	jsonw_end(&w);
}

const struct output_ops output_json = {
	.transition = json_transition,
	.raw = json_raw,
	.accept = json_accept,
	.segment = json_segment,
	.conn = json_conn,
	.open = json_open,
	.lost = json_lost,
	.finding = json_finding,
	.counts = json_counts,
	.summary = json_summary,
};

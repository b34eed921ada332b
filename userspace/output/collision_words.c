// SPDX-License-Identifier: GPL-2.0
#include "collision_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/advice.h"
#include "output_ops.h"

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void inferred_verdict(const struct finding *f, char *buf, size_t len)
{
	struct cell syns;

	if (f->state)
		snprintf(buf, len, "inferred: %s SYN%s met a socket of the same addresses and ports; it may be this one in %s, the only one",
			 cell_thousands(&syns, f->syns.count),
			 plural(f->syns.count), state_name(f->state));
	else
		snprintf(buf, len, "inferred: %s SYN%s met a socket of the same addresses and ports; no hook shows which",
			 cell_thousands(&syns, f->syns.count),
			 plural(f->syns.count));
}

void collision_verdict(const struct finding *f, char *buf, size_t len)
{
	static const char *const why[TCPSTATE_STATES] = {
		[TCPSTATE_CLOSE_WAIT] = "the program has not closed it",
		[TCPSTATE_LAST_ACK] = "the peer has not acknowledged our FIN",
		[TCPSTATE_TIME_WAIT] = "the SYN is no newer than what was received before it",
	};
	struct cell syns;

	if (f->inferred) {
		inferred_verdict(f, buf, len);
		return;
	}
	snprintf(buf, len, "%s SYN%s for the same addresses and ports met %s and opened nothing: %s",
		 cell_thousands(&syns, f->syns.count), plural(f->syns.count),
		 state_name(f->state), why[f->state] ? why[f->state] : "");
}

void collision_proof(const struct finding *f, char *buf, size_t len)
{
	const struct finding_syns *s = &f->syns;
	struct cell from, to, first, last, gone;
	int used;

	buf[0] = '\0';
	if (f->inferred) {
		snprintf(buf, len, "TCPSYNChallenge grew by %" PRIu64
			 " while observed", s->count);
		return;
	}
	used = snprintf(buf, len, "SYN from %s to %s %s ago",
			cell_end(&from, s->family, s->daddr, s->dport),
			cell_end(&to, s->family, s->saddr, s->sport),
			cell_span(&last, s->last_ns));
	if (s->count > 1)
		used += snprintf(buf + used, len - used, ", the first %s ago",
				 cell_span(&first, s->first_ns));
	if (s->gone)
		snprintf(buf + used, len - used, "; %s of the sockets %s out of the way since",
			 cell_thousands(&gone, s->gone),
			 s->gone == 1 ? "is" : "are");
}

/* ---- advice ---- */

void say_close_blocker(const struct finding *f, char *buf, size_t len)
{
	struct cell comm;

	if (f->n_fds)
		snprintf(buf, len, "close() descriptor %d in %s[%" PRIu32 "]: in CLOSE_WAIT it keeps its ports for ever",
			 f->fds[0], cell_comm(&comm, f->comm), f->pid);
	else
		snprintf(buf, len, "close() the socket in %s[%" PRIu32 "]: in CLOSE_WAIT it keeps its ports for ever",
			 cell_comm(&comm, f->comm), f->pid);
}

void say_kill_blocker(const struct finding *f, char *buf, size_t len)
{
	struct cell peer;

	snprintf(buf, len, "ss -K state last-ack dst %s dport = %" PRIu16 " ends it at once",
		 cell_addr(&peer, f->syns.family, f->syns.daddr),
		 f->syns.dport);
}

void say_other_port(const struct finding *f, char *buf, size_t len)
{
	struct cell peer;

	snprintf(buf, len, "the client at %s should not take port %" PRIu16 " again within %d s: look for a bind() there, or a NAT",
		 cell_addr(&peer, f->syns.family, f->syns.daddr),
		 f->syns.dport, ADVICE_TIME_WAIT_S);
}

void say_take_over(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_timestamps=1 (now %" PRId64 "), on both sides: a SYN with a newer one takes TIME_WAIT over",
		 f->facts->tcp_timestamps);
}

void say_let_rst_end(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_rfc1337=0 (now %" PRId64 "): the RST that the client answers with would end TIME_WAIT, and its next SYN open",
		 f->facts->tcp_rfc1337);
}

void say_not_reuse_for_syns(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_tw_reuse (%" PRId64 ") is for connect(), not for SYNs that come",
		 f->facts->tcp_tw_reuse);
}

// SPDX-License-Identifier: GPL-2.0
#include "stuck_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "collision_words.h"
#include "engine/advice.h"
#include "output_ops.h"

/* ---- verdicts ---- */

static const char *fin_verdict(const struct finding *f)
{
	bool unsent = f->unsent == f->count;

	if (f->cause == CAUSE_WINDOW_SHUT)
		return unsent ?
		       "the peer answers and does not read: its window is zero, the FIN was never sent" :
		       "the peer answers and does not read: its window is zero";
	return unsent ?
	       "the peer is gone: no probe of its zero window is answered, the FIN was never sent" :
	       "the peer is gone: nothing that we send is acknowledged";
}

static const char *request_verdict(const struct finding *f)
{
	switch (f->cause) {
	case CAUSE_QUEUE_FULL:
		return "the accept queue is full: the program does not call accept() often enough";
	case CAUSE_FLOOD:
		return "a flood: SYNs of many peers, none of which answers our SYN-ACK";
	case CAUSE_NO_ANSWER:
		return "no answer to our SYN-ACKs: they, or what answers them, are lost";
	}
	return "more connections are being opened than the backlog has room for";
}

void stuck_verdict(const struct finding *f, char *buf, size_t len)
{
	const char *words = "";

	switch (f->rule) {
	case RULE_FIN_WAIT1:
	case RULE_CLOSING:
	case RULE_LAST_ACK:
		words = fin_verdict(f);
		break;
	case RULE_FIN_WAIT2:
		words = f->cause == CAUSE_ORPHAN ?
			"closed here; the peer has our FIN and does not close: a timer ends it" :
			"the peer leaks: it has our FIN and does not close";
		break;
	case RULE_SYN_SENT:
		words = "no answer to our SYN: filtered, unreachable, or the accept queue there is full; a refusal would have ended it";
		break;
	case RULE_SYN_RECV:
		words = request_verdict(f);
		break;
	case RULE_IDLE:
		words = "idle without keepalive: if the peer is gone, nobody will notice";
		break;
	case RULE_ORPHANS:
		words = "closed by their programs, and not over: above the limit the kernel kills them";
		break;
	case RULE_FDS:
		words = "the process is about to run out of descriptors";
		break;
	}
	snprintf(buf, len, "%s", words);
}

/* ---- what was measured ---- */

static void put_again(const struct finding *f, const char *what, char *buf,
		      size_t len)
{
	if (f->again_min == f->again_max)
		snprintf(buf, len, "%s %" PRIu64 " times", what, f->again_max);
	else
		snprintf(buf, len, "%s %" PRIu64 " to %" PRIu64 " times", what,
			 f->again_min, f->again_max);
}

static void fin_proof(const struct finding *f, char *buf, size_t len)
{
	bool probes = f->cause == CAUSE_WINDOW_SHUT || f->unsent == f->count;
	char again[64], unsent[64] = "", orphans[64] = "";
	struct cell count;

	put_again(f, probes ? "window probed" : "sent again", again,
		  sizeof(again));
	if (f->unsent)
		snprintf(unsent, sizeof(unsent), "; FIN never sent on %s",
			 cell_thousands(&count, f->unsent));
	if (f->orphans)
		snprintf(orphans, sizeof(orphans),
			 "; no descriptor is left of %s",
			 cell_thousands(&count, f->orphans));
	snprintf(buf, len, "%s%s%s", again, unsent, orphans);
}

static void request_proof(const struct finding *f, char *buf, size_t len)
{
	struct cell count, often;
	char backlog[64] = "";

	if (f->accept_limit)
		snprintf(backlog, sizeof(backlog), " of a backlog of %" PRIu32
			 ", %" PRIu32 " to accept", f->accept_limit,
			 f->accept_queue);
	snprintf(buf, len, "%s requests%s; SYN-ACK sent again twice or more to %s, up to %"
		 PRIu64 " times", cell_thousands(&count, f->count), backlog,
		 cell_thousands(&often, f->often), f->again_max);
}

static void limit_proof(const struct finding *f, char *buf, size_t len)
{
	int64_t most = f->facts ? f->facts->tcp_max_orphans : 0;
	struct cell count, limit;

	if (most > 0)
		snprintf(buf, len, "%s of tcp_max_orphans %s",
			 cell_thousands(&count, f->count),
			 cell_thousands(&limit, (uint64_t)most));
}

void stuck_proof(const struct finding *f, char *buf, size_t len)
{
	buf[0] = '\0';
	switch (f->rule) {
	case RULE_FIN_WAIT1:
	case RULE_CLOSING:
	case RULE_LAST_ACK:
		fin_proof(f, buf, len);
		break;
	case RULE_FIN_WAIT2:
		snprintf(buf, len, "our FIN is acknowledged, and no data has come since");
		break;
	case RULE_SYN_SENT:
		put_again(f, "SYN sent again", buf, len);
		break;
	case RULE_SYN_RECV:
		request_proof(f, buf, len);
		break;
	case RULE_IDLE:
		snprintf(buf, len, "no data and no ACK in either direction, no timer runs");
		break;
	case RULE_ORPHANS:
		limit_proof(f, buf, len);
		break;
	case RULE_COLLISION:
		collision_proof(f, buf, len);
		break;
	}
}

void stuck_end(const struct finding *f, char *buf, size_t len)
{
	struct cell first, last, ending, count;

	buf[0] = '\0';
	if (!f->has_end)
		return;
	if (!f->ending) {
		snprintf(buf, len, "never by itself");
		return;
	}
	if (f->ending == 1 || f->end_min_ns == f->end_max_ns)
		snprintf(buf, len, "by the kernel in %s at the latest",
			 cell_span(&first, f->end_min_ns));
	else
		snprintf(buf, len, "by the kernel, the first in %s and the last in %s at the latest",
			 cell_span(&first, f->end_min_ns),
			 cell_span(&last, f->end_max_ns));
	if (f->ending < f->count) {
		size_t used = 0;

		while (used < len && buf[used])
			used++;
		snprintf(buf + used, len - used, "; %s of %s, the others never",
			 cell_thousands(&ending, f->ending),
			 cell_thousands(&count, f->count));
	}
}

/* ---- advice ---- */

/* The peer to look at: the only one, or that of most. */
static const char *peer_of(const struct finding *f, struct cell *cell)
{
	if (f->remote_family)
		return cell_end(cell, f->remote_family, f->remote_addr,
				f->remote_port);
	if (f->n_peers)
		return cell_addr(cell, f->peers[0].family, f->peers[0].addr);
	return "the peer";
}

typedef void (*say_fn)(const struct finding *f, char *buf, size_t len);

static void peer_must_read(const struct finding *f, char *buf, size_t len)
{
	struct cell peer;

	snprintf(buf, len, "the program at %s must read or close: its window was probed %"
		 PRIu64 " times and is zero", peer_of(f, &peer), f->again_max);
}

static void peer_must_close(const struct finding *f, char *buf, size_t len)
{
	struct cell peer, count;

	snprintf(buf, len, "the program at %s must close(): %s in CLOSE_WAIT there",
		 peer_of(f, &peer), cell_thousands(&count, f->count));
}

static void close_both_ways(const struct finding *f, char *buf, size_t len)
{
	if (f->facts && f->facts->tcp_fin_timeout >= 0)
		snprintf(buf, len, "close() rather than shutdown(SHUT_WR): then tcp_fin_timeout (%"
			 PRId64 " s) ends it", f->facts->tcp_fin_timeout);
	else
		snprintf(buf, len, "close() rather than shutdown(SHUT_WR): then tcp_fin_timeout ends it");
}

/* Of these, and not of all that the host is about to close. */
static void end_now(const struct finding *f, char *buf, size_t len)
{
	struct cell count, peer;
	char which[CELL_LEN + 16] = "";

	if (f->remote_family || !f->listener.sport)
		snprintf(which, sizeof(which), " dst %s", peer_of(f, &peer));
	else
		snprintf(which, sizeof(which), " sport = :%u",
			 f->listener.sport);
	snprintf(buf, len, "ss -K state %s%s ends them at once: no descriptor is left of the %s",
		 f->rule == RULE_FIN_WAIT1 ? "fin-wait-1" :
		 f->rule == RULE_CLOSING ? "closing" : "last-ack", which,
		 cell_thousands(&count, f->count));
}

static void user_timeout(const struct finding *f, char *buf, size_t len)
{
	if (f->facts && f->facts->tcp_retries2 >= 0)
		snprintf(buf, len, "TCP_USER_TIMEOUT gives up sooner than tcp_retries2 (%"
			 PRId64 ") does", f->facts->tcp_retries2);
	else
		snprintf(buf, len, "TCP_USER_TIMEOUT gives up sooner than tcp_retries2 does");
}

static void fewer_orphan_retries(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_orphan_retries below %" PRId64 " gives up sooner what is closed",
		 f->facts->tcp_orphan_retries);
}

static void look_at_path(const struct finding *f, char *buf, size_t len)
{
	struct cell peer;

	snprintf(buf, len, "look at firewalls and routes to %s, and at its accept queue (ss -ltn): %"
		 PRIu64 " SYNs went out, no RST and no ICMP error that ends it came",
		 peer_of(f, &peer), f->again_max + 1);
}

static void limit_connect(const struct finding *f, char *buf, size_t len)
{
	if (f->facts && f->facts->tcp_syn_retries >= 0)
		snprintf(buf, len, "a time limit on connect(), or TCP_SYNCNT: the kernel's own is tcp_syn_retries (%"
			 PRId64 ")", f->facts->tcp_syn_retries);
	else
		snprintf(buf, len, "a time limit on connect(), or TCP_SYNCNT");
}

static void look_at_way_back(const struct finding *f, char *buf, size_t len)
{
	struct cell peer;

	snprintf(buf, len, "look at the way back to %s: SYN-ACKs were sent again up to %"
		 PRIu64 " times", peer_of(f, &peer), f->again_max);
}

static void syncookies(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "tcp_syncookies=1 (now %" PRId64 "): a full backlog then refuses nobody",
		 f->facts->tcp_syncookies);
}

static void raise_backlog(const struct finding *f, char *buf, size_t len)
{
	int64_t most = f->facts ? f->facts->somaxconn : -1;

	if (most >= 0 && (int64_t)f->accept_limit >= most)
		snprintf(buf, len, "a larger backlog than %" PRIu32 ": in listen() and net.core.somaxconn (%"
			 PRId64 ")", f->accept_limit, most);
	else
		snprintf(buf, len, "a larger backlog than %" PRIu32 " in listen()",
			 f->accept_limit);
}

static void accept_faster(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "find why accept() is not called: %" PRIu32 " wait for it, the limit is %"
		 PRIu32, f->accept_queue, f->accept_limit);
}

static void keepalive(const struct finding *f, char *buf, size_t len)
{
	struct cell age;

	snprintf(buf, len, "SO_KEEPALIVE: it would have asked the peer in the %s of silence",
		 cell_span(&age, f->oldest_ns));
}

static void keepalive_idle(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "and TCP_KEEPIDLE: tcp_keepalive_time is %" PRId64 " s",
		 f->facts->tcp_keepalive_time);
}

static void max_orphans(const struct finding *f, char *buf, size_t len)
{
	struct cell limit;

	snprintf(buf, len, "look for FIN_WAIT1 and LAST_ACK above; tcp_max_orphans (%s) costs up to 64 KB each",
		 cell_thousands(&limit, (uint64_t)f->facts->tcp_max_orphans));
}

static void raise_nofile(const struct finding *f, char *buf, size_t len)
{
	struct cell limit, count;

	snprintf(buf, len, "if it needs %s connections: LimitNOFILE= or ulimit -n above %s",
		 cell_thousands(&count, f->count),
		 cell_thousands(&limit, f->fd_limit));
}

static void not_for_half_closed(const struct finding *f, char *buf, size_t len)
{
	struct cell held;

	snprintf(buf, len, "tcp_fin_timeout is for closed sockets: of %s a descriptor is open",
		 cell_thousands(&held, f->count - f->orphans));
}

static void not_keepalive_sysctls(const struct finding *f, char *buf,
				  size_t len)
{
	struct cell count;

	snprintf(buf, len, "tcp_keepalive_* alone: without SO_KEEPALIVE they do nothing for these %s",
		 cell_thousands(&count, f->count));
}

static void not_larger_queue(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "a larger backlog than %" PRIu32 " only lets more of them wait",
		 f->accept_limit);
}

static const say_fn sentences[ADVICES] = {
	[ADVICE_PEER_MUST_READ] = peer_must_read,
	[ADVICE_PEER_MUST_CLOSE] = peer_must_close,
	[ADVICE_CLOSE_BOTH_WAYS] = close_both_ways,
	[ADVICE_END_NOW] = end_now,
	[ADVICE_USER_TIMEOUT] = user_timeout,
	[ADVICE_ORPHAN_RETRIES] = fewer_orphan_retries,
	[ADVICE_LOOK_AT_PATH] = look_at_path,
	[ADVICE_LIMIT_CONNECT] = limit_connect,
	[ADVICE_LOOK_AT_WAY_BACK] = look_at_way_back,
	[ADVICE_SYNCOOKIES] = syncookies,
	[ADVICE_RAISE_BACKLOG] = raise_backlog,
	[ADVICE_ACCEPT_FASTER] = accept_faster,
	[ADVICE_KEEPALIVE] = keepalive,
	[ADVICE_KEEPALIVE_IDLE] = keepalive_idle,
	[ADVICE_MAX_ORPHANS] = max_orphans,
	[ADVICE_RAISE_NOFILE] = raise_nofile,
	[ADVICE_NOT_FOR_HALF_CLOSED] = not_for_half_closed,
	[ADVICE_NOT_KEEPALIVE_SYSCTLS] = not_keepalive_sysctls,
	[ADVICE_NOT_LARGER_QUEUE] = not_larger_queue,
};

void stuck_advice(const struct finding *f, unsigned int advice, char *buf,
		  size_t len)
{
	sentences[advice](f, buf, len);
}

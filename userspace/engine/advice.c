// SPDX-License-Identifier: GPL-2.0
#include "advice.h"

#define RULE(rule)	(1U << RULE_##rule)

struct row {
	unsigned int rules;	/* those that it is about */
	bool (*fits)(const struct finding *f);
	bool does_nothing;
};

static bool fin_read(const struct finding *f)
{
	return f->bug == BUG_FIN_READ;
}

static bool fin_unread(const struct finding *f)
{
	return f->bug == BUG_FIN_UNREAD;
}

static bool data_unread(const struct finding *f)
{
	return f->bug == BUG_DATA_UNREAD;
}

static bool unread(const struct finding *f)
{
	return fin_unread(f) || data_unread(f);
}

static bool never_accepted(const struct finding *f)
{
	return f->bug == BUG_NEVER_ACCEPTED;
}

static bool held_elsewhere(const struct finding *f)
{
	return f->bug == BUG_HELD_ELSEWHERE;
}

static bool ownerless(const struct finding *f)
{
	return f->bug == BUG_OWNERLESS;
}

static bool has_descriptors(const struct finding *f)
{
	return !never_accepted(f);
}

/* Ends only with the descriptors: how many are left is known. */
static bool uses_up_descriptors(const struct finding *f)
{
	return fin_read(f) && f->fd_limit && f->fd_limit != UINT64_MAX;
}

static bool queue_is_full(const struct finding *f)
{
	return never_accepted(f) && f->accept_limit &&
	       f->accept_queue >= f->accept_limit;
}

/* ---- the other states ---- */

#define FINS	(RULE(FIN_WAIT1) | RULE(CLOSING) | RULE(LAST_ACK))

static bool is_idle(const struct finding *f)
{
	return f->cause == CAUSE_NO_KEEPALIVE;
}

static bool window_shut(const struct finding *f)
{
	return f->cause == CAUSE_WINDOW_SHUT;
}

static bool peer_open(const struct finding *f)
{
	return f->cause == CAUSE_PEER_OPEN;
}

static bool all_orphans(const struct finding *f)
{
	return f->orphans && f->orphans == f->count;
}

static bool gone_and_held(const struct finding *f)
{
	return f->cause == CAUSE_PEER_GONE && f->orphans < f->count;
}

/* A setting that is 8 or less already gives up within two minutes. */
static bool gone_and_orphans_wait(const struct finding *f)
{
	return f->cause == CAUSE_PEER_GONE && f->orphans && f->facts &&
	       f->facts->tcp_orphan_retries > 8;
}

static bool no_answer(const struct finding *f)
{
	return f->cause == CAUSE_NO_ANSWER;
}

static bool flood_without_cookies(const struct finding *f)
{
	return f->cause == CAUSE_FLOOD && f->facts &&
	       !f->facts->tcp_syncookies;
}

static bool backlog_is_short(const struct finding *f)
{
	return f->accept_limit && f->count * 100 >=
	       (uint64_t)f->accept_limit * 70 &&
	       (f->cause == CAUSE_BACKLOG || f->cause == CAUSE_FLOOD);
}

static bool accept_queue_full(const struct finding *f)
{
	return f->cause == CAUSE_QUEUE_FULL;
}

/* A firewall forgets most of what has been idle for an hour. */
static bool keepalive_is_late(const struct finding *f)
{
	return is_idle(f) && f->facts && f->facts->tcp_keepalive_time >= 3600;
}

static bool knows_settings(const struct finding *f)
{
	return f->facts != NULL;
}

/* ---- collision ---- */

/* What is gone is in nobody's way. */
static bool blocks(const struct finding *f)
{
	return f->inferred || f->syns.gone < f->count;
}

static bool close_wait_blocks(const struct finding *f)
{
	return f->state == TCPSTATE_CLOSE_WAIT && f->pid;
}

static bool last_ack_blocks(const struct finding *f)
{
	return f->state == TCPSTATE_LAST_ACK && blocks(f) && !f->inferred;
}

static bool time_wait_blocks(const struct finding *f)
{
	return f->state == TCPSTATE_TIME_WAIT;
}

static bool blocks_without_timestamps(const struct finding *f)
{
	return time_wait_blocks(f) && f->facts && !f->facts->tcp_timestamps;
}

static bool rst_is_ignored(const struct finding *f)
{
	return time_wait_blocks(f) && f->facts && f->facts->tcp_rfc1337 > 0;
}

static bool reuse_for_syns(const struct finding *f)
{
	return time_wait_blocks(f) && f->facts && f->facts->tcp_tw_reuse >= 0;
}

static bool always(const struct finding *f)
{
	(void)f;
	return true;
}

/* ---- ports and time_wait ---- */

#define PORTS_OR_TW	(RULE(PORTS) | RULE(TIME_WAIT))
/* So few TIME_WAITs of a service are not worth a word. */
#define MANY_ACCEPTED	100
/* Fewer ports may have the parity of bind() by chance. */
#define MANY_BOUND	16

static bool is_scope(const struct finding *f, enum scope scope)
{
	return f->budget.scope == scope;
}

/* It takes a tenth of what there is, or comes half as fast as can be borne. */
static bool worth_destination(const struct finding *f)
{
	const struct finding_budget *b = &f->budget;

	if (!is_scope(f, SCOPE_DESTINATION))
		return false;
	if (f->severity != SEVERITY_INFO)
		return true;
	return b->usable &&
	       (b->ports * 10 >= b->usable ||
		(b->has_rate && b->rate_per_s * 2 >= b->bearable_per_s));
}

/* What is reserved or bound is so for each of them. */
static bool more_addresses_help(const struct finding *f)
{
	return worth_destination(f) && f->budget.usable;
}

static bool worth_service(const struct finding *f)
{
	return is_scope(f, SCOPE_SERVICE) && f->count >= MANY_ACCEPTED;
}

static bool many_time_waits(const struct finding *f)
{
	return worth_service(f) ||
	       (worth_destination(f) && f->budget.time_wait);
}

static bool mostly_time_wait(const struct finding *f)
{
	return worth_destination(f) && f->budget.time_wait &&
	       f->budget.time_wait * 2 >= f->budget.ports;
}

static bool mostly_others(const struct finding *f)
{
	return worth_destination(f) &&
	       f->budget.time_wait * 2 < f->budget.ports;
}

static bool mostly_closed_here(const struct finding *f)
{
	/* Each TIME_WAIT that is older than the watching was, too. */
	return mostly_time_wait(f) &&
	       f->budget.closed_here >= f->budget.closed_there;
}

static bool reuse_would_help(const struct finding *f)
{
	return mostly_time_wait(f) && f->facts && f->facts->tcp_timestamps > 0 &&
	       (f->budget.reuse == TW_REUSE_OFF ||
		f->budget.reuse == TW_REUSE_LOOPBACK_ONLY);
}

static bool without_timestamps(const struct finding *f)
{
	return mostly_time_wait(f) && f->facts && !f->facts->tcp_timestamps;
}

static bool reuse_applies(const struct finding *f)
{
	return worth_destination(f) && f->budget.time_wait &&
	       f->budget.reuse == TW_REUSE_APPLIES;
}

static int64_t range_of(const struct finding *f)
{
	return f->facts && f->facts->port_first >= 0 ?
	       f->facts->port_last - f->facts->port_first + 1 : 0;
}

static bool beyond_any_range(const struct finding *f)
{
	return worth_destination(f) && f->budget.has_rate &&
	       f->budget.reuse != TW_REUSE_APPLIES &&
	       f->budget.rate_per_s > (double)WIDEST_PORTS / ADVICE_TIME_WAIT_S;
}

/* A tenth more, at least. */
static bool range_is_narrow(const struct finding *f)
{
	int64_t range = range_of(f);

	return worth_destination(f) && !beyond_any_range(f) && range &&
	       (WIDEST_PORTS - range) * 10 >= range;
}

static bool many_reserved(const struct finding *f)
{
	return worth_destination(f) && range_of(f) &&
	       f->facts->ports_reserved * 10 >= range_of(f);
}

/*
 * connect() first tries the ports of the parity of the range's first one, and
 * bind() the others, so as not to be in its way.  In the first half of the
 * range that tells who has chosen.
 */
static bool chosen_by_bind(const struct finding *f)
{
	const struct finding_budget *b = &f->budget;

	return worth_destination(f) && b->ports >= MANY_BOUND &&
	       b->ports * 2 <= b->usable && b->other_parity * 10 >= b->ports * 9;
}

static bool closed_by_service(const struct finding *f)
{
	return worth_service(f) && f->budget.closed_here;
}

static bool often_closed_by_service(const struct finding *f)
{
	return worth_service(f) && f->budget.has_rate &&
	       f->budget.rate_per_s >= 1;
}

static bool buckets_run_out(const struct finding *f)
{
	return is_scope(f, SCOPE_NETNS) && f->severity != SEVERITY_INFO &&
	       f->budget.buckets_limit > 0;
}

static bool fin_timeout_is_set(const struct finding *f)
{
	return many_time_waits(f) && f->facts && f->facts->tcp_fin_timeout >= 0;
}

static bool recycle_is_gone(const struct finding *f)
{
	/* Where no other can be read either, it may well be there. */
	return many_time_waits(f) && f->facts && f->facts->tcp_tw_reuse >= 0 &&
	       f->facts->tcp_tw_recycle < 0;
}

static bool reuse_is_set(const struct finding *f)
{
	return worth_service(f) && f->facts && f->facts->tcp_tw_reuse >= 0;
}

static bool range_is_set(const struct finding *f)
{
	return worth_service(f) && range_of(f);
}

static bool buckets_are_set(const struct finding *f)
{
	return many_time_waits(f) && f->facts &&
	       f->facts->tcp_max_tw_buckets > 0;
}

static const struct row rows[ADVICES] = {
	[ADVICE_CLOSE_AFTER_EOF] = { RULE(CLOSE_WAIT), fin_read, false },
	[ADVICE_RESTART_BEFORE_EMFILE] = { RULE(CLOSE_WAIT),
					   uses_up_descriptors, false },
	[ADVICE_POLL_RDHUP] = { RULE(CLOSE_WAIT), fin_unread, false },
	[ADVICE_TIME_LIMIT] = { RULE(CLOSE_WAIT), unread, false },
	[ADVICE_FIND_BLOCKED] = { RULE(CLOSE_WAIT), data_unread, false },
	[ADVICE_CALL_ACCEPT] = { RULE(CLOSE_WAIT), never_accepted, false },
	[ADVICE_CLOEXEC] = { RULE(CLOSE_WAIT), held_elsewhere, false },
	[ADVICE_SHUTDOWN] = { RULE(CLOSE_WAIT), held_elsewhere, false },
	[ADVICE_LOOK_FOR_KERNEL_USERS] = { RULE(CLOSE_WAIT), ownerless, false },
	[ADVICE_NOT_KILL] = { RULE(CLOSE_WAIT), has_descriptors, true },
	[ADVICE_NOT_FIN_TIMEOUT] = { RULE(CLOSE_WAIT), has_descriptors, true },
	[ADVICE_NOT_BACKLOG] = { RULE(CLOSE_WAIT), queue_is_full, true },

	[ADVICE_PEER_MUST_READ] = { FINS, window_shut, false },
	[ADVICE_PEER_MUST_CLOSE] = { RULE(FIN_WAIT2), peer_open, false },
	[ADVICE_CLOSE_BOTH_WAYS] = { RULE(FIN_WAIT2), peer_open, false },
	[ADVICE_END_NOW] = { FINS, all_orphans, false },
	[ADVICE_USER_TIMEOUT] = { FINS, gone_and_held, false },
	[ADVICE_ORPHAN_RETRIES] = { FINS, gone_and_orphans_wait, false },
	[ADVICE_LOOK_AT_PATH] = { RULE(SYN_SENT), no_answer, false },
	[ADVICE_LIMIT_CONNECT] = { RULE(SYN_SENT), no_answer, false },
	[ADVICE_LOOK_AT_WAY_BACK] = { RULE(SYN_RECV), no_answer, false },
	[ADVICE_SYNCOOKIES] = { RULE(SYN_RECV), flood_without_cookies, false },
	[ADVICE_RAISE_BACKLOG] = { RULE(SYN_RECV), backlog_is_short, false },
	[ADVICE_ACCEPT_FASTER] = { RULE(SYN_RECV), accept_queue_full, false },
	[ADVICE_KEEPALIVE] = { RULE(IDLE), is_idle, false },
	[ADVICE_KEEPALIVE_IDLE] = { RULE(IDLE), keepalive_is_late, false },
	[ADVICE_MAX_ORPHANS] = { RULE(ORPHANS), knows_settings, false },
	[ADVICE_RAISE_NOFILE] = { RULE(FDS), always, false },
	[ADVICE_CLOSE_BLOCKER] = { RULE(COLLISION), close_wait_blocks, false },
	[ADVICE_KILL_BLOCKER] = { RULE(COLLISION), last_ack_blocks, false },
	[ADVICE_OTHER_PORT] = { RULE(COLLISION), time_wait_blocks, false },
	[ADVICE_TAKE_OVER] = { RULE(COLLISION), blocks_without_timestamps,
			       false },
	[ADVICE_LET_RST_END] = { RULE(COLLISION), rst_is_ignored, false },
	[ADVICE_NOT_FOR_HALF_CLOSED] = { RULE(FIN_WAIT2), peer_open, true },
	[ADVICE_NOT_KEEPALIVE_SYSCTLS] = { RULE(IDLE), is_idle, true },
	[ADVICE_NOT_LARGER_QUEUE] = { RULE(SYN_RECV), accept_queue_full, true },
	[ADVICE_NOT_REUSE_FOR_SYNS] = { RULE(COLLISION), reuse_for_syns, true },

	[ADVICE_POOL] = { RULE(PORTS), mostly_time_wait, false },
	[ADVICE_PEER_FIRST] = { RULE(PORTS), mostly_closed_here, false },
	[ADVICE_TW_REUSE] = { RULE(PORTS), reuse_would_help, false },
	[ADVICE_TIMESTAMPS] = { RULE(PORTS), without_timestamps, false },
	[ADVICE_MORE_ADDRESSES] = { RULE(PORTS), more_addresses_help, false },
	[ADVICE_WIDER_RANGE] = { RULE(PORTS), range_is_narrow, false },
	[ADVICE_FEWER_RESERVED] = { RULE(PORTS), many_reserved, false },
	[ADVICE_BIND_NO_PORT] = { RULE(PORTS), chosen_by_bind, false },
	[ADVICE_CLOSE_OTHERS] = { RULE(PORTS), mostly_others, false },
	[ADVICE_CLIENT_FIRST] = { RULE(TIME_WAIT), closed_by_service, false },
	[ADVICE_KEEP_ALIVE] = { RULE(TIME_WAIT), often_closed_by_service,
				false },
	[ADVICE_MORE_BUCKETS] = { RULE(TIME_WAIT), buckets_run_out, false },
	[ADVICE_NOT_TW_FIN_TIMEOUT] = { PORTS_OR_TW, fin_timeout_is_set, true },
	[ADVICE_NOT_TW_RECYCLE] = { PORTS_OR_TW, recycle_is_gone, true },
	[ADVICE_NOT_TW_REUSE] = { RULE(PORTS), reuse_applies, true },
	[ADVICE_NOT_REUSE_ACCEPTED] = { RULE(TIME_WAIT), reuse_is_set, true },
	[ADVICE_NOT_WIDER_RANGE] = { RULE(PORTS), beyond_any_range, true },
	[ADVICE_NOT_RANGE_ACCEPTED] = { RULE(TIME_WAIT), range_is_set, true },
	[ADVICE_NOT_FEWER_BUCKETS] = { PORTS_OR_TW, buckets_are_set, true },
};

size_t advice_choose(const struct finding *f, uint8_t *list, size_t max)
{
	size_t n = 0;

	for (unsigned int i = 0; i < ADVICES && n < max; i++)
		if (rows[i].rules & (1U << f->rule) && rows[i].fits(f))
			list[n++] = (uint8_t)i;
	return n;
}

bool advice_helps(unsigned int advice)
{
	return advice < ADVICES && !rows[advice].does_nothing;
}

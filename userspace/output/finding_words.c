// SPDX-License-Identifier: GPL-2.0
#include "finding_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "collision_words.h"
#include "engine/advice.h"
#include "output_ops.h"
#include "stuck_words.h"
#include "ports_words.h"

/* ---- verdicts ---- */

static const char *const close_wait[BUGS] = {
	[BUG_FIN_READ] = "nothing is left to read, and the descriptor was not "
			 "closed",
	[BUG_FIN_UNREAD] = "the peer's FIN was never read: the program does "
			   "not look at this socket",
	[BUG_DATA_UNREAD] = "data and the peer's FIN are unread: the program "
			    "has stopped reading",
	[BUG_NEVER_ACCEPTED] = "never accepted: the peer has come and gone "
			       "while the connection waited in the accept "
			       "queue",
	[BUG_OWNERLESS] = "in no descriptor table: held by the kernel, "
			  "io_uring or in flight",
};

static void held_elsewhere(const struct finding *f, char *buf, size_t len)
{
	struct cell closer, holder;
	int used;

	used = snprintf(buf, len, "closed by %s[%" PRIu32 "], still open in "
			"%s[%" PRIu32 "]", cell_comm(&closer, f->owner_comm),
			f->owner_pid, cell_comm(&holder, f->comm), f->pid);
	if (f->n_holders > 1 && used > 0 && (size_t)used < len)
		snprintf(buf + used, len - used, " and %zu more",
			 f->n_holders - 1);
}

static void illegal_verdict(const struct finding *f, char *buf, size_t len)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} numbers[] = {
		{ CONN_ISN_LOCAL, "our first number" },
		{ CONN_ISN_PEER, "the peer's first number" },
		{ CONN_FIN_LOCAL, "the number of our FIN" },
		{ CONN_FIN_PEER, "the number of the peer's FIN" },
		{ CONN_ACK_SEQ, "the number of the ACK of the first FIN" },
	};

	if (f->illegal_from) {
		snprintf(buf, len, "RFC 9293 has no move %s -> %s: report it with a recording",
			 state_name(f->illegal_from), state_name(f->illegal_to));
		return;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (f->contradicts & numbers[i].bit) {
			snprintf(buf, len, "its sequence numbers contradict each other, %s: report it with a recording",
				 numbers[i].name);
			return;
		}
}

void finding_verdict(const struct finding *f, char *buf, size_t len)
{
	if (f->rule == RULE_PORTS || f->rule == RULE_TIME_WAIT)
		ports_verdict(f, buf, len);
	else if (f->rule == RULE_COLLISION)
		collision_verdict(f, buf, len);
	else if (f->rule == RULE_ILLEGAL)
		illegal_verdict(f, buf, len);
	else if (f->rule != RULE_CLOSE_WAIT)
		stuck_verdict(f, buf, len);
	else if (f->bug == BUG_HELD_ELSEWHERE)
		held_elsewhere(f, buf, len);
	else
		snprintf(buf, len, "%s", close_wait[f->bug]);
}

/* ---- advice ---- */

typedef void (*say_fn)(const struct finding *f, char *buf, size_t len);

static void close_after_eof(const struct finding *f, char *buf, size_t len)
{
	struct cell count;

	snprintf(buf, len, "close() after recv() returned 0, or on "
		 "EPOLLRDHUP: Recv-Q is 0 on all %s",
		 cell_thousands(&count, f->count));
}

static void restart_before_emfile(const struct finding *f, char *buf,
				  size_t len)
{
	struct cell used, limit;

	snprintf(buf, len, "until then: restart the service before its "
		 "descriptors run out, %s of %s are used",
		 cell_thousands(&used, f->fd_used),
		 cell_thousands(&limit, f->fd_limit));
}

static void poll_rdhup(const struct finding *f, char *buf, size_t len)
{
	(void)f;
	snprintf(buf, len, "poll the socket while it waits elsewhere: Recv-Q "
		 "is 1, the FIN; EPOLLRDHUP tells of it without a read");
}

static void put_unread(const struct finding *f, char *buf, size_t len)
{
	struct cell most;

	snprintf(buf, len, "%s", cell_thousands(&most, f->unread_max));
}

static void time_limit(const struct finding *f, char *buf, size_t len)
{
	char unread[CELL_LEN];

	put_unread(f, unread, sizeof(unread));
	snprintf(buf, len, "a time limit on what it waits for: Recv-Q is up "
		 "to %s", unread);
}

static void find_blocked(const struct finding *f, char *buf, size_t len)
{
	if (f->pid)
		snprintf(buf, len, "find where the program is blocked: "
			 "cat /proc/%" PRIu32 "/stack, gdb -p %" PRIu32,
			 f->pid, f->pid);
	else
		snprintf(buf, len, "find where the program is blocked: "
			 "cat /proc/PID/stack, gdb -p PID");
}

static void call_accept(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "find why the listener's program does not call "
		 "accept(), %" PRIu32 " wait: blocked, out of descriptors, "
		 "too few workers", f->accept_queue);
}

static void cloexec(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "SOCK_CLOEXEC, or accept4() with it, so that "
		 "children do not inherit the socket: %zu processes have it",
		 f->n_holders);
}

static void shut_down(const struct finding *f, char *buf, size_t len)
{
	(void)f;
	snprintf(buf, len, "shutdown() ends the connection whoever holds it");
}

static void look_for_kernel_users(const struct finding *f, char *buf,
				  size_t len)
{
	(void)f;
	snprintf(buf, len, "look at io_uring users, kernel clients (nbd, nfs, "
		 "iscsi) and SCM_RIGHTS senders: no process has a descriptor");
}

static void not_kill(const struct finding *f, char *buf, size_t len)
{
	(void)f;
	snprintf(buf, len, "ss -K and sysctls free no descriptor");
}

static void not_fin_timeout(const struct finding *f, char *buf, size_t len)
{
	if (f->facts && f->facts->tcp_fin_timeout >= 0)
		snprintf(buf, len, "tcp_fin_timeout (%" PRId64 " s) is not for "
			 "CLOSE_WAIT", f->facts->tcp_fin_timeout);
	else
		snprintf(buf, len, "tcp_fin_timeout is not for CLOSE_WAIT");
}

static void not_backlog(const struct finding *f, char *buf, size_t len)
{
	snprintf(buf, len, "a larger backlog than %" PRIu32 " only lets more "
		 "of them wait", f->accept_limit);
}

static const say_fn sentences[ADVICES] = {
	[ADVICE_CLOSE_AFTER_EOF] = close_after_eof,
	[ADVICE_RESTART_BEFORE_EMFILE] = restart_before_emfile,
	[ADVICE_POLL_RDHUP] = poll_rdhup,
	[ADVICE_TIME_LIMIT] = time_limit,
	[ADVICE_FIND_BLOCKED] = find_blocked,
	[ADVICE_CALL_ACCEPT] = call_accept,
	[ADVICE_CLOEXEC] = cloexec,
	[ADVICE_SHUTDOWN] = shut_down,
	[ADVICE_LOOK_FOR_KERNEL_USERS] = look_for_kernel_users,
	[ADVICE_NOT_KILL] = not_kill,
	[ADVICE_NOT_FIN_TIMEOUT] = not_fin_timeout,
	[ADVICE_NOT_BACKLOG] = not_backlog,

	[ADVICE_CLOSE_BLOCKER] = say_close_blocker,
	[ADVICE_KILL_BLOCKER] = say_kill_blocker,
	[ADVICE_OTHER_PORT] = say_other_port,
	[ADVICE_TAKE_OVER] = say_take_over,
	[ADVICE_LET_RST_END] = say_let_rst_end,
	[ADVICE_NOT_REUSE_FOR_SYNS] = say_not_reuse_for_syns,

	[ADVICE_POOL] = say_pool,
	[ADVICE_PEER_FIRST] = say_peer_first,
	[ADVICE_TW_REUSE] = say_tw_reuse,
	[ADVICE_TIMESTAMPS] = say_timestamps,
	[ADVICE_MORE_ADDRESSES] = say_more_addresses,
	[ADVICE_WIDER_RANGE] = say_wider_range,
	[ADVICE_FEWER_RESERVED] = say_fewer_reserved,
	[ADVICE_BIND_NO_PORT] = say_bind_no_port,
	[ADVICE_CLOSE_OTHERS] = say_close_others,
	[ADVICE_CLIENT_FIRST] = say_client_first,
	[ADVICE_KEEP_ALIVE] = say_keep_alive,
	[ADVICE_MORE_BUCKETS] = say_more_buckets,
	[ADVICE_NOT_TW_FIN_TIMEOUT] = say_not_fin_timeout,
	[ADVICE_NOT_TW_RECYCLE] = say_not_recycle,
	[ADVICE_NOT_TW_REUSE] = say_not_reuse,
	[ADVICE_NOT_REUSE_ACCEPTED] = say_not_reuse_accepted,
	[ADVICE_NOT_WIDER_RANGE] = say_not_wider_range,
	[ADVICE_NOT_RANGE_ACCEPTED] = say_not_range_accepted,
	[ADVICE_NOT_FEWER_BUCKETS] = say_not_fewer_buckets,
};

void finding_advice(const struct finding *f, unsigned int advice, char *buf,
		    size_t len)
{
	if (sentences[advice])
		sentences[advice](f, buf, len);
	else
		stuck_advice(f, advice, buf, len);
}

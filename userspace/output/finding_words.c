// SPDX-License-Identifier: GPL-2.0
#include "finding_words.h"

#define NO_HELP \
	"ss -K and sysctls free no descriptor; tcp_fin_timeout is not for " \
	"CLOSE_WAIT"

/* By enum bug; sources of the advice are in Documentation/leaks.rst. */
static const struct finding_words close_wait[BUGS] = {
	[BUG_FIN_READ] = {
		.verdict = "nothing is left to read, and the descriptor was "
			   "not closed",
		.advice = {
			"close() after recv() returned 0, or on EPOLLRDHUP",
			"until then: restart the service before its "
			"descriptors run out",
		},
		.no_help = NO_HELP,
	},
	[BUG_FIN_UNREAD] = {
		.verdict = "the peer's FIN was never read: the program does "
			   "not look at this socket",
		.advice = {
			"poll the socket while it waits elsewhere; EPOLLRDHUP "
			"tells of the FIN without a read",
			"a time limit on what it waits for",
		},
		.no_help = NO_HELP,
	},
	[BUG_DATA_UNREAD] = {
		.verdict = "data and the peer's FIN are unread: the program "
			   "has stopped reading",
		.advice = {
			"find where the program is blocked: "
			"cat /proc/PID/stack, gdb -p PID",
			"a time limit on what it waits for",
		},
		.no_help = NO_HELP,
	},
	[BUG_NEVER_ACCEPTED] = {
		.verdict = "never accepted: the peer has come and gone while "
			   "the connection waited in the accept queue",
		.advice = {
			"find why the listener's program does not call "
			"accept(): blocked, out of descriptors, too few "
			"workers",
		},
		.no_help = "a larger backlog only lets more of them wait",
	},
	[BUG_HELD_ELSEWHERE] = {
		.verdict = "closed by the process that took it, still open in "
			   "another",
		.advice = {
			"SOCK_CLOEXEC, or accept4() with it, so that children "
			"do not inherit the socket",
			"shutdown() ends the connection whoever holds it",
		},
		.no_help = NO_HELP,
	},
	[BUG_OWNERLESS] = {
		.verdict = "in no descriptor table: held by the kernel, by "
			   "io_uring, or in a message under way",
		.advice = {
			"look at io_uring users, kernel clients (nbd, nfs, "
			"iscsi) and SCM_RIGHTS senders",
		},
		.no_help = NO_HELP,
	},
};

const struct finding_words *finding_words(const struct finding *f)
{
	return &close_wait[f->bug];
}

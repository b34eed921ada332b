/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which advice fits a finding.  Each line is chosen by a predicate over what was
 * measured, and output/finding_words.c says it with the value that chose it; the
 * source of each is in Documentation/advice.rst.
 */
#ifndef TCPSTATE_ADVICE_H
#define TCPSTATE_ADVICE_H

#include "finding.h"

/* Order is that in which they are told. */
enum advice {
	/* close_wait: what helps */
	ADVICE_CLOSE_AFTER_EOF,
	ADVICE_RESTART_BEFORE_EMFILE,
	ADVICE_POLL_RDHUP,
	ADVICE_TIME_LIMIT,
	ADVICE_FIND_BLOCKED,
	ADVICE_CALL_ACCEPT,
	ADVICE_CLOEXEC,
	ADVICE_SHUTDOWN,
	ADVICE_LOOK_FOR_KERNEL_USERS,
	/* and what does not */
	ADVICE_NOT_KILL,
	ADVICE_NOT_FIN_TIMEOUT,
	ADVICE_NOT_BACKLOG,

	/* the other states: what helps */
	ADVICE_PEER_MUST_READ,
	ADVICE_PEER_MUST_CLOSE,
	ADVICE_CLOSE_BOTH_WAYS,
	ADVICE_END_NOW,
	ADVICE_USER_TIMEOUT,
	ADVICE_ORPHAN_RETRIES,
	ADVICE_LOOK_AT_PATH,
	ADVICE_LIMIT_CONNECT,
	ADVICE_LOOK_AT_WAY_BACK,
	ADVICE_SYNCOOKIES,
	ADVICE_RAISE_BACKLOG,
	ADVICE_ACCEPT_FASTER,
	ADVICE_KEEPALIVE,
	ADVICE_KEEPALIVE_IDLE,
	ADVICE_MAX_ORPHANS,
	ADVICE_RAISE_NOFILE,
	/* collision: what helps */
	ADVICE_CLOSE_BLOCKER,
	ADVICE_KILL_BLOCKER,
	ADVICE_OTHER_PORT,
	ADVICE_TAKE_OVER,
	ADVICE_LET_RST_END,
	/* and what does not */
	ADVICE_NOT_FOR_HALF_CLOSED,
	ADVICE_NOT_KEEPALIVE_SYSCTLS,
	ADVICE_NOT_LARGER_QUEUE,
	ADVICE_NOT_REUSE_FOR_SYNS,

	/* ports, time_wait: what helps */
	ADVICE_POOL,
	ADVICE_PEER_FIRST,
	ADVICE_TW_REUSE,
	ADVICE_TIMESTAMPS,
	ADVICE_MORE_ADDRESSES,
	ADVICE_WIDER_RANGE,
	ADVICE_FEWER_RESERVED,
	ADVICE_BIND_NO_PORT,
	ADVICE_CLOSE_OTHERS,
	ADVICE_CLIENT_FIRST,
	ADVICE_KEEP_ALIVE,
	ADVICE_MORE_BUCKETS,
	/* and what does not */
	ADVICE_NOT_TW_FIN_TIMEOUT,
	ADVICE_NOT_TW_RECYCLE,
	ADVICE_NOT_TW_REUSE,
	ADVICE_NOT_REUSE_ACCEPTED,
	ADVICE_NOT_WIDER_RANGE,
	ADVICE_NOT_RANGE_ACCEPTED,
	ADVICE_NOT_FEWER_BUCKETS,
	ADVICES
};

/* Those that fit, at most @max; returns how many there are in @list. */
size_t advice_choose(const struct finding *f, uint8_t *list, size_t max);
/* The widest ip_local_port_range that takes no port of a system service. */
#define WIDEST_FIRST	1024
#define WIDEST_LAST	65535
#define WIDEST_PORTS	(WIDEST_LAST - WIDEST_FIRST + 1)
/* TCP_TIMEWAIT_LEN, in seconds. */
#define ADVICE_TIME_WAIT_S	60

/* false: it is often given, and does nothing here. */
bool advice_helps(unsigned int advice);

#endif /* TCPSTATE_ADVICE_H */

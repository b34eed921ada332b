/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The record of one observed TCP event.
 *
 * tcpstate.ko, the BPF program and userspace all read this one file, so it
 * includes nothing but <linux/types.h> and asserts its own layout.  Every byte
 * is described in Documentation/abi-record.rst; change both together, with
 * TCPSTATE_RECORD_VERSION.
 *
 * A record is a fact as the hook saw it, in host byte order, zeroed before it
 * is filled: a field that its type does not use is 0.  It holds what cannot be
 * had later; roles, durations and verdicts are computed by the reader.  No
 * kernel pointer is in it.
 */
#ifndef _UAPI_LINUX_TCPSTATE_H
#define _UAPI_LINUX_TCPSTATE_H

#include <linux/types.h>

#define TCPSTATE_RECORD_VERSION	1
#define TCPSTATE_COMM_LEN	16

/*
 * The states of include/net/tcp_states.h, under names of our own so that this
 * header can be read next to <netinet/tcp.h> and the kernel's.
 */
enum tcpstate_state {
	TCPSTATE_ESTABLISHED	= 1,
	TCPSTATE_SYN_SENT	= 2,
	TCPSTATE_SYN_RECV	= 3,
	TCPSTATE_FIN_WAIT1	= 4,
	TCPSTATE_FIN_WAIT2	= 5,
	TCPSTATE_TIME_WAIT	= 6,
	TCPSTATE_CLOSE		= 7,
	TCPSTATE_CLOSE_WAIT	= 8,
	TCPSTATE_LAST_ACK	= 9,
	TCPSTATE_LISTEN		= 10,
	TCPSTATE_CLOSING	= 11,
	TCPSTATE_NEW_SYN_RECV	= 12,	/* a request_sock; raw records only */
	TCPSTATE_STATES		= 13,
};

enum tcpstate_type {
	/* A full socket moved from old_state to new_state. */
	TCPSTATE_STATE		= 1,
	/* A request_sock entered the hash: the SYN of a passive open. */
	TCPSTATE_REQ_ADD	= 2,
	/*
	 * A request_sock left it, and no child has taken its place.  With
	 * TCPSTATE_F_PROVISIONAL a successful one looks the same, until its
	 * child's SYN_RECV -> ESTABLISHED follows.
	 */
	TCPSTATE_REQ_DROP	= 3,
	/* A timewait mini-socket was made; new_state is its tw_substate. */
	TCPSTATE_TW_ADD		= 4,
	/* Its timer was restarted; new_state is its tw_substate. */
	TCPSTATE_TW_REARM	= 5,
	/* It ended; old_state is its tw_substate. */
	TCPSTATE_TW_KILL	= 6,
	/* connect() has chosen its port; the SYN is about to be sent. */
	TCPSTATE_CONNECT	= 7,
	/* accept() handed the socket to the task in tgid and comm. */
	TCPSTATE_ACCEPT		= 8,
	/*
	 * count records of this CPU were not stored; seq is that of the last
	 * of them.  Delivered before the next record that could be stored.
	 */
	TCPSTATE_LOST		= 9,
	/*
	 * Userspace only: a socket that sock_diag showed; old_state is 0 and
	 * new_state is its state (LISTEN included), rqueue, wqueue, inode and
	 * age_ms are set, and of a full socket what it waits for: timer, and the
	 * fields that stand in the place of sequence numbers.
	 */
	TCPSTATE_SNAPSHOT	= 10,
	/*
	 * Segments that were no move: old_state and new_state are the state
	 * that they were met in.  These are of full sockets, which send a
	 * SYN (SYN_SENT, SYN_RECV) or a FIN (all other states) again, ..
	 */
	TCPSTATE_RETRANSMIT	= 11,
	/* .. of a request_sock, its SYN-ACK, .. */
	TCPSTATE_SYNACK_AGAIN	= 12,
	/*
	 * .. of a socket of any kind, or of a listener, whose peer is then that
	 * of the segment, for a RST that we send; kernels before 6.10 tell of
	 * full sockets alone.  What belongs to no socket is not recorded.
	 */
	TCPSTATE_RST_SENT	= 13,
	/* A RST came for a full socket, which is closed next. */
	TCPSTATE_RST_RECEIVED	= 14,
	/*
	 * A SYN that its addresses and ports lead to a full socket, which
	 * answers by a challenge ACK instead of opening a connection; ..
	 */
	TCPSTATE_CHALLENGE	= 15,
	/*
	 * .. or to a timewait mini-socket, new_state is its tw_substate: refused
	 * by an ACK, unless its TW_KILL of TCPSTATE_CAUSE_INPUT follows.
	 */
	TCPSTATE_TW_SYN		= 16,
	/*
	 * A FIN came to a timewait mini-socket in TIME_WAIT: the peer sends it
	 * again, for our last ACK was lost or late.  Its TW_REARM follows.
	 */
	TCPSTATE_TW_FIN		= 17,
	TCPSTATE_TYPES		= 18,
};

/* How the record came to be known. */
enum tcpstate_basis {
	TCPSTATE_BY_TRACEPOINT	= 0,
	TCPSTATE_BY_PROBE	= 1,	/* kprobe, fentry, ftrace */
	TCPSTATE_BY_INFERENCE	= 2,	/* made by the engine, never captured */
	TCPSTATE_BY_SNAPSHOT	= 3,
	TCPSTATE_BASES		= 4,
};

/*
 * Who ended a mini-socket, REQ_DROP or TW_KILL, before its timer did: the
 * function that is found on the stack.
 */
enum tcpstate_cause {
	TCPSTATE_CAUSE_UNKNOWN	= 0,
	/*
	 * tcp_timewait_state_process(), tcp_check_req(): a RST came; or, of a
	 * request, a SYN in its window, or the accept queue is full and
	 * tcp_abort_on_overflow set.
	 */
	TCPSTATE_CAUSE_RST	= 1,
	/*
	 * tcp_v4_rcv(), tcp_v6_rcv(): a SYN took over TIME_WAIT; data came for
	 * an orphan's FIN_WAIT2; the listener of a request is gone, which its
	 * timer may find as well.
	 */
	TCPSTATE_CAUSE_INPUT	= 2,
	TCPSTATE_CAUSE_CONNECT	= 3,	/* __inet_hash_connect(): took it over */
	TCPSTATE_CAUSE_ABORT	= 4,	/* tcp_abort(): ss -K */
	TCPSTATE_CAUSE_ICMP	= 5,	/* tcp_req_err(): unreachable */
	TCPSTATE_CAUSE_NETNS	= 6,	/* its network namespace is gone */
	TCPSTATE_CAUSES		= 7,
};

/*
 * RST_SENT: why, as the kernel has it since 6.10 (enum sk_rst_reason, the same
 * names), whose own numbers differ from version to version.
 */
enum tcpstate_rst_reason {
	TCPSTATE_RST_UNKNOWN			= 0,
	TCPSTATE_RST_NO_SOCKET			= 1,
	TCPSTATE_RST_TCP_INVALID_ACK_SEQUENCE	= 2,
	TCPSTATE_RST_TCP_RFC7323_PAWS		= 3,
	TCPSTATE_RST_TCP_TOO_OLD_ACK		= 4,
	TCPSTATE_RST_TCP_ACK_UNSENT_DATA	= 5,
	TCPSTATE_RST_TCP_FLAGS			= 6,
	TCPSTATE_RST_TCP_OLD_ACK		= 7,
	TCPSTATE_RST_TCP_ABORT_ON_DATA		= 8,
	TCPSTATE_RST_TCP_TIMEWAIT_SOCKET	= 9,
	TCPSTATE_RST_INVALID_SYN		= 10,
	TCPSTATE_RST_TCP_ABORT_ON_CLOSE		= 11,
	TCPSTATE_RST_TCP_ABORT_ON_LINGER	= 12,
	TCPSTATE_RST_TCP_ABORT_ON_MEMORY	= 13,
	TCPSTATE_RST_TCP_STATE			= 14,
	TCPSTATE_RST_TCP_KEEPALIVE_TIMEOUT	= 15,
	TCPSTATE_RST_TCP_DISCONNECT_WITH_DATA	= 16,
	TCPSTATE_RST_MPTCP			= 17,	/* all of MPTCP's */
	TCPSTATE_RST_REASONS			= 18,
};

/* SNAPSHOT: what a full socket waits for, idiag_timer of sock_diag. */
enum tcpstate_timer {
	TCPSTATE_TIMER_NONE	= 0,
	TCPSTATE_TIMER_RETRANS	= 1,
	TCPSTATE_TIMER_KEEPALIVE = 2,	/* shown only where no other runs */
	TCPSTATE_TIMER_TIMEWAIT	= 3,	/* mini-sockets; never in a record */
	TCPSTATE_TIMER_PROBE	= 4,	/* of the peer's closed window */
	TCPSTATE_TIMERS		= 5,
};

#define TCPSTATE_NO_WINDOW	0xffffffffU

/* record.flags */
#define TCPSTATE_F_OWNED	(1U << 0)  /* sk_lock.owned: a task holds it */
#define TCPSTATE_F_KTHREAD	(1U << 1)  /* current has PF_KTHREAD */
#define TCPSTATE_F_EXITING	(1U << 2)  /* current has PF_EXITING */
#define TCPSTATE_F_HAS_FILE	(1U << 3)  /* sk_socket and its file exist */
#define TCPSTATE_F_DEAD		(1U << 4)  /* SOCK_DEAD: orphaned */
#define TCPSTATE_F_DONE		(1U << 5)  /* SOCK_DONE: tcp_fin() was here */
#define TCPSTATE_F_LINGER0	(1U << 6)  /* SO_LINGER with time 0 */
/*
 * The out-of-order queue is not empty, or about to be: FIN_WAIT1 -> FIN_WAIT2 is
 * made by the ACK of a segment before which others are missing.
 */
#define TCPSTATE_F_OOO		(1U << 7)
#define TCPSTATE_F_REPAIR	(1U << 8)  /* TCP_REPAIR */
#define TCPSTATE_F_KEEPALIVE	(1U << 9)  /* SO_KEEPALIVE */
#define TCPSTATE_F_FASTOPEN	(1U << 10) /* the SYN had data, which counts */
#define TCPSTATE_F_TIMER	(1U << 11) /* REQ_DROP, TW_KILL: its timer ran out */
/*
 * REQ_DROP and TW_KILL seen through timer_cancel: if a REQ_ADD or TW_ADD of
 * the same cookie follows, it was a restart and not an end.
 */
#define TCPSTATE_F_PROVISIONAL	(1U << 12)
#define TCPSTATE_F_TWIN		(1U << 13) /* caught by the twin of a busy hook */
#define TCPSTATE_F_NO_TASK	(1U << 14) /* tgid and comm were not taken */
/*
 * STATE, from FIN_WAIT1 or FIN_WAIT2 to CLOSE with an error, and RST_RECEIVED in
 * these states: no RST came, but data that nobody is there to read; the RST is
 * ours (tcp_rcv_state_process()).
 */
#define TCPSTATE_F_LATE_DATA	(1U << 15)
#define TCPSTATE_F_USER_TIMEOUT	(1U << 16) /* TCP_USER_TIMEOUT is set */
/*
 * REQ_DROP: the third segment has come.  There was no room for a child, or it
 * had no data and accept() is deferred.
 */
#define TCPSTATE_F_ACKED	(1U << 17)
/*
 * current has other credentials than those that the socket's file was made with
 * (struct file.f_cred, the pointer).  Whoever drops the last reference to a file
 * closes it, and may never have had its descriptor: the receiver of a message
 * that is thrown away, or a reader of descriptor tables (lsof, an iterator).
 */
#define TCPSTATE_F_STRANGER	(1U << 18)

/* Three cache lines. */
struct tcpstate_record {
	__u16	size;		/* bytes of the whole record, multiple of 8 */
	__u8	version;	/* TCPSTATE_RECORD_VERSION */
	__u8	type;		/* enum tcpstate_type */
	__u16	cpu;
	/*
	 * In a ring that is shared with the kernel: which turn through it this
	 * record was written in, mod 2^16, from 1.  It is stored last, with the
	 * three fields before it; of a slot with another turn nothing else may
	 * be read.  Elsewhere without meaning.
	 */
	__u16	turn;
	/* Counts this CPU's records, lost ones included: a jump is a loss. */
	__u64	seq;
	__u64	mono_ns;	/* CLOCK_MONOTONIC */
	__u64	cookie;		/* socket cookie, `sk:` of ss -e */
	__u64	netns_cookie;	/* 0 where the kernel has none */
	__u64	cgroup;		/* cgroup v2 id of the socket */

	__u32	netns_ino;	/* as in /proc/PID/ns/net */
	__u32	flags;		/* TCPSTATE_F_* */
	__u16	sport;		/* local, host byte order */
	__u16	dport;		/* peer, host byte order */
	__u16	protocol;	/* IPPROTO_TCP 6, IPPROTO_MPTCP 262 */
	__u8	family;		/* AF_INET 2 or AF_INET6 10 */
	__u8	probes_out;	/* window and keepalive probes without answer */
	__u8	saddr[16];	/* local; IPv4 in the first 4 bytes, rest 0 */
	__u8	daddr[16];	/* peer */

	__u8	old_state;	/* enum tcpstate_state */
	__u8	new_state;
	__u8	basis;		/* enum tcpstate_basis */
	__u8	shutdown;	/* RCV_SHUTDOWN 1, SEND_SHUTDOWN 2 */
	union {
		__u16	sk_err;		/* positive errno */
		__u16	timer;		/* SNAPSHOT: enum tcpstate_timer */
	};
	__u8	retransmits;	/* of the segment at snd_una, without answer */
	union {
		__u8	backoff;
		__u8	cause;	/* REQ_DROP, TW_KILL: enum tcpstate_cause */
		__u8	rst_reason;	/* RST_SENT: enum tcpstate_rst_reason */
	};

	/*
	 * Sequence numbers, absolute (RFC 9293 section 3.3.1).  REQ_*: snd_nxt
	 * is ISS + 1 and rcv_nxt is IRS + 1.  TW_*: snd_nxt and rcv_nxt.
	 * The rest: only on sockets of protocol IPPROTO_TCP.
	 */
	union {
		struct {
			__u32	snd_una;
			__u32	snd_nxt;
			__u32	write_seq;	/* end of what was written */
			__u32	rcv_nxt;
			__u32	copied_seq;	/* start of what is unread */
			__u32	rcv_wup;	/* rcv_nxt of the last ACK */
		};
		struct {	/* SNAPSHOT of a full socket */
			__u32	rto_ms;
			__u32	expires_ms;	/* until timer runs out */
			__u32	unacked;	/* segments under way */
			__u32	unsent;		/* bytes, the FIN is one */
			/* The peer's; TCPSTATE_NO_WINDOW: not known. */
			__u32	snd_wnd;
			__u32	sent_ms;	/* since data was sent */
		};
	};
	union {
		__u64	bytes_acked;
		__u64	listener;	/* REQ_*: cookie of the listener */
		__u64	count;		/* LOST */
	};
	__u64	bytes_received;
	__u32	segs_in;
	__u32	segs_out;
	__u32	data_segs_in;
	__u32	data_segs_out;

	__u32	total_retrans;	/* REQ_*: SYN-ACKs sent again */
	union {
		__s32	linger2;	/* jiffies, negative: no FIN_WAIT2 */
		/* TW_ADD, TW_REARM, SNAPSHOT of a mini-socket: left to it */
		__u32	timeout_ms;
		/*
		 * STATE, from ESTABLISHED or CLOSE_WAIT to CLOSE with ETIMEDOUT:
		 * since a segment came, as keepalive counts
		 */
		__u32	idle_ms;
	};

	__u32	uid;		/* of the socket */
	/*
	 * Thread group of `current` and its leader's name.  A bystander unless
	 * the move is one that only a system call makes; the reader decides.
	 */
	union {
		__u32	tgid;
		__u32	received_ms;	/* SNAPSHOT: since data came */
	};
	union {
		__u8	comm[TCPSTATE_COMM_LEN];	/* NUL-terminated */
		struct {		/* SNAPSHOT; REQ_DROP: of its listener */
			__u32	inode;	/* of the socket's file, 0 = none */
			__u32	rqueue;	/* as Recv-Q of ss */
			__u32	wqueue;	/* as Send-Q of ss */
			__u32	age_ms;	/* since the last ACK came in */
		};
	};
};

#define TCPSTATE_ASSERT(name, offset) \
	_Static_assert(__builtin_offsetof(struct tcpstate_record, name) == \
		       (offset), #name " has moved")

TCPSTATE_ASSERT(turn, 6);
TCPSTATE_ASSERT(seq, 8);
TCPSTATE_ASSERT(mono_ns, 16);
TCPSTATE_ASSERT(cookie, 24);
TCPSTATE_ASSERT(netns_ino, 48);
TCPSTATE_ASSERT(sport, 56);
TCPSTATE_ASSERT(saddr, 64);
TCPSTATE_ASSERT(old_state, 96);
TCPSTATE_ASSERT(timer, 100);
TCPSTATE_ASSERT(cause, 103);
TCPSTATE_ASSERT(snd_una, 104);
TCPSTATE_ASSERT(rto_ms, 104);
TCPSTATE_ASSERT(sent_ms, 124);
TCPSTATE_ASSERT(bytes_acked, 128);
TCPSTATE_ASSERT(segs_in, 144);
TCPSTATE_ASSERT(total_retrans, 160);
TCPSTATE_ASSERT(uid, 168);
TCPSTATE_ASSERT(received_ms, 172);
TCPSTATE_ASSERT(comm, 176);
TCPSTATE_ASSERT(inode, 176);
_Static_assert(sizeof(struct tcpstate_record) == 192, "the record has grown");

#undef TCPSTATE_ASSERT

#endif /* _UAPI_LINUX_TCPSTATE_H */

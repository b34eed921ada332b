/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A finding: a group of stuck connections, whose fault, and how it is known.
 */
#ifndef TCPSTATE_FINDING_H
#define TCPSTATE_FINDING_H

#include "engine.h"
#include "netns_facts.h"

/* What is wrong; `rule` in JSON. */
enum rule {
	/* stuck in a state */
	RULE_CLOSE_WAIT, RULE_FIN_WAIT1, RULE_FIN_WAIT2, RULE_LAST_ACK,
	RULE_CLOSING, RULE_SYN_SENT, RULE_SYN_RECV,
	RULE_IDLE,		/* ESTABLISHED, and the peer may be gone */
	RULE_ORPHANS,		/* of the host, against tcp_max_orphans */
	RULE_TIME_WAIT,		/* of a namespace, against its buckets */
	RULE_PORTS,		/* from one address to one destination */
	RULE_FDS,		/* of a process, against RLIMIT_NOFILE */
	RULE_COLLISION,		/* a SYN met a socket that is in its way */
	RULE_ILLEGAL,		/* a move, or numbers, that RFC 9293 does not have */
	RULES
};
enum severity {
	SEVERITY_INFO,		/* below the thresholds: told, and no finding */
	SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITIES
};

/* Of CLOSE_WAIT: what the program did not do. */
enum bug {
	BUG_FIN_READ,		/* nothing is left to read; not closed */
	BUG_FIN_UNREAD,		/* only the FIN is left to read */
	BUG_DATA_UNREAD,	/* data is left to read */
	BUG_NEVER_ACCEPTED,	/* in the accept queue of its listener */
	BUG_HELD_ELSEWHERE,	/* its owner has closed it, another has not */
	BUG_OWNERLESS,		/* in a file, but in no descriptor table: held
				   by the kernel, io_uring or in flight */
	BUGS
};

/* Why it is stuck, in all states but CLOSE_WAIT; `cause` in JSON. */
enum cause {
	CAUSE_NONE,
	CAUSE_PEER_GONE,	/* nothing is acknowledged any more */
	CAUSE_WINDOW_SHUT,	/* the peer answers, and does not read */
	CAUSE_PEER_OPEN,	/* the peer has our FIN, and does not close */
	CAUSE_ORPHAN,		/* the same, closed here: a timer ends it */
	CAUSE_NO_ANSWER,	/* to SYNs, or to SYN-ACKs */
	CAUSE_FLOOD,		/* SYN-ACKs to many peers, none answers */
	CAUSE_QUEUE_FULL,	/* answered, and no room to accept */
	CAUSE_BACKLOG,		/* requests fill it, and are not old */
	CAUSE_NO_KEEPALIVE,	/* nobody would notice that the peer is gone */
	CAUSES
};

#define FINDING_LIST_MAX 100	/* entries of a list; counts are exact */
#define FINDING_PEERS_MAX 1024	/* counted apart; the largest are told */
#define FINDING_PIDS_MAX 256	/* workers of one listener */
#define FINDING_HOLDERS_MAX 1024	/* the same */
#define FINDING_ENDS_MAX 100	/* of a process and rule, told apart */

enum age_class { AGE_MINUTE, AGE_TEN_MINUTES, AGE_HOUR, AGE_MORE, AGES };

struct finding_peer {
	uint8_t family;		/* 4 or 6 */
	uint8_t addr[16];
	uint64_t count;
};

/* A process with a descriptor of @count of the connections. */
struct finding_holder {
	uint32_t pid;
	char comm[TCPSTATE_COMM_LEN];
	uint64_t count;
};

struct finding_listener {
	uint8_t family;		/* 0: not known */
	uint8_t saddr[16];
	uint16_t sport;
	uint32_t pid;		/* 0: not known */
	char comm[TCPSTATE_COMM_LEN];
};

/* Whether connect() takes the port of a TIME_WAIT: tcp_twsk_unique(). */
enum tw_reuse {
	TW_REUSE_UNKNOWN,
	TW_REUSE_OFF,			/* tcp_tw_reuse 0 */
	TW_REUSE_LOOPBACK_ONLY,		/* 2, and neither end is loopback */
	TW_REUSE_NO_TIMESTAMPS,		/* tcp_timestamps 0: it does nothing */
	TW_REUSE_APPLIES,
	TW_REUSES
};

/* What the TIME_WAITs of RULE_PORTS and RULE_TIME_WAIT have in common. */
enum scope {
	SCOPE_DESTINATION,	/* source address, peer's address and port */
	SCOPE_SERVICE,		/* closed by the accepting side: local end */
	SCOPE_NETNS,		/* all of a namespace, against its buckets */
	SCOPES
};

struct finding_budget {
	uint8_t scope;
	uint8_t family;
	uint8_t saddr[16], daddr[16];
	uint16_t sport;			/* SERVICE */
	uint16_t dport;			/* DESTINATION */
	uint64_t states[TCPSTATE_STATES];	/* all its connections */

	/* DESTINATION: ports that connect() may choose; all 0: not known. */
	uint64_t usable;	/* range, less reserved, less bound */
	uint64_t bound;		/* taken from all by bind(): listeners */
	uint64_t used;		/* and not to be had by a further connect() */
	uint64_t time_wait;	/* TIME_WAITs among .used */
	uint64_t reusable;	/* TIME_WAITs whose port tcp_tw_reuse gives */
	uint64_t other_parity;	/* of .ports: such as bind() prefers */
	uint64_t ports;		/* in the range, reusable or not */
	uint8_t reuse;		/* enum tw_reuse */

	bool has_rate;			/* seen for long enough */
	double rate_per_s;		/* that entered TIME_WAIT */
	double bearable_per_s;		/* that would use up all; 0: not known */
	uint64_t closed_here, closed_there;	/* first, while observed */
	uint64_t level;		/* it grows, but not beyond so many; 0: no */

	/* NETNS: mini-sockets, orphans in FIN_WAIT2 too; -1: not known. */
	int64_t buckets_used, buckets_limit;
	int64_t overflows;	/* since the namespace was made */
	int64_t overflows_now;	/* while it was observed */
	uint64_t bytes;		/* of the TIME_WAITs; 0: not known */
};

/* Of SYNs that met sockets in CLOSE_WAIT, LAST_ACK or TIME_WAIT. */
struct finding_syns {
	uint64_t count;
	uint64_t first_ns, last_ns;	/* ago */
	uint64_t gone;		/* of the sockets: not in that state any more */
	/* Of the last one; family 0: not known. */
	uint8_t family;
	uint8_t saddr[16], daddr[16];
	uint16_t sport, dport;
};

struct finding {
	uint8_t rule, severity, bug, cause;
	uint8_t state;
	uint32_t netns;
	uint64_t count;
	uint64_t oldest_ns;	/* age */
	bool oldest_exact;	/* otherwise a lower bound */
	uint64_t ages[AGES];
	uint64_t observed_ns;	/* of .growth_per_min, if it is known */
	bool has_growth;	/* otherwise it is still being measured */
	double growth_per_min;
	bool has_eta;		/* the slope's sign is certain */
	uint64_t eta_s;		/* until what they use up is used up */

	/* Who holds them now; pid 0 and no uid with BUG_NEVER_ACCEPTED. */
	uint32_t pid;
	char comm[TCPSTATE_COMM_LEN];
	char *exe;	/* its program, from malloc(); NULL: not known */
	uint32_t uid;
	bool has_uid;
	uint64_t cgroup;
	/*
	 * BUG_HELD_ELSEWHERE, BUG_OWNERLESS: who took them, by connect() or
	 * accept(), and has no descriptor of them; 0: not known.
	 */
	uint32_t owner_pid;
	char owner_comm[TCPSTATE_COMM_LEN];

	struct finding_listener listener;
	uint64_t listener_cookie;
	/* Of connections that were begun here: their peer; family 0: none. */
	uint8_t remote_family;
	uint8_t remote_addr[16];
	uint16_t remote_port;
	/*
	 * More than FINDING_ENDS_MAX of its peers, or of its ports whose
	 * listener is gone, had findings of their own: this is all of them,
	 * and none is in .listener or .remote_addr.
	 */
	bool many_ends;
	/*
	 * Owners as struct conn has them, which need not be .pid: a socket can
	 * be older than the capture, or passed on.  More than fit: not known.
	 */
	uint32_t conn_pids[FINDING_PIDS_MAX];
	size_t n_conn_pids;
	/* Waiting in the accept queue, and its limit; 0, 0: not known. */
	uint32_t accept_queue, accept_limit;

	uint64_t unread_min, unread_max;	/* Recv-Q */
	uint64_t shared;	/* held by further processes too */

	/* How often what waits for an answer was sent again, or probed for. */
	uint64_t again_min, again_max;
	uint64_t often;		/* of .count: at least twice */
	uint64_t unsent;	/* .. whose FIN was never sent */
	uint64_t orphans;	/* .. in no file any more */
	/* The kernel ends .ending of them by itself, the rest never. */
	uint64_t ending;
	uint64_t end_min_ns, end_max_ns;	/* from now, at the latest */
	bool has_end;		/* otherwise that is not known */

	/* Where the program, or the listener's, sleeps; "": not known. */
	char wchan[64];
	/* Of the listener: accept() is seen; when it was last, 0: not once. */
	bool accept_observed;
	uint64_t accept_ns;	/* age */

	struct finding_peer *peers;	/* most frequent first */
	size_t n_peers;
	struct finding_holder *holders;	/* all, .pid among them; the same */
	size_t n_holders;
	int fds[FINDING_LIST_MAX];
	uint64_t n_fds;
	uint64_t fd_used, fd_limit;	/* 0, 0: not known */
	uint64_t conn_ids[FINDING_LIST_MAX];

	const struct netns_facts *facts;	/* of .netns; NULL: not known */
	struct finding_budget budget;		/* RULE_PORTS, RULE_TIME_WAIT */
	struct finding_syns syns;		/* RULE_COLLISION */
	/* RULE_ILLEGAL, of the last: a move, or CONN_ISN_LOCAL, .. */
	uint8_t illegal_from, illegal_to, contradicts;
	/* Only the kernel's counter shows it; a socket that is named may be. */
	bool inferred;
};

/* Lower-case names, as in JSON. */
const char *rule_name(unsigned int rule);
const char *severity_name(unsigned int severity);
const char *bug_name(unsigned int bug);
const char *cause_name(unsigned int cause);	/* NULL: none */
const char *scope_name(unsigned int scope);
const char *tw_reuse_name(unsigned int reuse);

#endif /* TCPSTATE_FINDING_H */

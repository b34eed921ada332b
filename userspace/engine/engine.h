/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine: records in, facts out.
 *
 * Pure: no input or output, no clock, no signal, no global, no library but
 * memory allocation.  Time is an argument (CLOCK_MONOTONIC nanoseconds, as in
 * the records), so that a recording gives the same answer on every machine.
 * One thread.
 *
 * In: raw records of all CPUs, in any order that is nearly sorted per CPU.
 * Out: the logical stream, in which each connection, (cookie, life), is in
 * exactly one state of RFC 9293 at any time.  See Documentation/design.rst.
 */
#ifndef TCPSTATE_ENGINE_H
#define TCPSTATE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tcpstate.h>
#include <linux/tcpstate_filter.h>

/* Order is that of the tables in engine/names.c. */
enum role { ROLE_UNKNOWN, ROLE_CLIENT, ROLE_SERVER, ROLE_LISTENER, ROLES };

enum first { FIRST_NONE, FIRST_LOCAL, FIRST_PEER, FIRST_BOTH, FIRSTS };

enum close_kind {
	KIND_UNKNOWN, KIND_FOUR_SEGMENT, KIND_THREE_SEGMENT, KIND_SIMULTANEOUS,
	KIND_RST, KIND_REFUSED, KIND_TIMEOUT, KIND_OTHER, KINDS
};

/* Why a connection is CLOSE; `reason` in JSON. */
enum reason {
	REASON_NONE, REASON_FIN, REASON_CLOSED, REASON_REFUSED,
	REASON_RST_RECEIVED, REASON_ABORT, REASON_RST_SENT, REASON_NO_PORT,
	REASON_TIMEOUT, REASON_KEEPALIVE, REASON_UNREACHABLE, REASON_OVERFLOW,
	REASON_KILLED, REASON_NETNS, REASON_TW_EXPIRED, REASON_TW_REUSED,
	REASON_TW_RST, REASON_TW_OVERFLOW, REASON_UNKNOWN, REASONS
};

/* Refines a reason; `detail` in JSON. */
enum detail {
	DETAIL_NONE,
	/* abort: by this program */
	DETAIL_LINGER0, DETAIL_UNREAD_DATA, DETAIL_DISCONNECT,
	DETAIL_LISTENER_CLOSED, DETAIL_REPAIR,
	/* rst_sent: by this kernel */
	DETAIL_DATA_AFTER_CLOSE, DETAIL_LINGER2, DETAIL_ORPHAN_LIMIT,
	/* timeout */
	DETAIL_SYN, DETAIL_SYNACK, DETAIL_DATA, DETAIL_FIN,
	DETAIL_USER_TIMEOUT, DETAIL_FIN_WAIT2,
	DETAILS
};

/* What is known of its end: see conn_closing(). */
struct closing {
	/* CLOCK_MONOTONIC ns; 0 = not seen. */
	uint64_t fin_ns;	/* our FIN was queued */
	uint64_t peer_fin_ns;	/* the peer's FIN came */
	uint64_t tw_ns;		/* TIME_WAIT was entered */
	/* Valid if their bit is in .known. */
	uint32_t fin_local, fin_peer;
	uint32_t ack_seq;	/* v, of what acknowledged the first FIN */
	/* One end sees either the peer's FIN first, or the ACK of its own. */
	union {
		uint32_t segs_before_ack; /* data_segs_out when ack_seq was next */
		uint32_t segs_fw2;	/* segs_in at FIN_WAIT1 -> FIN_WAIT2 */
	};
	uint32_t tw_restarts;	/* by any segment .. */
	uint32_t tw_fins;	/* .. and by a FIN: our last ACK was lost */
	/* When it ended: since when nothing came, and probes without answer. */
	uint32_t idle_ms;
	uint16_t fin_retrans;	/* FINs sent again */
	uint8_t probes;
};

/* Of IPv6, which has no room in struct conn: most are IPv4. */
struct address_pair {
	uint8_t saddr[16], daddr[16];
};

/* Whose a connection is.  Those with the same share one, which never changes. */
struct origin {
	uint64_t cgroup;	/* 0 = unknown */
	uint64_t listener;	/* cookie of the listener, 0 = unknown */
	/* Owner: who made it or took it over; pid 0 = unknown. */
	uint32_t pid;		/* thread group */
	uint32_t uid;		/* valid if the connection .has_uid */
	char comm[TCPSTATE_COMM_LEN];
};

/*
 * A connection: everything known about one life of one socket.  There may be a
 * million of them: the order leaves no holes, and has what each move touches at
 * the beginning.
 */
struct conn {
	uint64_t cookie;
	uint32_t life;		/* 1, 2, ..; 0 while it is not known */
	uint32_t netns;		/* inode of its network namespace */

	uint8_t state;		/* enum tcpstate_state, never NEW_SYN_RECV */
	uint8_t family : 3;	/* 4 or 6; v4-mapped is 4, as on the wire */
	/* Of the sequence numbers: CONN_ISN_LOCAL .. */
	uint8_t known : 5;
	uint16_t derived : 5;	/* from counters, not from a handshake */
	uint16_t contradicts : 5;	/* records disagree, or the arithmetic */
	uint16_t role : 2;	/* enum role */
	uint16_t basis : 2;	/* enum tcpstate_basis of the last move */
	bool has_uid : 1;
	bool accepted : 1;	/* accept() was seen, or the inode is not 0 */
	uint16_t first : 2;	/* enum first: who closed first */
	uint16_t kind : 3;	/* enum close_kind */
	uint16_t reason : 5;	/* enum reason of the move to CLOSE/TIME_WAIT */
	uint16_t detail : 4;
	bool unusual : 1;	/* a move that is no normal client's or server's */
	bool by_exit : 1;	/* descriptor closed by process exit */
	uint16_t syn_retrans : 12;	/* SYNs or SYN-ACKs sent again */
	bool syncookie : 1;	/* no request_sock was seen for it */
	bool fastopen : 1;
	bool snapshot : 1;	/* older than the capture: times are bounds */
	bool mini : 1;		/* now an inet_timewait_sock */
	uint64_t state_ns;	/* when .state was entered; a bound if .snapshot */

	/* NULL until it begins to close, as most that live do not. */
	struct closing *closing;
	uint16_t sport;		/* host order, 0 = unknown */
	uint16_t dport;
	uint32_t inode;		/* SNAPSHOT: 0 = in no file */
	/* Local and the peer's: conn_saddr(), conn_daddr(). */
	union {
		struct {
			uint8_t saddr[4], daddr[4];
		} v4;
		struct address_pair *v6;	/* if .family is 6 */
	};

	/* CLOCK_MONOTONIC ns; 0 = not seen. */
	uint64_t born_ns;	/* SYN, connect() or listen() */
	uint64_t established_ns;
	uint64_t accept_ns;	/* of a listener: the last one */

	const struct origin *origin;	/* see conn_origin() */

	uint32_t isn_local, isn_peer;	/* valid if their bit is in .known */
	/* As the kernel counts: see conn_bytes_in() and conn_bytes_out(). */
	uint64_t bytes_in, bytes_out;
	uint32_t segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t unread;	/* rcv_nxt - copied_seq at the last move */
	uint32_t retrans;	/* segments sent again, all kinds */

	/* SNAPSHOT and fresh dumps; Recv-Q and Send-Q as ss has them. */
	uint64_t dumped_ns;	/* when sock_diag last showed it; 0 = never */
	uint32_t rqueue, wqueue;
};

_Static_assert(TCPSTATE_NEW_SYN_RECV <= 16 && ROLES <= 4 &&
	       TCPSTATE_BASES <= 4 && FIRSTS <= 4 && KINDS <= 8 &&
	       REASONS <= 32 && DETAILS <= 16, "a field of bits is too narrow");

#define CONN_ISN_LOCAL	(1 << 0)
#define CONN_ISN_PEER	(1 << 1)
#define CONN_FIN_LOCAL	(1 << 2)
#define CONN_FIN_PEER	(1 << 3)
#define CONN_ACK_SEQ	(1 << 4)

/* Its addresses: 16 bytes if .family is 6, otherwise 4. */
static inline const uint8_t *conn_saddr(const struct conn *c)
{
	return c->family == 6 ? c->v6->saddr : c->v4.saddr;
}

static inline const uint8_t *conn_daddr(const struct conn *c)
{
	return c->family == 6 ? c->v6->daddr : c->v4.daddr;
}

/* All zero if nothing is known of it. */
static inline const struct origin *conn_origin(const struct conn *c)
{
	static const struct origin unknown;

	return c->origin ? c->origin : &unknown;
}

/* How it is closed, all zero if it is not. */
static inline const struct closing *conn_closing(const struct conn *c)
{
	static const struct closing none;

	return c->closing ? c->closing : &none;
}

/* When it was closed, 0 if it is not. */
static inline uint64_t conn_end_ns(const struct conn *c)
{
	return c->state == TCPSTATE_CLOSE ? c->state_ns : 0;
}

/*
 * Bytes of text that have come, and that the peer has acknowledged; SYN and FIN
 * are none.  False if they are not known.
 */
bool conn_bytes_in(const struct conn *c, uint64_t *bytes);
bool conn_bytes_out(const struct conn *c, uint64_t *bytes);
/* What the side that closed second has sent after the ACK of the first FIN. */
bool conn_half_close_bytes(const struct conn *c, uint64_t *bytes);
/*
 * Between a SYN and a FIN: the lower half is theirs, the upper the counter's.
 * False: they contradict each other.
 */
bool conn_bytes_between(uint64_t counted, uint32_t isn, uint32_t fin,
			uint64_t *bytes);

/* One move of the logical stream. */
struct transition {
	const struct conn *conn;	/* after the move */
	uint64_t ns;
	uint8_t old_state, new_state;
	uint8_t basis;
	bool has_span;
	uint64_t span_ns;		/* time spent in old_state */
	uint8_t reason, detail;		/* on -> CLOSE only */
	bool by_exit;
	bool legal;			/* in RFC 9293's figure 5 */
	uint8_t course;			/* enum fsm_course */
};

/* The segments that are told though they are no move. */
enum segment_kind { SEGMENT_RETRANSMIT, SEGMENT_RST_SENT, SEGMENT_RST_RECEIVED,
		    /* The peer's FIN came once more, in TIME_WAIT. */
		    SEGMENT_FIN_RECEIVED };
enum segment_flags { SEGMENT_NONE, SEGMENT_SYN, SEGMENT_SYNACK, SEGMENT_FIN,
		     SEGMENT_FLAGS };

struct segment {
	/* Of a listener's RST_SENT: with the peer that it went to. */
	const struct conn *conn;
	uint64_t ns;
	uint8_t kind;		/* enum segment_kind */
	uint8_t flags;		/* RETRANSMIT: enum segment_flags */
	uint8_t state;		/* the connection's, when it came or went */
	uint8_t rst_reason;	/* RST_SENT: enum tcpstate_rst_reason */
	bool has_seq;
	uint32_t seq;		/* RETRANSMIT: of the SYN or FIN */
	uint32_t times;		/* RETRANSMIT: how often so far, this one too */
};

/*
 * What the engine was given, in the order in which it went by it: the same
 * inputs give the same answers.
 */
enum engine_input_type { INPUT_RECORD, INPUT_ADVANCE, INPUT_DUMP_BEGIN,
			 INPUT_DUMP_END, INPUT_OWNER };

struct engine_input {
	enum engine_input_type type;
	const struct tcpstate_record *rec;	/* RECORD: its size is right */
	uint64_t ns;		/* ADVANCE: now; DUMP_END: when it began */
	const uint32_t *netns;	/* DUMP_END: read to the end, n of them */
	size_t n;
	uint64_t cookie;	/* OWNER */
	uint32_t pid;
	const char *comm;
};

/*
 * What the engine tells.  Any may be NULL.  Pointers are valid during the
 * call only; a callback must not call back into the engine.
 */
struct engine_sink {
	/* To be kept for engine_replay(). */
	void (*input)(void *ctx, const struct engine_input *in);
	/* Every record as it was captured, in time order. */
	void (*raw)(void *ctx, const struct tcpstate_record *rec);
	void (*transition)(void *ctx, const struct transition *t);
	void (*accept)(void *ctx, const struct conn *conn, uint64_t ns);
	void (*segment)(void *ctx, const struct segment *segment);
	/* It entered TIME_WAIT (ended = false) or is CLOSE (ended = true). */
	void (*conn)(void *ctx, const struct conn *conn, bool ended);
	/* count records of cpu were lost before ns. */
	void (*lost)(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count);
};

struct engine_config {
	size_t max_conns;	/* beyond it the oldest is evicted */
	uint64_t holdback_ns;	/* how late a record of another CPU may come */
	uint64_t settle_ns;	/* how long an end may prove to be none */
	/*
	 * All hooks are attached since then; what single ones saw before is
	 * no history and is left out.  The dump that follows tells instead.
	 */
	uint64_t since_ns;
	unsigned int hooks;	/* enum source_hook bits that are observed */
	uint32_t self;		/* our own thread group: never an owner */
	uint64_t seed;		/* of hashes: nothing that others know */
	/*
	 * NULL: all connections are followed.  Else only those that are wanted:
	 * one whose record is unwanted is forgotten without a word, and an
	 * undecided record matters only where it begins a life, or is of a
	 * connection that is followed.
	 */
	enum tcpstate_verdict (*judge)(void *ctx,
				       const struct tcpstate_record *rec);
	void *judge_ctx;
};

struct engine_stats {
	uint64_t captured;	/* records taken */
	uint64_t malformed;	/* records refused */
	uint64_t lost;		/* told by LOST records or by a jump of seq */
	uint64_t corrected;	/* states mended by a newer truth */
	uint64_t evicted;	/* connections forgotten for want of room */
	uint64_t unknown_owner;	/* connections that ended without an owner */
	uint64_t inferred;	/* moves that no hook showed */
	uint64_t illegal;	/* moves outside RFC 9293's figure 5 */
	size_t live;		/* connections in the table, all states */
	size_t unconfirmed;	/* orphans whose TIME_WAIT only a dump shows */
};

struct engine;
struct ring;

/* NULL without memory.  @sink is copied; @ctx is passed to its calls. */
struct engine *engine_new(const struct engine_config *cfg,
			  const struct engine_sink *sink, void *ctx);
void engine_free(struct engine *e);

/*
 * Hand in one record of @len untrusted bytes.  0, -EBADMSG if they are no
 * record (counted), -ENOMEM.  Nothing is told before engine_advance().
 */
int engine_feed(struct engine *e, const void *bytes, size_t len);

/*
 * Read records from @rings, @n of them, where they lie; they stay the caller's
 * and must outlive the engine, or be taken back by NULL and 0.  0 or -ENOMEM.
 */
int engine_set_rings(struct engine *e, struct ring *rings, size_t n);
/*
 * Something long is under way: copy what the rings hold, so that they do not
 * run full.  Nothing is told.
 */
void engine_empty_rings(struct engine *e);
/* Half of the room for copies is taken: it is time for engine_advance(). */
bool engine_is_crowded(const struct engine *e);

/*
 * Time has come to @now_ns, and everything older than it has been fed except
 * what the hold-back covers: tell what is certain by then.
 */
void engine_advance(struct engine *e, uint64_t now_ns);

/* No more records will come: tell the rest. */
void engine_finish(struct engine *e);

/*
 * Give it what another engine with the same configuration was given, instead of
 * the calls above but the last.  Its bytes need not be trusted.
 */
void engine_replay(struct engine *e, const struct engine_input *in);

void engine_get_stats(const struct engine *e, struct engine_stats *stats);

/* NULL if there is none. */
const struct conn *engine_find(const struct engine *e, uint64_t cookie);

/*
 * Every live connection, listeners included, in no order; stops when @fn
 * returns non-zero.
 */
typedef int (*engine_conn_fn)(void *ctx, const struct conn *conn);
int engine_each(const struct engine *e, engine_conn_fn fn, void *ctx);

/*
 * A dump of all sockets is fed between these two.  At its end, when everything
 * up to it has been fed and advanced to as well, what it and the dump before it
 * did not show as it is told here is mended: moves and ends that were lost,
 * counted as corrected.  Returns how many the dump before it did not contradict
 * yet: then another dump is worth while.
 * @netns are the namespaces that it has read to the end; of others nothing is
 * known.
 */
void engine_dump_begin(struct engine *e);
size_t engine_dump_end(struct engine *e, uint64_t began_ns,
		       const uint32_t *netns, size_t n);

/* Those in @state, without a look at TIME_WAIT, which outnumbers all others. */
int engine_each_in_state(const struct engine *e, uint8_t state,
			 engine_conn_fn fn, void *ctx);

/* All but those in TIME_WAIT. */
int engine_each_but_time_wait(const struct engine *e, engine_conn_fn fn,
			      void *ctx);

/* The descriptor tables say that @pid owns @cookie; kept if none is known. */
void engine_set_owner(struct engine *e, uint64_t cookie, uint32_t pid,
		      const char *comm);

/* How many connections per state in each network namespace. */
struct engine_counts {
	uint32_t netns;
	uint32_t states[TCPSTATE_STATES];
};

/* Number of namespaces; the array is valid until the next call. */
size_t engine_get_counts(struct engine *e, const struct engine_counts **counts);

/* names.c: the words of the command line and of JSON; "?" if out of range. */
const char *state_name(unsigned int state);	/* "CLOSE_WAIT" */
const char *role_name(unsigned int role);
const char *first_name(unsigned int first);
const char *kind_name(unsigned int kind);	/* NULL: unknown */
const char *reason_name(unsigned int reason);	/* NULL: none */
const char *detail_name(unsigned int detail);	/* NULL: none */
const char *course_name(unsigned int course);	/* "normal_client" */
const char *basis_name(unsigned int basis);
const char *segment_flags_name(unsigned int flags);	/* "SYN-ACK" */
/*
 * Any case, '-' for '_', ss' names (ESTAB, SYN-RECV, FIN-WAIT-1, UNCONN, ..)
 * and the tracepoint's TCP_ prefix.  0 if it is no state.
 */
unsigned int state_parse(const char *word);

#endif /* TCPSTATE_ENGINE_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks, CO-RE.  Same records as tcpstate.ko.
 *
 * Each hook has up to three ways to be seen, and the loader takes the first
 * that this kernel allows: fentry/fexit, kprobe, and for the mini-sockets the
 * timer tracepoints.  Only inet_sock_set_state is needed.
 */
#include "ring.bpf.h"
#include "record.bpf.h"
#include "slots.bpf.h"

#include <asm/ptrace.h>
#include <bpf/bpf_tracing.h>

#include "challenge.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* inet_csk_reqsk_queue_hash_add() returned nothing before 6.1.119, 6.6.63. */
const volatile bool hash_add_returns = true;
/*
 * Addresses of the two timer functions; 1, which is none, where something
 * better shows the mini-sockets.
 */
const volatile __u64 tw_timer_fn = 1;
const volatile __u64 req_timer_fn = 1;
/* The same for the port of an active open. */
const volatile bool connect_by_sockops = false;

/* Whether these tracepoints of newer kernels have a third argument. */
const volatile bool retransmit_has_error = true;
const volatile bool reset_has_reason = true;

/* enum tcpstate_rst_reason by the kernel's number, if it has one. */
#define RST_REASONS_MAX	64
const volatile __u8 rst_reasons[RST_REASONS_MAX];

/* Also the records that the engine folds into others: for --raw. */
const volatile bool want_raw = true;

/*
 * A request that has a child is dropped next, on the same CPU: where only its
 * timer shows that, it is told by this from one that died.
 */
static __always_inline void child_seen(__u64 cookie)
{
	struct cpu_state *cpu = cpu_state();

	if (cpu)
		cpu->child = cookie;
}

/* ---- full sockets ---- */

static __always_inline int on_state(void *ctx, struct sock *sk, int old_state,
				    int new_state, enum program program)
{
	const struct whose whose = {
		.common = &sk->__sk_common, .owner = sk,
		.old_state = old_state, .new_state = new_state,
	};
	__u16 protocol = sk->sk_protocol;
	struct slot s;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return 0;
	if (old_state == TCPSTATE_LISTEN && new_state == TCPSTATE_SYN_RECV) {
		child_seen(bpf_get_socket_cookie(sk));
		/* Its own, folded in: its request has told of it (F7). */
		if (!want_raw)
			return unrecorded(program, ON_STATE, sk,
					  old_state << 8 | new_state);
	} else if (old_state == TCPSTATE_SYN_RECV) {
		child_seen(0);
	}
	if (!slot_open(&s, TCPSTATE_STATE, TCPSTATE_BY_TRACEPOINT, program,
		       ON_STATE, &whose, old_state << 8 | new_state))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(sk);
	record_sock(s.rec, sk);
	s.rec->old_state = old_state;
	s.rec->new_state = new_state;
	record_task(s.rec, sk, new_state);
	if (new_state == TCPSTATE_CLOSE && s.rec->sk_err)
		record_late_data(s.rec, ctx);
	record_move(s.rec, sk);
	ring_submit(&s);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state, struct sock *sk, int old_state, int new_state)
{
	return on_state(ctx, sk, old_state, new_state, FIRST);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_twin, struct sock *sk, int old_state, int new_state)
{
	return on_state(ctx, sk, old_state, new_state, TWIN);
}

static __always_inline int on_sock(struct sock *sk, __u64 cookie,
				   __u8 type)
{
	const struct whose whose = WHOSE_SOCK(sk);
	struct slot s;

	if (!slot_open_alone(&s, type, TCPSTATE_BY_PROBE, &whose, true))
		return 0;
	s.rec->cookie = cookie;
	record_sock(s.rec, sk);
	s.rec->old_state = sk->__sk_common.skc_state;
	s.rec->new_state = s.rec->old_state;
	/* accept() is told with the state that it finds, which may be any. */
	record_task(s.rec, sk, type == TCPSTATE_ACCEPT ? TCPSTATE_LISTEN :
							 s.rec->new_state);
	ring_submit(&s);
	return 0;
}

SEC("fentry/tcp_connect")
int BPF_PROG(connect_fentry, struct sock *sk)
{
	return on_sock(sk, bpf_get_socket_cookie(sk), TCPSTATE_CONNECT);
}

/* Called for sockets of every family. */
SEC("fentry/security_sock_graft")
int BPF_PROG(accept_fentry, struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	return on_sock(sk, bpf_get_socket_cookie(sk), TCPSTATE_ACCEPT);
}

/* ---- segments that are no move ---- */

static __always_inline int on_segment(void *ctx, struct sock *sk, __u8 type,
				      enum program program, __u32 hook)
{
	const struct whose whose = WHOSE_SOCK(sk);
	struct slot s;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (!slot_open(&s, type, TCPSTATE_BY_TRACEPOINT, program, hook, &whose,
		       0))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(sk);
	record_sock(s.rec, sk);
	s.rec->old_state = sk->__sk_common.skc_state;
	s.rec->new_state = s.rec->old_state;
	s.rec->flags |= TCPSTATE_F_NO_TASK;
	if (type == TCPSTATE_RST_RECEIVED)
		record_late_data(s.rec, ctx);
	ring_submit(&s);
	return 0;
}

/* See hash_added() for the assembly. */
static __always_inline bool was_sent(const unsigned long long *ctx)
{
	__u64 error = 0;

	if (retransmit_has_error)
		asm volatile("%0 = *(u64 *)(%1 + 16)"
			     : "=r"(error) : "r"(ctx));
	return !(int)error;
}

static __always_inline int on_retransmit(void *ctx, struct sock *sk,
					 struct sk_buff *skb,
					 enum program program)
{
	if (!has_syn_or_fin(skb) || !was_sent(ctx))
		return unrecorded(program, ON_RETRANSMIT, sk, 0);
	return on_segment(ctx, sk, TCPSTATE_RETRANSMIT, program, ON_RETRANSMIT);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit, struct sock *sk, struct sk_buff *skb)
{
	return on_retransmit(ctx, sk, skb, FIRST);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit_twin, struct sock *sk, struct sk_buff *skb)
{
	return on_retransmit(ctx, sk, skb, TWIN);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(rst_received, struct sock *sk)
{
	return on_segment(ctx, sk, TCPSTATE_RST_RECEIVED, FIRST,
			  ON_RST_RECEIVED);
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(rst_received_twin, struct sock *sk)
{
	return on_segment(ctx, sk, TCPSTATE_RST_RECEIVED, TWIN,
			  ON_RST_RECEIVED);
}

/* That of a TCP socket of any kind; 0 for others, and where there is none. */
static __always_inline __u64 tcp_cookie(const struct sock *sk, __u8 state)
{
	if (!sk)
		return 0;
	if (state != TCPSTATE_TIME_WAIT && state != TCPSTATE_NEW_SYN_RECV &&
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	/* 0 too if it is older than the tool, and no dump has shown it. */
	return BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
}

/*
 * Not by tp_btf: since 6.10 @sk may be NULL or a mini-socket, and up to 6.12 the
 * verifier took it for neither.
 */
static __always_inline int on_rst_sent(const __u64 *args, __u32 reason,
				       enum program program)
{
	struct sock *sk = (void *)args[0];
	struct sk_buff *skb = (void *)args[1];
	const struct whose whose = { .common = &sk->__sk_common };
	struct slot s = { .cpu = cpu_state() };
	/* A mark of 0 is none. */
	__u64 cookie, key = args[0] | 1;
	__u8 state;

	if (!s.cpu)
		return 0;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	cookie = tcp_cookie(sk, state);
	if (!cookie) {
		is_mine(s.cpu, program, ON_RST_SENT, key);
		return 0;
	}
	if (!slot_open_key(&s, TCPSTATE_RST_SENT, TCPSTATE_BY_TRACEPOINT,
			   program, ON_RST_SENT, key, &whose, false))
		return 0;
	s.rec->cookie = cookie;
	record_common(s.rec, &sk->__sk_common, false);
	s.rec->protocol = IPPROTO_TCP;
	s.rec->flags |= TCPSTATE_F_NO_TASK;
	s.rec->old_state = state;
	s.rec->new_state = state;
	s.rec->rst_reason = rst_reasons[reason & (RST_REASONS_MAX - 1)];
	if (state == TCPSTATE_LISTEN && skb)
		record_peer(s.rec, skb);
	ring_submit(&s);
	return 0;
}

/* The third argument came with 6.10. */
static __always_inline __u32 kernel_reason(const __u64 *args)
{
	__u64 reason = 0;

	if (reset_has_reason)
		asm volatile("%0 = *(u64 *)(%1 + 16)"
			     : "=r"(reason) : "r"(args));
	return reason;
}

SEC("raw_tp/tcp_send_reset")
int rst_sent(struct bpf_raw_tracepoint_args *ctx)
{
	return on_rst_sent(ctx->args, kernel_reason(ctx->args), FIRST);
}

SEC("raw_tp/tcp_send_reset")
int rst_sent_twin(struct bpf_raw_tracepoint_args *ctx)
{
	return on_rst_sent(ctx->args, kernel_reason(ctx->args), TWIN);
}

/* ---- timewait mini-sockets ---- */

static __always_inline void fill_tw_add(struct tcpstate_record *r,
					const struct inet_timewait_sock *tw,
					__u64 timeo, bool direct)
{
	record_tw(r, tw, direct);
	r->new_state = READ(direct, tw, tw_substate);
	record_timeout(r, timeo);
}

static __always_inline void fill_tw_kill(struct tcpstate_record *r,
					 const struct inet_timewait_sock *tw,
					 bool direct, void *ctx)
{
	record_tw(r, tw, direct);
	r->old_state = READ(direct, tw, tw_substate);
	r->new_state = TCPSTATE_CLOSE;
	/* The wheel rounds up: a timer that ran out is never early. */
	if (bpf_jiffies64() >= READ(direct, tw, tw_timer.expires))
		r->flags |= TCPSTATE_F_TIMER;
	record_cause(r, ctx, &tw->__tw_common, direct);
}

static __always_inline int on_tw_add(struct inet_timewait_sock *tw, int timeo,
				     bool rearm, enum program program)
{
	const struct whose whose = WHOSE_TW(tw);
	struct slot s;

	if (!tw_is_tcp(tw, true))
		return 0;
	if (!slot_open(&s, rearm ? TCPSTATE_TW_REARM : TCPSTATE_TW_ADD,
		       TCPSTATE_BY_PROBE, program, ON_TW_ADD, &whose, rearm))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(tw);
	fill_tw_add(s.rec, tw, timeo, true);
	ring_submit(&s);
	return 0;
}

SEC("fentry/__inet_twsk_schedule")
int BPF_PROG(tw_add_fentry, struct inet_timewait_sock *tw, int timeo,
	     __u8 rearm)
{
	return on_tw_add(tw, timeo, rearm, FIRST);
}

SEC("fentry/__inet_twsk_schedule")
int BPF_PROG(tw_add_fentry_twin, struct inet_timewait_sock *tw, int timeo,
	     __u8 rearm)
{
	return on_tw_add(tw, timeo, rearm, TWIN);
}

static __always_inline int on_tw_kill(void *ctx, struct inet_timewait_sock *tw,
				      enum program program)
{
	const struct whose whose = WHOSE_TW(tw);
	struct slot s;

	if (!tw_is_tcp(tw, true))
		return 0;
	if (!slot_open(&s, TCPSTATE_TW_KILL, TCPSTATE_BY_PROBE, program,
		       ON_TW_KILL, &whose, 0))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(tw);
	fill_tw_kill(s.rec, tw, true, ctx);
	ring_submit(&s);
	return 0;
}

SEC("fentry/inet_twsk_kill")
int BPF_PROG(tw_kill_fentry, struct inet_timewait_sock *tw)
{
	return on_tw_kill(ctx, tw, FIRST);
}

SEC("fentry/inet_twsk_kill")
int BPF_PROG(tw_kill_fentry_twin, struct inet_timewait_sock *tw)
{
	return on_tw_kill(ctx, tw, TWIN);
}

/* ---- request mini-sockets ---- */

static __always_inline void fill_req_add(struct tcpstate_record *r,
					 const struct request_sock *req,
					 bool direct)
{
	record_req(r, req, direct);
	r->old_state = TCPSTATE_LISTEN;
	r->new_state = TCPSTATE_NEW_SYN_RECV;
}

/* The listener's queue tells whether there was room for a child. */
static __always_inline void fill_req_drop(struct tcpstate_record *r,
					  const struct request_sock *req,
					  const struct sock *listener,
					  __u32 flags, bool direct, void *ctx)
{
	record_req(r, req, direct);
	r->old_state = TCPSTATE_NEW_SYN_RECV;
	r->new_state = TCPSTATE_CLOSE;
	r->rqueue = READ(direct, listener, sk_ack_backlog);
	r->wqueue = READ(direct, listener, sk_max_ack_backlog);
	r->flags |= flags;
	if (request_is_acked(req))
		r->flags |= TCPSTATE_F_ACKED;
	record_cause(r, ctx, &req->__req_common, direct);
	if ((flags & TCPSTATE_F_TIMER) &&
	    READ(direct, listener, __sk_common.skc_state) != TCPSTATE_LISTEN)
		r->cause = TCPSTATE_CAUSE_INPUT;
}

static __always_inline int on_req_add(struct sock *sk,
				      struct request_sock *req, enum program program)
{
	const struct whose whose = WHOSE_REQ(req, sk);
	struct slot s;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;

	if (!slot_open(&s, TCPSTATE_REQ_ADD, TCPSTATE_BY_PROBE, program,
		       ON_REQ_ADD, &whose, 0))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(req);
	s.rec->listener = bpf_get_socket_cookie(sk);
	fill_req_add(s.rec, req, true);
	ring_submit(&s);
	return 0;
}

/*
 * False: a duplicate SYN lost the race, and the request is freed at once.  A
 * void function has no result to load; in C the compiler would load it before
 * the test, and the verifier refuse the whole object.
 */
static __always_inline bool hash_added(const unsigned long long *ctx)
{
	__u64 added = 1;

	if (hash_add_returns)
		asm volatile("%0 = *(u64 *)(%1 + 24)"
			     : "=r"(added) : "r"(ctx));
	return (__u8)added;
}

SEC("fexit/inet_csk_reqsk_queue_hash_add")
int BPF_PROG(req_add_fentry, struct sock *sk, struct request_sock *req)
{
	return hash_added(ctx) ? on_req_add(sk, req, FIRST) : 0;
}

SEC("fexit/inet_csk_reqsk_queue_hash_add")
int BPF_PROG(req_add_fentry_twin, struct sock *sk, struct request_sock *req)
{
	return hash_added(ctx) ? on_req_add(sk, req, TWIN) : 0;
}

static __always_inline int on_req_drop(void *ctx, struct sock *sk,
				       struct request_sock *req,
				       bool from_timer, enum program program)
{
	const struct whose whose = WHOSE_REQ(req, sk);
	struct slot s;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	/*
	 * Its child took its place in the hash (inet_csk_complete_hashdance()),
	 * or another CPU was first.
	 */
	if (!req->__req_common.skc_node.pprev)
		return 0;
	if (!slot_open(&s, TCPSTATE_REQ_DROP, TCPSTATE_BY_PROBE, program,
		       ON_REQ_DROP, &whose, 0))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(req);
	s.rec->listener = bpf_get_socket_cookie(sk);
	fill_req_drop(s.rec, req, sk, from_timer ? TCPSTATE_F_TIMER : 0, true,
		      ctx);
	ring_submit(&s);
	return 0;
}

SEC("fentry/__inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_fentry, struct sock *sk, struct request_sock *req,
	     __u8 from_timer)
{
	return on_req_drop(ctx, sk, req, from_timer, FIRST);
}

SEC("fentry/__inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_fentry_twin, struct sock *sk, struct request_sock *req,
	     __u8 from_timer)
{
	return on_req_drop(ctx, sk, req, from_timer, TWIN);
}

/*
 * Before 6.12 and its backports there was but the exported function, and then
 * timers came through it too; it does not say whether one did.
 */
SEC("fentry/inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_old_fentry, struct sock *sk, struct request_sock *req)
{
	return on_req_drop(ctx, sk, req, false, FIRST);
}

SEC("fentry/inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_old_fentry_twin, struct sock *sk,
	     struct request_sock *req)
{
	return on_req_drop(ctx, sk, req, false, TWIN);
}

static __always_inline int on_synack_again(struct sock *sk,
					   struct request_sock *req,
					   enum program program)
{
	const struct whose whose = WHOSE_REQ(req, sk);
	struct slot s;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (!slot_open(&s, TCPSTATE_SYNACK_AGAIN, TCPSTATE_BY_TRACEPOINT,
		       program, ON_SYNACK_AGAIN, &whose, 0))
		return 0;
	/* With Fast Open the request never had one; its child is there. */
	if (sk->__sk_common.skc_state == TCPSTATE_LISTEN) {
		s.rec->cookie = bpf_get_socket_cookie(req);
		s.rec->listener = bpf_get_socket_cookie(sk);
	} else {
		s.rec->cookie = bpf_get_socket_cookie(sk);
	}
	record_req(s.rec, req, true);
	s.rec->old_state = TCPSTATE_NEW_SYN_RECV;
	s.rec->new_state = TCPSTATE_NEW_SYN_RECV;
	/* Counted by the caller, after this. */
	s.rec->total_retrans++;
	ring_submit(&s);
	return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(synack_again, struct sock *sk, struct request_sock *req)
{
	return on_synack_again(sk, req, FIRST);
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(synack_again_twin, struct sock *sk, struct request_sock *req)
{
	return on_synack_again(sk, req, TWIN);
}

/* ---- computed pointers: no helper makes their cookie ---- */

static __always_inline int computed_tw(void *ctx, struct inet_timewait_sock *tw,
				       __u8 type, __u8 basis, __u64 timeo,
				       __u32 flags, bool direct)
{
	const struct whose whose = WHOSE_TW(tw);
	__u64 cookie;
	struct slot s;

	if (!tw_is_tcp(tw, direct))
		return 0;
	cookie = READ(direct, tw, __tw_common.skc_cookie.counter);
	if (!cookie || !slot_open_alone(&s, type, basis, &whose, direct))
		return 0;
	s.rec->cookie = cookie;
	if (type == TCPSTATE_TW_KILL)
		fill_tw_kill(s.rec, tw, direct, ctx);
	else
		fill_tw_add(s.rec, tw, timeo, direct);
	s.rec->flags |= flags;
	ring_submit(&s);
	return 0;
}

static __always_inline int on_computed_tw(void *ctx,
					  struct inet_timewait_sock *tw,
					  __u8 type, __u8 basis, __u64 timeo,
					  __u32 flags)
{
	if (bpf_rdonly_cast)
		return computed_tw(ctx, CAST(tw, struct inet_timewait_sock),
				   type, basis, timeo, flags, true);
	return computed_tw(ctx, tw, type, basis, timeo, flags, false);
}

/* Has its child just been made? */
static __always_inline bool child_taken(__u64 cookie)
{
	struct cpu_state *cpu = cpu_state();

	return cpu && cpu->child == cookie;
}

static __always_inline int computed_req(void *ctx, struct request_sock *req,
					__u8 type, __u8 basis, __u32 flags,
					bool direct)
{
	struct sock *listener = READ(direct, req, __req_common.skc_listener);
	const struct whose whose = WHOSE_REQ(req, listener);
	__u64 cookie;
	struct slot s;

	/* A member of a union, and so without a type. */
	if (direct)
		listener = CAST(listener, struct sock);
	if (READ(direct, listener, sk_protocol) != IPPROTO_TCP)
		return 0;
	cookie = READ(direct, req, __req_common.skc_cookie.counter);
	/* Older than the program that makes cookies: the dump tells of it. */
	if (!cookie)
		return 0;
	if (type == TCPSTATE_REQ_DROP && child_taken(cookie))
		return 0;
	if (!slot_open_alone(&s, type, basis, &whose, direct))
		return 0;
	s.rec->cookie = cookie;
	if (type == TCPSTATE_REQ_ADD)
		fill_req_add(s.rec, req, direct);
	else
		fill_req_drop(s.rec, req, listener, flags, direct, ctx);
	s.rec->listener = READ(direct, listener,
			       __sk_common.skc_cookie.counter);
	ring_submit(&s);
	return 0;
}

static __always_inline int on_computed_req(void *ctx, struct request_sock *req,
					   __u8 type, __u8 basis, __u32 flags)
{
	if (bpf_rdonly_cast)
		return computed_req(ctx, CAST(req, struct request_sock), type,
				    basis, flags, true);
	return computed_req(ctx, req, type, basis, flags, false);
}

/* ---- the same by kprobe ---- */

SEC("kprobe/__inet_twsk_schedule")
int BPF_KPROBE(tw_add_kprobe, struct inet_timewait_sock *tw, int timeo,
	       __u8 rearm)
{
	return on_computed_tw(ctx, tw,
			      rearm ? TCPSTATE_TW_REARM : TCPSTATE_TW_ADD,
			      TCPSTATE_BY_PROBE, timeo, 0);
}

SEC("kprobe/inet_twsk_kill")
int BPF_KPROBE(tw_kill_kprobe, struct inet_timewait_sock *tw)
{
	return on_computed_tw(ctx, tw, TCPSTATE_TW_KILL, TCPSTATE_BY_PROBE, 0,
			      0);
}

/*
 * At entry, since a return probe no longer has the arguments.  A request that
 * loses the race is freed without a trace and is left to reconciliation.
 */
SEC("kprobe/inet_csk_reqsk_queue_hash_add")
int BPF_KPROBE(req_add_kprobe, struct sock *sk, struct request_sock *req)
{
	return on_computed_req(ctx, req, TCPSTATE_REQ_ADD, TCPSTATE_BY_PROBE,
			       0);
}

SEC("kprobe/__inet_csk_reqsk_queue_drop")
int BPF_KPROBE(req_drop_kprobe, struct sock *sk, struct request_sock *req,
	       __u8 from_timer)
{
	if (!BPF_CORE_READ(req, __req_common.skc_node.pprev))
		return 0;
	return on_computed_req(ctx, req, TCPSTATE_REQ_DROP, TCPSTATE_BY_PROBE,
			       from_timer ? TCPSTATE_F_TIMER : 0);
}

/* ---- the mini-sockets by their timers ---- */

#define timer_owner(timer, type, member) \
	((type *)((void *)(timer) - bpf_core_field_offset(type, member)))

static __always_inline int on_tw_timer(void *ctx, struct timer_list *timer,
				       __u8 type, __u64 timeo, __u32 flags)
{
	return on_computed_tw(ctx, timer_owner(timer, struct inet_timewait_sock,
					       tw_timer),
			      type, TCPSTATE_BY_TRACEPOINT, timeo, flags);
}

static __always_inline int on_req_timer(void *ctx, struct timer_list *timer,
					__u8 type, __u32 flags)
{
	return on_computed_req(ctx, timer_owner(timer, struct request_sock,
						rsk_timer),
			       type, TCPSTATE_BY_TRACEPOINT, flags);
}

/* A start after a cancel is a restart; the reader pairs them. */
SEC("tp_btf/timer_start")
int BPF_PROG(timer_start, struct timer_list *timer)
{
	__u64 fn = (__u64)timer->function;
	__u64 now;

	if (fn == req_timer_fn)
		return on_req_timer(ctx, timer, TCPSTATE_REQ_ADD, 0);
	if (fn != tw_timer_fn)
		return 0;
	now = bpf_jiffies64();
	return on_tw_timer(ctx, timer, TCPSTATE_TW_ADD, timer->expires > now ?
			   timer->expires - now : 0, 0);
}

SEC("tp_btf/timer_cancel")
int BPF_PROG(timer_cancel, struct timer_list *timer)
{
	__u64 fn = (__u64)timer->function;
	__u32 flags = TCPSTATE_F_PROVISIONAL;

	if (fn == tw_timer_fn)
		return on_tw_timer(ctx, timer, TCPSTATE_TW_KILL, 0, flags);
	if (fn != req_timer_fn)
		return 0;
	if (bpf_jiffies64() >= timer->expires)
		flags |= TCPSTATE_F_TIMER;
	return on_req_timer(ctx, timer, TCPSTATE_REQ_DROP, flags);
}

/*
 * Where only computed pointers to request sockets can be had, no helper makes
 * their cookie; here the kernel asks for the first timeout of a request just
 * before it is hashed (tcp_timeout_init()), and an active open tells its port.
 * No reply is given, so nothing changes for the connection.
 */
SEC("sockops")
int sock_ops(struct bpf_sock_ops *ops)
{
	struct bpf_sock *bsk;
	struct tcp_sock *tp;

	switch (ops->op) {
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		bpf_get_socket_cookie(ops);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		bsk = ops->sk;
		if (!bsk || !connect_by_sockops)
			break;
		tp = bpf_skc_to_tcp_sock(bsk);
		if (tp)
			on_sock((struct sock *)tp, bpf_get_socket_cookie(ops),
				TCPSTATE_CONNECT);
		break;
	}
	return 1;
}

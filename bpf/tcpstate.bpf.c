// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks, CO-RE.  Same records as tcpstate.ko.
 *
 * Each hook has up to three ways to be seen, and the loader takes the first
 * that this kernel allows: fentry/fexit, kprobe, and for the mini-sockets the
 * timer tracepoints.  Only inet_sock_set_state is needed.
 *
 * Twins: a program that is interrupted by a softirq is not run again for the
 * nested event (bpf_prog_enter_recur()).  So each of those programs is attached a
 * second time under another name; the twin, whether it runs first or last,
 * records only what arrives while the first one's busy flag of this CPU is set,
 * which is just what the first one does not get to see.
 */
#include "ring.bpf.h"
#include "record.bpf.h"

#include <asm/ptrace.h>
#include <bpf/bpf_tracing.h>

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

struct slot {
	struct cpu_state *cpu;
	void *ring;
	struct tcpstate_record *rec;
	__u32 hook;
	bool twin;
};

/* False if there is nothing to record here, or no room for it. */
static __always_inline bool slot_open(struct slot *s, __u32 hook, bool twin,
				      __u8 type, __u8 basis)
{
	s->cpu = cpu_state();
	s->hook = hook;
	s->twin = twin;
	if (!s->cpu)
		return false;
	if (twin && !s->cpu->busy[hook])
		return false;
	if (!twin)
		*(volatile __u32 *)&s->cpu->busy[hook] = 1;
	s->ring = cpu_ring();
	/* What the twin meets is no miss of the first, stored or not. */
	if (twin)
		__sync_fetch_and_add(&s->cpu->twins, 1);
	s->rec = ring_reserve(s->ring, s->cpu);
	if (!s->rec) {
		if (!twin)
			*(volatile __u32 *)&s->cpu->busy[hook] = 0;
		return false;
	}
	s->rec->type = type;
	s->rec->basis = basis;
	if (twin)
		s->rec->flags |= TCPSTATE_F_TWIN;
	return true;
}

static __always_inline void slot_close(struct slot *s)
{
	ring_submit(s->ring, s->cpu, s->rec);
	if (!s->twin)
		*(volatile __u32 *)&s->cpu->busy[s->hook] = 0;
}

/* ---- full sockets ---- */

static __always_inline int on_state(struct sock *sk, int old_state,
				    int new_state, bool twin)
{
	__u16 protocol = sk->sk_protocol;
	struct slot s;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return 0;
	if (!slot_open(&s, BUSY_STATE, twin, TCPSTATE_STATE,
		       TCPSTATE_BY_TRACEPOINT))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(sk);
	record_sock(s.rec, sk);
	s.rec->old_state = old_state;
	s.rec->new_state = new_state;
	record_task(s.rec, new_state);
	slot_close(&s);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state, struct sock *sk, int old_state, int new_state)
{
	return on_state(sk, old_state, new_state, false);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_twin, struct sock *sk, int old_state, int new_state)
{
	return on_state(sk, old_state, new_state, true);
}

static __always_inline int on_sock(struct sock *sk, __u64 cookie, __u32 hook,
				   __u8 type)
{
	struct slot s;

	if (!slot_open(&s, hook, false, type, TCPSTATE_BY_PROBE))
		return 0;
	s.rec->cookie = cookie;
	record_sock(s.rec, sk);
	s.rec->old_state = sk->__sk_common.skc_state;
	s.rec->new_state = s.rec->old_state;
	/* accept() is told with the state that it finds, which may be any. */
	record_task(s.rec, type == TCPSTATE_ACCEPT ? TCPSTATE_LISTEN :
						     s.rec->new_state);
	slot_close(&s);
	return 0;
}

SEC("fentry/tcp_connect")
int BPF_PROG(connect_fentry, struct sock *sk)
{
	return on_sock(sk, bpf_get_socket_cookie(sk), BUSY_CONNECT,
		       TCPSTATE_CONNECT);
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
	return on_sock(sk, bpf_get_socket_cookie(sk), BUSY_ACCEPT,
		       TCPSTATE_ACCEPT);
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
					 bool direct)
{
	record_tw(r, tw, direct);
	r->old_state = READ(direct, tw, tw_substate);
	r->new_state = TCPSTATE_CLOSE;
	/* The wheel rounds up: a timer that ran out is never early. */
	if (bpf_jiffies64() >= BPF_CORE_READ(tw, tw_timer.expires))
		r->flags |= TCPSTATE_F_TIMER;
}

static __always_inline int on_tw_add(struct inet_timewait_sock *tw, int timeo,
				     bool rearm, bool twin)
{
	struct slot s;

	if (!tw_is_tcp(tw))
		return 0;
	if (!slot_open(&s, BUSY_TW_ADD, twin,
		       rearm ? TCPSTATE_TW_REARM : TCPSTATE_TW_ADD,
		       TCPSTATE_BY_PROBE))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(tw);
	fill_tw_add(s.rec, tw, timeo, true);
	slot_close(&s);
	return 0;
}

SEC("fentry/__inet_twsk_schedule")
int BPF_PROG(tw_add_fentry, struct inet_timewait_sock *tw, int timeo,
	     __u8 rearm)
{
	return on_tw_add(tw, timeo, rearm, false);
}

SEC("fentry/__inet_twsk_schedule")
int BPF_PROG(tw_add_fentry_twin, struct inet_timewait_sock *tw, int timeo,
	     __u8 rearm)
{
	return on_tw_add(tw, timeo, rearm, true);
}

static __always_inline int on_tw_kill(struct inet_timewait_sock *tw, bool twin)
{
	struct slot s;

	if (!tw_is_tcp(tw))
		return 0;
	if (!slot_open(&s, BUSY_TW_KILL, twin, TCPSTATE_TW_KILL,
		       TCPSTATE_BY_PROBE))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(tw);
	fill_tw_kill(s.rec, tw, true);
	slot_close(&s);
	return 0;
}

SEC("fentry/inet_twsk_kill")
int BPF_PROG(tw_kill_fentry, struct inet_timewait_sock *tw)
{
	return on_tw_kill(tw, false);
}

SEC("fentry/inet_twsk_kill")
int BPF_PROG(tw_kill_fentry_twin, struct inet_timewait_sock *tw)
{
	return on_tw_kill(tw, true);
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

static __always_inline void fill_req_drop(struct tcpstate_record *r,
					  const struct request_sock *req,
					  bool direct)
{
	record_req(r, req, direct);
	r->old_state = TCPSTATE_NEW_SYN_RECV;
	r->new_state = TCPSTATE_CLOSE;
}

static __always_inline int on_req_add(struct sock *sk,
				      struct request_sock *req, bool twin)
{
	struct slot s;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;

	if (!slot_open(&s, BUSY_REQ_ADD, twin, TCPSTATE_REQ_ADD,
		       TCPSTATE_BY_PROBE))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(req);
	s.rec->listener = bpf_get_socket_cookie(sk);
	fill_req_add(s.rec, req, true);
	slot_close(&s);
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
	return hash_added(ctx) ? on_req_add(sk, req, false) : 0;
}

SEC("fexit/inet_csk_reqsk_queue_hash_add")
int BPF_PROG(req_add_fentry_twin, struct sock *sk, struct request_sock *req)
{
	return hash_added(ctx) ? on_req_add(sk, req, true) : 0;
}

static __always_inline int on_req_drop(struct sock *sk,
				       struct request_sock *req,
				       bool from_timer, bool twin)
{
	struct slot s;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	/*
	 * Its child took its place in the hash (inet_csk_complete_hashdance()),
	 * or another CPU was first.
	 */
	if (!req->__req_common.skc_node.pprev)
		return 0;
	if (!slot_open(&s, BUSY_REQ_DROP, twin, TCPSTATE_REQ_DROP,
		       TCPSTATE_BY_PROBE))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(req);
	s.rec->listener = bpf_get_socket_cookie(sk);
	fill_req_drop(s.rec, req, true);
	if (from_timer)
		s.rec->flags |= TCPSTATE_F_TIMER;
	slot_close(&s);
	return 0;
}

SEC("fentry/__inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_fentry, struct sock *sk, struct request_sock *req,
	     __u8 from_timer)
{
	return on_req_drop(sk, req, from_timer, false);
}

SEC("fentry/__inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_fentry_twin, struct sock *sk, struct request_sock *req,
	     __u8 from_timer)
{
	return on_req_drop(sk, req, from_timer, true);
}

/*
 * Before 6.12 and its backports there was but the exported function, and then
 * timers came through it too; it does not say whether one did.
 */
SEC("fentry/inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_old_fentry, struct sock *sk, struct request_sock *req)
{
	return on_req_drop(sk, req, false, false);
}

SEC("fentry/inet_csk_reqsk_queue_drop")
int BPF_PROG(req_drop_old_fentry_twin, struct sock *sk,
	     struct request_sock *req)
{
	return on_req_drop(sk, req, false, true);
}

/* ---- the same by kprobe ---- */

static __always_inline int kprobe_tw(struct inet_timewait_sock *tw,
				     __u32 hook, __u8 type, __u64 timeo)
{
	struct slot s;

	if (!tw_is_tcp(tw) ||
	    !BPF_CORE_READ(tw, __tw_common.skc_cookie.counter))
		return 0;
	if (!slot_open(&s, hook, false, type, TCPSTATE_BY_PROBE))
		return 0;
	if (type == TCPSTATE_TW_KILL)
		fill_tw_kill(s.rec, tw, false);
	else
		fill_tw_add(s.rec, tw, timeo, false);
	slot_close(&s);
	return 0;
}

SEC("kprobe/__inet_twsk_schedule")
int BPF_KPROBE(tw_add_kprobe, struct inet_timewait_sock *tw, int timeo,
	       __u8 rearm)
{
	return kprobe_tw(tw, BUSY_TW_ADD,
			 rearm ? TCPSTATE_TW_REARM : TCPSTATE_TW_ADD, timeo);
}

SEC("kprobe/inet_twsk_kill")
int BPF_KPROBE(tw_kill_kprobe, struct inet_timewait_sock *tw)
{
	return kprobe_tw(tw, BUSY_TW_KILL, TCPSTATE_TW_KILL, 0);
}

static __always_inline int computed_req(struct request_sock *req, __u32 hook,
					__u8 type, __u8 basis, __u32 flags)
{
	struct sock *listener = BPF_CORE_READ(req, __req_common.skc_listener);
	struct slot s;

	if (BPF_CORE_READ(listener, sk_protocol) != IPPROTO_TCP)
		return 0;
	/* Older than the program that makes cookies: the dump tells of it. */
	if (!BPF_CORE_READ(req, __req_common.skc_cookie.counter))
		return 0;
	if (!slot_open(&s, hook, false, type, basis))
		return 0;
	if (type == TCPSTATE_REQ_ADD)
		fill_req_add(s.rec, req, false);
	else
		fill_req_drop(s.rec, req, false);
	s.rec->listener = BPF_CORE_READ(listener,
					__sk_common.skc_cookie.counter);
	s.rec->flags |= flags;
	slot_close(&s);
	return 0;
}

/*
 * At entry, since a return probe no longer has the arguments.  A request that
 * loses the race is freed without a trace and is left to reconciliation.
 */
SEC("kprobe/inet_csk_reqsk_queue_hash_add")
int BPF_KPROBE(req_add_kprobe, struct sock *sk, struct request_sock *req)
{
	return computed_req(req, BUSY_REQ_ADD, TCPSTATE_REQ_ADD,
			    TCPSTATE_BY_PROBE, 0);
}

SEC("kprobe/__inet_csk_reqsk_queue_drop")
int BPF_KPROBE(req_drop_kprobe, struct sock *sk, struct request_sock *req,
	       __u8 from_timer)
{
	if (!BPF_CORE_READ(req, __req_common.skc_node.pprev))
		return 0;
	return computed_req(req, BUSY_REQ_DROP, TCPSTATE_REQ_DROP,
			    TCPSTATE_BY_PROBE,
			    from_timer ? TCPSTATE_F_TIMER : 0);
}

/* ---- the mini-sockets by their timers ---- */

#define timer_owner(timer, type, member) \
	((type *)((void *)(timer) - bpf_core_field_offset(type, member)))

static __always_inline int timer_tw(struct timer_list *timer, __u32 hook,
				    __u8 type)
{
	struct inet_timewait_sock *tw;
	struct slot s;

	tw = timer_owner(timer, struct inet_timewait_sock, tw_timer);
	if (!tw_is_tcp(tw) ||
	    !BPF_CORE_READ(tw, __tw_common.skc_cookie.counter))
		return 0;
	if (!slot_open(&s, hook, false, type, TCPSTATE_BY_TRACEPOINT))
		return 0;
	if (type == TCPSTATE_TW_KILL) {
		fill_tw_kill(s.rec, tw, false);
		s.rec->flags |= TCPSTATE_F_PROVISIONAL;
	} else {
		__u64 now = bpf_jiffies64();

		fill_tw_add(s.rec, tw, timer->expires > now ?
			    timer->expires - now : 0, false);
	}
	slot_close(&s);
	return 0;
}

/* A start after a cancel is a restart; the reader pairs them. */
SEC("tp_btf/timer_start")
int BPF_PROG(timer_start, struct timer_list *timer)
{
	__u64 fn = (__u64)timer->function;

	if (fn == tw_timer_fn)
		return timer_tw(timer, BUSY_START, TCPSTATE_TW_ADD);
	if (fn == req_timer_fn)
		return computed_req(timer_owner(timer, struct request_sock,
						rsk_timer),
				    BUSY_START, TCPSTATE_REQ_ADD,
				    TCPSTATE_BY_TRACEPOINT, 0);
	return 0;
}

SEC("tp_btf/timer_cancel")
int BPF_PROG(timer_cancel, struct timer_list *timer)
{
	__u64 fn = (__u64)timer->function;
	__u32 flags = TCPSTATE_F_PROVISIONAL;

	if (fn == tw_timer_fn)
		return timer_tw(timer, BUSY_CANCEL, TCPSTATE_TW_KILL);
	if (fn != req_timer_fn)
		return 0;
	if (bpf_jiffies64() >= timer->expires)
		flags |= TCPSTATE_F_TIMER;
	return computed_req(timer_owner(timer, struct request_sock, rsk_timer),
			    BUSY_CANCEL, TCPSTATE_REQ_DROP,
			    TCPSTATE_BY_TRACEPOINT, flags);
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
				BUSY_CONNECT, TCPSTATE_CONNECT);
		break;
	}
	return 1;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel objects to struct tcpstate_record: the twin of kmod/record.c.
 */
#ifndef TCPSTATE_RECORD_BPF_H
#define TCPSTATE_RECORD_BPF_H

#include <linux/tcpstate.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "read.bpf.h"

/* include/uapi/asm-generic/errno.h */
#define ETIMEDOUT	110
/* include/linux/sched.h */
#define PF_EXITING	0x00000004
#define PF_KTHREAD	0x00200000
/* enum sock_flags, include/net/sock.h */
#define SOCK_DEAD	0
#define SOCK_DONE	1
#define SOCK_KEEPOPEN	3
#define SOCK_LINGER	4

/* Set by the loader; 0 where the tick could not be learned. */
const volatile __u32 hz;

static __always_inline void record_addresses(struct tcpstate_record *r,
					     const struct sock_common *c,
					     bool direct)
{
	r->family = READ(direct, c, skc_family);
	r->sport = READ(direct, c, skc_num);
	r->dport = __builtin_bswap16(READ(direct, c, skc_dport));
	if (r->family == AF_INET) {
		*(__u32 *)r->saddr = READ(direct, c, skc_rcv_saddr);
		*(__u32 *)r->daddr = READ(direct, c, skc_daddr);
	} else if (r->family == AF_INET6 &&
		   bpf_core_field_exists(c->skc_v6_daddr)) {
		bpf_core_read(r->saddr, sizeof(r->saddr),
			      &c->skc_v6_rcv_saddr);
		bpf_core_read(r->daddr, sizeof(r->daddr), &c->skc_v6_daddr);
	}
}

static __always_inline void record_netns(struct tcpstate_record *r,
					 const struct sock_common *c,
					 bool direct)
{
	const struct net *net = READ(direct, c, skc_net.net);

	r->netns_ino = READ(direct, net, ns.inum);
	if (bpf_core_field_exists(net->net_cookie))
		r->netns_cookie = READ(direct, net, net_cookie);
}

/*
 * The functions that end mini-sockets, and what they stand for; the loader
 * looks them up.
 */
#define CALLERS	9

const volatile __u64 caller_start[CALLERS];
const volatile __u64 caller_bytes[CALLERS];
const volatile __u32 caller_cause[CALLERS];	/* enum tcpstate_cause */

#define FRAMES	16

/*
 * The innermost of them on the stack.  Some microseconds, and so only where
 * no timer was the end.
 */
static __noinline int cause_on_stack(void *ctx)
{
	__u64 frames[FRAMES] = {};
	long bytes = bpf_get_stack(ctx, frames, sizeof(frames), 0);

	for (int i = 0; i < FRAMES; i++) {
		if (i * (long)sizeof(frames[0]) >= bytes)
			break;
		for (int j = 0; j < CALLERS; j++)
			if (frames[i] - caller_start[j] < caller_bytes[j])
				return caller_cause[j];
	}
	return TCPSTATE_CAUSE_UNKNOWN;
}

/* Nobody is in it any more: inet_twsk_purge(). */
static __always_inline bool netns_is_dying(const struct sock_common *c,
					   bool direct)
{
	const struct net *net = READ(direct, c, skc_net.net);

	if (bpf_core_field_exists(net->ns.count))
		return !READ(direct, net, ns.count.refs.counter);
	if (bpf_core_field_exists(net->ns.__ns_ref))
		return !READ(direct, net, ns.__ns_ref.refs.counter);
	return false;
}

static __always_inline void record_cause(struct tcpstate_record *r, void *ctx,
					 const struct sock_common *c,
					 bool direct)
{
	if (r->flags & TCPSTATE_F_TIMER)
		return;
	r->cause = netns_is_dying(c, direct) ? TCPSTATE_CAUSE_NETNS :
					       cause_on_stack(ctx);
}

/* tcp_reset() is for both, and sets the same error. */
static __always_inline void record_late_data(struct tcpstate_record *r,
					     void *ctx)
{
	const __u32 waits = 1 << TCPSTATE_FIN_WAIT1 | 1 << TCPSTATE_FIN_WAIT2;

	if ((r->shutdown & 1) && (waits & 1 << (r->old_state & 15)) &&
	    cause_on_stack(ctx) == TCPSTATE_CAUSE_INPUT)
		r->flags |= TCPSTATE_F_LATE_DATA;
}

/* What all three kinds of socket have. */
static __always_inline void record_common(struct tcpstate_record *r,
					  const struct sock_common *c,
					  bool direct)
{
	record_addresses(r, c, direct);
	record_netns(r, c, direct);
}

/*
 * By loads and not by a helper, which takes ten times the instructions.  What is
 * behind the NUL may be left of a longer name.
 */
static __always_inline void record_name(struct tcpstate_record *r,
					const struct task_struct *task)
{
	const __u64 *from = (const void *)task->comm;
	__u64 *to = (void *)r->comm;

	to[0] = from[0];
	to[1] = from[1];
	r->comm[TCPSTATE_COMM_LEN - 1] = '\0';
}

/*
 * Only where a task holds the socket, and the state is one that tasks lead to:
 * elsewhere `current` is whoever was interrupted, or has only let go of it.
 */
static __always_inline void record_task(struct tcpstate_record *r,
					struct sock *sk, __u8 state)
{
	const __u32 by_task = 1 << TCPSTATE_SYN_SENT | 1 << TCPSTATE_LISTEN |
			      1 << TCPSTATE_FIN_WAIT1 |
			      1 << TCPSTATE_LAST_ACK | 1 << TCPSTATE_CLOSE;
	struct task_struct *task;
	struct socket *socket;

	if (!(r->flags & TCPSTATE_F_OWNED) || !(by_task & 1 << (state & 15))) {
		r->flags |= TCPSTATE_F_NO_TASK;
		return;
	}
	task = bpf_get_current_task_btf();

	if (task->flags & PF_KTHREAD)
		r->flags |= TCPSTATE_F_KTHREAD;
	if (task->flags & PF_EXITING)
		r->flags |= TCPSTATE_F_EXITING;
	socket = sk->sk_socket;
	if (socket && socket->file && socket->file->f_cred != task->cred)
		r->flags |= TCPSTATE_F_STRANGER;
	r->tgid = task->tgid;
	record_name(r, task->group_leader);
}

static __always_inline void record_flags(struct tcpstate_record *r,
					 struct sock *sk)
{
	unsigned long flags = sk->__sk_common.skc_flags;
	struct socket *socket = sk->sk_socket;

	if (sk->sk_lock.owned)
		r->flags |= TCPSTATE_F_OWNED;
	if (socket && socket->file)
		r->flags |= TCPSTATE_F_HAS_FILE;
	if (flags & (1UL << SOCK_DEAD))
		r->flags |= TCPSTATE_F_DEAD;
	if (flags & (1UL << SOCK_DONE))
		r->flags |= TCPSTATE_F_DONE;
	if (flags & (1UL << SOCK_KEEPOPEN))
		r->flags |= TCPSTATE_F_KEEPALIVE;
	if ((flags & (1UL << SOCK_LINGER)) && !sk->sk_lingertime)
		r->flags |= TCPSTATE_F_LINGER0;
}

static __always_inline void record_tcp(struct tcpstate_record *r,
				       struct tcp_sock *tp)
{
	r->snd_una = tp->snd_una;
	r->snd_nxt = tp->snd_nxt;
	r->write_seq = tp->write_seq;
	r->rcv_nxt = tp->rcv_nxt;
	r->copied_seq = tp->copied_seq;
	r->rcv_wup = tp->rcv_wup;
	r->bytes_acked = tp->bytes_acked;
	r->bytes_received = tp->bytes_received;
	r->segs_in = tp->segs_in;
	r->segs_out = tp->segs_out;
	r->data_segs_in = tp->data_segs_in;
	r->data_segs_out = tp->data_segs_out;
	r->total_retrans = tp->total_retrans;
	r->linger2 = tp->linger2;
	r->retransmits = tp->inet_conn.icsk_retransmits;
	r->backoff = tp->inet_conn.icsk_backoff;
	r->probes_out = tp->inet_conn.icsk_probes_out;
	if (tp->inet_conn.icsk_user_timeout)
		r->flags |= TCPSTATE_F_USER_TIMEOUT;
	if (tp->out_of_order_queue.rb_node)
		r->flags |= TCPSTATE_F_OOO;
	if (BPF_CORE_READ_BITFIELD(tp, repair))
		r->flags |= TCPSTATE_F_REPAIR;
	if (BPF_CORE_READ_BITFIELD(tp, syn_data_acked) || tp->fastopen_rsk)
		r->flags |= TCPSTATE_F_FASTOPEN;
}

/* keepalive_time_elapsed() */
static __always_inline __u32 idle_jiffies(const struct tcp_sock *tp)
{
	__u32 now = bpf_jiffies64();
	__u32 data = now - tp->inet_conn.icsk_ack.lrcvtime;
	__u32 any = now - tp->rcv_tstamp;

	return data < any ? data : any;
}

/*
 * What only some moves need.  snd_wl1 is the number of the segment whose ACK has
 * just been taken (tcp_ack_update_window()); its own text is queued after this.
 */
static __always_inline void record_move(struct tcpstate_record *r,
					struct sock *sk)
{
	const __u32 open = 1 << TCPSTATE_ESTABLISHED |
			   1 << TCPSTATE_CLOSE_WAIT;
	struct tcp_sock *tp;

	if (r->new_state != TCPSTATE_FIN_WAIT2 &&
	    (r->new_state != TCPSTATE_CLOSE || r->sk_err != ETIMEDOUT))
		return;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	if (r->new_state == TCPSTATE_FIN_WAIT2) {
		if ((__s32)(tp->snd_wl1 - tp->rcv_nxt) > 0)
			r->flags |= TCPSTATE_F_OOO;
	} else if (open & 1 << (r->old_state & 15)) {
		r->idle_ms = hz ? (__u64)idle_jiffies(tp) * 1000 / hz : 0;
	}
}

/*
 * A full socket: a typed argument, never anything else.  Its cookie is the
 * caller's: which helper makes it depends on the program type.
 */
static __always_inline void record_sock(struct tcpstate_record *r,
					struct sock *sk)
{
	/* NULL for MPTCP, whose tcp_sock fields are other memory. */
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	record_common(r, &sk->__sk_common, true);
	r->protocol = sk->sk_protocol;
	r->sk_err = sk->sk_err;
	r->shutdown = sk->sk_shutdown & 3;
	r->uid = sk->sk_uid.val;
	if (bpf_core_field_exists(sk->sk_cgrp_data.cgroup)) {
		struct cgroup *cgroup = sk->sk_cgrp_data.cgroup;

		if (cgroup)
			r->cgroup = cgroup->kn->id;
	}
	record_flags(r, sk);
	if (tp)
		record_tcp(r, tp);
}

/*
 * A timewait_sock does not tell its protocol.  DCCP, up to 6.15, has plain
 * ones, so that the size of the object does.
 */
static __always_inline bool tw_is_tcp(const struct inet_timewait_sock *tw,
				      bool direct)
{
	__u32 size;

	if (direct)
		size = tw->__tw_common.skc_prot->twsk_prot->twsk_obj_size;
	else
		size = BPF_CORE_READ(tw, __tw_common.skc_prot, twsk_prot,
				     twsk_obj_size);
	return size > bpf_core_type_size(struct inet_timewait_sock);
}

static __always_inline void record_tw(struct tcpstate_record *r,
				      const struct inet_timewait_sock *tw,
				      bool direct)
{
	const struct sock_common *c = &tw->__tw_common;

	record_common(r, c, direct);
	r->protocol = IPPROTO_TCP;
	r->flags |= TCPSTATE_F_NO_TASK;
	r->rcv_nxt = READ(direct, c, skc_tw_rcv_nxt);
	r->snd_nxt = READ(direct, c, skc_tw_snd_nxt);
}

static __always_inline void record_timeout(struct tcpstate_record *r,
					   __u64 jiffies)
{
	if (hz)
		r->timeout_ms = jiffies * 1000 / hz;
}

static __always_inline void record_req(struct tcpstate_record *r,
				       const struct request_sock *req,
				       bool direct)
{
	const struct tcp_request_sock *treq = (const void *)req;

	record_common(r, &req->__req_common, direct);
	r->protocol = IPPROTO_TCP;
	r->flags |= TCPSTATE_F_NO_TASK;
	r->total_retrans = READ(direct, req, num_retrans);
	if (bpf_rdonly_cast) {
		treq = CAST(treq, struct tcp_request_sock);
		r->rcv_nxt = treq->rcv_isn + 1;
		r->snd_nxt = treq->snt_isn + 1;
	} else {
		r->rcv_nxt = BPF_CORE_READ(treq, rcv_isn) + 1;
		r->snd_nxt = BPF_CORE_READ(treq, snt_isn) + 1;
	}
}

/* TCP_SKB_CB(), include/net/tcp.h; without the bits that AccECN added. */
#define TCPHDR_FIN	0x01
#define TCPHDR_SYN	0x02

static __always_inline bool has_syn_or_fin(const struct sk_buff *skb)
{
	const struct tcp_skb_cb *cb = (const void *)skb->cb;
	__u16 flags = 0;

	bpf_probe_read_kernel(&flags, bpf_core_field_size(cb->tcp_flags) > 1 ?
			      2 : 1, &cb->tcp_flags);
	return flags & (TCPHDR_SYN | TCPHDR_FIN);
}

/* A listener has no peer; the segment that it answers to tells one. */
static __always_inline void record_peer(struct tcpstate_record *r,
					const struct sk_buff *skb)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	unsigned char *ip = head + BPF_CORE_READ(skb, network_header);
	__u16 port = 0;
	__u8 version = 0;

	bpf_probe_read_kernel(&port, sizeof(port),
			      head + BPF_CORE_READ(skb, transport_header));
	r->dport = __builtin_bswap16(port);
	bpf_probe_read_kernel(&version, sizeof(version), ip);
	if (version >> 4 == 4) {
		r->family = AF_INET;
		__builtin_memset(r->saddr, 0, sizeof(r->saddr));
		bpf_probe_read_kernel(r->saddr, 4, ip + 16);
		bpf_probe_read_kernel(r->daddr, 4, ip + 12);
	} else {
		bpf_probe_read_kernel(r->saddr, 16, ip + 24);
		bpf_probe_read_kernel(r->daddr, 16, ip + 8);
	}
}

/* Has its third segment come?  Rarely asked, so by helper in any case. */
static __always_inline bool request_is_acked(const struct request_sock *req)
{
	const struct inet_request_sock *ireq = (const void *)req;

	return BPF_CORE_READ_BITFIELD_PROBED(ireq, acked);
}

#endif /* TCPSTATE_RECORD_BPF_H */

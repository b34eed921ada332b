// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets to records: the only file that reads socket fields, the twin of
 * bpf/record.bpf.h.
 *
 * A full socket's transitions happen under its lock, held by `current` or, in
 * softirq, as a spinlock; so its fields hold still.  Mini-sockets are held by
 * a reference of our caller and have no lock; their fields are written once.
 */
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
#include <linux/net.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sock_diag.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <net/inet_sock.h>
#include <net/inet_timewait_sock.h>
#include <net/request_sock.h>
#include <net/sock.h>
#include <net/tcp.h>
#include <net/tcp_states.h>

#include "callers.h"
#include "compat.h"
#include "record.h"
#include "session.h"

static_assert((int)TCP_ESTABLISHED == (int)TCPSTATE_ESTABLISHED);
static_assert((int)TCP_TIME_WAIT == (int)TCPSTATE_TIME_WAIT);
static_assert((int)TCP_CLOSING == (int)TCPSTATE_CLOSING);
static_assert((int)TCP_NEW_SYN_RECV == (int)TCPSTATE_NEW_SYN_RECV);
static_assert(TCPSTATE_COMM_LEN == TASK_COMM_LEN);

static void record_begin(struct tcpstate_record *r, enum tcpstate_type type,
			 enum tcpstate_basis basis)
{
	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	r->version = TCPSTATE_RECORD_VERSION;
	r->type = type;
	r->basis = basis;
}

/*
 * Made on first use, and copied from request_sock to sock to timewait_sock: all
 * three keep it in sock_common.  sock_diag_save_cookie() is lockless and may
 * be interrupted by itself (include/linux/cookie.h).
 */
static u64 socket_cookie(struct sock *sk)
{
	u64 cookie = atomic64_read(&sk->sk_cookie);
	u32 words[2];

	if (likely(cookie))
		return cookie;
	sock_diag_save_cookie(sk, words);
	return words[0] | (u64)words[1] << 32;
}

/*
 * What the three kinds of socket have in sock_common, and who wants it; by what
 * is asked of a socket of its own, or of a request's listener, @owner.  The
 * namespace outlives them: the functions that we hook follow the same pointer.
 */
static u32 record_common(struct tcpstate_record *r, struct sock *sk,
			 struct sock *owner)
{
	const struct net *net = sock_net(sk);
	u32 wanting;

	r->netns_ino = net->ns.inum;
	r->netns_cookie = compat_net_cookie(net);
	r->family = sk->sk_family;
	r->sport = sk->sk_num;
	r->dport = ntohs(sk->sk_dport);
	if (r->family == AF_INET) {
		memcpy(r->saddr, &sk->sk_rcv_saddr, sizeof(sk->sk_rcv_saddr));
		memcpy(r->daddr, &sk->sk_daddr, sizeof(sk->sk_daddr));
	}
#if IS_ENABLED(CONFIG_IPV6)
	if (r->family == AF_INET6) {
		memcpy(r->saddr, &sk->sk_v6_rcv_saddr,
		       sizeof(sk->sk_v6_rcv_saddr));
		memcpy(r->daddr, &sk->sk_v6_daddr, sizeof(sk->sk_v6_daddr));
	}
#endif
	wanting = sessions_wanting(r, owner);
	if (wanting)
		r->cookie = socket_cookie(sk);
	return wanting;
}

/*
 * struct socket is freed by RCU with its inode (sock_free_inode()), so what
 * sk_socket pointed at lives while preemption is off, even where a close() on
 * another CPU clears it.  So does its file, which is freed by RCU (since 6.7 its
 * memory stays a file) after __sock_release() has cleared the pointer.
 */
static const struct file *socket_file(const struct sock *sk)
{
	const struct socket *socket = READ_ONCE(sk->sk_socket);

	return socket ? READ_ONCE(socket->file) : NULL;
}

/* Of the credentials only the pointers are compared. */
static bool is_stranger(const struct sock *sk)
{
	const struct file *file = socket_file(sk);

	return file && file->f_cred != current_cred();
}

/*
 * Only where a task holds the socket; elsewhere `current` is whoever was
 * interrupted.  A thread's leader stays until the thread itself is released,
 * which happens after exit_notify() has set exit_state; from there on its own
 * name has to do.  exec() by another thread swaps the leader with interrupts
 * off (de_thread()).
 */
static void record_task(struct tcpstate_record *r, const struct sock *sk)
{
	struct task_struct *task = current;

	if (task->flags & PF_KTHREAD)
		r->flags |= TCPSTATE_F_KTHREAD;
	if (task->flags & PF_EXITING)
		r->flags |= TCPSTATE_F_EXITING;
	if (is_stranger(sk))
		r->flags |= TCPSTATE_F_STRANGER;
	r->tgid = task->tgid;
	if (!READ_ONCE(task->exit_state))
		task = task->group_leader;
	/* may tear against prctl(PR_SET_NAME): task_lock() is not for softirq */
	memcpy(r->comm, task->comm, TCPSTATE_COMM_LEN - 1);
}

static void record_sock_flags(struct tcpstate_record *r, const struct sock *sk)
{
	if (READ_ONCE(sk->sk_lock.owned))
		r->flags |= TCPSTATE_F_OWNED;
	if (socket_file(sk))
		r->flags |= TCPSTATE_F_HAS_FILE;
	if (sock_flag(sk, SOCK_DEAD))
		r->flags |= TCPSTATE_F_DEAD;
	if (sock_flag(sk, SOCK_DONE))
		r->flags |= TCPSTATE_F_DONE;
	if (sock_flag(sk, SOCK_KEEPOPEN))
		r->flags |= TCPSTATE_F_KEEPALIVE;
	if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime)
		r->flags |= TCPSTATE_F_LINGER0;
}

static void record_tcp(struct tcpstate_record *r, const struct tcp_sock *tp)
{
	const struct inet_connection_sock *icsk = &tp->inet_conn;

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
	r->retransmits = icsk->icsk_retransmits;
	r->backoff = icsk->icsk_backoff;
	r->probes_out = icsk->icsk_probes_out;
	if (READ_ONCE(icsk->icsk_user_timeout))
		r->flags |= TCPSTATE_F_USER_TIMEOUT;
	if (!RB_EMPTY_ROOT(&tp->out_of_order_queue))
		r->flags |= TCPSTATE_F_OOO;
	if (tp->repair)
		r->flags |= TCPSTATE_F_REPAIR;
	if (tp->syn_data_acked || rcu_access_pointer(tp->fastopen_rsk))
		r->flags |= TCPSTATE_F_FASTOPEN;
}

static bool sock_is_inet(const struct sock *sk)
{
	return sk->sk_family == AF_INET || sk->sk_family == AF_INET6;
}

/*
 * An MPTCP socket is no tcp_sock: reading one there returned half a kernel
 * pointer.  So the protocol is asked before any such field.
 */
static bool sock_is_tcp(const struct sock *sk)
{
	return sock_is_inet(sk) && sk_fullsock(sk) &&
	       sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP;
}

static bool sock_is_mptcp(const struct sock *sk)
{
	return sock_is_inet(sk) && sk_fullsock(sk) &&
	       sk->sk_protocol == IPPROTO_MPTCP;
}

static u32 record_sock(struct tcpstate_record *r, struct sock *sk)
{
	u32 wanting = record_common(r, sk, sk);

	if (!wanting)
		return 0;
	r->protocol = sk->sk_protocol;
	r->sk_err = READ_ONCE(sk->sk_err);
	r->shutdown = sk->sk_shutdown & SHUTDOWN_MASK;
	/* the value in the initial user namespace */
	r->uid = __kuid_val(READ_ONCE(sk->sk_uid));
	/* the socket holds a reference until sk_free() (cgroup_sk_free()) */
	r->cgroup = compat_sock_cgroup(sk);
	record_sock_flags(r, sk);
	if (sock_is_tcp(sk))
		record_tcp(r, tcp_sk(sk));
	if ((r->flags & TCPSTATE_F_OWNED) && in_task())
		record_task(r, sk);
	else
		r->flags |= TCPSTATE_F_NO_TASK;
	return wanting;
}

/* tcp_reset() is for both, and sets the same error. */
static void record_late_data(struct tcpstate_record *r)
{
	const u32 waits = 1 << TCPSTATE_FIN_WAIT1 | 1 << TCPSTATE_FIN_WAIT2;

	if ((r->shutdown & RCV_SHUTDOWN) && (waits & BIT(r->old_state)) &&
	    callers_cause() == TCPSTATE_CAUSE_INPUT)
		r->flags |= TCPSTATE_F_LATE_DATA;
}

/* keepalive_time_elapsed() */
static u32 idle_jiffies(const struct tcp_sock *tp)
{
	return min(tcp_jiffies32 - tp->inet_conn.icsk_ack.lrcvtime,
		   tcp_jiffies32 - tp->rcv_tstamp);
}

/*
 * What only some moves need.  snd_wl1 is the number of the segment whose ACK has
 * just been taken (tcp_ack_update_window()); its own text is queued after this.
 */
static void record_move(struct tcpstate_record *r, const struct tcp_sock *tp)
{
	const u32 open = 1 << TCPSTATE_ESTABLISHED | 1 << TCPSTATE_CLOSE_WAIT;

	if (r->new_state == TCPSTATE_FIN_WAIT2 &&
	    after(tp->snd_wl1, tp->rcv_nxt))
		r->flags |= TCPSTATE_F_OOO;
	if (r->new_state == TCPSTATE_CLOSE && r->sk_err == ETIMEDOUT &&
	    (open & BIT(r->old_state)))
		r->idle_ms = jiffies_to_msecs(idle_jiffies(tp));
}

u32 record_state(struct tcpstate_record *r, struct sock *sk, int old_state,
		 int new_state)
{
	u32 wanting;

	if (!sock_is_tcp(sk) && !sock_is_mptcp(sk))
		return 0;
	record_begin(r, TCPSTATE_STATE, TCPSTATE_BY_TRACEPOINT);
	r->old_state = old_state;
	r->new_state = new_state;
	wanting = record_sock(r, sk);
	if (!wanting)
		return 0;
	if (new_state == TCPSTATE_CLOSE && r->sk_err)
		record_late_data(r);
	if (sock_is_tcp(sk))
		record_move(r, tcp_sk(sk));
	return wanting;
}

/* No move: the state that it is met in. */
static u32 record_in_state(struct tcpstate_record *r, struct sock *sk,
			   enum tcpstate_type type, enum tcpstate_basis basis)
{
	if (!sock_is_tcp(sk))
		return 0;
	record_begin(r, type, basis);
	r->old_state = READ_ONCE(sk->sk_state);
	r->new_state = r->old_state;
	return record_sock(r, sk);
}

u32 record_owner(struct tcpstate_record *r, struct sock *sk,
		 enum tcpstate_type type)
{
	return record_in_state(r, sk, type, TCPSTATE_BY_PROBE);
}

u32 record_retransmit(struct tcpstate_record *r, struct sock *sk,
		      const struct sk_buff *skb)
{
	if (!(TCP_SKB_CB(skb)->tcp_flags & (TCPHDR_SYN | TCPHDR_FIN)))
		return 0;
	return record_in_state(r, sk, TCPSTATE_RETRANSMIT,
			       TCPSTATE_BY_TRACEPOINT);
}

u32 record_rst_received(struct tcpstate_record *r, struct sock *sk)
{
	u32 wanting = record_in_state(r, sk, TCPSTATE_RST_RECEIVED,
				      TCPSTATE_BY_TRACEPOINT);

	if (wanting)
		record_late_data(r);
	return wanting;
}

/* A listener has no peer; the segment that it answers to tells one. */
static void record_peer(struct tcpstate_record *r, const struct sk_buff *skb)
{
	r->dport = ntohs(tcp_hdr(skb)->source);
	if (ip_hdr(skb)->version == 4) {
		r->family = AF_INET;
		memset(r->saddr, 0, sizeof(r->saddr));
		memcpy(r->saddr, &ip_hdr(skb)->daddr, 4);
		memcpy(r->daddr, &ip_hdr(skb)->saddr, 4);
	} else {
		memcpy(r->saddr, &ipv6_hdr(skb)->daddr, sizeof(r->saddr));
		memcpy(r->daddr, &ipv6_hdr(skb)->saddr, sizeof(r->daddr));
	}
}

/*
 * Of a mini-socket only what is in sock_common.  What has no cookie yet is
 * older than we are, and no dump has shown it: it gets one here.
 */
u32 record_rst_sent(struct tcpstate_record *r, struct sock *sk,
		    const struct sk_buff *skb, enum tcpstate_rst_reason reason)
{
	u32 wanting;

	if (!sk || !sock_is_inet(sk) ||
	    (sk_fullsock(sk) && !sock_is_tcp(sk)))
		return 0;
	record_begin(r, TCPSTATE_RST_SENT, TCPSTATE_BY_TRACEPOINT);
	wanting = record_common(r, sk, NULL);
	if (!wanting)
		return 0;
	r->protocol = IPPROTO_TCP;
	r->flags |= TCPSTATE_F_NO_TASK;
	r->old_state = READ_ONCE(sk->sk_state);
	r->new_state = r->old_state;
	r->rst_reason = reason;
	if (r->old_state == TCPSTATE_LISTEN && skb)
		record_peer(r, skb);
	return wanting;
}

u32 record_challenge(struct tcpstate_record *r, struct sock *sk)
{
	if (!sock_is_tcp(sk))
		return 0;
	record_begin(r, TCPSTATE_CHALLENGE, TCPSTATE_BY_PROBE);
	r->protocol = IPPROTO_TCP;
	r->flags |= TCPSTATE_F_NO_TASK;
	r->old_state = READ_ONCE(sk->sk_state);
	r->new_state = r->old_state;
	return record_common(r, sk, sk);
}

/* Before its timer did: the stack, and the namespace, say who ended it. */
static void record_cause(struct tcpstate_record *r, const struct sock *sk)
{
	if (compat_net_is_dying(sock_net(sk)))
		r->cause = TCPSTATE_CAUSE_NETNS;
	else
		r->cause = callers_cause();
}

/* DCCP's request_socks pass the same functions, up to 6.15. */
static u32 record_request(struct tcpstate_record *r, struct request_sock *req,
			  struct sock *listener, enum tcpstate_type type)
{
	const struct tcp_request_sock *treq = tcp_rsk(req);
	u32 wanting;

	if (!sock_is_tcp(listener))
		return 0;
	record_begin(r, type, TCPSTATE_BY_PROBE);
	wanting = record_common(r, req_to_sk(req), listener);
	if (!wanting)
		return 0;
	r->protocol = IPPROTO_TCP;
	r->flags |= TCPSTATE_F_NO_TASK;
	r->listener = socket_cookie(listener);
	r->snd_nxt = treq->snt_isn + 1;
	r->rcv_nxt = treq->rcv_isn + 1;
	r->total_retrans = req->num_retrans;
	return wanting;
}

u32 record_request_add(struct tcpstate_record *r, struct request_sock *req,
		       struct sock *listener)
{
	u32 wanting = record_request(r, req, listener, TCPSTATE_REQ_ADD);

	if (!wanting)
		return 0;
	r->old_state = TCPSTATE_LISTEN;
	r->new_state = TCPSTATE_NEW_SYN_RECV;
	return wanting;
}

u32 record_synack_again(struct tcpstate_record *r, struct request_sock *req,
			struct sock *sk)
{
	u32 wanting = record_request(r, req, sk, TCPSTATE_SYNACK_AGAIN);

	if (!wanting)
		return 0;
	/* with Fast Open the child is there, and has a cookie of its own */
	if (READ_ONCE(sk->sk_state) != TCP_LISTEN) {
		r->cookie = r->listener;
		r->listener = 0;
	}
	r->basis = TCPSTATE_BY_TRACEPOINT;
	r->old_state = TCPSTATE_NEW_SYN_RECV;
	r->new_state = r->old_state;
	/* counted by our caller's caller, after this */
	r->total_retrans++;
	return wanting;
}

u32 record_request_drop(struct tcpstate_record *r, struct request_sock *req,
			struct sock *listener, bool from_timer)
{
	u32 wanting;

	/*
	 * Its child took its place in the hash, just before
	 * inet_csk_complete_hashdance(), or another CPU was first.
	 */
	if (sk_unhashed(req_to_sk(req)))
		return 0;
	wanting = record_request(r, req, listener, TCPSTATE_REQ_DROP);
	if (!wanting)
		return 0;
	r->old_state = TCPSTATE_NEW_SYN_RECV;
	r->new_state = TCPSTATE_CLOSE;
	/* its queue tells whether there was room for a child */
	r->rqueue = READ_ONCE(listener->sk_ack_backlog);
	r->wqueue = READ_ONCE(listener->sk_max_ack_backlog);
	if (inet_rsk(req)->acked)
		r->flags |= TCPSTATE_F_ACKED;
	if (!from_timer)
		record_cause(r, req_to_sk(req));
	else if (inet_sk_state_load(listener) != TCP_LISTEN)
		r->cause = TCPSTATE_CAUSE_INPUT;
	if (from_timer)
		r->flags |= TCPSTATE_F_TIMER;
	return wanting;
}

/*
 * A timewait_sock does not tell its protocol.  DCCP, up to 6.15, has plain
 * ones, so that the size of the object does.
 */
static bool timewait_is_tcp(const struct inet_timewait_sock *tw)
{
	const struct timewait_sock_ops *ops = tw->tw_prot->twsk_prot;

	return ops && ops->twsk_obj_size >= sizeof(struct tcp_timewait_sock);
}

static u32 record_timewait(struct tcpstate_record *r,
			   struct inet_timewait_sock *tw,
			   enum tcpstate_type type)
{
	const struct tcp_timewait_sock *tcptw;
	u32 wanting;

	if (!timewait_is_tcp(tw))
		return 0;
	tcptw = tcp_twsk((struct sock *)tw);
	record_begin(r, type, TCPSTATE_BY_PROBE);
	wanting = record_common(r, (struct sock *)tw, NULL);
	if (!wanting)
		return 0;
	r->protocol = IPPROTO_TCP;
	r->flags |= TCPSTATE_F_NO_TASK;
	r->snd_nxt = tcptw->tw_snd_nxt;
	r->rcv_nxt = tcptw->tw_rcv_nxt;
	return wanting;
}

u32 record_timewait_schedule(struct tcpstate_record *r,
			     struct inet_timewait_sock *tw,
			     int timeout_jiffies, bool rearm)
{
	u32 wanting = record_timewait(r, tw, rearm ? TCPSTATE_TW_REARM :
						     TCPSTATE_TW_ADD);

	if (!wanting)
		return 0;
	r->new_state = READ_ONCE(tw->tw_substate);
	r->timeout_ms = jiffies_to_msecs(timeout_jiffies);
	return wanting;
}

u32 record_timewait_kill(struct tcpstate_record *r,
			 struct inet_timewait_sock *tw)
{
	u32 wanting = record_timewait(r, tw, TCPSTATE_TW_KILL);

	if (!wanting)
		return 0;
	r->old_state = READ_ONCE(tw->tw_substate);
	r->new_state = TCPSTATE_CLOSE;
	if (time_after_eq(jiffies, tw->tw_timer.expires))
		r->flags |= TCPSTATE_F_TIMER;
	else
		record_cause(r, (struct sock *)tw);
	return wanting;
}

u32 record_timewait_segment(struct tcpstate_record *r,
			    struct inet_timewait_sock *tw,
			    const struct tcphdr *th)
{
	bool fin = th->fin && !th->rst &&
		   READ_ONCE(tw->tw_substate) == TCP_TIME_WAIT;
	u32 wanting;

	if (!fin && (!th->syn || th->ack || th->rst))
		return 0;
	wanting = record_timewait(r, tw,
				  fin ? TCPSTATE_TW_FIN : TCPSTATE_TW_SYN);
	if (!wanting)
		return 0;
	r->old_state = READ_ONCE(tw->tw_substate);
	r->new_state = r->old_state;
	return wanting;
}

void record_lost(struct tcpstate_record *r, u64 count, u64 seq, u32 cpu,
		 u64 mono_ns)
{
	record_begin(r, TCPSTATE_LOST, TCPSTATE_BY_TRACEPOINT);
	r->cpu = cpu;
	r->seq = seq;
	r->mono_ns = mono_ns;
	r->count = count;
}

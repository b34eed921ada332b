/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SYNs that meet a socket which is in their way: programs of tcpstate.bpf.c.
 */
#ifndef TCPSTATE_CHALLENGE_BPF_H
#define TCPSTATE_CHALLENGE_BPF_H

#include "record.bpf.h"
#include "slots.bpf.h"

#include <asm/ptrace.h>
#include <bpf/bpf_tracing.h>

/*
 * The text of tcp_validate_incoming(), which no file shows: read_text copies
 * it, and the loader finds in it what tcp_send_challenge_ack() returns to if it
 * was called for a SYN (tcpstate_syn_call.h).
 */
#define TEXT_MAX	4096

const volatile __u64 text_start;
const volatile __u32 text_bytes;
__u8 text[TEXT_MAX];
volatile __u64 syn_return;

SEC("raw_tp")
int read_text(void *ctx)
{
	__u32 bytes = text_bytes;

	(void)ctx;
	if (!bytes || bytes > TEXT_MAX)
		return -1;
	return bpf_probe_read_kernel(text, bytes, (const void *)text_start);
}

static __always_inline bool is_for_syn(void *ctx)
{
	__u64 frames[FRAMES] = {};

	bpf_get_stack(ctx, frames, sizeof(frames), 0);
	for (int i = 0; i < FRAMES; i++)
		if (frames[i] == syn_return)
			return true;
	return false;
}

static __always_inline void fill_met(struct tcpstate_record *r,
				     const struct sock_common *c, __u64 cookie,
				     __u8 state, bool direct)
{
	r->cookie = cookie;
	record_common(r, c, direct);
	r->protocol = IPPROTO_TCP;
	r->flags |= TCPSTATE_F_NO_TASK;
	r->old_state = state;
	r->new_state = state;
}

static __always_inline int on_challenge(void *ctx, struct sock *sk,
					enum program program)
{
	const struct whose whose = WHOSE_SOCK(sk);
	struct slot s;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (!is_for_syn(ctx))
		return unrecorded(program, ON_CHALLENGE, sk, 0);
	if (!slot_open(&s, TCPSTATE_CHALLENGE, TCPSTATE_BY_PROBE, program,
		       ON_CHALLENGE, &whose, 0))
		return 0;
	fill_met(s.rec, &sk->__sk_common, bpf_get_socket_cookie(sk),
		 sk->__sk_common.skc_state, true);
	ring_submit(&s);
	return 0;
}

SEC("fentry/tcp_send_challenge_ack")
int BPF_PROG(challenge_fentry, struct sock *sk)
{
	return on_challenge(ctx, sk, FIRST);
}

SEC("fentry/tcp_send_challenge_ack")
int BPF_PROG(challenge_fentry_twin, struct sock *sk)
{
	return on_challenge(ctx, sk, TWIN);
}

/* No helper makes its cookie here; what no dump has shown has none. */
SEC("kprobe/tcp_send_challenge_ack")
int BPF_KPROBE(challenge_kprobe, struct sock *sk)
{
	const struct sock_common *c = &sk->__sk_common;
	__u64 cookie = BPF_CORE_READ(c, skc_cookie.counter);
	const struct whose whose = { .common = c, .owner = sk };
	struct slot s;

	if (!cookie || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP ||
	    !is_for_syn(ctx))
		return 0;
	if (!slot_open_alone(&s, TCPSTATE_CHALLENGE, TCPSTATE_BY_PROBE, &whose,
			     false))
		return 0;
	fill_met(s.rec, c, cookie, BPF_CORE_READ(c, skc_state), false);
	ring_submit(&s);
	return 0;
}

/*
 * The SYN and FIN of segments to mini-sockets.  Whether TIME_WAIT gives way to a
 * SYN its end tells, which follows at once.  0: neither; most are ACKs.
 */
#define type_of_segment(th, substate, read) \
	(read(th, rst) ? 0 : \
	 read(th, fin) && (substate) == TCPSTATE_TIME_WAIT ? TCPSTATE_TW_FIN : \
	 read(th, syn) && !read(th, ack) ? TCPSTATE_TW_SYN : 0)

static __always_inline int on_tw_syn(struct inet_timewait_sock *tw,
				     const struct tcphdr *th,
				     enum program program)
{
	__u8 substate = tw->tw_substate;
	__u8 type = type_of_segment(th, substate, BPF_CORE_READ_BITFIELD);
	const struct whose whose = WHOSE_TW(tw);
	struct slot s;

	if (!type || !tw_is_tcp(tw, true))
		return unrecorded(program, ON_TW_SYN, tw, 0);
	if (!slot_open(&s, type, TCPSTATE_BY_PROBE, program, ON_TW_SYN, &whose,
		       0))
		return 0;
	s.rec->cookie = bpf_get_socket_cookie(tw);
	record_tw(s.rec, tw, true);
	s.rec->old_state = substate;
	s.rec->new_state = s.rec->old_state;
	ring_submit(&s);
	return 0;
}

SEC("fentry/tcp_timewait_state_process")
int BPF_PROG(tw_syn_fentry, struct inet_timewait_sock *tw, struct sk_buff *skb,
	     struct tcphdr *th)
{
	return on_tw_syn(tw, th, FIRST);
}

SEC("fentry/tcp_timewait_state_process")
int BPF_PROG(tw_syn_fentry_twin, struct inet_timewait_sock *tw,
	     struct sk_buff *skb, struct tcphdr *th)
{
	return on_tw_syn(tw, th, TWIN);
}

SEC("kprobe/tcp_timewait_state_process")
int BPF_KPROBE(tw_syn_kprobe, struct inet_timewait_sock *tw,
	       struct sk_buff *skb, struct tcphdr *th)
{
	__u8 substate = BPF_CORE_READ(tw, tw_substate);
	__u8 type = type_of_segment(th, substate,
				    BPF_CORE_READ_BITFIELD_PROBED);
	const struct whose whose = WHOSE_TW(tw);
	__u64 cookie;
	struct slot s;

	if (!type || !tw_is_tcp(tw, false))
		return 0;
	cookie = BPF_CORE_READ(tw, __tw_common.skc_cookie.counter);
	if (!cookie || !slot_open_alone(&s, type, TCPSTATE_BY_PROBE,
					&whose, false))
		return 0;
	s.rec->cookie = cookie;
	record_tw(s.rec, tw, false);
	s.rec->old_state = substate;
	s.rec->new_state = s.rec->old_state;
	ring_submit(&s);
	return 0;
}

#endif /* TCPSTATE_CHALLENGE_BPF_H */

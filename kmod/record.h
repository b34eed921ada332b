/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From sockets to records.
 *
 * Each function fills all of @r but cpu, seq and mono_ns, which the ring gives,
 * and returns the sessions that want it, a bit each: 0 if it is for none, or the
 * socket is not one of TCP's; @r is then undefined.
 * They run in task or softirq context with preemption off, never in an NMI, and
 * neither sleep, allocate nor take a lock.  The caller guarantees that the
 * object lives; what hangs off it is argued for in record.c.
 */
#ifndef TCPSTATE_RECORD_H
#define TCPSTATE_RECORD_H

#include <linux/types.h>
#include <linux/tcpstate.h>

struct inet_timewait_sock;
struct request_sock;
struct sk_buff;
struct sock;
struct tcphdr;

u32 record_state(struct tcpstate_record *r, struct sock *sk, int old_state,
		 int new_state);
/* CONNECT and ACCEPT: no move, but a task that can be named. */
u32 record_owner(struct tcpstate_record *r, struct sock *sk,
		 enum tcpstate_type type);
u32 record_request_add(struct tcpstate_record *r, struct request_sock *req,
		       struct sock *listener);
u32 record_request_drop(struct tcpstate_record *r, struct request_sock *req,
			struct sock *listener, bool from_timer);
u32 record_timewait_schedule(struct tcpstate_record *r,
			     struct inet_timewait_sock *tw,
			     int timeout_jiffies, bool rearm);
u32 record_timewait_kill(struct tcpstate_record *r,
			 struct inet_timewait_sock *tw);
/* RETRANSMIT and RST_RECEIVED; 0 also if @skb has no SYN and no FIN. */
u32 record_retransmit(struct tcpstate_record *r, struct sock *sk,
		      const struct sk_buff *skb);
u32 record_rst_received(struct tcpstate_record *r, struct sock *sk);
/* Of @req; @sk is its listener, or with Fast Open its child. */
u32 record_synack_again(struct tcpstate_record *r, struct request_sock *req,
			struct sock *sk);
/* @sk of any kind or NULL; @skb: what it answers to, or NULL. */
u32 record_rst_sent(struct tcpstate_record *r, struct sock *sk,
		    const struct sk_buff *skb, enum tcpstate_rst_reason reason);
/* A SYN for @sk; or a SYN or FIN, @th, for @tw; 0 also if it is neither. */
u32 record_challenge(struct tcpstate_record *r, struct sock *sk);
u32 record_timewait_segment(struct tcpstate_record *r,
			    struct inet_timewait_sock *tw,
			    const struct tcphdr *th);
/* count records up to @seq were not stored; fills everything. */
void record_lost(struct tcpstate_record *r, u64 count, u64 seq, u32 cpu,
		 u64 mono_ns);

#endif /* TCPSTATE_RECORD_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel fields that we read, and no others.  Offsets come from the
 * running kernel's BTF (CO-RE); only names and types matter here.
 */
#ifndef TCPSTATE_CORE_TYPES_BPF_H
#define TCPSTATE_CORE_TYPES_BPF_H

#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), \
			     apply_to = record)

typedef struct {
	__s64 counter;
} atomic64_t;

typedef struct {
	__u32 val;
} kuid_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

struct ns_common {
	unsigned int inum;
	refcount_t count;
	refcount_t __ns_ref;		/* its name since 6.18 */
};

struct net {
	struct ns_common ns;
	__u64 net_cookie;		/* since 5.12 */
};

typedef struct {
	struct net *net;
} possible_net_t;

struct timewait_sock_ops {
	unsigned int twsk_obj_size;
};

struct proto {
	struct timewait_sock_ops *twsk_prot;
};

struct hlist_node {
	struct hlist_node **pprev;
};

struct sock;

struct sock_common {
	struct hlist_node skc_node;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct proto *skc_prot;
	struct sock *skc_listener;	/* of a request_sock */
	__u32 skc_tw_rcv_nxt;		/* of an inet_timewait_sock */
	__u32 skc_tw_snd_nxt;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
	int level;
	struct cgroup *ancestors[1];	/* since 6.1; .level + 1 of them */
};

struct sock_cgroup_data {
	struct cgroup *cgroup;		/* since 5.15 */
};

typedef struct {
	int owned;
} socket_lock_t;

struct inode {
	unsigned long i_ino;
};

struct cred;

struct file {
	struct inode *f_inode;
	const struct cred *f_cred;
};

struct socket {
	struct file *file;
};

struct sock {
	struct sock_common __sk_common;
	socket_lock_t sk_lock;
	int sk_err;
	__u8 sk_shutdown;
	__u16 sk_protocol;		/* a bit-field before 5.6 */
	unsigned long sk_lingertime;
	kuid_t sk_uid;
	struct socket *sk_socket;
	struct sock_cgroup_data sk_cgrp_data;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
};

struct rb_node;

struct rb_root {
	struct rb_node *rb_node;
};

struct inet_connection_sock {
	__u8 icsk_retransmits;
	__u8 icsk_backoff;
	__u8 icsk_probes_out;
	__u32 icsk_user_timeout;
	struct {
		__u32 lrcvtime;
	} icsk_ack;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 write_seq;
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 rcv_wup;
	__u32 snd_wl1;
	__u32 rcv_tstamp;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u32 segs_in;
	__u32 segs_out;
	__u32 data_segs_in;
	__u32 data_segs_out;
	__u32 total_retrans;
	int linger2;
	struct request_sock *fastopen_rsk;
	struct rb_root out_of_order_queue;
	__u8 repair : 1;
	__u8 syn_data : 1;
	__u8 syn_data_acked : 1;
};

struct timer_list {
	unsigned long expires;
	void (*function)(struct timer_list *);
};

struct inet_timewait_sock {
	struct sock_common __tw_common;
	volatile unsigned char tw_substate;
	struct timer_list tw_timer;
};

struct request_sock {
	struct sock_common __req_common;
	__u8 num_retrans;
	struct timer_list rsk_timer;
};

struct inet_request_sock {
	struct request_sock req;
	__u16 acked : 1;
};

struct tcp_request_sock {
	struct inet_request_sock req;
	__u32 rcv_isn;
	__u32 snt_isn;
};

struct tcp_skb_cb {
	__u8 tcp_flags;			/* 16 bits since 6.16 */
};

struct sk_buff {
	char cb[48];
	unsigned char *head;
	__u16 transport_header;
	__u16 network_header;
};

struct tcphdr {
	__u16 fin : 1;
	__u16 rst : 1;
	__u16 syn : 1;
	__u16 ack : 1;
};

struct task_struct {
	unsigned int flags;
	int tgid;
	const struct cred *cred;
	struct task_struct *group_leader;
	char comm[16];
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#endif /* TCPSTATE_CORE_TYPES_BPF_H */

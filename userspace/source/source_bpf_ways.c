// SPDX-License-Identifier: GPL-2.0
#include "source_bpf_ways.h"

const char *const source_bpf_method[METHODS] = {
	"tracepoint", "fentry", "kprobe", "timer", "sockops",
};

#define TIMERS { "timer_start", "timer_cancel", "sock_ops" }

/* In the order of enum source_hook; ways in the order of preference. */
const struct way source_bpf_ways[HOOK_COUNT][MAX_WAYS] = {
	{
		{ BY_TRACEPOINT, "inet_sock_set_state",
		  { "state", "state_twin" } },
	}, {
		{ BY_FENTRY, "inet_csk_reqsk_queue_hash_add",
		  { "req_add_fentry", "req_add_fentry_twin" } },
		{ BY_KPROBE, "inet_csk_reqsk_queue_hash_add",
		  { "req_add_kprobe", "sock_ops" } },
		{ BY_TIMER, "reqsk_timer_handler", TIMERS },
	}, {
		{ BY_FENTRY, "__inet_csk_reqsk_queue_drop",
		  { "req_drop_fentry", "req_drop_fentry_twin" } },
		{ BY_FENTRY, "inet_csk_reqsk_queue_drop",
		  { "req_drop_old_fentry", "req_drop_old_fentry_twin" } },
		{ BY_KPROBE, "__inet_csk_reqsk_queue_drop",
		  { "req_drop_kprobe" } },
		{ BY_TIMER, "reqsk_timer_handler", TIMERS },
	}, {
		{ BY_FENTRY, "__inet_twsk_schedule",
		  { "tw_add_fentry", "tw_add_fentry_twin" } },
		{ BY_KPROBE, "__inet_twsk_schedule", { "tw_add_kprobe" } },
		{ BY_TIMER, "tw_timer_handler", TIMERS },
	}, {
		{ BY_FENTRY, "inet_twsk_kill",
		  { "tw_kill_fentry", "tw_kill_fentry_twin" } },
		{ BY_KPROBE, "inet_twsk_kill", { "tw_kill_kprobe" } },
		{ BY_TIMER, "tw_timer_handler", TIMERS },
	}, {
		{ BY_FENTRY, "tcp_connect", { "connect_fentry" } },
		{ BY_SOCKOPS, "TCP_CONNECT_CB", { "sock_ops" } },
	}, {
		{ BY_FENTRY, "security_sock_graft", { "accept_fentry" } },
	}, {
		/* A timer restarted within its bucket fires no tracepoint. */
		{ BY_FENTRY, "__inet_twsk_schedule",
		  { "tw_add_fentry", "tw_add_fentry_twin" } },
		{ BY_KPROBE, "__inet_twsk_schedule", { "tw_add_kprobe" } },
	}, {
		{ BY_TRACEPOINT, "tcp_retransmit_skb",
		  { "retransmit", "retransmit_twin" } },
	}, {
		{ BY_TRACEPOINT, "tcp_retransmit_synack",
		  { "synack_again", "synack_again_twin" } },
	}, {
		{ BY_TRACEPOINT, "tcp_send_reset",
		  { "rst_sent", "rst_sent_twin" } },
	}, {
		{ BY_TRACEPOINT, "tcp_receive_reset",
		  { "rst_received", "rst_received_twin" } },
	}, {
		{ BY_FENTRY, "tcp_send_challenge_ack",
		  { "challenge_fentry", "challenge_fentry_twin" } },
		{ BY_KPROBE, "tcp_send_challenge_ack",
		  { "challenge_kprobe" } },
	}, {
		{ BY_FENTRY, "tcp_timewait_state_process",
		  { "tw_syn_fentry", "tw_syn_fentry_twin" } },
		{ BY_KPROBE, "tcp_timewait_state_process",
		  { "tw_syn_kprobe" } },
	},
};

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel of a network namespace is set to, and what it has counted:
 * the measured values that findings and advice are chosen by.
 *
 * source/netns_facts.c fills it.  -1 = not known: not there on this kernel, not
 * to be read from this namespace.
 */
#ifndef TCPSTATE_NETNS_FACTS_H
#define TCPSTATE_NETNS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

struct netns_facts {
	uint32_t netns;		/* inode */

	/* /proc/sys/net/ipv4 unless said otherwise; times in seconds. */
	int64_t port_first, port_last;	/* ip_local_port_range */
	int64_t ports_reserved;		/* ip_local_reserved_ports within it */
	uint8_t *reserved_map;		/* bit per port, all 65536; NULL: none */
	int64_t tcp_tw_reuse;		/* 0 off, 1 on, 2 on for loopback */
	int64_t tcp_tw_reuse_delay_ms;	/* since 6.14; before it is 1000 */
	int64_t tcp_tw_recycle;		/* up to 4.11 */
	int64_t tcp_timestamps;
	int64_t tcp_max_tw_buckets;
	int64_t tcp_fin_timeout;
	int64_t tcp_max_orphans;	/* of the host; initial namespace only */
	int64_t tcp_orphan_retries;	/* as set; 0 means 8 */
	int64_t tcp_retries2;
	int64_t tcp_syn_retries;
	int64_t tcp_syn_linear_timeouts;	/* since 6.5 */
	int64_t tcp_synack_retries;
	int64_t tcp_max_syn_backlog;
	int64_t tcp_syncookies;
	int64_t tcp_abort_on_overflow;
	int64_t tcp_keepalive_time, tcp_keepalive_intvl, tcp_keepalive_probes;
	int64_t tcp_rfc1337;
	int64_t somaxconn;		/* /proc/sys/net/core */

	/* /proc/net/sockstat */
	int64_t time_waits;		/* tw */
	int64_t orphans;		/* of the host */

	/* /proc/net/netstat, TcpExt, since the namespace was made */
	int64_t tw_overflows;		/* TCPTimeWaitOverflow */
	int64_t tw_recycled;		/* TWRecycled: ports that connect() took */
	int64_t listen_overflows, listen_drops;
	int64_t syn_queue_drops;	/* TCPReqQFullDrop */
	int64_t syn_queue_cookies;	/* TCPReqQFullDoCookies */
	int64_t syn_challenges;		/* TCPSYNChallenge */
	int64_t challenge_acks;		/* TCPChallengeACK */

	/* /proc/slabinfo, tw_sock_TCP of the host: bytes of one */
	int64_t tw_bytes;
};

#endif /* TCPSTATE_NETNS_FACTS_H */

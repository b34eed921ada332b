/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sockets that exist now, by sock_diag, in every network namespace that
 * a process or a mount of this host shows.
 */
#ifndef TCPSTATE_SNAPSHOT_H
#define TCPSTATE_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "source.h"

#define SNAPSHOT_NETNS 512

struct snapshot_result {
	size_t sockets;
	unsigned int namespaces;	/* entered and read to the end */
	unsigned int refused;		/* seen but not entered, or not read */
	char why[128];			/* of the last refusal */
	/* Inodes of the first ones that were read to the end. */
	uint32_t netns[SNAPSHOT_NETNS];
	size_t n_netns;
};

/* Bit per enum tcpstate_state, for snapshot_take(). */
#define SNAPSHOT_ALL_STATES	(~0u)

/*
 * Hand a TCPSTATE_SNAPSHOT record per socket to @fn, in the calling thread,
 * request and timewait sockets included.  0; what @fn returned if that was
 * not 0, and the rest is left out; or -errno with one sentence in result->why
 * when no namespace could be read at all.  A namespace that goes away
 * meanwhile is no error.
 *
 * Of the records:
 *
 * - mono_ns is just before the kernel read the socket.  A move that is
 *   captured with a later time may be in the record already, one with an
 *   earlier time always is.
 * - A socket that moves in its hash meanwhile can be told twice, or as its own
 *   timewait socket: the same cookie.
 * - A mini-socket (timewait: TIME_WAIT, FIN_WAIT2; request: SYN_RECV) has
 *   timeout_ms, never 0, until its timer; its uid, cgroup and inode are
 *   unknown.  timeout_ms is 0 in all other records.
 * - age_ms is 0 where it is unknown: LISTEN, SYN_SENT, SYN_RECV, the
 *   mini-socket in FIN_WAIT2.  In TIME_WAIT it is the time since its timer
 *   was started or restarted.
 * - CLOSE is never reported, and neither are sequence numbers; rqueue is
 *   rcv_nxt - copied_seq, and wqueue is write_seq - snd_una.
 * - Of a full socket but a listener the fields in their place say what it waits
 *   for: timer, rto_ms, expires_ms, unacked, unsent, snd_wnd, sent_ms and
 *   received_ms; the last two are 0 where age_ms is.
 */
int snapshot_take(unsigned int states, source_record_fn fn, void *ctx,
		  struct snapshot_result *result);

#endif /* TCPSTATE_SNAPSHOT_H */

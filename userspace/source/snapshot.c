// SPDX-License-Identifier: GPL-2.0
/*
 * The sockets that exist now, by sock_diag.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <linux/tcpstate.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>

#include "namespaces.h"
#include "snapshot.h"

#define STATE(name)	(1u << TCPSTATE_##name)

/* The kernel fills at most 32 KiB at a time, if we have room for it. */
#define BATCH_BYTES	(64 * 1024)
/* A dump that the kernel calls inconsistent is begun again so often. */
#define DUMP_TRIES	4
/* The kernel answers at once; this only keeps a bug from hanging us. */
#define ANSWER_SECONDS	5
/* TCP_TIMEWAIT_LEN, which cannot be changed. */
#define TIMEWAIT_MS	60000

struct dump {
	unsigned int states;
	source_record_fn fn;
	void *ctx;
	int stop;		/* what fn returned */
	size_t sockets;
	struct snapshot_result *result;	/* its .netns */
	unsigned int failed;	/* namespaces */
	int err;		/* of the last failure */
	char why[128];

	/* Of this namespace. */
	uint32_t netns_ino;
	uint64_t netns_cookie;
	int fd;

	/* Of this request. */
	uint32_t seq;
	bool interrupted;	/* inconsistent: ask again */
	uint64_t read_ns;	/* just before the kernel read this batch */
	void *batch;		/* BATCH_BYTES */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* What is not in a mini-socket's message, from the attributes. */
struct details {
	bool full;		/* a full socket */
	uint8_t shutdown;
	uint64_t cgroup;
	struct tcp_info info;	/* zero where the kernel has less */
	bool has_window;	/* .tcpi_snd_wnd; since 5.4 */
};

static void read_details(struct details *d, const struct nlmsghdr *nlh)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(nlh);
	const struct rtattr *attr = (const void *)(msg + 1);
	int left = NLMSG_PAYLOAD(nlh, sizeof(*msg));
	const void *bytes;
	size_t len;

	memset(d, 0, sizeof(*d));
	for (; RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		bytes = RTA_DATA(attr);
		len = RTA_PAYLOAD(attr);
		switch (attr->rta_type & NLA_TYPE_MASK) {
		case INET_DIAG_SHUTDOWN:
			/* Unconditional on full sockets, and only there. */
			d->full = true;
			if (len >= sizeof(d->shutdown))
				memcpy(&d->shutdown, bytes, sizeof(d->shutdown));
			break;
		case INET_DIAG_CGROUP_ID:
			if (len >= sizeof(d->cgroup))
				memcpy(&d->cgroup, bytes, sizeof(d->cgroup));
			break;
		case INET_DIAG_INFO:
			if (len > sizeof(d->info))
				len = sizeof(d->info);
			memcpy(&d->info, bytes, len);
			d->has_window = len >= offsetof(struct tcp_info,
							tcpi_snd_wnd) +
					sizeof(d->info.tcpi_snd_wnd);
			break;
		}
	}
}

static void set_identity(struct tcpstate_record *rec,
			 const struct inet_diag_msg *msg)
{
	size_t len = msg->idiag_family == AF_INET6 ? 16 : 4;

	rec->cookie = msg->id.idiag_cookie[0] |
		      (uint64_t)msg->id.idiag_cookie[1] << 32;
	rec->family = msg->idiag_family;
	rec->protocol = IPPROTO_TCP;
	rec->sport = ntohs(msg->id.idiag_sport);
	rec->dport = ntohs(msg->id.idiag_dport);
	memcpy(rec->saddr, msg->id.idiag_src, len);
	memcpy(rec->daddr, msg->id.idiag_dst, len);
	rec->new_state = msg->idiag_state;
}

static void set_mini(struct tcpstate_record *rec,
		     const struct inet_diag_msg *msg)
{
	rec->timeout_ms = msg->idiag_expires ? msg->idiag_expires : 1;
	if (msg->idiag_timer != TCPSTATE_TIMER_TIMEWAIT) {
		rec->retransmits = msg->idiag_retrans;
		rec->total_retrans = msg->idiag_retrans;
	} else if (rec->new_state == TCPSTATE_TIME_WAIT &&
		   msg->idiag_expires < TIMEWAIT_MS) {
		rec->age_ms = TIMEWAIT_MS - msg->idiag_expires;
	}
}

/*
 * tcpi_last_ack_recv counts from boot as long as no ACK has come, which no
 * plausibility check could tell from a real age.  That is so in SYN_SENT and
 * SYN_RECV, and in FIN_WAIT1 of a Fast Open child.
 */
static bool ack_has_come(const struct tcpstate_record *rec)
{
	switch (rec->new_state) {
	case TCPSTATE_ESTABLISHED:
	case TCPSTATE_FIN_WAIT2:
	case TCPSTATE_CLOSE_WAIT:
	case TCPSTATE_LAST_ACK:
	case TCPSTATE_CLOSING:
		return true;
	case TCPSTATE_FIN_WAIT1:
		return !(rec->flags & TCPSTATE_F_FASTOPEN);
	default:
		return false;
	}
}

static void set_counters(struct tcpstate_record *rec,
			 const struct tcp_info *info)
{
	rec->bytes_acked = info->tcpi_bytes_acked;
	rec->bytes_received = info->tcpi_bytes_received;
	rec->segs_in = info->tcpi_segs_in;
	rec->segs_out = info->tcpi_segs_out;
	rec->data_segs_in = info->tcpi_data_segs_in;
	rec->data_segs_out = info->tcpi_data_segs_out;
	rec->total_retrans = info->tcpi_total_retrans;
	rec->retransmits = info->tcpi_retransmits;
	rec->backoff = info->tcpi_backoff;
	rec->probes_out = info->tcpi_probes;
	if (info->tcpi_options & TCPI_OPT_SYN_DATA)
		rec->flags |= TCPSTATE_F_FASTOPEN;
	if (ack_has_come(rec))
		rec->age_ms = info->tcpi_last_ack_recv;
}

/* What it waits for; a listener's tcp_info has other things in these places. */
static void set_waiting(struct tcpstate_record *rec,
			const struct inet_diag_msg *msg,
			const struct details *d)
{
	if (rec->new_state == TCPSTATE_LISTEN ||
	    msg->idiag_timer >= TCPSTATE_TIMERS)
		return;
	rec->timer = msg->idiag_timer;
	rec->expires_ms = msg->idiag_expires;
	rec->rto_ms = d->info.tcpi_rto / 1000;
	rec->unacked = d->info.tcpi_unacked;
	rec->unsent = d->info.tcpi_notsent_bytes;
	rec->snd_wnd = d->has_window ? d->info.tcpi_snd_wnd :
				       TCPSTATE_NO_WINDOW;
	/* The same as of ACKs is true of these. */
	if (!ack_has_come(rec))
		return;
	rec->sent_ms = d->info.tcpi_last_data_sent;
	rec->received_ms = d->info.tcpi_last_data_recv;
}

/*
 * The keepalive timer doubles as that of FIN_WAIT2 and of a Fast Open
 * SYN-ACK, and is hidden while another one runs: it proves SO_KEEPALIVE only
 * here, and its absence proves nothing.
 */
static bool proves_keepalive(const struct inet_diag_msg *msg)
{
	return msg->idiag_timer == TCPSTATE_TIMER_KEEPALIVE &&
	       (msg->idiag_state == TCPSTATE_ESTABLISHED ||
		msg->idiag_state == TCPSTATE_CLOSE_WAIT);
}

static void set_full(struct tcpstate_record *rec,
		     const struct inet_diag_msg *msg, const struct details *d)
{
	rec->uid = msg->idiag_uid;
	rec->inode = msg->idiag_inode;
	rec->rqueue = msg->idiag_rqueue;
	rec->wqueue = msg->idiag_wqueue;
	rec->cgroup = d->cgroup;
	rec->shutdown = d->shutdown;
	if (rec->inode)
		rec->flags |= TCPSTATE_F_HAS_FILE;
	if (proves_keepalive(msg))
		rec->flags |= TCPSTATE_F_KEEPALIVE;
	set_counters(rec, &d->info);
	set_waiting(rec, msg, d);
}

/*
 * The kernel filters before it fills in the message, so the state may be
 * another one by now.  A socket that became CLOSE is gone.
 */
static bool wanted(const struct dump *dump, const struct inet_diag_msg *msg)
{
	if (msg->idiag_family != AF_INET && msg->idiag_family != AF_INET6)
		return false;
	if (!msg->idiag_state || msg->idiag_state >= TCPSTATE_STATES ||
	    msg->idiag_state == TCPSTATE_CLOSE)
		return false;
	return dump->states & (1u << msg->idiag_state);
}

static int tell_socket(struct dump *dump, const struct nlmsghdr *nlh)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(nlh);
	struct tcpstate_record rec;
	struct details details;

	if (NLMSG_PAYLOAD(nlh, 0) < sizeof(*msg))
		return -EBADMSG;
	if (!wanted(dump, msg))
		return 0;
	read_details(&details, nlh);

	memset(&rec, 0, sizeof(rec));
	rec.size = sizeof(rec);
	rec.version = TCPSTATE_RECORD_VERSION;
	rec.type = TCPSTATE_SNAPSHOT;
	rec.basis = TCPSTATE_BY_SNAPSHOT;
	rec.mono_ns = dump->read_ns;
	rec.netns_ino = dump->netns_ino;
	rec.netns_cookie = dump->netns_cookie;
	set_identity(&rec, msg);
	if (details.full)
		set_full(&rec, msg, &details);
	else
		set_mini(&rec, msg);

	dump->sockets++;
	dump->stop = dump->fn(dump->ctx, &rec, sizeof(rec));
	return 0;
}

/* The error that ends a dump, in NLMSG_ERROR and NLMSG_DONE alike. */
static int message_error(const struct nlmsghdr *nlh)
{
	int err = 0;

	if (NLMSG_PAYLOAD(nlh, 0) >= sizeof(err))
		memcpy(&err, NLMSG_DATA(nlh), sizeof(err));
	else if (nlh->nlmsg_type == NLMSG_ERROR)
		err = -EBADMSG;
	return err < 0 ? err : 0;
}

static int take_batch(struct dump *dump, int len, bool *done)
{
	const struct nlmsghdr *nlh = dump->batch;
	int err = 0;

	/* The step over an unpadded last message makes len negative. */
	for (; len > 0 && NLMSG_OK(nlh, (unsigned int)len);
	     nlh = NLMSG_NEXT(nlh, len)) {
		if (nlh->nlmsg_seq != dump->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			dump->interrupted = true;
		switch (nlh->nlmsg_type) {
		case NLMSG_DONE:
		case NLMSG_ERROR:
			*done = true;
			return message_error(nlh);
		case TCPDIAG_GETSOCK:
			err = tell_socket(dump, nlh);
			break;
		}
		if (err || dump->stop)
			return err;
	}
	return 0;
}

/* The length of the next batch, or -errno. */
static int receive(const struct dump *dump)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = {
		.iov_base = dump->batch, .iov_len = BATCH_BYTES,
	};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
	};
	ssize_t len;

	do
		len = recvmsg(dump->fd, &msg, 0);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (from.nl_pid)
		return 0;	/* not from the kernel: no message in it */
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : len;
}

/*
 * Within recvmsg() the kernel hands over one batch and then reads the next,
 * the first one within send().
 */
static int receive_dump(struct dump *dump, uint64_t sent_ns)
{
	uint64_t before_ns = sent_ns, this_ns;
	bool done = false;
	int err = 0, len;

	while (!done && !err && !dump->stop) {
		dump->read_ns = before_ns;
		this_ns = now_ns();
		len = receive(dump);
		before_ns = this_ns;
		if (len == -ENOBUFS)
			dump->interrupted = true;
		else if (len < 0)
			err = len;
		else
			err = take_batch(dump, len, &done);
	}
	return err;
}

/*
 * The older of the two requests of sock_diag, for both families at once.  All
 * namespaces share one hash, and each walk of it passes every socket of the
 * host; SOCK_DIAG_BY_FAMILY would take two walks.
 */
static int send_request(struct dump *dump)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req req;
	} ask = {
		.head = {
			.nlmsg_len = sizeof(ask),
			.nlmsg_type = TCPDIAG_GETSOCK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = ++dump->seq,
		},
		.req = {
			.idiag_family = AF_UNSPEC,
			.idiag_ext = 1 << (INET_DIAG_INFO - 1),
			.idiag_states = dump->states,
		},
	};

	if (send(dump->fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	return 0;
}

static int dump_sockets(struct dump *dump)
{
	uint64_t sent_ns;
	int err;

	for (int i = 0; i < DUMP_TRIES; i++) {
		dump->interrupted = false;
		sent_ns = now_ns();
		err = send_request(dump);
		if (!err)
			err = receive_dump(dump, sent_ns);
		if (err || dump->stop || !dump->interrupted)
			return err;
	}
	return -EBUSY;
}

static void set_timeout(int fd)
{
	struct timeval tv = { .tv_sec = ANSWER_SECONDS };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int dump_namespace(void *ctx, uint32_t ino, int fd)
{
	struct dump *dump = ctx;
	socklen_t len = sizeof(dump->netns_cookie);
	int err;

	dump->netns_ino = ino;
	dump->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &dump->netns_cookie,
		       &len))
		dump->netns_cookie = 0;
	set_timeout(fd);

	err = dump_sockets(dump);
	if (!err && !dump->stop && dump->result->n_netns < SNAPSHOT_NETNS)
		dump->result->netns[dump->result->n_netns++] = ino;
	if (err) {
		dump->failed++;
		dump->err = err;
		snprintf(dump->why, sizeof(dump->why),
			 "sock_diag in network namespace %u: %s%s", ino,
			 strerror(-err),
			 err == -ENOENT || err == -EOPNOTSUPP ?
				" (is the module tcp_diag there?)" : "");
	}
	return dump->stop;
}

/*
 * Bits the kernel has and we have not, TCPF_BOUND_INACTIVE, would bring in
 * sockets that are no connections.
 */
static unsigned int kernel_states(unsigned int states)
{
	if (states & (STATE(SYN_RECV) | STATE(NEW_SYN_RECV)))
		states |= STATE(SYN_RECV) | STATE(NEW_SYN_RECV);
	return states & ((1u << TCPSTATE_STATES) - 2) & ~STATE(CLOSE);
}

int snapshot_take(unsigned int states, source_record_fn fn, void *ctx,
		  struct snapshot_result *result)
{
	struct dump dump = {
		.states = kernel_states(states), .fn = fn, .ctx = ctx,
		.result = result,
	};
	struct namespaces_result ns;
	int err;

	memset(result, 0, sizeof(*result));
	dump.batch = malloc(BATCH_BYTES);
	if (!dump.batch) {
		snprintf(result->why, sizeof(result->why), "out of memory");
		return -ENOMEM;
	}
	err = namespaces_each(NETLINK_SOCK_DIAG, dump_namespace, &dump, &ns);
	free(dump.batch);

	result->sockets = dump.sockets;
	result->namespaces = ns.entered - dump.failed;
	result->refused = ns.refused + dump.failed;
	memcpy(result->why, dump.failed ? dump.why : ns.why,
	       sizeof(result->why));
	if (dump.stop)
		return dump.stop;
	if (!result->namespaces)
		return err ? err : dump.err ? dump.err : -EACCES;
	if (err)		/* the rest of the host is missing */
		result->refused++;
	return 0;
}

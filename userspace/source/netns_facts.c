// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/sys/net and /proc/net are those of the network namespace in which the
 * reading task is.  So a short-lived thread enters it, reads and dies there, as
 * in namespaces.c.
 */
#define _GNU_SOURCE 1	/* setns() */
#include "netns_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "namespaces.h"

/*
 * The kernel writes ip_local_reserved_ports in one read or not at all: every
 * other port, with its comma, is the longest.
 */
#define TEXT_BYTES	(256 * 1024)
#define PORTS		65536
#define PORT_MAP_BYTES	(PORTS / 8)

struct take {
	struct netns_facts_list *list;
	size_t room;
	uint32_t own;		/* inode of our namespace */
	int64_t tw_bytes;
	char *text;		/* TEXT_BYTES */
};

/* What the thread that enters a namespace is told. */
struct visit {
	int ns;			/* -1: it is in it */
	char *text;
	struct netns_facts *facts;
	int err;
};

#define FACT(field)	offsetof(struct netns_facts, field)

static const struct { const char *file; size_t fact; } sysctls[] = {
	{ "ipv4/tcp_tw_reuse", FACT(tcp_tw_reuse) },
	{ "ipv4/tcp_tw_reuse_delay", FACT(tcp_tw_reuse_delay_ms) },
	{ "ipv4/tcp_tw_recycle", FACT(tcp_tw_recycle) },
	{ "ipv4/tcp_timestamps", FACT(tcp_timestamps) },
	{ "ipv4/tcp_max_tw_buckets", FACT(tcp_max_tw_buckets) },
	{ "ipv4/tcp_fin_timeout", FACT(tcp_fin_timeout) },
	{ "ipv4/tcp_max_orphans", FACT(tcp_max_orphans) },
	{ "ipv4/tcp_orphan_retries", FACT(tcp_orphan_retries) },
	{ "ipv4/tcp_retries2", FACT(tcp_retries2) },
	{ "ipv4/tcp_syn_retries", FACT(tcp_syn_retries) },
	{ "ipv4/tcp_syn_linear_timeouts", FACT(tcp_syn_linear_timeouts) },
	{ "ipv4/tcp_synack_retries", FACT(tcp_synack_retries) },
	{ "ipv4/tcp_max_syn_backlog", FACT(tcp_max_syn_backlog) },
	{ "ipv4/tcp_syncookies", FACT(tcp_syncookies) },
	{ "ipv4/tcp_abort_on_overflow", FACT(tcp_abort_on_overflow) },
	{ "ipv4/tcp_keepalive_time", FACT(tcp_keepalive_time) },
	{ "ipv4/tcp_keepalive_intvl", FACT(tcp_keepalive_intvl) },
	{ "ipv4/tcp_keepalive_probes", FACT(tcp_keepalive_probes) },
	{ "ipv4/tcp_rfc1337", FACT(tcp_rfc1337) },
	{ "core/somaxconn", FACT(somaxconn) },
};

/* Names and values alternate, after the name of the line. */
static const struct { const char *line, *name; size_t fact; } sockstat[] = {
	{ "TCP:", "tw", FACT(time_waits) },
	{ "TCP:", "orphan", FACT(orphans) },
};

/* A line of names and a line of values, both with TcpExt: before. */
static const struct { const char *name; size_t fact; } netstat[] = {
	{ "TCPTimeWaitOverflow", FACT(tw_overflows) },
	{ "TWRecycled", FACT(tw_recycled) },
	{ "ListenOverflows", FACT(listen_overflows) },
	{ "ListenDrops", FACT(listen_drops) },
	{ "TCPReqQFullDrop", FACT(syn_queue_drops) },
	{ "TCPReqQFullDoCookies", FACT(syn_queue_cookies) },
	{ "TCPSYNChallenge", FACT(syn_challenges) },
	{ "TCPChallengeACK", FACT(challenge_acks) },
};

#define N(table)	(sizeof(table) / sizeof(*(table)))

static int64_t *fact_at(struct netns_facts *facts, size_t offset)
{
	return (int64_t *)((char *)facts + offset);
}

static void nothing_known(struct netns_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->port_first = facts->port_last = facts->ports_reserved = -1;
	facts->tw_bytes = -1;
	for (size_t i = 0; i < N(sysctls); i++)
		*fact_at(facts, sysctls[i].fact) = -1;
	for (size_t i = 0; i < N(sockstat); i++)
		*fact_at(facts, sockstat[i].fact) = -1;
	for (size_t i = 0; i < N(netstat); i++)
		*fact_at(facts, netstat[i].fact) = -1;
}

/* The length, or -errno. */
static ssize_t read_text(const char *path, char *text)
{
	size_t have = 0;
	ssize_t len;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		len = read(fd, text + have, TEXT_BYTES - 1 - have);
		have += len > 0 ? (size_t)len : 0;
	} while (len > 0 && have < TEXT_BYTES - 1);
	text[have] = '\0';
	if (len < 0 && !have)
		len = -errno;
	else
		len = (ssize_t)have;
	close(fd);
	return len;
}

static void read_sysctls(struct visit *v)
{
	char path[96];

	for (size_t i = 0; i < N(sysctls); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/%s",
			 sysctls[i].file);
		if (read_text(path, v->text) > 0)
			*fact_at(v->facts, sysctls[i].fact) =
				strtoll(v->text, NULL, 10);
	}
}

void netns_facts_parse_ports(const char *text, uint8_t *map)
{
	unsigned long first, last;
	char *end;

	for (;; text = end + 1) {
		first = last = strtoul(text, &end, 10);
		if (end == text)
			return;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (first > last || last >= PORTS)
			return;
		for (; first <= last; first++)
			map[first / 8] |= (uint8_t)(1U << first % 8);
		if (*end != ',')
			return;
	}
}

static void read_ports(struct visit *v)
{
	struct netns_facts *facts = v->facts;
	long long first, last;

	if (read_text("/proc/sys/net/ipv4/ip_local_port_range", v->text) > 0 &&
	    sscanf(v->text, "%lld %lld", &first, &last) == 2 &&
	    first > 0 && first <= last && last < PORTS) {
		facts->port_first = first;
		facts->port_last = last;
	}
	if (read_text("/proc/sys/net/ipv4/ip_local_reserved_ports",
		      v->text) < 0)
		return;
	facts->reserved_map = calloc(1, PORT_MAP_BYTES);
	if (!facts->reserved_map) {
		v->err = -ENOMEM;
		return;
	}
	netns_facts_parse_ports(v->text, facts->reserved_map);
	if (facts->port_first < 0)
		return;
	facts->ports_reserved = 0;
	for (first = facts->port_first; first <= facts->port_last; first++)
		facts->ports_reserved +=
			facts->reserved_map[first / 8] >> first % 8 & 1;
}

static void take_sockstat(struct netns_facts *facts, char *line)
{
	char *save, *name, *value, *head = strtok_r(line, " ", &save);

	while (head && (name = strtok_r(NULL, " ", &save)) &&
	       (value = strtok_r(NULL, " ", &save)))
		for (size_t i = 0; i < N(sockstat); i++)
			if (!strcmp(sockstat[i].line, head) &&
			    !strcmp(sockstat[i].name, name))
				*fact_at(facts, sockstat[i].fact) =
					strtoll(value, NULL, 10);
}

static void read_sockstat(struct visit *v)
{
	char *save, *line;

	if (read_text("/proc/thread-self/net/sockstat", v->text) <= 0)
		return;
	for (line = strtok_r(v->text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		take_sockstat(v->facts, line);
}

static void take_netstat(struct netns_facts *facts, char *names, char *values)
{
	char *save_name, *save_value;
	const char *name = strtok_r(names, " ", &save_name);
	const char *value = strtok_r(values, " ", &save_value);

	for (; name && value; name = strtok_r(NULL, " ", &save_name),
	     value = strtok_r(NULL, " ", &save_value))
		for (size_t i = 0; i < N(netstat); i++)
			if (!strcmp(netstat[i].name, name))
				*fact_at(facts, netstat[i].fact) =
					strtoll(value, NULL, 10);
}

static void read_netstat(struct visit *v)
{
	char *save, *names, *values;

	if (read_text("/proc/thread-self/net/netstat", v->text) <= 0)
		return;
	names = strtok_r(v->text, "\n", &save);
	while (names && (values = strtok_r(NULL, "\n", &save))) {
		if (!strncmp(names, "TcpExt:", 7))
			take_netstat(v->facts, names, values);
		names = strtok_r(NULL, "\n", &save);
	}
}

static void *visit_thread(void *arg)
{
	struct visit *v = arg;

	if (v->ns >= 0 && setns(v->ns, CLONE_NEWNET)) {
		v->err = -errno;
		return NULL;
	}
	read_sysctls(v);
	read_ports(v);
	read_sockstat(v);
	read_netstat(v);
	return NULL;
}

/* The thread takes no signals: their handlers belong to the caller. */
static int visit(struct visit *v)
{
	sigset_t all, old;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, NULL, visit_thread, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return -err;
	pthread_join(thread, NULL);
	return v->err;
}

/*
 * Bytes of a timewait_sock, from "tw_sock_TCP  12  15  248 ..": of the host,
 * and root's only.  Its cache is not merged with others, being typesafe by RCU.
 */
static int64_t read_tw_bytes(char *text)
{
	static const char name[] = "\ntw_sock_TCP ";
	const char *line;
	long long bytes;

	if (read_text("/proc/slabinfo", text) <= 0)
		return -1;
	line = strstr(text, name);
	if (!line || sscanf(line + sizeof(name) - 1, "%*d %*d %lld",
			    &bytes) != 1)
		return -1;
	return bytes;
}

static int add(struct take *take, struct netns_facts **facts)
{
	struct netns_facts_list *list = take->list;
	size_t room = take->room ? take->room * 2 : 16;
	struct netns_facts *v;

	if (list->n == take->room) {
		v = reallocarray(list->v, room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		list->v = v;
		take->room = room;
	}
	*facts = &list->v[list->n];
	nothing_known(*facts);
	return 0;
}

/* @fd is a socket in the namespace; what it belongs to can be entered. */
static int take_namespace(void *ctx, uint32_t ino, int fd)
{
	struct take *take = ctx;
	struct visit v = { .ns = -1, .text = take->text };
	int err = add(take, &v.facts);

	if (err)
		return err;
	if (ino == take->own) {
		visit_thread(&v);
	} else {
		v.ns = ioctl(fd, SIOCGSKNS);
		v.err = v.ns < 0 ? -errno : visit(&v);
		if (v.ns >= 0)
			close(v.ns);
	}
	if (v.err) {
		free(v.facts->reserved_map);
		take->list->refused++;
		return v.err == -ENOMEM ? v.err : 0;
	}
	v.facts->netns = ino;
	v.facts->tw_bytes = take->tw_bytes;
	take->list->n++;
	return 0;
}

int netns_facts_take(struct netns_facts_list *list)
{
	struct take take = { .list = list };
	struct namespaces_result result;
	struct stat st;
	int err;

	memset(list, 0, sizeof(*list));
	if (stat("/proc/thread-self/ns/net", &st))
		return -errno;
	take.own = (uint32_t)st.st_ino;
	take.text = malloc(TEXT_BYTES);
	if (!take.text)
		return -ENOMEM;
	take.tw_bytes = read_tw_bytes(take.text);
	err = namespaces_each(NETLINK_SOCK_DIAG, take_namespace, &take,
			      &result);
	free(take.text);
	list->refused += result.refused;
	if (err)
		netns_facts_free(list);
	return err;
}

void netns_facts_free(struct netns_facts_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].reserved_map);
	free(list->v);
	memset(list, 0, sizeof(*list));
}

const struct netns_facts *netns_facts_of(const struct netns_facts_list *list,
					 uint32_t netns)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].netns == netns)
			return &list->v[i];
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Records from tcpstate.ko, through the rings of /dev/tcpstate.
 *
 * The rings are shared with the kernel, which never writes a slot again before
 * we have moved the tail over it.  The layout comes from TCPSTATE_IOC_INFO and
 * is checked once; what is in a slot is left to the decoder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/tcpstate.h>
#include <linux/tcpstate_dev.h>

#include "../ring.h"
#include "source.h"

#define DEVICE "/dev/tcpstate"

/* Of all rings together, when the caller leaves it to us. */
#define DEFAULT_TOTAL_BYTES	(64U << 20)
#define DEFAULT_RING_BYTES	(12U << 20)

struct source {
	int fd;
	struct tcpstate_info info;
	unsigned char *consumers;
	unsigned char *area;	/* of the rings */
	size_t area_bytes;
	struct ring *rings;
	char how[TCPSTATE_HOOKS][TCPSTATE_SYMBOL_LEN + 16];
};

/* By bit number of enum source_hook. */
static const enum tcpstate_hook device_hook[] = {
	TCPSTATE_HOOK_STATE,
	TCPSTATE_HOOK_REQ_ADD,
	TCPSTATE_HOOK_REQ_DROP,
	TCPSTATE_HOOK_TW_ADD,
	TCPSTATE_HOOK_TW_KILL,
	TCPSTATE_HOOK_CONNECT,
	TCPSTATE_HOOK_ACCEPT,
	TCPSTATE_HOOK_TW_ADD,	/* HOOK_TW_REARM: the same function */
	TCPSTATE_HOOK_RETRANSMIT,
	TCPSTATE_HOOK_SYNACK_AGAIN,
	TCPSTATE_HOOK_RST_SENT,
	TCPSTATE_HOOK_RST_RECEIVED,
	TCPSTATE_HOOK_CHALLENGE,
	TCPSTATE_HOOK_TW_SYN,
};

_Static_assert(sizeof(device_hook) / sizeof(device_hook[0]) == HOOK_COUNT,
	       "a hook of source.h is missing here");

static const char *const how_names[TCPSTATE_HOWS] = {
	[TCPSTATE_HOW_TRACEPOINT] = "tracepoint",
	[TCPSTATE_HOW_FTRACE] = "ftrace",
	[TCPSTATE_HOW_KPROBE] = "kprobe",
	[TCPSTATE_HOW_KRETPROBE] = "kretprobe",
};

__attribute__((format(printf, 4, 5)))
static int fail(int err, char *why, size_t why_len, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, why_len, format, arguments);
	va_end(arguments);
	return err;
}

static int open_device(char *why, size_t why_len)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	int err = -errno;

	if (fd >= 0)
		return fd;
	switch (err) {
	case -ENOENT:
		return fail(err, why, why_len,
			    DEVICE " is missing: insmod build/tcpstate.ko");
	case -EACCES:
		return fail(err, why, why_len,
			    DEVICE " may only be opened by root: use sudo");
	case -EPERM:
		return fail(err, why, why_len,
			    DEVICE " needs CAP_NET_ADMIN and CAP_PERFMON on the host, not in a container: run as the host's root");
	case -ENXIO:
	case -ENODEV:
		return fail(err, why, why_len,
			    DEVICE " has no driver: remove it and insmod build/tcpstate.ko");
	default:
		return fail(err, why, why_len, "cannot open " DEVICE ": %s",
			    strerror(-err));
	}
}

static int read_info(int fd, struct tcpstate_info *info, char *why,
		     size_t why_len)
{
	if (ioctl(fd, TCPSTATE_IOC_INFO, info)) {
		int err = -errno;

		/* the number of an ioctl holds the size of its structure */
		if (err != -ENOTTY)
			return fail(err, why, why_len,
				    DEVICE " does not describe itself: %s",
				    strerror(-err));
	} else if (info->dev_version == TCPSTATE_DEV_VERSION &&
		   info->record_version == TCPSTATE_RECORD_VERSION &&
		   info->record_bytes == sizeof(struct tcpstate_record)) {
		return 0;
	}
	return fail(-EPROTO, why, why_len,
		    "tcpstate.ko is of another version than this program: rmmod tcpstate, then insmod the one built with it");
}

static int kmod_probe(char *why, size_t why_len)
{
	struct tcpstate_info info;
	int err, fd;

	fd = open_device(why, why_len);
	if (fd < 0)
		return fd;
	err = read_info(fd, &info, why, why_len);
	close(fd);
	return err;
}

/* The largest power of two that @bytes have room for. */
static uint32_t slots_for(size_t bytes, uint32_t slot_bytes)
{
	uint32_t slots = TCPSTATE_SLOTS_MIN;

	while (slots < TCPSTATE_SLOTS_MAX &&
	       (uint64_t)slots * 2 * slot_bytes <= bytes)
		slots *= 2;
	return slots;
}

static size_t default_ring_bytes(uint32_t rings)
{
	size_t bytes = DEFAULT_TOTAL_BYTES / rings;

	return bytes < DEFAULT_RING_BYTES ? bytes : DEFAULT_RING_BYTES;
}

static int start(struct source *src, const struct source_options *opt,
		 char *why, size_t why_len)
{
	const struct tcpstate_info *info = &src->info;
	size_t bytes = opt->ring_bytes ? opt->ring_bytes :
					 default_ring_bytes(info->rings);
	struct tcpstate_start start = {
		.slots = slots_for(bytes, info->slot_bytes),
	};
	int err;

	/* An older module has no filter, and delivers all. */
	if (opt->filter && ioctl(src->fd, TCPSTATE_IOC_FILTER, opt->filter) &&
	    errno != ENOTTY)
		return fail(-errno, why, why_len,
			    "tcpstate.ko does not take the filter: %s",
			    strerror(errno));
	if (!ioctl(src->fd, TCPSTATE_IOC_START, &start))
		return 0;
	err = -errno;
	switch (err) {
	case -EDQUOT:
		return fail(err, why, why_len,
			    "tcpstate.ko is at its limit of memory or readers (%llu of %llu MiB used): end another reader, or raise /sys/module/tcpstate/parameters/memory_limit_mb",
			    (unsigned long long)info->memory_used >> 20,
			    (unsigned long long)info->memory_limit >> 20);
	case -ENOMEM:
		return fail(err, why, why_len,
			    "no memory for %u rings of %u records: ask for smaller rings",
			    info->rings, start.slots);
	default:
		return fail(err, why, why_len,
			    "tcpstate.ko could not attach to the kernel: %s",
			    strerror(-err));
	}
}

/* So that no arithmetic on it leaves the mappings. */
static bool layout_is_sane(const struct tcpstate_info *i)
{
	uint64_t data = (uint64_t)i->slots * i->slot_bytes;

	return i->rings && i->slots && !(i->slots & (i->slots - 1)) &&
	       i->slot_bytes >= sizeof(struct tcpstate_record) &&
	       i->slot_bytes % 8 == 0 && i->data_offset % 8 == 0 &&
	       i->consumer_stride >= sizeof(struct tcpstate_consumer) &&
	       (uint64_t)i->rings * i->consumer_stride <= i->consumer_bytes &&
	       i->data_offset >= sizeof(struct tcpstate_producer) &&
	       i->data_offset <= i->ring_stride &&
	       data <= i->ring_stride - i->data_offset &&
	       i->ring_stride <= SIZE_MAX / i->rings;
}

static int lay_out(struct source *src)
{
	const struct tcpstate_info *info = &src->info;

	src->rings = calloc(info->rings, sizeof(*src->rings));
	if (!src->rings)
		return -ENOMEM;
	for (uint32_t n = 0; n < info->rings; n++) {
		struct tcpstate_consumer *consumer =
			(void *)(src->consumers +
				 (size_t)n * info->consumer_stride);

		src->rings[n] = (struct ring){
			.slots = src->area + n * info->ring_stride +
				 info->data_offset,
			.slot_bytes = info->slot_bytes,
			.shift = (uint32_t)__builtin_ctz(info->slots),
			.cpu = (uint16_t)n,
			.next = consumer->tail,
			.tail = &consumer->tail,
		};
	}
	return 0;
}

static int map_rings(struct source *src, char *why, size_t why_len)
{
	const struct tcpstate_info *info = &src->info;
	void *area;

	if (!layout_is_sane(info))
		return fail(-EPROTO, why, why_len,
			    DEVICE " describes rings that cannot be");
	area = mmap(NULL, info->consumer_bytes, PROT_READ | PROT_WRITE,
		    MAP_SHARED, src->fd, 0);
	if (area == MAP_FAILED)
		return fail(-errno, why, why_len, "cannot map " DEVICE ": %s",
			    strerror(errno));
	src->consumers = area;
	src->area_bytes = info->ring_stride * info->rings;
	area = mmap(NULL, src->area_bytes, PROT_READ, MAP_SHARED, src->fd,
		    (off_t)info->rings_offset);
	if (area == MAP_FAILED)
		return fail(-errno, why, why_len,
			    "cannot map the rings of " DEVICE ": %s",
			    strerror(errno));
	src->area = area;
	return lay_out(src) ? fail(-ENOMEM, why, why_len, "no memory") : 0;
}

static void name_hooks(struct source *src)
{
	unsigned int n;

	for (n = 0; n < TCPSTATE_HOOKS; n++) {
		const struct tcpstate_hook_info *hook = &src->info.hooks[n];
		unsigned int how = hook->how;

		if (how == TCPSTATE_HOW_NONE || how >= TCPSTATE_HOWS)
			snprintf(src->how[n], sizeof(src->how[n]),
				 "%.*s: %.24s", TCPSTATE_SYMBOL_LEN - 12,
				 (const char *)hook->symbol,
				 strerror(-hook->error));
		else
			snprintf(src->how[n], sizeof(src->how[n]), "%s %.*s",
				 how_names[how], TCPSTATE_SYMBOL_LEN,
				 (const char *)hook->symbol);
	}
}

static void kmod_close(struct source *src)
{
	if (!src)
		return;
	free(src->rings);
	if (src->area)
		munmap(src->area, src->area_bytes);
	if (src->consumers)
		munmap(src->consumers, src->info.consumer_bytes);
	/* after the mappings, which hold the session too */
	if (src->fd >= 0)
		close(src->fd);
	free(src);
}

static int open_session(struct source *src, const struct source_options *opt,
			char *why, size_t why_len)
{
	int err;

	src->fd = open_device(why, why_len);
	if (src->fd < 0)
		return src->fd;
	err = read_info(src->fd, &src->info, why, why_len);
	if (err)
		return err;
	if (!src->info.rings || !src->info.slot_bytes)
		return fail(-EPROTO, why, why_len,
			    DEVICE " describes rings that cannot be");
	err = start(src, opt, why, why_len);
	if (err)
		return err;
	/* again: now with the layout of the rings and the hooks */
	err = read_info(src->fd, &src->info, why, why_len);
	if (err)
		return err;
	return map_rings(src, why, why_len);
}

static int kmod_open(struct source **result, const struct source_options *opt,
		     char *why, size_t why_len)
{
	struct source *src;
	int err;

	if (opt->hooks)
		return fail(-EINVAL, why, why_len,
			    "--hooks is for BPF: tcpstate.ko chooses its own hooks");
	src = calloc(1, sizeof(*src));
	if (!src)
		return fail(-ENOMEM, why, why_len, "no memory");
	err = open_session(src, opt, why, why_len);
	if (err) {
		kmod_close(src);
		return err;
	}
	name_hooks(src);
	*result = src;
	return 0;
}

static bool attached(const struct source *src, unsigned int n)
{
	unsigned int how = src->info.hooks[device_hook[n]].how;

	return how != TCPSTATE_HOW_NONE && how < TCPSTATE_HOWS;
}

static unsigned int kmod_hooks(const struct source *src)
{
	unsigned int n, hooks = 0;

	for (n = 0; n < HOOK_COUNT; n++)
		if (attached(src, n))
			hooks |= 1U << n;
	return hooks;
}

static const char *kmod_hook_how(const struct source *src, unsigned int n,
				 const char **why_not)
{
	if (n < HOOK_COUNT && attached(src, n))
		return src->how[device_hook[n]];
	*why_not = n < HOOK_COUNT ? src->how[device_hook[n]] : "no such hook";
	return NULL;
}

static int kmod_fd(const struct source *src)
{
	return src->fd;
}

static struct ring *kmod_rings(struct source *src, size_t *n)
{
	*n = src->info.rings;
	return src->rings;
}

static void kmod_stats(struct source *src, struct source_stats *stats)
{
	struct tcpstate_stats counts;

	memset(stats, 0, sizeof(*stats));
	if (ioctl(src->fd, TCPSTATE_IOC_STATS, &counts))
		return;
	stats->lost_ring = counts.lost;
	stats->lost_nested = counts.missed;
}

const struct source_ops source_kmod = {
	.name		= "kmod",
	.probe		= kmod_probe,
	.open		= kmod_open,
	.hooks		= kmod_hooks,
	.hook_how	= kmod_hook_how,
	.fd		= kmod_fd,
	.rings		= kmod_rings,
	.stats		= kmod_stats,
	.close		= kmod_close,
};

/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The contract of /dev/tcpstate, in words in Documentation/abi-device.rst.
 *
 * Every open file is a session: TCPSTATE_IOC_START gives it one ring per
 * possible CPU, mmap() shows them, poll() tells when one has filled up to the
 * watermark.  What the rings hold are records of <linux/tcpstate.h>.
 *
 *   offset 0              consumer area, read and write
 *     consumer_stride       one struct tcpstate_consumer per ring
 *   offset rings_offset   rings, read only
 *     ring_stride           one per ring:
 *       0                     struct tcpstate_producer
 *       data_offset           slots * slot_bytes, a record at the start of each
 */
#ifndef _UAPI_LINUX_TCPSTATE_DEV_H
#define _UAPI_LINUX_TCPSTATE_DEV_H

#include <linux/types.h>
#include <linux/ioctl.h>
#include <linux/tcpstate_filter.h>

#define TCPSTATE_DEV_VERSION	1

#define TCPSTATE_SLOT_BYTES	192
#define TCPSTATE_SLOTS_MIN	16
#define TCPSTATE_SLOTS_MAX	(1U << 20)
#define TCPSTATE_SYMBOL_LEN	48

/* Numbers of hooks, in the order of struct tcpstate_info.hooks. */
enum tcpstate_hook {
	TCPSTATE_HOOK_STATE	= 0,
	TCPSTATE_HOOK_REQ_ADD	= 1,
	TCPSTATE_HOOK_REQ_DROP	= 2,
	TCPSTATE_HOOK_TW_ADD	= 3,	/* TW_REARM too */
	TCPSTATE_HOOK_TW_KILL	= 4,
	TCPSTATE_HOOK_CONNECT	= 5,
	TCPSTATE_HOOK_ACCEPT	= 6,
	TCPSTATE_HOOK_RETRANSMIT = 7,
	TCPSTATE_HOOK_SYNACK_AGAIN = 8,
	TCPSTATE_HOOK_RST_SENT	= 9,
	TCPSTATE_HOOK_RST_RECEIVED = 10,
	TCPSTATE_HOOK_CHALLENGE	= 11,
	TCPSTATE_HOOK_TW_SYN	= 12,
	TCPSTATE_HOOKS		= 13,
};

enum tcpstate_how {
	TCPSTATE_HOW_NONE	= 0,	/* not attached; error says why */
	TCPSTATE_HOW_TRACEPOINT	= 1,
	TCPSTATE_HOW_FTRACE	= 2,
	TCPSTATE_HOW_KPROBE	= 3,
	TCPSTATE_HOW_KRETPROBE	= 4,
	TCPSTATE_HOWS		= 5,
};

struct tcpstate_hook_info {
	__u32	how;		/* enum tcpstate_how */
	__s32	error;		/* negative errno; why it is not attached */
	__u8	symbol[TCPSTATE_SYMBOL_LEN];	/* NUL-terminated */
};

struct tcpstate_info {
	__u32	dev_version;	/* TCPSTATE_DEV_VERSION */
	__u32	record_version;	/* TCPSTATE_RECORD_VERSION */
	__u32	record_bytes;
	__u32	slot_bytes;
	__u32	rings;		/* ring n is that of CPU n */
	__u32	slots;		/* of each ring; 0 before START */
	__u32	watermark;	/* in slots */
	__u32	consumer_stride;
	__u64	consumer_bytes;	/* of the area at offset 0, whole pages */
	__u64	rings_offset;
	__u64	ring_stride;
	__u64	data_offset;	/* from the start of a ring */
	__u64	memory_limit;	/* of all sessions together, bytes */
	__u64	memory_used;
	struct tcpstate_hook_info hooks[TCPSTATE_HOOKS];
	__u8	module_version[32];	/* NUL-terminated */
};

struct tcpstate_start {
	__u32	slots;		/* of each ring, a power of two; 0 = 4096 */
	__u32	watermark;	/* in slots, at most half; 0 = an eighth */
	__u32	flags;		/* must be 0 */
	__u32	reserved[5];	/* must be 0 */
};

struct tcpstate_stats {
	__u64	stored;		/* records that reached a ring, LOST ones not */
	__u64	lost;		/* records for which a ring had no room */
	__u64	missed;		/* hits that a kprobe hook was too busy to see */
	__u64	wakeups;
	__u64	reserved[4];
};

/* Written by the reader, read by the kernel, which believes none of it. */
struct tcpstate_consumer {
	__u32	tail;		/* slots consumed so far, mod 2^32 */
	__u32	reserved[15];
};

/* Written by the kernel. */
struct tcpstate_producer {
	__u32	head;		/* slots filled so far, mod 2^32 */
	__u32	reserved0;
	__u64	stored;
	__u64	lost;
	__u64	reserved[5];
};

#define TCPSTATE_IOC_INFO	_IOR('T', 0xe0, struct tcpstate_info)
#define TCPSTATE_IOC_START	_IOW('T', 0xe1, struct tcpstate_start)
#define TCPSTATE_IOC_STATS	_IOR('T', 0xe2, struct tcpstate_stats)
#define TCPSTATE_IOC_FILTER	_IOW('T', 0xe3, struct tcpstate_filter)

_Static_assert(sizeof(struct tcpstate_hook_info) == 56, "hook_info has grown");
_Static_assert(sizeof(struct tcpstate_info) == 840, "info has grown");
_Static_assert(sizeof(struct tcpstate_start) == 32, "start has grown");
_Static_assert(sizeof(struct tcpstate_stats) == 64, "stats has grown");
_Static_assert(sizeof(struct tcpstate_consumer) == 64, "consumer has grown");
_Static_assert(sizeof(struct tcpstate_producer) == 64, "producer has grown");

#endif /* _UAPI_LINUX_TCPSTATE_DEV_H */

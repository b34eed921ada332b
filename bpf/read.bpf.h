/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a pointer may be read, which @direct tells: a typed argument of a
 * tracepoint or fentry program is dereferenced (a load with an exception table
 * entry); one that was computed, by container_of() or from registers, is read by
 * helper, unless the kernel (6.2) has a cast for it.
 */
#ifndef TCPSTATE_READ_BPF_H
#define TCPSTATE_READ_BPF_H

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "core_types.bpf.h"

/* include/linux/socket.h, include/uapi/linux/in.h */
#define AF_INET		2
#define AF_INET6	10
#define IPPROTO_TCP	6
#define IPPROTO_MPTCP	262

/* Weak: NULL, and what depends on it dead code, where there is none. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define CAST(p, type) \
	((type *)bpf_rdonly_cast((p), bpf_core_type_id_kernel(type)))

#define READ(direct, p, field) \
	((direct) ? (p)->field : BPF_CORE_READ((p), field))

#endif /* TCPSTATE_READ_BPF_H */

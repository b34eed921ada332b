/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel allows BPF programs to hook.
 */
#ifndef TCPSTATE_SOURCE_BPF_KERNEL_H
#define TCPSTATE_SOURCE_BPF_KERNEL_H

#include <stdbool.h>

struct btf;

/*
 * That a function is in BTF does not mean that it may be traced: some kernels
 * refuse the program, some any attachment.  Two instructions tell.  The end of
 * each attachment waits for a grace period, 0.1 s, so only the first is tried:
 * @works remembers it.  0 or -errno.
 */
int bpf_kernel_fentry(const struct btf *btf, const char *fn, bool *works);

/* 0 or -errno. */
int bpf_kernel_kprobe(const char *fn);

/* How many arguments a tracepoint has; -1 if there is none of that name. */
int bpf_kernel_tracepoint(const struct btf *btf, const char *name);

/* Is there a function of that name, whose result is not void? */
bool bpf_kernel_returns(const struct btf *btf, const char *fn);

#endif /* TCPSTATE_SOURCE_BPF_KERNEL_H */

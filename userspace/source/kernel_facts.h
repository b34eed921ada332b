/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel tells about itself.
 */
#ifndef TCPSTATE_KERNEL_FACTS_H
#define TCPSTATE_KERNEL_FACTS_H

#include <stdint.h>

/*
 * Address of a function, 0 if there is none or addresses are hidden
 * (kptr_restrict, no CAP_SYSLOG).  /proc/kallsyms is read once.
 */
uint64_t kernel_symbol(const char *name);
/* Its length, 0 if that is not known. */
uint64_t kernel_symbol_bytes(const char *name);

/* CONFIG_HZ, 0 if this system does not tell its configuration. */
unsigned int kernel_hz(void);

/* The highest number of a possible CPU, plus one; 0 if it is not told. */
int kernel_cpu_ids(void);

/* Descriptor of the cgroup v2 root, or -errno; the caller closes it. */
int kernel_cgroup2_root(void);

#endif /* TCPSTATE_KERNEL_FACTS_H */

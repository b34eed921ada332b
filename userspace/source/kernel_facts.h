/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the running kernel tells about itself.
 */
#ifndef TCPSTATE_KERNEL_FACTS_H
#define TCPSTATE_KERNEL_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/* CONFIG_HZ, 0 if this system does not tell its configuration. */
unsigned int kernel_hz(void);

/* The highest number of a possible CPU, plus one; 0 if it is not told. */
int kernel_cpu_ids(void);

/* Are we in the initial pid namespace, whose numbers the kernel's hooks tell? */
bool kernel_initial_pid_namespace(void);

/* Descriptor of the cgroup v2 root, or -errno; the caller closes it. */
int kernel_cgroup2_root(void);

#endif /* TCPSTATE_KERNEL_FACTS_H */

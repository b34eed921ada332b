/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the functions of the running kernel are.
 */
#ifndef TCPSTATE_KALLSYMS_H
#define TCPSTATE_KALLSYMS_H

#include <stdint.h>

/*
 * Address of a function of the kernel itself, 0 if there is none or addresses
 * are hidden (kptr_restrict, no CAP_SYSLOG). Only the names in kallsyms.c are
 * known: /proc/kallsyms is read once, and for all of them.
 */
uint64_t kallsyms_address(const char *name);
/* Its length, 0 if that is not known. */
uint64_t kallsyms_bytes(const char *name);

#endif /* TCPSTATE_KALLSYMS_H */

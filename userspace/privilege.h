/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TCPSTATE_PRIVILEGE_H
#define TCPSTATE_PRIVILEGE_H

#include <stdbool.h>

/* May this process trace, as far as its effective capabilities say? */
bool privilege_to_trace(void);

/* CAP_SYS_ADMIN: what old kernels, and setns(), ask for on top. */
bool privilege_to_administer(void);

#endif /* TCPSTATE_PRIVILEGE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The places in the kernel where we look, and how we got there.
 *
 * Between the first hooks_get() and the last hooks_put() the hooks call
 * sessions_emit().  All functions here may sleep.
 */
#ifndef TCPSTATE_HOOKS_H
#define TCPSTATE_HOOKS_H

#include <linux/types.h>

struct tcpstate_hook_info;

/* Find what can be hooked.  -ENOENT if not even the tracepoint exists. */
int hooks_init(void);
void hooks_exit(void);

/*
 * Attach all that can be, unless they are.  Fails only if the tracepoint does,
 * and then nothing is attached.
 */
int hooks_get(void);
/* The last one detaches; on return no probe of ours runs. */
void hooks_put(void);

/* TCPSTATE_HOOKS rows. */
void hooks_info(struct tcpstate_hook_info *info);
/* Hits that hooks were too busy to see, since the module was loaded. */
u64 hooks_missed(void);

#endif /* TCPSTATE_HOOKS_H */

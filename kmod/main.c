// SPDX-License-Identifier: GPL-2.0
/*
 * tcpstate.ko: every move of every TCP connection, to /dev/tcpstate.
 *
 * hooks.c sees an event, record.c writes it down (callers.c why), session.c hands the record
 * to every session, ring.c keeps it for the reader, chardev.c lets him in.
 */
#include <linux/module.h>

#include "callers.h"
#include "chardev.h"
#include "hooks.h"

static int __init tcpstate_init(void)
{
	int err;

	callers_init();
	err = hooks_init();
	if (err)
		return err;
	err = chardev_init();
	if (err)
		hooks_exit();
	return err;
}

/* No file is open: nothing is attached. */
static void __exit tcpstate_exit(void)
{
	chardev_exit();
	hooks_exit();
}

module_init(tcpstate_init);
module_exit(tcpstate_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("What every TCP connection on this host has been through");
MODULE_VERSION(TCPSTATE_VERSION);

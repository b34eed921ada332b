/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/tcpstate; its contract is Documentation/abi-device.rst. */
#ifndef TCPSTATE_CHARDEV_H
#define TCPSTATE_CHARDEV_H

int chardev_init(void);
void chardev_exit(void);

#endif /* TCPSTATE_CHARDEV_H */

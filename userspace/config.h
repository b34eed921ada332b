/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration file: lines "key = value", keys as in setting_rows, and '#'
 * begins a comment.  Documentation/check.rst has the rules.
 */
#ifndef TCPSTATE_CONFIG_H
#define TCPSTATE_CONFIG_H

#include <stdio.h>

#include "settings.h"

#define CONFIG_DEFAULT "/etc/tcpstate/watch.conf"

struct config_error {
	unsigned long line;	/* 0: it is no line's fault */
	char why[400];
};

/*
 * Everything in the file to @s, but what was set by an option.  0, or -errno
 * with a clause in @err; @s is then undefined.
 */
int config_read(FILE *from, struct settings *s, struct config_error *err);

/*
 * The file that --config names, or the default one if it is there.  What is
 * wrong with it is wrong usage.
 */
void config_load(struct settings *s);

#endif /* TCPSTATE_CONFIG_H */

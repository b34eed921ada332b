// SPDX-License-Identifier: GPL-2.0
/*
 * The mounts of our mount namespace, from /proc/self/mountinfo.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mountinfo.h"

static bool octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' &&
	       s[2] >= '0' && s[2] <= '7';
}

/* In place: the kernel writes space, tab, newline and \ as \ooo. */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (*s == '\\' && octal(s + 1)) {
			*out++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 |
				 (s[3] - '0');
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/*
 * 36 35 98:0 ROOT POINT rw,noatime master:1 - TYPE source rw
 *
 * There is any number of fields before the "-".  No field has a blank in it.
 */
static bool parse(char *line, const char *type, struct mountinfo *m)
{
	char *save = NULL, *field, *root = NULL, *point = NULL;
	int n = 0;

	for (field = strtok_r(line, " \n", &save); field;
	     field = strtok_r(NULL, " \n", &save)) {
		n++;
		if (n == 4)
			root = field;
		else if (n == 5)
			point = field;
		else if (n > 5 && !strcmp(field, "-"))
			break;
	}
	field = field ? strtok_r(NULL, " \n", &save) : NULL;
	if (!field || strcmp(field, type))
		return false;
	unescape(root);
	unescape(point);
	*m = (struct mountinfo){ .root = root, .point = point };
	return true;
}

int mountinfo_each(const char *type, mountinfo_fn fn, void *ctx)
{
	struct mountinfo m;
	char *line = NULL;
	size_t size = 0;
	int err = 0;
	FILE *f;

	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return -errno;
	while (!err && getline(&line, &size, f) > 0)
		if (parse(line, type, &m))
			err = fn(ctx, &m);
	free(line);
	fclose(f);
	return err;
}

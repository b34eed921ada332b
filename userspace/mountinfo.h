/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mounts of our mount namespace, from /proc/self/mountinfo.
 */
#ifndef TCPSTATE_MOUNTINFO_H
#define TCPSTATE_MOUNTINFO_H

/* Valid during the call only. */
struct mountinfo {
	const char *root;	/* what of the file system is mounted .. */
	const char *point;	/* .. where; unescaped */
};

/* Return 0 to go on. */
typedef int (*mountinfo_fn)(void *ctx, const struct mountinfo *m);

/*
 * Call @fn for each mount of file system type @type.  0, what @fn returned
 * if that was not 0, or -errno.
 */
int mountinfo_each(const char *type, mountinfo_fn fn, void *ctx);

#endif /* TCPSTATE_MOUNTINFO_H */

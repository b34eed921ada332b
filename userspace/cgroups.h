/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From the cgroup v2 id of a socket to names that people know.
 */
#ifndef TCPSTATE_CGROUPS_H
#define TCPSTATE_CGROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroups;		/* opaque: the mounted tree and a bounded cache */

/*
 * NULL only without memory.  On a host without cgroup v2 every id is unknown.
 */
struct cgroups *cgroups_new(void);
/* One that knows nothing of this host, only what it is told. */
struct cgroups *cgroups_new_told(void);
void cgroups_tell(struct cgroups *c, uint64_t id, const char *path);
void cgroups_free(struct cgroups *c);

/*
 * The systemd unit and the container id of cgroup @id, each "" where there is
 * none, cut to the given bytes.  False if the cgroup is unknown, as when it
 * has been removed; then both are "".  @c may be NULL: all is unknown.
 */
bool cgroups_name(struct cgroups *c, uint64_t id, char *unit, size_t unit_len,
		  char *container, size_t container_len);

/*
 * The path of cgroup @id in the tree, "/" for its root.  Not cached.  0 or
 * -errno, -ESTALE or -ENOENT if there is no such cgroup.
 */
int cgroups_path(struct cgroups *c, uint64_t id, char *path, size_t size);

/*
 * The id of the cgroup at @path, "/system.slice/x.service" or with the mount
 * point before it.  0 or -errno: -ENODEV without cgroup v2, -ENOENT,
 * -EINVAL if it is no cgroup.
 */
int cgroup_id_of_path(const char *path, uint64_t *id);

/*
 * The largest id that there is: those that are made later have larger ones.  0 on
 * a host without cgroup v2.
 */
uint64_t cgroup_newest(void);

/*
 * The same names from the path of a cgroup; pure.  The unit is the last part
 * of it that is a .service or .scope, or else a .slice.  The container is the
 * last part with 64 hexadecimal digits, alone or between '-' or ':' and
 * ".scope".  Both hold no other bytes than systemd and the container engines
 * use in names: letters, digits and ":-_.\@".
 */
void cgroup_path_names(const char *path, char *unit, size_t unit_len,
		       char *container, size_t container_len);

#endif /* TCPSTATE_CGROUPS_H */

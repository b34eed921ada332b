/* SPDX-License-Identifier: GPL-2.0 */
/* Which cgroup v2 ids are in the subtrees that --cgroup names. */
#ifndef TCPSTATE_CGROUP_FILTER_H
#define TCPSTATE_CGROUP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cgroup_filter;	/* opaque */

/* NULL without memory. */
struct cgroup_filter *cgroup_filter_new(void);
/* For struct filter.cgroup_free. */
void cgroup_filter_free(void *cf);

/* 0, or -errno if there is no such cgroup. */
int cgroup_filter_add(struct cgroup_filter *cf, const char *path);

/*
 * For struct filter.in_cgroup; @cf is a struct cgroup_filter.  The id of a
 * cgroup that has been removed before it was first asked for matches only if
 * it is one of those that were added.
 */
bool cgroup_filter_has(void *cf, uint64_t id);

/* The ids of those that were added, @max at most; how many. */
size_t cgroup_filter_ids(const void *cf, uint64_t *ids, size_t max);

#endif /* TCPSTATE_CGROUP_FILTER_H */

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup_filter.h"
#include "cgroups.h"

#define CACHE_SLOTS	1024	/* a power of two */

struct subtree {
	uint64_t id;
	char *path;		/* as cgroups_path() tells it; NULL: only id */
};

/* Ids are never reused, so an answer stays true. */
struct verdict {
	uint64_t id;		/* 0 = empty */
	bool in;
};

struct cgroup_filter {
	struct cgroups *cgroups;
	struct subtree *v;
	size_t n;
	struct verdict cache[CACHE_SLOTS];
};

struct cgroup_filter *cgroup_filter_new(void)
{
	struct cgroup_filter *cf = calloc(1, sizeof(*cf));

	if (!cf)
		return NULL;
	cf->cgroups = cgroups_new();
	if (cf->cgroups)
		return cf;
	free(cf);
	return NULL;
}

void cgroup_filter_free(void *ctx)
{
	struct cgroup_filter *cf = ctx;
	size_t i;

	if (!cf)
		return;
	for (i = 0; i < cf->n; i++)
		free(cf->v[i].path);
	free(cf->v);
	cgroups_free(cf->cgroups);
	free(cf);
}

int cgroup_filter_add(struct cgroup_filter *cf, const char *path)
{
	char real[PATH_MAX];
	struct subtree *v;
	uint64_t id;
	int ret;

	ret = cgroup_id_of_path(path, &id);
	if (ret)
		return ret;
	v = reallocarray(cf->v, cf->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	cf->v = v;
	v[cf->n] = (struct subtree){ .id = id };
	if (!cgroups_path(cf->cgroups, id, real, sizeof(real))) {
		v[cf->n].path = strdup(real);
		if (!v[cf->n].path)
			return -ENOMEM;
	}
	cf->n++;
	return 0;
}

static bool is_below(const char *path, const char *subtree)
{
	size_t len = strlen(subtree);

	if (!strcmp(subtree, "/"))
		return true;
	return !strncmp(path, subtree, len) &&
	       (path[len] == '/' || path[len] == '\0');
}

static bool look_up(const struct cgroup_filter *cf, uint64_t id)
{
	char path[PATH_MAX];
	bool known;
	size_t i;

	known = !cgroups_path(cf->cgroups, id, path, sizeof(path));
	for (i = 0; i < cf->n; i++)
		if (cf->v[i].id == id ||
		    (known && cf->v[i].path && is_below(path, cf->v[i].path)))
			return true;
	return false;
}

bool cgroup_filter_has(void *ctx, uint64_t id)
{
	struct cgroup_filter *cf = ctx;
	struct verdict *slot = &cf->cache[id & (CACHE_SLOTS - 1)];

	if (slot->id != id)
		*slot = (struct verdict){ .id = id, .in = look_up(cf, id) };
	return slot->in;
}

size_t cgroup_filter_ids(const void *ctx, uint64_t *ids, size_t max)
{
	const struct cgroup_filter *cf = ctx;
	size_t i;

	for (i = 0; i < cf->n && i < max; i++)
		ids[i] = cf->v[i].id;
	return i;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * From the cgroup v2 id of a socket to names that people know.
 *
 * The id is the file handle of the cgroup's directory, so that the kernel
 * finds the directory for us.  Where open_by_handle_at() is not allowed (it
 * takes CAP_DAC_READ_SEARCH), the tree is searched.
 */
#define _GNU_SOURCE 1	/* name_to_handle_at() */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cgroups.h"
#include "mountinfo.h"

/* enum fid_type of include/linux/exportfs.h; not in any uapi header. */
#define FILEID_KERNFS	0xfe

#define CONTAINER_DIGITS	64

/* Enough for what a host has open sockets in; a power of two. */
#define CACHE_SLOTS	1024
#define CACHE_WAYS	4	/* slots an id may be in */

/* Whoever owns a subtree may nest deeper than our stack and descriptors go. */
#define TREE_DEPTH	32

struct slot {
	uint64_t id;		/* 0 = free; no cgroup has it */
	bool known;
	char unit[NAME_MAX + 1];
	char container[CONTAINER_DIGITS + 1];
};

struct tree {
	int fd;			/* of the root, or -errno */
	char *point;		/* where it is mounted */
};

/* What was told of another host's; all of it is kept. */
struct told {
	uint64_t id;
	char path[];
};

struct cgroups {
	struct tree tree;
	bool told;		/* not of this host, which is not asked */
	void *paths;		/* a tree of struct told, by id */
	bool search;		/* handles are refused */
	unsigned int victim;	/* next way to be replaced */
	struct slot slots[CACHE_SLOTS];
};

static void copy(char *to, size_t to_len, const char *from, size_t len)
{
	if (!to_len)
		return;
	if (len >= to_len)
		len = to_len - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

/* Whoever owns a subtree chooses names in it; what is printed is checked. */
static bool harmless(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isascii(s[i]) || (!isalnum((unsigned char)s[i]) &&
				       !strchr(":-_.\\@", s[i])))
			return false;
	return true;
}

static bool ends_with(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len > n && !memcmp(s + len - n, suffix, n);
}

/* 2 for a service or scope, 1 for a slice, 0 for no unit. */
static int unit_rank(const char *s, size_t len)
{
	if (!harmless(s, len))
		return 0;
	if (ends_with(s, len, ".service") || ends_with(s, len, ".scope"))
		return 2;
	return ends_with(s, len, ".slice");
}

static bool lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * Docker, podman, containerd, CRI-O: "ID", "docker-ID.scope", "crio-ID",
 * "kubepods-pod1.slice:cri-containerd:ID".  conmon only looks after a
 * container and is outside of it.
 */
static const char *container_in(const char *s, size_t len)
{
	const char *id;

	if (ends_with(s, len, ".scope"))
		len -= strlen(".scope");
	if (len < CONTAINER_DIGITS)
		return NULL;
	id = s + len - CONTAINER_DIGITS;
	for (int i = 0; i < CONTAINER_DIGITS; i++)
		if (!lower_hex(id[i]))
			return NULL;
	if (id == s)
		return id;
	if (id[-1] != '-' && id[-1] != ':')
		return NULL;
	return ends_with(s, id - s, "-conmon-") ? NULL : id;
}

void cgroup_path_names(const char *path, char *unit, size_t unit_len,
		       char *container, size_t container_len)
{
	const char *id;
	int best = 1, rank;
	size_t len;

	copy(unit, unit_len, "", 0);
	copy(container, container_len, "", 0);
	for (; *path; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		id = container_in(path, len);
		if (id)
			copy(container, container_len, id, CONTAINER_DIGITS);
		/* systemd escapes a name like "_cgroup.slice" by a '_'. */
		if (len && *path == '_')
			path++, len--;
		rank = unit_rank(path, len);
		if (rank >= best) {
			copy(unit, unit_len, path, len);
			best = rank;
		}
	}
}

static int open_tree_at(const char *point)
{
	struct statfs fs;
	int fd;

	fd = open(point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!fstatfs(fd, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
		return fd;
	close(fd);	/* something is mounted over it */
	return -ENODEV;
}

/* Take the first: further mounts show the same tree, or a part of it. */
static int take_tree(void *ctx, const struct mountinfo *m)
{
	struct tree *tree = ctx;

	tree->fd = open_tree_at(m->point);
	if (tree->fd < 0)
		return 0;
	tree->point = strdup(m->point);
	if (!tree->point) {
		close(tree->fd);
		tree->fd = -ENOMEM;
	}
	return -ECANCELED;
}

static int open_tree(struct tree *tree)
{
	*tree = (struct tree){ .fd = -ENODEV };
	mountinfo_each("cgroup2", take_tree, tree);
	return tree->fd < 0 ? tree->fd : 0;
}

static void close_tree(struct tree *tree)
{
	if (tree->fd >= 0)
		close(tree->fd);
	free(tree->point);
}

/* File handles of kernfs hold the id and nothing else. */
union kernfs_handle {
	struct file_handle fh;
	char room[sizeof(struct file_handle) + sizeof(uint64_t)];
};

static int id_of(int dir, const char *name, uint64_t *id)
{
	union kernfs_handle h = { .fh.handle_bytes = sizeof(*id) };
	int mount_id;

	if (name_to_handle_at(dir, name, &h.fh, &mount_id,
			      *name ? 0 : AT_EMPTY_PATH))
		return errno == EOVERFLOW ? -EINVAL : -errno;
	if (h.fh.handle_type != FILEID_KERNFS ||
	    h.fh.handle_bytes != sizeof(*id))
		return -EINVAL;
	memcpy(id, h.fh.f_handle, sizeof(*id));
	return 0;
}

static int open_id(const struct cgroups *c, uint64_t id)
{
	union kernfs_handle h = {
		.fh.handle_bytes = sizeof(id),
		.fh.handle_type = FILEID_KERNFS,
	};
	int fd;

	memcpy(h.fh.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(c->tree.fd, &h.fh,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The path of an open directory below the root, "/" for the root. */
static int path_of(const struct cgroups *c, int fd, char *path, size_t size)
{
	size_t skip = strlen(c->tree.point);
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size);
	if (len < 0)
		return -errno;
	if ((size_t)len >= size)
		return -ENAMETOOLONG;
	path[len] = '\0';
	if (!strncmp(path, c->tree.point, skip) &&
	    (path[skip] == '/' || !path[skip]))
		memmove(path, path + skip, len - skip + 1);
	if (!path[0])
		memcpy(path, "/", 2);
	return 0;
}

static int path_by_handle(const struct cgroups *c, uint64_t id, char *path,
			  size_t size)
{
	int err, fd;

	fd = open_id(c, id);
	if (fd < 0)
		return fd;
	err = path_of(c, fd, path, size);
	close(fd);
	return err;
}

static int search_tree(int dir, uint64_t id, char *path, size_t size,
		       size_t used, int depth);

static int search_entry(int dir, const char *name, uint64_t id, char *path,
			size_t size, size_t used, int depth)
{
	size_t len = strlen(name);
	uint64_t found;
	int err, fd;

	if (used + len + 2 > size)
		return -ENOENT;
	path[used] = '/';
	memcpy(path + used + 1, name, len + 1);
	used += len + 1;
	if (!id_of(dir, name, &found) && found == id)
		return 0;
	if (depth == TREE_DEPTH)
		return -ENOENT;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	err = search_tree(fd, id, path, size, used, depth + 1);
	close(fd);
	return err;
}

/*
 * Write to @path, from @used on, the way to the cgroup below @dir.  What goes
 * away meanwhile is passed over.
 */
static int search_tree(int dir, uint64_t id, char *path, size_t size,
		       size_t used, int depth)
{
	struct dirent *de;
	int err = -ENOENT;
	DIR *d;
	int fd;

	fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (err == -ENOENT && (de = readdir(d))) {
		if (de->d_type != DT_DIR || !strcmp(de->d_name, ".") ||
		    !strcmp(de->d_name, ".."))
			continue;
		err = search_entry(dir, de->d_name, id, path, size, used,
				   depth);
	}
	closedir(d);
	return err;
}

/* The largest id below @dir, which itself has @newest. */
static uint64_t newest_below(int dir, uint64_t newest, int depth)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), below;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;
	uint64_t id;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return newest;
	}
	while ((de = readdir(d))) {
		if (de->d_type != DT_DIR || !strcmp(de->d_name, ".") ||
		    !strcmp(de->d_name, ".."))
			continue;
		if (!id_of(dir, de->d_name, &id) && id > newest)
			newest = id;
		below = openat(dir, de->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below < 0)
			continue;
		if (depth < TREE_DEPTH)
			newest = newest_below(below, newest, depth + 1);
		close(below);
	}
	closedir(d);
	return newest;
}

uint64_t cgroup_newest(void)
{
	uint64_t newest = 0;
	struct tree tree;

	if (open_tree(&tree))
		return 0;
	if (!id_of(tree.fd, "", &newest))
		newest = newest_below(tree.fd, newest, 0);
	close_tree(&tree);
	return newest;
}

static int path_by_search(const struct cgroups *c, uint64_t id, char *path,
			  size_t size)
{
	uint64_t root;

	if (size < 2)
		return -ENAMETOOLONG;
	memcpy(path, "/", 2);
	if (!id_of(c->tree.fd, "", &root) && root == id)
		return 0;
	return search_tree(c->tree.fd, id, path, size, 0, 0);
}

static int by_id(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int path_as_told(struct cgroups *c, uint64_t id, char *path, size_t size)
{
	const struct told key = { .id = id };
	struct told **found = tfind(&key, &c->paths, by_id);

	if (!found)
		return -ENOENT;
	if (strlen((*found)->path) >= size)
		return -ENAMETOOLONG;
	strcpy(path, (*found)->path);
	return 0;
}

int cgroups_path(struct cgroups *c, uint64_t id, char *path, size_t size)
{
	int err = -EPERM;

	if (c->told)
		return path_as_told(c, id, path, size);

	if (c->tree.fd < 0)
		return c->tree.fd;
	if (!c->search)
		err = path_by_handle(c, id, path, size);
	if (err != -EPERM && err != -EOPNOTSUPP)
		return err;
	c->search = true;
	return path_by_search(c, id, path, size);
}

static void fill(struct slot *slot, uint64_t id, const char *path)
{
	memset(slot, 0, sizeof(*slot));
	slot->id = id;
	slot->known = path;
	if (path)
		cgroup_path_names(path, slot->unit, sizeof(slot->unit),
				  slot->container, sizeof(slot->container));
}

static void look_up(struct cgroups *c, struct slot *slot, uint64_t id)
{
	char path[PATH_MAX];
	int err;

	memset(slot, 0, sizeof(*slot));
	err = cgroups_path(c, id, path, sizeof(path));
	/* Ours, and temporary: not kept. */
	if (err != -ENOMEM && err != -EMFILE && err != -ENFILE)
		fill(slot, id, err ? NULL : path);
}

/*
 * The answer never changes: cgroups cannot be renamed, and an id is not used
 * again.  So "unknown" is kept as well, or a host full of sockets of one
 * removed cgroup would be searched for each.
 */
static struct slot *slot_of(struct cgroups *c, uint64_t id)
{
	size_t first = (id * 0x9e3779b97f4a7c15ULL >> 40) % CACHE_SLOTS;
	struct slot *slot;

	first -= first % CACHE_WAYS;
	for (size_t i = 0; i < CACHE_WAYS; i++) {
		slot = &c->slots[first + i];
		if (slot->id == id)
			return slot;
		if (!slot->id)
			goto look_up;
	}
	slot = &c->slots[first + c->victim++ % CACHE_WAYS];
look_up:
	look_up(c, slot, id);
	return slot;
}

struct cgroups *cgroups_new_told(void)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (c) {
		c->told = true;
		c->tree.fd = -ENODEV;
	}
	return c;
}

void cgroups_tell(struct cgroups *c, uint64_t id, const char *path)
{
	struct told *told = malloc(sizeof(*told) + strlen(path) + 1);
	struct told **found;

	if (!told)
		return;
	told->id = id;
	strcpy(told->path, path);
	found = id ? tsearch(told, &c->paths, by_id) : NULL;
	if (!found || *found != told)
		free(told);
	else
		fill(slot_of(c, id), id, path);
}

struct cgroups *cgroups_new(void)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (open_tree(&c->tree) == -ENOMEM) {
		free(c);
		return NULL;
	}
	return c;
}

void cgroups_free(struct cgroups *c)
{
	if (!c)
		return;
	tdestroy(c->paths, free);
	if (!c->told)
		close_tree(&c->tree);
	free(c);
}

bool cgroups_name(struct cgroups *c, uint64_t id, char *unit, size_t unit_len,
		  char *container, size_t container_len)
{
	static const struct slot unknown;
	const struct slot *slot = &unknown;

	if (c && (c->told || c->tree.fd >= 0) && id)
		slot = slot_of(c, id);
	copy(unit, unit_len, slot->unit, strlen(slot->unit));
	copy(container, container_len, slot->container,
	     strlen(slot->container));
	return slot->known;
}

int cgroup_id_of_path(const char *path, uint64_t *id)
{
	struct statfs fs;
	struct tree tree;
	int dir, err;
	size_t len;

	err = open_tree(&tree);
	if (err)
		return err;
	len = strlen(tree.point);
	if (!strncmp(path, tree.point, len) && (path[len] == '/' || !path[len]))
		path += len;
	path += strspn(path, "/");
	dir = openat(tree.fd, *path ? path : ".",
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = dir < 0 ? -errno : 0;
	close_tree(&tree);
	if (err)
		return err == -ENOTDIR ? -EINVAL : err;

	/* "../.." leads out of the tree, and other kernfs have ids too. */
	if (fstatfs(dir, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		err = -EINVAL;
	else
		err = id_of(dir, "", id);
	close(dir);
	return err;
}

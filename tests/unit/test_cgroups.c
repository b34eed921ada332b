// SPDX-License-Identifier: GPL-2.0
/*
 * A cgroup id is resolved to the names that systemd and the container engines
 * gave it, with and without the right to open by handle; and names that a
 * subtree's owner made up do not get through.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <mntent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cgroups.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *path, *unit, *container;
} paths[] = {
	{ "", "", "" },
	{ "/", "", "" },
	{ "/system.slice/orders.service", "orders.service", "" },
	{ "system.slice//orders.service/", "orders.service", "" },
	{ "/user.slice/user-1000.slice", "user-1000.slice", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service",
	  "a.service", "" },
	/* A service is preferred to the slice below it. */
	{ "/a.slice/b.service/c.slice/d", "b.service", "" },
	{ "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", ID },
	{ "/docker/" ID, "", ID },
	{ "/docker/" ID "/docker/" ID2, "", ID2 },
	{ "/system.slice/docker-" ID ".scope/system.slice/nginx.service",
	  "nginx.service", ID },
	{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope",
	  "cri-containerd-" ID ".scope", ID },
	{ "/kubepods/burstable/pod1/" ID, "", ID },
	{ "/system.slice/containerd.service/kubepods-p.slice:cri-containerd:" ID,
	  "containerd.service", ID },
	{ "/machine.slice/libpod-" ID ".scope/container",
	  "libpod-" ID ".scope", ID },
	{ "/machine.slice/libpod-conmon-" ID ".scope",
	  "libpod-conmon-" ID ".scope", "" },
	{ "/system.slice/crio-conmon-" ID ".scope",
	  "crio-conmon-" ID ".scope", "" },
	{ "/machine.slice/crio-" ID ".scope", "crio-" ID ".scope", ID },
	/* Not 64, not hexadecimal, not by itself. */
	{ "/docker/" ID "0", "", "" },
	{ "/docker/0" ID ".scope", "0" ID ".scope", "" },
	{ "/docker/G123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  "", "" },
	/* systemd's escapes */
	{ "/system.slice/_memory.service", "memory.service", "" },
	{ "/system.slice/a\\x2db.service", "a\\x2db.service", "" },
	/* No units: nothing before the dot, other bytes. */
	{ "/.service/.scope/.slice", "", "" },
	{ "/system.slice/a b.service", "system.slice", "" },
	{ "/system.slice/\033[2J.service", "system.slice", "" },
	{ "/system.slice/a\"\n.scope", "system.slice", "" },
	{ "/system.slice/\303\244.service", "system.slice", "" },
	{ "/_", "", "" },
};

static void test_path_names(void **state)
{
	char unit[256], container[65];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		cgroup_path_names(paths[i].path, unit, sizeof(unit), container,
				  sizeof(container));
		assert_string_equal(unit, paths[i].unit);
		assert_string_equal(container, paths[i].container);
	}
}

static void test_path_names_cut(void **state)
{
	char unit[5], container[13], none = 'x';

	(void)state;
	cgroup_path_names("/orders.service/docker-" ID, unit, sizeof(unit),
			  container, sizeof(container));
	assert_string_equal(unit, "orde");
	assert_string_equal(container, "0123456789ab");
	cgroup_path_names("/orders.service/docker-" ID, &none, 0, &none, 0);
	assert_int_equal(none, 'x');
}

/* Where cgroup v2 is mounted, or NULL. */
static const char *mount_point(void)
{
	static char point[256];
	struct mntent *m;
	FILE *f = setmntent("/proc/self/mounts", "re");

	point[0] = '\0';
	while (f && !point[0] && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2"))
			snprintf(point, sizeof(point), "%s", m->mnt_dir);
	if (f)
		endmntent(f);
	return point[0] ? point : NULL;
}

static char made[3][512];

static int make_tree(void **state)
{
	const char *point = mount_point();

	(void)state;
	if (!point)
		return 0;
	snprintf(made[0], sizeof(made[0]), "%s/tcpstate-test-%d.slice", point,
		 getpid());
	snprintf(made[1], sizeof(made[1]), "%.300s/orders.service", made[0]);
	snprintf(made[2], sizeof(made[2]), "%.400s/%s", made[1], ID);
	for (int i = 0; i < 3; i++)
		if (mkdir(made[i], 0755))
			made[i][0] = '\0';
	return 0;
}

static int remove_tree(void **state)
{
	(void)state;
	for (int i = 2; i >= 0; i--)
		if (made[i][0])
			rmdir(made[i]);
	return 0;
}

static void need_tree(void)
{
	if (made[2][0])
		return;
	print_message("no cgroup could be made (root and cgroup v2)\n");
	skip();
}

static void test_id_to_names(void **state)
{
	char unit[64], container[65];
	struct cgroups *c = cgroups_new();
	uint64_t id;

	(void)state;
	need_tree();
	assert_non_null(c);
	assert_int_equal(cgroup_id_of_path(made[2], &id), 0);
	for (int i = 0; i < 2; i++) {	/* the second time from the cache */
		assert_true(cgroups_name(c, id, unit, sizeof(unit), container,
					 sizeof(container)));
		assert_string_equal(unit, "orders.service");
		assert_string_equal(container, ID);
	}
	cgroups_free(c);
}

static void test_id_of_path(void **state)
{
	const char *below;
	uint64_t a, b;

	(void)state;
	need_tree();
	below = made[1] + strlen(mount_point());
	assert_int_equal(cgroup_id_of_path(made[1], &a), 0);
	assert_int_equal(cgroup_id_of_path(below, &b), 0);
	assert_true(a == b);
	assert_int_equal(cgroup_id_of_path(below + 1, &b), 0);
	assert_true(a == b);
	assert_int_equal(cgroup_id_of_path("/", &a), 0);
	assert_true(a == 1);
	b = 77;
	assert_int_equal(cgroup_id_of_path("/no/such", &b), -ENOENT);
	assert_int_equal(cgroup_id_of_path("/cgroup.procs", &b), -EINVAL);
	assert_int_equal(cgroup_id_of_path("/../../../../../../proc", &b),
			 -EINVAL);
	assert_true(b == 77);
}

static void test_path_of_id(void **state)
{
	struct cgroups *c = cgroups_new();
	char path[512];
	uint64_t id;

	(void)state;
	need_tree();
	assert_int_equal(cgroup_id_of_path(made[2], &id), 0);
	assert_int_equal(cgroups_path(c, id, path, sizeof(path)), 0);
	assert_string_equal(path, made[2] + strlen(mount_point()));
	assert_int_equal(cgroups_path(c, 1, path, sizeof(path)), 0);
	assert_string_equal(path, "/");
	assert_true(cgroups_path(c, id, path, 8) < 0);
	cgroups_free(c);
}

static void test_removed(void **state)
{
	char path[600], unit[64] = "x", container[65] = "x";
	struct cgroups *c = cgroups_new();
	uint64_t id;

	(void)state;
	need_tree();
	snprintf(path, sizeof(path), "%s/gone.service", made[0]);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(cgroup_id_of_path(path, &id), 0);
	assert_int_equal(rmdir(path), 0);
	assert_false(cgroups_name(c, id, unit, sizeof(unit), container,
				  sizeof(container)));
	assert_string_equal(unit, "");
	assert_string_equal(container, "");
	assert_false(cgroups_name(c, 0, unit, sizeof(unit), container,
				  sizeof(container)));
	assert_false(cgroups_name(NULL, id, unit, sizeof(unit), container,
				  sizeof(container)));
	cgroups_free(c);
}

/* As nobody, handles may not be opened and the tree is searched. */
static int search_as_nobody(uint64_t id)
{
	char unit[64], container[65];
	struct cgroups *c;

	if (setgid(65534) || setuid(65534))
		return 10;
	c = cgroups_new();
	if (!cgroups_name(c, id, unit, sizeof(unit), container,
			  sizeof(container)))
		return 11;
	if (strcmp(unit, "orders.service") || strcmp(container, ID))
		return 12;
	if (!cgroups_name(c, 1, unit, sizeof(unit), container,
			  sizeof(container)) || *unit || *container)
		return 13;
	if (cgroups_name(c, UINT64_MAX, unit, sizeof(unit), container,
			 sizeof(container)))
		return 14;
	cgroups_free(c);
	return 0;
}

static void test_search(void **state)
{
	uint64_t id;
	int status;
	pid_t pid;

	(void)state;
	need_tree();
	assert_int_equal(cgroup_id_of_path(made[2], &id), 0);
	pid = fork();
	if (!pid)
		_exit(search_as_nobody(id));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* More ids than slots: each answer is still its own. */
static void test_cache_is_bounded(void **state)
{
	char unit[64], container[65];
	struct cgroups *c = cgroups_new();
	uint64_t id;

	(void)state;
	need_tree();
	assert_int_equal(cgroup_id_of_path(made[1], &id), 0);
	for (uint64_t i = 0; i < 20000; i++) {
		assert_false(cgroups_name(c, UINT64_MAX - i, unit,
					  sizeof(unit), container,
					  sizeof(container)));
		if (i % 100)
			continue;
		assert_true(cgroups_name(c, id, unit, sizeof(unit), container,
					 sizeof(container)));
		assert_string_equal(unit, "orders.service");
		assert_string_equal(container, "");
	}
	cgroups_free(c);
}

/* Of another host: nothing is looked up here. */
static void test_told(void **state)
{
	struct cgroups *c = cgroups_new_told();
	char unit[64], container[80];

	(void)state;
	assert_non_null(c);
	assert_false(cgroups_name(c, 1, unit, sizeof(unit), container,
				  sizeof(container)));
	cgroups_tell(c, 1, "/system.slice/orders.service");
	cgroups_tell(c, 0, "/system.slice/nobody.service");
	assert_true(cgroups_name(c, 1, unit, sizeof(unit), container,
				 sizeof(container)));
	assert_string_equal(unit, "orders.service");
	assert_string_equal(container, "");
	assert_false(cgroups_name(c, 0, unit, sizeof(unit), container,
				  sizeof(container)));
	assert_false(cgroups_name(c, 2, unit, sizeof(unit), container,
				  sizeof(container)));
	cgroups_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_path_names),
		cmocka_unit_test(test_path_names_cut),
		cmocka_unit_test(test_id_to_names),
		cmocka_unit_test(test_id_of_path),
		cmocka_unit_test(test_path_of_id),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_cache_is_bounded),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}

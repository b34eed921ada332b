// SPDX-License-Identifier: GPL-2.0
#include "kernel_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <zlib.h>

/* gzopen() reads plain files too. */
static unsigned int hz_in(const char *path)
{
	gzFile f = gzopen(path, "re");
	unsigned int hz = 0;
	char line[256];

	if (!f)
		return 0;
	while (!hz && gzgets(f, line, sizeof(line)))
		if (sscanf(line, "CONFIG_HZ=%u", &hz) != 1)
			hz = 0;
	gzclose(f);
	return hz;
}

unsigned int kernel_hz(void)
{
	struct utsname u;
	char path[128];
	unsigned int hz = hz_in("/proc/config.gz");

	if (hz || uname(&u))
		return hz;
	snprintf(path, sizeof(path), "/boot/config-%.64s", u.release);
	return hz_in(path);
}

int kernel_cpu_ids(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	int first, last, ids = 0;
	char range[32];

	if (!f)
		return 0;
	/* "0-3,8-11" */
	while (fscanf(f, "%31[0-9-]%*[,\n]", range) == 1) {
		int n = sscanf(range, "%d-%d", &first, &last);

		if (n == 1)
			last = first;
		if (n > 0 && last >= ids)
			ids = last + 1;
	}
	fclose(f);
	return ids;
}

int kernel_cgroup2_root(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	int fd = -ENOENT;

	if (!f)
		return -errno;
	while (fd < 0 && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2")) {
			fd = open(m->mnt_dir,
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (fd < 0)
				fd = -errno;
		}
	endmntent(f);
	return fd;
}

/* include/linux/proc_ns.h: its inode. */
#define INITIAL_PID_NS	0xeffffffcU

bool kernel_initial_pid_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == INITIAL_PID_NS;
}

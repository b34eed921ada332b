// SPDX-License-Identifier: GPL-2.0
#include "kernel_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <zlib.h>

/* The symbols that hooks may ask for; a table, so that one pass finds all. */
static struct symbol {
	const char *name;
	uint64_t address, end;
} symbols[] = {
	{ "__inet_twsk_schedule", 0, 0 },
	{ "inet_twsk_kill", 0, 0 },
	{ "inet_csk_reqsk_queue_hash_add", 0, 0 },
	{ "__inet_csk_reqsk_queue_drop", 0, 0 },
	{ "tw_timer_handler", 0, 0 },
	{ "reqsk_timer_handler", 0, 0 },
	{ "tcp_timewait_state_process", 0, 0 },
	{ "tcp_check_req", 0, 0 },
	{ "tcp_v4_rcv", 0, 0 },
	{ "tcp_v6_rcv", 0, 0 },
	{ "__inet_hash_connect", 0, 0 },
	{ "tcp_abort", 0, 0 },
	{ "tcp_req_err", 0, 0 },
	{ "tcp_validate_incoming", 0, 0 },
	{ "tcp_rcv_state_process", 0, 0 },
};
#define SYMBOLS (sizeof(symbols) / sizeof(symbols[0]))

/* The file is sorted by address, so that the next one is the end. */
static void symbol_end(struct symbol **open, uint64_t address)
{
	if (!*open || address <= (*open)->address)
		return;
	(*open)->end = address;
	*open = NULL;
}

static void symbols_read(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct symbol *open = NULL;
	char line[512], name[256];
	unsigned long long address;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) != 2)
			continue;
		symbol_end(&open, address);
		for (size_t i = 0; i < SYMBOLS; i++) {
			if (strcmp(symbols[i].name, name))
				continue;
			symbols[i].address = address;
			open = &symbols[i];
		}
	}
	fclose(f);
}

static const struct symbol *symbol_find(const char *name)
{
	static bool read;

	if (!read)
		symbols_read();
	read = true;
	for (size_t i = 0; i < SYMBOLS; i++)
		if (!strcmp(symbols[i].name, name))
			return &symbols[i];
	return NULL;
}

uint64_t kernel_symbol(const char *name)
{
	const struct symbol *symbol = symbol_find(name);

	return symbol ? symbol->address : 0;
}

uint64_t kernel_symbol_bytes(const char *name)
{
	const struct symbol *symbol = symbol_find(name);

	if (!symbol || !symbol->address || symbol->end < symbol->address)
		return 0;
	return symbol->end - symbol->address;
}

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

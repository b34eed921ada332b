// SPDX-License-Identifier: GPL-2.0
/*
 * The descriptors of sockets, from iter/task_file.  Loaded, read once and let
 * go of: nothing of it stays in the kernel between two looks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "holders.skel.h"
#include "holders_bpf.h"
#include "kernel_facts.h"

/* Of a read; the kernel has a buffer of 8 pages. */
#define READ_BYTES	(1 << 16)

/* Mirrors struct line of bpf/holders.bpf.c. */
_Static_assert(sizeof(struct held) == 32, "the BPF program writes 32 bytes");

static int say_nothing(enum libbpf_print_level level, const char *fmt,
		       va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* What the program writes are numbers of the initial namespace. */
static int check_namespace(char *why, size_t why_len)
{
	if (kernel_initial_pid_namespace())
		return 0;
	snprintf(why, why_len, "not in the initial pid namespace");
	return -EOPNOTSUPP;
}

static int read_all(int iter, held_fn fn, void *ctx)
{
	struct held *lines = malloc(READ_BYTES);
	size_t have = 0, n;
	ssize_t len;
	int ret = 0;

	if (!lines)
		return -ENOMEM;
	while (!ret) {
		len = read(iter, (char *)lines + have, READ_BYTES - have);
		/* EAGAIN: a million files, and no socket among them. */
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (len <= 0) {
			ret = len < 0 ? -errno : have ? -EBADMSG : 0;
			break;
		}
		have += len;
		n = have / sizeof(*lines);
		for (size_t i = 0; i < n && !ret; i++)
			ret = fn(ctx, &lines[i]);
		have -= n * sizeof(*lines);
		memmove(lines, &lines[n], have);
	}
	free(lines);
	return ret;
}

/* A descriptor to read from, or -errno. */
static int open_iterator(struct holders_bpf *skel, const char **step)
{
	struct bpf_link *link;
	int iter;

	*step = "load iter/task_file";
	if (holders_bpf__load(skel))
		return -errno;
	*step = "attach iter/task_file";
	link = bpf_program__attach_iter(skel->progs.holders, NULL);
	if (!link)
		return -errno;
	iter = bpf_iter_create(bpf_link__fd(link));
	/* What was made from the link keeps what it needs of it. */
	bpf_link__destroy(link);
	return iter;
}

int holders_bpf_each(held_fn fn, void *ctx, char *why, size_t why_len)
{
	libbpf_print_fn_t before;
	struct holders_bpf *skel;
	const char *step = "open the BPF object";
	int err, iter;

	err = check_namespace(why, why_len);
	if (err)
		return err;
	before = libbpf_set_print(say_nothing);
	skel = holders_bpf__open();
	iter = skel ? open_iterator(skel, &step) : -errno;
	libbpf_set_print(before);
	if (iter < 0) {
		snprintf(why, why_len, "cannot %s: %s", step, strerror(-iter));
		holders_bpf__destroy(skel);
		return iter;
	}
	err = read_all(iter, fn, ctx);
	if (err)
		snprintf(why, why_len, "cannot read iter/task_file: %s",
			 strerror(err < 0 ? -err : ECANCELED));
	close(iter);
	holders_bpf__destroy(skel);
	return err;
}

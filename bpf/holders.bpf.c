// SPDX-License-Identifier: GPL-2.0
/*
 * Who holds which socket: the kernel's iterator walks the descriptor tables of
 * all tasks of the pid namespace, and this program writes a line for each socket
 * in them.  A thread comes with a table of its own only if it does not share
 * its leader's; all threads of a leader that has ended come with the same one.
 */
#include "core_types.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* Mirrored by source/holders_bpf.c; no holes. */
struct line {
	__u64 inode;
	__u32 pid;		/* thread group, as the initial namespace has it */
	__u32 fd;
	char comm[16];		/* of the group's leader */
};

SEC("iter/task_file")
int holders(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct line line = {};

	/* The last call has neither. */
	if (!task || !file || !bpf_sock_from_file(file))
		return 0;
	line.inode = file->f_inode->i_ino;
	line.pid = task->tgid;
	line.fd = ctx->fd;
	BPF_CORE_READ_STR_INTO(&line.comm, task, group_leader, comm);
	/* Without room it is called again for the same file. */
	bpf_seq_write(ctx->meta->seq, &line, sizeof(line));
	return 0;
}

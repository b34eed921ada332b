// SPDX-License-Identifier: GPL-2.0
#include "source_bpf_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kallsyms.h"

static int try_attach(int prog)
{
	int link = bpf_raw_tracepoint_open(NULL, prog);

	if (link < 0)
		return link;
	close(link);
	return 0;
}

int bpf_kernel_fentry(const struct btf *btf, const char *fn, bool *works)
{
	const struct bpf_insn insns[] = {
		{ .code = 0xb7 },	/* r0 = 0 */
		{ .code = 0x95 },	/* exit */
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = BPF_TRACE_FENTRY);
	int prog, err = 0;

	opts.attach_btf_id = btf__find_by_name_kind(btf, fn, BTF_KIND_FUNC);
	if ((int)opts.attach_btf_id < 0)
		return -ENOENT;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", insns, 2,
			     &opts);
	if (prog < 0)
		return prog;
	if (!*works)
		err = try_attach(prog);
	*works |= !err;
	close(prog);
	return err;
}

int bpf_kernel_kprobe(const char *fn)
{
	if (access("/sys/bus/event_source/devices/kprobe/type", R_OK) != 0)
		return -EOPNOTSUPP;
	return kallsyms_address(fn) ? 0 : -ENOENT;
}

int bpf_kernel_tracepoint(const struct btf *btf, const char *name)
{
	const struct btf_type *t;
	char type[64];
	int id;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	if (id < 0)
		return -1;
	/* A pointer to a function, whose first argument is the probe's own. */
	t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	t = btf__type_by_id(btf, t->type);
	return btf_vlen(t) - 1;
}

bool bpf_kernel_returns(const struct btf *btf, const char *fn)
{
	const struct btf_type *t;
	int id;

	id = btf__find_by_name_kind(btf, fn, BTF_KIND_FUNC);
	if (id < 0)
		return false;
	t = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	return t->type != 0;
}

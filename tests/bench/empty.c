// SPDX-License-Identifier: GPL-2.0
/*
 * empty [-s] OBJECT: attaches its programs, and waits for a signal.  -s: meanwhile
 * the kernel counts how long each program runs, this one and all others; it ends
 * with us, whatever we die of.
 */
#include <err.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_program *prog;
	struct bpf_object *obj;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc > 2 && !strcmp(argv[1], "-s") &&
	    bpf_enable_stats(BPF_STATS_RUN_TIME) < 0)
		err(1, "BPF_ENABLE_STATS");
	obj = bpf_object__open_file(argv[argc - (argc > 1)], NULL);
	if (!obj || bpf_object__load(obj))
		err(1, "load");
	bpf_object__for_each_program(prog, obj)
		if (!bpf_program__attach(prog))
			err(1, "attach");
	pause();
	return 0;
}

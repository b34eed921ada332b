// SPDX-License-Identifier: GPL-2.0
/* empty OBJECT: attaches its programs, and waits for a signal. */
#include <err.h>
#include <unistd.h>

#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_object *obj = bpf_object__open_file(argv[argc > 1], NULL);
	struct bpf_program *prog;

	if (!obj || bpf_object__load(obj))
		err(1, "load");
	bpf_object__for_each_program(prog, obj)
		if (!bpf_program__attach(prog))
			err(1, "attach");
	pause();
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/* The least that a tracer can cost: a program on the tracepoint, and nothing in it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(empty)
{
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/snmp.h>
#include <linux/stacktrace.h>
#include <linux/string.h>

#include "callers.h"
#include "tcpstate_syn_call.h"

/* With a kprobe the innermost lies some 14 frames out. */
#define FRAMES 24

struct caller {
	const char *symbol;
	enum tcpstate_cause cause;
	unsigned long start, bytes;
};

static struct caller callers[] = {
	{ "tcp_timewait_state_process", TCPSTATE_CAUSE_RST },
	{ "tcp_check_req", TCPSTATE_CAUSE_RST },
	{ "tcp_v4_rcv", TCPSTATE_CAUSE_INPUT },
	{ "tcp_v6_rcv", TCPSTATE_CAUSE_INPUT },
	{ "__inet_hash_connect", TCPSTATE_CAUSE_CONNECT },
	{ "tcp_abort", TCPSTATE_CAUSE_ABORT },
	{ "tcp_req_err", TCPSTATE_CAUSE_ICMP },
	/* of full sockets, for TCPSTATE_F_LATE_DATA */
	{ "tcp_validate_incoming", TCPSTATE_CAUSE_RST },
	{ "tcp_rcv_state_process", TCPSTATE_CAUSE_INPUT },
};

/*
 * kallsyms_lookup_name() and its like are not exported; the text that
 * sprint_symbol() makes, "name+0x0/0x1b0", has both numbers.
 */
static void find_bounds(struct caller *caller, unsigned long addr)
{
	char text[KSYM_SYMBOL_LEN];
	unsigned long offset, bytes;
	const char *numbers;

	sprint_symbol(text, addr);
	numbers = strrchr(text, '+');
	if (!numbers || sscanf(numbers, "+%lx/%lx", &offset, &bytes) != 2)
		return;
	caller->start = addr - offset;
	caller->bytes = bytes;
}

/* A kprobe that is never armed tells the address. */
static void find_caller(struct caller *caller)
{
	struct kprobe kprobe = {
		.symbol_name = caller->symbol,
		.flags = KPROBE_FLAG_DISABLED,
	};

	if (register_kprobe(&kprobe))
		return;
	find_bounds(caller, (unsigned long)kprobe.addr);
	unregister_kprobe(&kprobe);
}

void callers_init(void)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(callers); n++)
		find_caller(&callers[n]);
}

/* Kernel text can be read, and what we look for in it is never patched. */
unsigned long callers_syn_return(void)
{
	struct caller from = { .symbol = "tcp_validate_incoming" };
	struct caller to = { .symbol = "tcp_send_challenge_ack" };

	find_caller(&from);
	find_caller(&to);
	if (!from.start || !to.start)
		return 0;
	return syn_call_return((const u8 *)from.start, from.bytes, from.start,
			       to.start,
			       LINUX_MIB_TCPSYNCHALLENGE * sizeof(long));
}

static __maybe_unused enum tcpstate_cause cause_of(unsigned long addr)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(callers); n++)
		if (addr - callers[n].start < callers[n].bytes)
			return callers[n].cause;
	return TCPSTATE_CAUSE_UNKNOWN;
}

#ifdef CONFIG_STACKTRACE
enum tcpstate_cause callers_cause(void)
{
	unsigned long frames[FRAMES];
	unsigned int n, nr = stack_trace_save(frames, FRAMES, 1);
	enum tcpstate_cause cause;

	for (n = 0; n < nr; n++) {
		cause = cause_of(frames[n]);
		if (cause)
			return cause;
	}
	return TCPSTATE_CAUSE_UNKNOWN;
}
#else
enum tcpstate_cause callers_cause(void)
{
	return TCPSTATE_CAUSE_UNKNOWN;
}
#endif

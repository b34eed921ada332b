// SPDX-License-Identifier: GPL-2.0
/*
 * The places in the kernel where we look: tracepoints, and the entries of the
 * functions through which mini-sockets come and go.
 *
 * ftrace rather than kprobes: a kprobe that is hit while this CPU is in another
 * kprobe, because a softirq interrupted it, is skipped; an ftrace callback
 * without FTRACE_OPS_FL_RECURSION is simply called again.  Ours may nest: what
 * it fills is on its stack, and sessions_emit() is one step.  It cannot recurse
 * in one context, since it calls none of the functions that it is hooked to.
 *
 * One ftrace_ops for all functions, since taking one away waits for all tasks
 * to have passed through the scheduler.
 */
#include <linux/bits.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <trace/events/sock.h>
#include <linux/tcpstate.h>
#include <linux/tcpstate_dev.h>

#include "callers.h"
#include "compat.h"
#include "hooks.h"
#include "record.h"
#include "session.h"

/*
 * Where a function's ftrace address may lie behind its kprobe address: x86 has
 * it at the same place, arm64 behind a landing pad and a nop.
 */
#define ENTRY_BYTES 16

struct hook {
	const char *symbol;
	bool found;
	bool traceable;		/* ftrace takes it */
	enum tcpstate_how how;	/* hooks_lock; NONE while detached */
	int error;
	struct kprobe kprobe;
	struct tracepoint *tracepoint;
	void *probe;		/* of the tracepoint; NULL: none is asked for */
};

static struct hook hooks[TCPSTATE_HOOKS];

/* The hooks at the entry of a function are among these. */
#define FIRST_ENTRY	TCPSTATE_HOOK_REQ_DROP
#define END_OF_ENTRIES	TCPSTATE_HOOKS

static DEFINE_MUTEX(hooks_lock);
static unsigned int hooks_users;	/* hooks_lock */
static u64 hooks_missed_before;		/* by hooks since detached; hooks_lock */
static unsigned long entry_addr[TCPSTATE_HOOKS] __read_mostly; /* 0: none */
static unsigned long syn_return __read_mostly;	/* of a challenge ACK */

static bool no_ftrace;
module_param(no_ftrace, bool, 0444);
MODULE_PARM_DESC(no_ftrace, "use kprobes where ftrace would do (for tests)");

/* By the kernel's number; what we have no word for is UNKNOWN. */
static u8 rst_reasons[64] __read_mostly;

#ifdef COMPAT_RST_NAMES
static const char *const kernel_rst_names[] = { COMPAT_RST_NAMES };

static const char *const rst_names[TCPSTATE_RST_REASONS] = {
	[TCPSTATE_RST_NO_SOCKET] = "NO_SOCKET",
	[TCPSTATE_RST_TCP_INVALID_ACK_SEQUENCE] = "TCP_INVALID_ACK_SEQUENCE",
	[TCPSTATE_RST_TCP_RFC7323_PAWS] = "TCP_RFC7323_PAWS",
	[TCPSTATE_RST_TCP_TOO_OLD_ACK] = "TCP_TOO_OLD_ACK",
	[TCPSTATE_RST_TCP_ACK_UNSENT_DATA] = "TCP_ACK_UNSENT_DATA",
	[TCPSTATE_RST_TCP_FLAGS] = "TCP_FLAGS",
	[TCPSTATE_RST_TCP_OLD_ACK] = "TCP_OLD_ACK",
	[TCPSTATE_RST_TCP_ABORT_ON_DATA] = "TCP_ABORT_ON_DATA",
	[TCPSTATE_RST_TCP_TIMEWAIT_SOCKET] = "TCP_TIMEWAIT_SOCKET",
	[TCPSTATE_RST_INVALID_SYN] = "INVALID_SYN",
	[TCPSTATE_RST_TCP_ABORT_ON_CLOSE] = "TCP_ABORT_ON_CLOSE",
	[TCPSTATE_RST_TCP_ABORT_ON_LINGER] = "TCP_ABORT_ON_LINGER",
	[TCPSTATE_RST_TCP_ABORT_ON_MEMORY] = "TCP_ABORT_ON_MEMORY",
	[TCPSTATE_RST_TCP_STATE] = "TCP_STATE",
	[TCPSTATE_RST_TCP_KEEPALIVE_TIMEOUT] = "TCP_KEEPALIVE_TIMEOUT",
	[TCPSTATE_RST_TCP_DISCONNECT_WITH_DATA] = "TCP_DISCONNECT_WITH_DATA",
};

static u8 rst_reason_by_name(const char *name)
{
	unsigned int n;

	if (name && strstarts(name, "MPTCP_"))
		return TCPSTATE_RST_MPTCP;
	for (n = 0; name && n < ARRAY_SIZE(rst_names); n++)
		if (rst_names[n] && !strcmp(rst_names[n], name))
			return n;
	return TCPSTATE_RST_UNKNOWN;
}

static void find_rst_reasons(void)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(kernel_rst_names) &&
		    n < ARRAY_SIZE(rst_reasons); n++)
		rst_reasons[n] = rst_reason_by_name(kernel_rst_names[n]);
}
#else
static void find_rst_reasons(void) { }
#endif

static enum tcpstate_rst_reason rst_reason(unsigned int kernel_reason)
{
	return kernel_reason < ARRAY_SIZE(rst_reasons) ?
	       rst_reasons[kernel_reason] : TCPSTATE_RST_UNKNOWN;
}

/* Probes: preemption is off, current context is task or softirq. */

static void probe_state(void *data, const struct sock *sk, const int old_state,
			const int new_state)
{
	struct tcpstate_record r COMPAT_UNINITIALIZED;

	/* tracepoints do so themselves so far; what we read relies on it */
	preempt_disable_notrace();
	/* the cookie is made on first use, so const cannot be kept */
	if (sessions_exist())
		sessions_emit(&r, record_state(&r, (struct sock *)sk,
					       old_state, new_state));
	preempt_enable_notrace();
}

static void probe_retransmit(void *data, const struct sock *sk,
			     const struct sk_buff *skb)
{
	struct tcpstate_record r COMPAT_UNINITIALIZED;

	preempt_disable_notrace();
	if (sessions_exist())
		sessions_emit(&r, record_retransmit(&r, (struct sock *)sk,
						    skb));
	preempt_enable_notrace();
}

static void probe_retransmit_error(void *data, const struct sock *sk,
				   const struct sk_buff *skb, int error)
{
	if (!error)
		probe_retransmit(data, sk, skb);
}

static void probe_synack_again(void *data, const struct sock *sk,
			       const struct request_sock *req)
{
	struct tcpstate_record r COMPAT_UNINITIALIZED;

	preempt_disable_notrace();
	if (sessions_exist())
		sessions_emit(&r, record_synack_again(
				&r, (struct request_sock *)req,
				(struct sock *)sk));
	preempt_enable_notrace();
}

static void probe_rst_received(void *data, struct sock *sk)
{
	struct tcpstate_record r COMPAT_UNINITIALIZED;

	preempt_disable_notrace();
	if (sessions_exist())
		sessions_emit(&r, record_rst_received(&r, sk));
	preempt_enable_notrace();
}

static void emit_rst_sent(const struct sock *sk, const struct sk_buff *skb,
			  enum tcpstate_rst_reason reason)
{
	struct tcpstate_record r COMPAT_UNINITIALIZED;

	preempt_disable_notrace();
	if (sessions_exist())
		sessions_emit(&r, record_rst_sent(&r, (struct sock *)sk, skb,
						  reason));
	preempt_enable_notrace();
}

static void probe_rst_sent(void *data, const struct sock *sk,
			   const struct sk_buff *skb)
{
	emit_rst_sent(sk, skb, TCPSTATE_RST_UNKNOWN);
}

static void probe_rst_sent_reason(void *data, const struct sock *sk,
				  const struct sk_buff *skb,
				  const compat_rst_reason reason)
{
	emit_rst_sent(sk, skb, rst_reason(reason));
}

/* @caller: where the function returns to. */
static u32 entry_record(struct tcpstate_record *r, unsigned int n,
			unsigned long caller, unsigned long a0,
			unsigned long a1, unsigned long a2)
{
	/* of an int or bool argument only the low part is defined */
	switch (n) {
	case TCPSTATE_HOOK_REQ_DROP:
		return record_request_drop(r, (void *)a1, (void *)a0, (u8)a2);
	case TCPSTATE_HOOK_TW_ADD:
		return record_timewait_schedule(r, (void *)a0, (int)a1, (u8)a2);
	case TCPSTATE_HOOK_TW_KILL:
		return record_timewait_kill(r, (void *)a0);
	case TCPSTATE_HOOK_CONNECT:
		return record_owner(r, (void *)a0, TCPSTATE_CONNECT);
	case TCPSTATE_HOOK_ACCEPT:
		return record_owner(r, (void *)a0, TCPSTATE_ACCEPT);
	case TCPSTATE_HOOK_CHALLENGE:
		return caller == syn_return ?
		       record_challenge(r, (void *)a0) : 0;
	case TCPSTATE_HOOK_TW_SYN:
		return record_timewait_segment(r, (void *)a0, (void *)a2);
	default:
		return 0;
	}
}

static void probe_entry(unsigned int n, unsigned long caller, unsigned long a0,
			unsigned long a1, unsigned long a2)
{
	struct tcpstate_record r COMPAT_UNINITIALIZED;

	if (sessions_exist())
		sessions_emit(&r, entry_record(&r, n, caller, a0, a1, a2));
}

#ifdef CONFIG_KPROBES
static int kprobe_entry(struct kprobe *kprobe, struct pt_regs *regs)
{
	const struct hook *hook = container_of(kprobe, struct hook, kprobe);

	probe_entry(hook - hooks, compat_return_address(regs),
		    regs_get_kernel_argument(regs, 0),
		    regs_get_kernel_argument(regs, 1),
		    regs_get_kernel_argument(regs, 2));
	return 0;
}
#else
#define kprobe_entry NULL
#endif

/*
 * The end of inet_csk_reqsk_queue_hash_add(), which says whether the
 * request_sock was taken: not, if another CPU met the same SYN.  A return
 * probe spends an instance per call under way; the function does not sleep.
 */
struct request_add {
	struct sock *listener;
	struct request_sock *req;
};

#ifdef CONFIG_KRETPROBES
static int kretprobe_entry(struct kretprobe_instance *instance,
			   struct pt_regs *regs)
{
	struct request_add *call = (void *)instance->data;

	if (!sessions_exist())
		return 1;
	call->listener = (void *)regs_get_kernel_argument(regs, 0);
	call->req = (void *)regs_get_kernel_argument(regs, 1);
	return 0;
}

/* tcp_conn_request() still holds its reference to the request_sock. */
static int kretprobe_return(struct kretprobe_instance *instance,
			    struct pt_regs *regs)
{
	const struct request_add *call = (void *)instance->data;
	struct tcpstate_record r COMPAT_UNINITIALIZED;

	if (!compat_request_added(regs))
		return 0;
	/* not every kernel does so itself for the end of a function */
	preempt_disable_notrace();
	sessions_emit(&r, record_request_add(&r, call->req, call->listener));
	preempt_enable_notrace();
	return 0;
}
#else
#define kretprobe_entry NULL
#define kretprobe_return NULL
#endif

static struct kretprobe kretprobe;

#ifdef COMPAT_FTRACE_ARGS
static void notrace ftrace_entry(unsigned long ip, unsigned long parent_ip,
				 struct ftrace_ops *ops,
				 struct ftrace_regs *fregs)
{
	unsigned int n;

	preempt_disable_notrace();
	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++) {
		if (ip - entry_addr[n] >= ENTRY_BYTES)
			continue;
		probe_entry(n, parent_ip, compat_ftrace_argument(fregs, 0),
			    compat_ftrace_argument(fregs, 1),
			    compat_ftrace_argument(fregs, 2));
		break;
	}
	preempt_enable_notrace();
}

/*
 * PERMANENT: kernel.ftrace_enabled=0 is refused while we are attached, instead
 * of silencing us.
 */
static struct ftrace_ops ftrace_ops = {
	.func	= ftrace_entry,
	.flags	= FTRACE_OPS_FL_PERMANENT,
};

static int ftrace_add(unsigned long addr)
{
	return no_ftrace ? -EOPNOTSUPP :
			   ftrace_set_filter_ip(&ftrace_ops, addr, 0, 0);
}

static int ftrace_attach(void)
{
	return register_ftrace_function(&ftrace_ops);
}

/*
 * Waits until no task is in our callback or the code that calls it: the ops are
 * not in kernel data, hence FTRACE_OPS_FL_DYNAMIC and synchronize_rcu_tasks()
 * (ftrace_shutdown()).  It fails only if ftrace found itself broken and stopped
 * patching; our text is then called for ever.
 */
static void ftrace_detach(void)
{
	if (WARN_ON_ONCE(unregister_ftrace_function(&ftrace_ops)))
		__module_get(THIS_MODULE);
}

static void ftrace_forget(void)
{
	ftrace_free_filter(&ftrace_ops);
}
#else
static int ftrace_add(unsigned long addr) { return -EOPNOTSUPP; }
static int ftrace_attach(void) { return -EOPNOTSUPP; }
static void ftrace_detach(void) { }
static void ftrace_forget(void) { }
#endif

/* By probe: of a tracepoint; without: at the entry of a function. */
static struct hook hooks[TCPSTATE_HOOKS] = {
	[TCPSTATE_HOOK_STATE] = {
		.symbol = "inet_sock_set_state", .probe = probe_state,
	},
	[TCPSTATE_HOOK_REQ_ADD] = { .symbol = "inet_csk_reqsk_queue_hash_add" },
	[TCPSTATE_HOOK_REQ_DROP] = { .symbol = "__inet_csk_reqsk_queue_drop" },
	[TCPSTATE_HOOK_TW_ADD] = { .symbol = "__inet_twsk_schedule" },
	[TCPSTATE_HOOK_TW_KILL] = { .symbol = "inet_twsk_kill" },
	[TCPSTATE_HOOK_CONNECT] = { .symbol = "tcp_connect" },
	[TCPSTATE_HOOK_ACCEPT] = { .symbol = "security_sock_graft" },
	[TCPSTATE_HOOK_RETRANSMIT] = {
		.symbol = "tcp_retransmit_skb",
		.probe = compat_probe(tcp_retransmit_skb,
				      (const struct sock *,
				       const struct sk_buff *),
				      probe_retransmit, probe_retransmit_error),
	},
	[TCPSTATE_HOOK_SYNACK_AGAIN] = {
		.symbol = "tcp_retransmit_synack", .probe = probe_synack_again,
	},
	[TCPSTATE_HOOK_RST_SENT] = {
		.symbol = "tcp_send_reset",
		.probe = compat_probe(tcp_send_reset,
				      (const struct sock *,
				       const struct sk_buff *),
				      probe_rst_sent, probe_rst_sent_reason),
	},
	[TCPSTATE_HOOK_RST_RECEIVED] = {
		.symbol = "tcp_receive_reset", .probe = probe_rst_received,
	},
	[TCPSTATE_HOOK_CHALLENGE] = { .symbol = "tcp_send_challenge_ack" },
	[TCPSTATE_HOOK_TW_SYN] = { .symbol = "tcp_timewait_state_process" },
};

/* One that could be hooked, and would not tell what we want to know. */
static bool is_useless(unsigned int n)
{
	return n == TCPSTATE_HOOK_CHALLENGE && !syn_return;
}

/*
 * The addresses of static functions, from kprobes that are never armed.  All
 * are in vmlinux, and so do not move while we are loaded.
 */
static void find_entries(void)
{
	struct kprobe *found[TCPSTATE_HOOKS];
	unsigned int n, nr_found = 0;

	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++) {
		struct hook *hook = &hooks[n];

		if (hook->probe)
			continue;
		if (is_useless(n)) {
			hook->error = -EOPNOTSUPP;
			continue;
		}
		hook->kprobe.symbol_name = hook->symbol;
		hook->kprobe.pre_handler = kprobe_entry;
		hook->kprobe.flags = KPROBE_FLAG_DISABLED;
		hook->error = register_kprobe(&hook->kprobe);
		if (hook->error)
			continue;
		hook->found = true;
		entry_addr[n] = (unsigned long)hook->kprobe.addr;
		found[nr_found++] = &hook->kprobe;
	}
	unregister_kprobes(found, nr_found);
	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++)
		hooks[n].traceable = hooks[n].found &&
				     !ftrace_add(entry_addr[n]);
}

static void match_tracepoint(struct tracepoint *tp, void *data)
{
	unsigned int n;

	for (n = 0; n < TCPSTATE_HOOKS; n++)
		if (hooks[n].probe && !strcmp(tp->name, hooks[n].symbol))
			hooks[n].tracepoint = tp;
}

int hooks_init(void)
{
	for_each_kernel_tracepoint(match_tracepoint, NULL);
	if (!hooks[TCPSTATE_HOOK_STATE].tracepoint)
		return -ENOENT;
	find_rst_reasons();
	syn_return = callers_syn_return();
	find_entries();
	return 0;
}

void hooks_exit(void)
{
	ftrace_forget();
}

static void check_probes(void)
{
	check_trace_callback_type_inet_sock_set_state(probe_state);
	check_trace_callback_type_tcp_retransmit_synack(probe_synack_again);
	check_trace_callback_type_tcp_receive_reset(probe_rst_received);
}

/* Only the first one is needed. */
static int attach_tracepoints(void)
{
	unsigned int n;

	check_probes();
	for (n = 0; n < TCPSTATE_HOOKS; n++) {
		struct hook *hook = &hooks[n];

		if (!hook->probe)
			continue;
		hook->error = hook->tracepoint ?
			tracepoint_probe_register(hook->tracepoint,
						  hook->probe, NULL) : -ENOENT;
		if (!hook->error)
			hook->how = TCPSTATE_HOW_TRACEPOINT;
		else if (n == TCPSTATE_HOOK_STATE)
			return hook->error;
	}
	return 0;
}

static void detach_tracepoints(void)
{
	unsigned int n;

	for (n = 0; n < TCPSTATE_HOOKS; n++) {
		if (hooks[n].how != TCPSTATE_HOW_TRACEPOINT)
			continue;
		tracepoint_probe_unregister(hooks[n].tracepoint,
					    hooks[n].probe, NULL);
		hooks[n].how = TCPSTATE_HOW_NONE;
	}
	tracepoint_synchronize_unregister();
}

/* An ops without a filter would trace every function there is. */
static void attach_ftrace(void)
{
	unsigned int n, traceable = 0;
	int err;

	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++)
		traceable += hooks[n].traceable;
	if (!traceable)
		return;
	err = ftrace_attach();
	for (n = FIRST_ENTRY; !err && n < END_OF_ENTRIES; n++) {
		if (!hooks[n].traceable)
			continue;
		hooks[n].error = 0;
		hooks[n].how = TCPSTATE_HOW_FTRACE;
	}
}

static void detach_ftrace(void)
{
	bool attached = false;
	unsigned int n;

	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++) {
		if (hooks[n].how != TCPSTATE_HOW_FTRACE)
			continue;
		hooks[n].how = TCPSTATE_HOW_NONE;
		attached = true;
	}
	if (attached)
		ftrace_detach();
}

static void attach_kprobes(void)
{
	unsigned int n;

	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++) {
		struct hook *hook = &hooks[n];

		if (!hook->found || hook->how != TCPSTATE_HOW_NONE)
			continue;
		/* what a former registration left in it would be refused */
		hook->kprobe = (struct kprobe) {
			.symbol_name = hook->symbol,
			.pre_handler = kprobe_entry,
		};
		hook->error = register_kprobe(&hook->kprobe);
		if (!hook->error)
			hook->how = TCPSTATE_HOW_KPROBE;
	}
}

static void detach_kprobes(void)
{
	struct kprobe *attached[TCPSTATE_HOOKS];
	unsigned int n, nr_attached = 0;

	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++) {
		if (hooks[n].how != TCPSTATE_HOW_KPROBE)
			continue;
		hooks[n].how = TCPSTATE_HOW_NONE;
		attached[nr_attached++] = &hooks[n].kprobe;
	}
	/* waits for the handlers */
	unregister_kprobes(attached, nr_attached);
	while (nr_attached)
		hooks_missed_before += attached[--nr_attached]->nmissed;
}

static void attach_kretprobe(void)
{
	struct hook *hook = &hooks[TCPSTATE_HOOK_REQ_ADD];

	kretprobe = (struct kretprobe) {
		.kp.symbol_name	= hook->symbol,
		.handler	= kretprobe_return,
		.entry_handler	= kretprobe_entry,
		.data_size	= sizeof(struct request_add),
		/* on PREEMPT_RT the caller can be preempted */
		.maxactive	= max(64U, 4 * nr_cpu_ids),
	};
	hook->error = register_kretprobe(&kretprobe);
	if (!hook->error)
		hook->how = TCPSTATE_HOW_KRETPROBE;
}

/*
 * Calls that are under way return through the kernel's trampoline without
 * coming to us any more (rethook_free(), and rp of the holder before 5.18).
 */
static void detach_kretprobe(void)
{
	struct hook *hook = &hooks[TCPSTATE_HOOK_REQ_ADD];

	if (hook->how != TCPSTATE_HOW_KRETPROBE)
		return;
	hook->how = TCPSTATE_HOW_NONE;
	unregister_kretprobe(&kretprobe);
	hooks_missed_before += kretprobe.kp.nmissed + kretprobe.nmissed;
	kretprobe.kp.nmissed = 0;
	kretprobe.nmissed = 0;
}

static int attach(void)
{
	int err;

	err = attach_tracepoints();
	if (err)
		return err;
	attach_ftrace();
	attach_kprobes();
	attach_kretprobe();
	return 0;
}

static void detach(void)
{
	detach_kretprobe();
	detach_kprobes();
	detach_ftrace();
	detach_tracepoints();
}

int hooks_get(void)
{
	int err = 0;

	mutex_lock(&hooks_lock);
	if (!hooks_users)
		err = attach();
	if (!err)
		hooks_users++;
	mutex_unlock(&hooks_lock);
	return err;
}

void hooks_put(void)
{
	mutex_lock(&hooks_lock);
	if (!--hooks_users)
		detach();
	mutex_unlock(&hooks_lock);
}

void hooks_info(struct tcpstate_hook_info *info)
{
	unsigned int n;

	mutex_lock(&hooks_lock);
	for (n = 0; n < TCPSTATE_HOOKS; n++) {
		info[n].how = hooks[n].how;
		info[n].error = hooks[n].error;
		strscpy(info[n].symbol, hooks[n].symbol,
			sizeof(info[n].symbol));
	}
	mutex_unlock(&hooks_lock);
}

/*
 * Without the lock: as long as the caller holds the hooks, nothing of this but
 * the counters changes.
 */
u64 hooks_missed(void)
{
	u64 missed = READ_ONCE(hooks_missed_before);
	unsigned int n;

	for (n = FIRST_ENTRY; n < END_OF_ENTRIES; n++)
		if (hooks[n].how == TCPSTATE_HOW_KPROBE)
			missed += READ_ONCE(hooks[n].kprobe.nmissed);
	if (hooks[TCPSTATE_HOOK_REQ_ADD].how == TCPSTATE_HOW_KRETPROBE)
		missed += READ_ONCE(kretprobe.kp.nmissed) +
			  READ_ONCE(kretprobe.nmissed);
	return missed;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between the kernels from 5.10 on.  No other file tests a
 * version; tested are 6.1 and 6.12.
 */
#ifndef TCPSTATE_COMPAT_H
#define TCPSTATE_COMPAT_H

#include <linux/cgroup.h>
#include <linux/ftrace.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/version.h>
#include <net/inet_connection_sock.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <trace/events/tcp.h>
#if __has_include(<net/rstreason.h>)
#include <net/rstreason.h>
#endif

/*
 * Arguments in an ftrace callback without saving all registers.  x86 has them
 * since 5.11 (commit 02a474ca266a), the common accessor came in 6.2 (commit
 * 94d095ffa0e1).  Without, the hooks are kprobes.
 */
#if defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) && \
	LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define COMPAT_FTRACE_ARGS 1
#define compat_ftrace_argument(fregs, n) ftrace_regs_get_argument(fregs, n)
#elif defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) && defined(CONFIG_X86_64)
#define COMPAT_FTRACE_ARGS 1
#define compat_ftrace_argument(fregs, n) \
	regs_get_kernel_argument(&(fregs)->regs, n)
#endif

/* 6.3, commit bc292ab00f6c; stable kernels took it back to 6.1. */
static inline void compat_vma_forbid_write(struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_clear(vma, VM_MAYWRITE);
#else
	vma->vm_flags &= ~VM_MAYWRITE;
#endif
}

/* 5.11, commit 7a9f50a05843 */
#ifdef IRQ_WORK_INIT_LAZY
#define COMPAT_IRQ_WORK_LAZY(func) IRQ_WORK_INIT_LAZY(func)
#else
#define COMPAT_IRQ_WORK_LAZY(function) (struct irq_work) {	\
	.flags = ATOMIC_INIT(IRQ_WORK_LAZY), .func = (function) }
#endif

/* 5.12, commit 3d368ab87cf6; before, it was made on first use. */
static inline u64 compat_net_cookie(const struct net *net)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 12, 0)
	return net->net_cookie;
#else
	return atomic64_read(&net->net_cookie);
#endif
}

/* Nobody is in it any more.  6.18 gave the counter another name. */
static inline bool compat_net_is_dying(const struct net *net)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return !refcount_read(&net->ns.__ns_ref);
#else
	return !refcount_read(&net->ns.count);
#endif
}

/* At the entry of a function: where it returns to; 0 if that is not known. */
static inline unsigned long compat_return_address(struct pt_regs *regs)
{
#ifdef CONFIG_X86
	return regs_get_kernel_stack_nth(regs, 0);
#else
	return 0;
#endif
}

/*
 * Did inet_csk_reqsk_queue_hash_add(), which returns with @regs, take the
 * request_sock?  It says so since 6.10 (commit ff46e3b44219, also in stable
 * kernels, hence the test for its type); before, it always did.
 */
static inline bool compat_request_added(struct pt_regs *regs)
{
	/* of a bool only the low byte is defined */
	return !__builtin_types_compatible_p(
			typeof(inet_csk_reqsk_queue_hash_add),
			bool (struct sock *, struct request_sock *,
			      unsigned long)) ||
	       (u8)regs_return_value(regs);
}

/*
 * The kernel's reasons for a RST that it sends, by its own numbers: since 6.10
 * (commit 5691276b39da), and longer with many a version after it.
 */
#ifdef DEFINE_RST_REASON
#define COMPAT_RST_NAME(name)	[SK_RST_REASON_##name] = #name,
#define COMPAT_RST_END(name)
#define COMPAT_RST_NAMES	DEFINE_RST_REASON(COMPAT_RST_NAME, COMPAT_RST_END)
typedef enum sk_rst_reason compat_rst_reason;
#else
typedef int compat_rst_reason;
#endif

/*
 * Two of the probes by the arguments of their tracepoints: tcp_send_reset has a
 * reason since 6.10, and tcp_retransmit_skb, since 6.17, an error, where it
 * used to be silent.
 */
#define compat_probe(tracepoint, short_args, short_probe, long_probe)	\
	__builtin_choose_expr(						\
		__builtin_types_compatible_p(typeof(trace_##tracepoint), \
					     void short_args),		\
		(void *)(short_probe), (void *)(long_probe))

/*
 * For what is filled before it is read: CONFIG_INIT_STACK_ALL_ZERO would clear
 * a record twice for each event.
 */
#if __has_attribute(__uninitialized__)
#define COMPAT_UNINITIALIZED __attribute__((__uninitialized__))
#else
#define COMPAT_UNINITIALIZED
#endif

/* 0 where the kernel does not tell sockets' cgroups. */
static inline u64 compat_sock_cgroup(struct sock *sk)
{
#ifdef CONFIG_SOCK_CGROUP_DATA
	struct cgroup *cgroup = sock_cgroup_ptr(&sk->sk_cgrp_data);

	return cgroup ? cgroup_id(cgroup) : 0;
#else
	return 0;
#endif
}

#endif /* TCPSTATE_COMPAT_H */

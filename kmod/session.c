// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions: who gets the records, and who is woken.
 *
 * The list is changed under sessions_lock and walked by probes with preemption
 * off, which is an RCU reader; so a session is withdrawn, then a grace period
 * later freed.
 */
#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/tcpstate.h>
#include <linux/tcpstate_dev.h>
#include <linux/tcpstate_filter.h>

#include "compat.h"
#include "filter.h"
#include "ring.h"
#include "session.h"

/*
 * Bounds the time that a probe spends with interrupts off: each session costs
 * it a copy of one record.
 */
#define SESSIONS_MAX 32
static_assert(SESSIONS_MAX == BITS_PER_TYPE(u32));

struct session {
	struct list_head node;		/* in sessions; empty: not published */
	struct rings *reserved;		/* owns the rings */
	struct rings *rings;		/* the same, from publication on */
	u64 bytes;			/* charged against the limit */
	u32 bit;			/* its own in a mask; 0: not charged */
	struct tcpstate_filter *filter;	/* NULL: all is wanted */
	/*
	 * 1 from the reader's look until a probe queues the wake-up: so at most
	 * one is on its way, and none for a reader that is busy.
	 */
	int armed;
	u64 wakeups;
	struct irq_work wake;
	wait_queue_head_t queue;
};

LIST_HEAD(sessions);
/* How many have a filter; a probe that sees 0 too long delivers too much. */
unsigned int sessions_filtered;		/* sessions_lock; read without */
static DEFINE_MUTEX(sessions_lock);
static u32 sessions_bits;		/* of those with rings; sessions_lock */
static u64 sessions_bytes;		/* of their rings; sessions_lock */

static unsigned int memory_limit_mb = 256;
module_param(memory_limit_mb, uint, 0644);
MODULE_PARM_DESC(memory_limit_mb, "memory of all sessions together, in MiB (256)");

/*
 * In hard interrupt context, or in a thread on PREEMPT_RT, where the lock of a
 * wait queue sleeps; for that reason no probe can do this itself.
 */
static void wake_reader(struct irq_work *work)
{
	struct session *session = container_of(work, struct session, wake);

	WRITE_ONCE(session->wakeups, session->wakeups + 1);
	wake_up_interruptible_poll(&session->queue, EPOLLIN | EPOLLRDNORM);
}

struct session *session_create(void)
{
	struct session *session;

	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return NULL;
	INIT_LIST_HEAD(&session->node);
	init_waitqueue_head(&session->queue);
	/*
	 * Lazy: run by the next tick, which bounds the wake-ups to HZ a second
	 * and saves the probe an interrupt to itself, costly in guests.
	 */
	session->wake = COMPAT_IRQ_WORK_LAZY(wake_reader);
	return session;
}

static int charge(struct session *session, u64 bytes)
{
	/* read once: the parameter may be changed meanwhile */
	const u64 limit = sessions_memory_limit();
	int err = 0;

	mutex_lock(&sessions_lock);
	if (sessions_bits == U32_MAX || bytes > limit ||
	    sessions_bytes > limit - bytes) {
		err = -EDQUOT;
	} else {
		session->bit = BIT(ffz(sessions_bits));
		sessions_bits |= session->bit;
		WRITE_ONCE(sessions_bytes, sessions_bytes + bytes);
		session->bytes = bytes;
	}
	mutex_unlock(&sessions_lock);
	return err;
}

static void uncharge(struct session *session)
{
	if (!session->bytes)
		return;
	mutex_lock(&sessions_lock);
	sessions_bits &= ~session->bit;
	session->bit = 0;
	WRITE_ONCE(sessions_bytes, sessions_bytes - session->bytes);
	session->bytes = 0;
	mutex_unlock(&sessions_lock);
}

int session_reserve(struct session *session, u32 slots, u32 watermark)
{
	int err;

	err = charge(session, rings_bytes(slots));
	if (err)
		return err;
	session->reserved = rings_alloc(slots, watermark);
	if (!session->reserved) {
		uncharge(session);
		return -ENOMEM;
	}
	return 0;
}

int session_set_filter(struct session *session,
		       const struct tcpstate_filter *f)
{
	struct tcpstate_filter *copy;

	copy = kmemdup(f, sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	kfree(session->filter);
	session->filter = copy;
	return 0;
}

void session_release(struct session *session)
{
	rings_free(session->reserved);
	session->reserved = NULL;
	uncharge(session);
}

void session_publish(struct session *session)
{
	/* pairs with session_rings(): mmap() and poll() take no lock */
	smp_store_release(&session->rings, session->reserved);
	mutex_lock(&sessions_lock);
	if (session->filter)
		WRITE_ONCE(sessions_filtered, sessions_filtered + 1);
	list_add_tail_rcu(&session->node, &sessions);
	mutex_unlock(&sessions_lock);
}

void session_withdraw(struct session *session)
{
	if (!session->rings)
		return;
	mutex_lock(&sessions_lock);
	list_del_rcu(&session->node);
	if (session->filter)
		WRITE_ONCE(sessions_filtered, sessions_filtered - 1);
	mutex_unlock(&sessions_lock);
	/* for sessions_emit(), which runs with preemption off */
	synchronize_rcu();
	/* the last probe may have queued it; nobody does any more */
	irq_work_sync(&session->wake);
}

void session_destroy(struct session *session)
{
	session_release(session);
	kfree(session->filter);
	kfree(session);
}

struct rings *session_rings(const struct session *session)
{
	/* pairs with session_publish() */
	return smp_load_acquire(&session->rings);
}

bool session_look(struct session *session, const struct rings *rings)
{
	WRITE_ONCE(session->armed, 1);
	/*
	 * Pairs with the barrier in wake_later(): either we see the record, or
	 * its probe sees us armed.
	 */
	smp_mb();
	return rings_ready(rings);
}

wait_queue_head_t *session_queue(struct session *session)
{
	return &session->queue;
}

void session_stats(const struct session *session,
		   struct tcpstate_stats *stats)
{
	stats->wakeups += READ_ONCE(session->wakeups);
}

u64 sessions_memory_limit(void)
{
	return (u64)READ_ONCE(memory_limit_mb) << 20;
}

u64 sessions_memory_used(void)
{
	return READ_ONCE(sessions_bytes);
}

static void wake_later(struct session *session)
{
	/* pairs with the barrier in session_look() */
	smp_mb();
	if (READ_ONCE(session->armed) && xchg(&session->armed, 0))
		irq_work_queue(&session->wake);
}

/*
 * A session that comes in between misses this record; one that goes is not
 * there any more when its bit is given away, for it waits for us.
 */
u32 sessions_judge(const struct tcpstate_record *r, struct sock *owner)
{
	struct session *session;
	u32 wanting = 0;

	list_for_each_entry_rcu(session, &sessions, node)
		if (!session->filter ||
		    filter_wants(session->filter, r, owner))
			wanting |= session->bit;
	return wanting;
}

/*
 * Number, time and copy are one step with interrupts off: so each ring is in
 * the order of its times, also where a softirq interrupts a probe.
 *
 * ktime_get() and not its _fast variant: the latter may step back between
 * CPUs when the clock is adjusted, and a socket's moves are in true order.  We
 * are in no NMI, and the clock is updated with interrupts off, so its sequence
 * counter cannot be held by whom we interrupted.
 */
void sessions_emit(struct tcpstate_record *r, u32 wanting)
{
	struct session *session;
	unsigned long flags;

	if (!wanting)
		return;
	local_irq_save(flags);
	r->cpu = smp_processor_id();
	r->mono_ns = ktime_get_ns();
	list_for_each_entry_rcu(session, &sessions, node)
		if ((session->bit & wanting) &&
		    rings_store(session->reserved, r))
			wake_later(session);
	local_irq_restore(flags);
}

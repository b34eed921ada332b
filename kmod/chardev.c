// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/tcpstate: every open file is a session.
 *
 * The descriptor is the capability: rights are checked at open, and whoever is
 * handed the file may use it.  An open file holds the module; so what runs here
 * never meets chardev_exit().
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/tcpstate.h>
#include <linux/tcpstate_dev.h>
#include <linux/tcpstate_filter.h>

#include "chardev.h"
#include "filter.h"
#include "hooks.h"
#include "ring.h"
#include "session.h"

#define DEFAULT_SLOTS 4096

struct file_state {
	struct session *session;
	bool started;		/* start_lock */
	u64 missed_before;	/* hooks_missed() at START */
};

/* Two threads may START one file; held while it attaches hooks. */
static DEFINE_MUTEX(start_lock);

static int tcpstate_open(struct inode *inode, struct file *file)
{
	struct file_state *state;

	if (!capable(CAP_NET_ADMIN) || !perfmon_capable())
		return -EPERM;
	state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	state->session = session_create();
	if (!state->session) {
		kfree(state);
		return -ENOMEM;
	}
	file->private_data = state;
	return nonseekable_open(inode, file);
}

/* Mappings hold the file: none is left here. */
static int tcpstate_release(struct inode *inode, struct file *file)
{
	struct file_state *state = file->private_data;

	if (state->started) {
		session_withdraw(state->session);
		hooks_put();
	}
	session_destroy(state->session);
	kfree(state);
	return 0;
}

static int check_start(struct tcpstate_start *start)
{
	if (start->flags ||
	    memchr_inv(start->reserved, 0, sizeof(start->reserved)))
		return -EINVAL;
	start->slots = start->slots ?: DEFAULT_SLOTS;
	if (!is_power_of_2(start->slots) ||
	    start->slots < TCPSTATE_SLOTS_MIN ||
	    start->slots > TCPSTATE_SLOTS_MAX)
		return -EINVAL;
	/* more than half might never be reached: a LOST record needs room too */
	start->watermark = start->watermark ?: start->slots / 8;
	if (start->watermark > start->slots / 2)
		return -EINVAL;
	return 0;
}

/* Hooks before publication: the first record is one that all hooks could see. */
static int start_session(struct file_state *state,
			 const struct tcpstate_start *start)
{
	int err;

	err = session_reserve(state->session, start->slots, start->watermark);
	if (err)
		return err;
	err = hooks_get();
	if (err) {
		session_release(state->session);
		return err;
	}
	state->missed_before = hooks_missed();
	session_publish(state->session);
	return 0;
}

static long ioctl_start(struct file_state *state, const void __user *arg)
{
	struct tcpstate_start start;
	int err;

	if (copy_from_user(&start, arg, sizeof(start)))
		return -EFAULT;
	err = check_start(&start);
	if (err)
		return err;
	if (mutex_lock_interruptible(&start_lock))
		return -EINTR;
	if (state->started) {
		err = -EBUSY;
	} else {
		err = start_session(state, &start);
		state->started = !err;
	}
	mutex_unlock(&start_lock);
	return err;
}

/* Before START: probes read it without a lock. */
static long ioctl_filter(struct file_state *state, const void __user *arg)
{
	struct tcpstate_filter *filter;
	int err;

	filter = memdup_user(arg, sizeof(*filter));
	if (IS_ERR(filter))
		return PTR_ERR(filter);
	err = -EINVAL;
	if (!filter_is_sane(filter))
		goto free;
	err = -EINTR;
	if (mutex_lock_interruptible(&start_lock))
		goto free;
	err = state->started ? -EBUSY :
			       session_set_filter(state->session, filter);
	mutex_unlock(&start_lock);
free:
	kfree(filter);
	return err;
}

static long ioctl_info(struct file_state *state, void __user *arg)
{
	struct tcpstate_info *info;
	long err = 0;

	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info)
		return -ENOMEM;
	info->dev_version = TCPSTATE_DEV_VERSION;
	info->record_version = TCPSTATE_RECORD_VERSION;
	info->record_bytes = sizeof(struct tcpstate_record);
	rings_info(session_rings(state->session), info);
	info->memory_limit = sessions_memory_limit();
	info->memory_used = sessions_memory_used();
	hooks_info(info->hooks);
	strscpy(info->module_version, TCPSTATE_VERSION,
		sizeof(info->module_version));
	if (copy_to_user(arg, info, sizeof(*info)))
		err = -EFAULT;
	kfree(info);
	return err;
}

static long ioctl_stats(struct file_state *state, void __user *arg)
{
	const struct rings *rings = session_rings(state->session);
	struct tcpstate_stats stats = { };

	if (!rings)
		return -ENXIO;
	rings_stats(rings, &stats);
	session_stats(state->session, &stats);
	stats.missed = hooks_missed() - state->missed_before;
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static long tcpstate_ioctl(struct file *file, unsigned int command,
			   unsigned long arg)
{
	switch (command) {
	case TCPSTATE_IOC_INFO:
		return ioctl_info(file->private_data, (void __user *)arg);
	case TCPSTATE_IOC_START:
		return ioctl_start(file->private_data, (void __user *)arg);
	case TCPSTATE_IOC_STATS:
		return ioctl_stats(file->private_data, (void __user *)arg);
	case TCPSTATE_IOC_FILTER:
		return ioctl_filter(file->private_data, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

/* Under the mmap lock, which the ioctls take inside start_lock: so none here. */
static int tcpstate_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct file_state *state = file->private_data;
	struct rings *rings = session_rings(state->session);

	return rings ? rings_mmap(rings, vma) : -ENXIO;
}

static __poll_t tcpstate_poll(struct file *file, poll_table *table)
{
	struct file_state *state = file->private_data;
	const struct rings *rings = session_rings(state->session);

	if (!rings)
		return EPOLLERR;
	poll_wait(file, session_queue(state->session), table);
	return session_look(state->session, rings) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations tcpstate_fops = {
	.owner		= THIS_MODULE,
	.open		= tcpstate_open,
	.release	= tcpstate_release,
	.unlocked_ioctl	= tcpstate_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= tcpstate_mmap,
	.poll		= tcpstate_poll,
};

static struct miscdevice tcpstate_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "tcpstate",
	.mode	= 0600,
	.fops	= &tcpstate_fops,
};

int chardev_init(void)
{
	return misc_register(&tcpstate_device);
}

void chardev_exit(void)
{
	misc_deregister(&tcpstate_device);
}

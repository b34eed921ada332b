// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "holders.h"
#include "owners.h"

struct unowned {
	uint64_t cookie;
	uint64_t inode;
};

/* The engine must not change while it is walked, so collect first. */
struct collection {
	struct unowned *v;
	size_t n, room;
};

static int collect(void *ctx, const struct conn *conn)
{
	struct collection *all = ctx;
	struct unowned *v;
	size_t room;

	if (!conn->inode || conn_origin(conn)->pid)
		return 0;
	if (all->n == all->room) {
		room = all->room ? all->room * 2 : 1024;
		v = reallocarray(all->v, room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		all->v = v;
		all->room = room;
	}
	all->v[all->n++] = (struct unowned){
		.cookie = conn->cookie,
		.inode = conn->inode,
	};
	return 0;
}

bool owners_pass(const struct filter *filter, const struct holders *holders,
		 const struct conn *conn)
{
	const struct origin *origin = conn_origin(conn);
	const struct holder *v;
	size_t n = 0;

	if (filter_owner(filter, origin->pid, origin->comm))
		return true;
	if (!holders || !conn->inode)
		return false;
	v = holders_of(holders, conn->inode, &n);
	for (size_t i = 0; i < n; i++)
		if (filter_owner(filter, v[i].pid, v[i].comm))
			return true;
	return false;
}

int owners_assign(struct engine *engine, enum holders_way way,
		  void (*pause)(void *ctx), void *ctx)
{
	struct collection all = {};
	struct holders *holders;
	size_t i, n;
	int ret;

	ret = engine_each(engine, collect, &all);
	if (ret || !all.n)
		goto out;
	holders = holders_take(way, pause, ctx);
	if (!holders) {
		ret = errno ? -errno : -EIO;
		goto out;
	}
	for (i = 0; i < all.n; i++) {
		const struct holder *first =
			holders_of(holders, all.v[i].inode, &n);

		/* Sorted by pid: the first is the oldest in most trees. */
		if (n)
			engine_set_owner(engine, all.v[i].cookie, first->pid,
					 first->comm);
	}
	holders_free(holders);
out:
	free(all.v);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
#include "evidence.h"

#include <errno.h>
#include <string.h>

#include "holders.h"

/* Of one socket; a prefork server has some hundreds. */
#define HOLDINGS_MAX 1024

struct gather {
	struct run *run;
	const struct filter *filter;
	const struct holders *holders;
	struct leaks *leaks;
};

static int gather_conn(void *ctx, const struct conn *conn)
{
	struct holding holdings[HOLDINGS_MAX];
	const struct gather *g = ctx;
	const struct holder *holders;
	const struct conn *listener;
	size_t n = 0;

	if (conn->state != TCPSTATE_CLOSE_WAIT ||
	    !filter_conn(g->filter, conn))
		return 0;
	holders = holders_of(g->holders, conn->inode, &n);
	if (n > HOLDINGS_MAX)
		n = HOLDINGS_MAX;
	for (size_t i = 0; i < n; i++)
		holdings[i] = (struct holding){
			.pid = holders[i].pid,
			.fd = holders[i].fd,
			.comm = holders[i].comm,
		};
	listener = conn->listener ? engine_find(g->run->engine,
						conn->listener) : NULL;
	return leaks_add(g->leaks, conn, listener, holdings, n);
}

/* For most reports nothing is stuck, and /proc need not be walked. */
static int count_candidate(void *ctx, const struct conn *conn)
{
	size_t *n = ctx;

	*n += conn->state == TCPSTATE_CLOSE_WAIT;
	return 0;
}

static void look_up_limits(struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->n; i++) {
		struct finding *f = &evidence->findings[i];

		if (f->pid && !process_fd_usage(f->pid, &f->fd_used,
						&f->fd_limit))
			leaks_rate(f);
	}
}

int evidence_take(struct run *run, const struct filter *filter,
		  uint64_t age_ns, struct evidence *evidence)
{
	struct gather g = { .run = run, .filter = filter };
	struct holders *holders;
	size_t candidates = 0;
	int err;

	err = run_refresh(run);
	if (err)
		return err;
	engine_each(run->engine, count_candidate, &candidates);
	g.leaks = leaks_new(mono_now(), age_ns);
	if (!g.leaks)
		return -ENOMEM;
	memset(evidence, 0, sizeof(*evidence));
	evidence->leaks = g.leaks;
	if (!candidates)
		return 0;
	holders = holders_take();
	if (!holders) {
		err = -errno;
		goto free_leaks;
	}
	g.holders = holders;
	err = engine_each(run->engine, gather_conn, &g);
	if (err)
		goto free_holders;
	evidence->findings = leaks_findings(g.leaks, &evidence->n);
	for (size_t i = 0; i < evidence->n; i++)
		evidence->findings[i].observed_ns = mono_now() - run->ready_ns;
	look_up_limits(evidence);
	holders_free(holders);
	return 0;

free_holders:
	holders_free(holders);
free_leaks:
	leaks_free(g.leaks);
	return err;
}

void evidence_free(struct evidence *evidence)
{
	leaks_free(evidence->leaks);
}

// SPDX-License-Identifier: GPL-2.0
#include "evidence.h"

#include <errno.h>
#include <string.h>

#include "holders.h"
#include "log.h"
#include "owners.h"

/* Of one socket; a prefork server has some hundreds. */
#define HOLDINGS_MAX 1024

struct gather {
	struct run *run;
	uint64_t since_ns;	/* the dump was begun */
	size_t skipped;		/* not in it: nothing is proved of them */
	const struct filter *filter;
	const struct holders *holders;
	struct leaks *leaks;
};

/* Every descriptor, not only the lowest: closing one would not be enough. */
static size_t list_holdings(const struct gather *g, const struct conn *conn,
			    struct holding *holdings)
{
	const struct holder *holders;
	int fds[HOLDINGS_MAX];
	size_t n, total = 0;

	holders = holders_of(g->holders, conn->inode, &n);
	for (size_t i = 0; i < n && total < HOLDINGS_MAX; i++) {
		size_t have = holders_fds(g->holders, holders[i].pid,
					  conn->inode, fds,
					  HOLDINGS_MAX - total);

		for (size_t k = 0; k < have && total < HOLDINGS_MAX; k++)
			holdings[total++] = (struct holding){
				.pid = holders[i].pid,
				.fd = fds[k],
				.comm = holders[i].comm,
			};
	}
	return total;
}

static int gather_conn(void *ctx, const struct conn *conn)
{
	struct holding holdings[HOLDINGS_MAX];
	const struct conn *listener;
	struct gather *g = ctx;
	size_t n;

	if (conn->state != TCPSTATE_CLOSE_WAIT ||
	    !filter_conn_but_owner(g->filter, conn))
		return 0;
	if (conn->dumped_ns < g->since_ns) {
		g->skipped++;
		return 0;
	}
	if (!owners_pass(g->filter, g->holders, conn))
		return 0;
	n = list_holdings(g, conn, holdings);
	listener = conn->listener ? engine_find(g->run->engine,
						conn->listener) : NULL;
	return leaks_add(g->leaks, conn, listener, holdings, n);
}

/* For most reports nothing is stuck, and /proc need not be walked. */
static int see_candidate(void *ctx, const struct conn *conn)
{
	bool *any = ctx;

	(void)conn;
	*any = true;
	return 1;
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
	struct gather g = {
		.run = run,
		.filter = filter,
		.since_ns = mono_now(),
	};
	struct holders *holders;
	bool candidates = false;
	int err;

	err = run_refresh(run);
	if (err)
		return err;
	engine_each_in_state(run->engine, TCPSTATE_CLOSE_WAIT, see_candidate,
			     &candidates);
	g.leaks = leaks_new(mono_now(), age_ns);
	if (!g.leaks)
		return -ENOMEM;
	memset(evidence, 0, sizeof(*evidence));
	evidence->leaks = g.leaks;
	if (!candidates)
		return 0;
	holders = holders_take_slowly(run_pause, run);
	if (!holders) {
		err = -errno;
		goto free_leaks;
	}
	g.holders = holders;
	err = engine_each_in_state(run->engine, TCPSTATE_CLOSE_WAIT,
				   gather_conn, &g);
	if (err)
		goto free_holders;
	if (g.skipped)
		log_say("%zu connections in CLOSE_WAIT are left out, sock_diag does not show them",
			g.skipped);
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
	memset(evidence, 0, sizeof(*evidence));
	return err;
}

void evidence_free(struct evidence *evidence)
{
	leaks_free(evidence->leaks);
}

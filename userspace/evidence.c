// SPDX-License-Identifier: GPL-2.0
#include "evidence.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dumped_facts.h"
#include "holders.h"
#include "log.h"
#include "owners.h"

/* Of one socket; a prefork server has some hundreds. */
#define HOLDINGS_MAX 1024

struct gather {
	struct run *run;
	const struct evidence_options *opt;
	uint64_t since_ns;	/* the dump was begun */
	size_t skipped;		/* not in it: nothing is proved of them */
	size_t unheld;		/* in a file, and nobody has a descriptor */
	struct dumped_facts *facts;	/* from the dump */
	struct netns_facts_list settings;
	struct holders *before;	/* taken before the dump; NULL: not yet */
	struct holders *holders;	/* and after it */
	struct leaks *leaks;
};

/* ---- the dump ---- */

static bool is_recorded(const struct gather *g)
{
	return g->run->opt->recording;
}

/* Does a dump show it as it is now? */
static bool is_fresh(const struct gather *g, const struct conn *conn)
{
	if (is_recorded(g))
		return conn->dumped_ns && conn->dumped_ns >= conn->state_ns &&
		       conn->dumped_ns >= conn->accept_ns;
	return conn->dumped_ns >= g->since_ns;
}

static int dump(struct gather *g)
{
	int err;

	/* What a recording's dumps show was kept while it was read. */
	if (is_recorded(g)) {
		dumped_facts_sort(g->facts);
		return g->facts->no_memory ? -ENOMEM : 0;
	}
	g->since_ns = mono_now();
	g->facts->n = 0;
	g->run->dumped = dumped_facts_keep;
	g->run->dumped_ctx = g->facts;
	err = run_refresh(g->run);
	g->run->dumped = NULL;
	dumped_facts_sort(g->facts);
	return err ? err : g->facts->no_memory ? -ENOMEM : 0;
}

/* ---- who holds them ---- */

static size_t add_holdings(const struct gather *g, const struct holder *holder,
			   struct holding *holdings, size_t total)
{
	int fds[HOLDINGS_MAX];
	size_t have;

	have = holders_fds(g->holders, holder->pid, holder->inode, fds,
			   HOLDINGS_MAX - total);
	for (size_t i = 0; i < have && total < HOLDINGS_MAX; i++)
		holdings[total++] = (struct holding){
			.pid = holder->pid,
			.fd = fds[i],
			.comm = holder->comm,
		};
	return total;
}

/* Of whom a recording says that it was his; the descriptor is not in it. */
static size_t recorded_holding(const struct conn *conn,
			       struct holding *holdings)
{
	const struct origin *origin = conn_origin(conn);

	if (!origin->pid || !conn->inode)
		return 0;
	holdings[0] = (struct holding){ .pid = origin->pid, .fd = -1,
					.comm = origin->comm };
	return 1;
}

/*
 * Every descriptor, not only the lowest: closing one would not be enough.  Its
 * owner's come first, or another's thousand would hide that it has any.
 */
static size_t list_holdings(const struct gather *g, const struct conn *conn,
			    struct holding *holdings)
{
	const struct origin *origin = conn_origin(conn);
	const struct holder *holders;
	size_t n = 0, total = 0;

	if (is_recorded(g))
		return recorded_holding(conn, holdings);
	if (!g->holders || !conn->inode)
		return 0;
	holders = holders_of(g->holders, conn->inode, &n);
	for (size_t i = 0; i < n; i++)
		if (holders[i].pid == origin->pid)
			total = add_holdings(g, &holders[i], holdings, total);
	for (size_t i = 0; i < n && total < HOLDINGS_MAX; i++)
		if (holders[i].pid != origin->pid)
			total = add_holdings(g, &holders[i], holdings, total);
	return total;
}

static bool is_held(const struct holders *holders, uint64_t inode)
{
	size_t n = 0;

	if (holders)
		holders_of(holders, inode, &n);
	return n > 0;
}

static const struct conn *listener_of(const struct gather *g,
				      const struct conn *conn)
{
	const uint64_t cookie = conn_origin(conn)->listener;

	return cookie ? engine_find(g->run->engine, cookie) : NULL;
}

/* What nobody has a descriptor of is its listener's, or whoever's it was. */
static bool is_wanted(const struct gather *g, const struct conn *conn,
		      const struct conn *listener)
{
	const struct filter *filter = g->opt->filter;

	if (owners_pass(filter, g->holders, conn))
		return true;
	return !conn->inode && listener &&
	       filter_owner(filter, conn_origin(listener)->pid,
			    conn_origin(listener)->comm);
}

/* ---- the rules ---- */

static struct stuck_config config_of(const struct gather *g)
{
	return (struct stuck_config){
		.now_ns = run_now(g->run),
		.age_ns = g->opt->thresholds->close_wait_age.warn,
		.thresholds = g->opt->thresholds,
		.idle_ns = g->opt->idle_ns,
	};
}

static int gather_close_wait(void *ctx, const struct conn *conn)
{
	struct holding holdings[HOLDINGS_MAX];
	const struct conn *listener;
	struct gather *g = ctx;
	size_t n;

	if (!filter_conn_but_owner(g->opt->filter, conn))
		return 0;
	if (!is_fresh(g, conn)) {
		/* What is younger than the dump, or than what is told, is not missed. */
		g->skipped += (is_recorded(g) ||
			       conn->state_ns < g->since_ns) &&
			      leaks_is_old(g->leaks, conn);
		return 0;
	}
	listener = listener_of(g, conn);
	if (!is_wanted(g, conn, listener))
		return 0;
	n = list_holdings(g, conn, holdings);
	if (!n && conn->inode) {
		g->unheld++;
		/* It was closed since the dump. */
		if (is_held(g->before, conn->inode))
			return 0;
	}
	return leaks_add(g->leaks, conn, listener, holdings, n,
			 netns_facts_of(&g->settings, conn->netns));
}

static int gather_stuck(struct gather *g, const struct stuck_facts *facts)
{
	const struct conn *conn = engine_find(g->run->engine, facts->cookie);
	struct holding holdings[HOLDINGS_MAX];
	const struct conn *listener;

	if (!conn || !filter_conn_but_owner(g->opt->filter, conn) ||
	    (is_recorded(g) && (!is_fresh(g, conn) ||
				facts->read_ns != conn->dumped_ns)))
		return 0;
	listener = listener_of(g, conn);
	if (!is_wanted(g, conn, listener))
		return 0;
	return leaks_add_stuck(g->leaks, conn, facts, listener, holdings,
			       list_holdings(g, conn, holdings),
			       netns_facts_of(&g->settings, conn->netns));
}

static int gather_process(void *ctx, const struct leaks_process *process)
{
	struct gather *g = ctx;

	return leaks_add_fds(g->leaks, process);
}

/* tcp_max_orphans is only where the host's own namespace is. */
static int gather_orphans(struct gather *g)
{
	int err = 0;

	if (!filter_is_empty(g->opt->filter))
		return 0;
	for (size_t i = 0; i < g->settings.n && !err; i++)
		if (g->settings.v[i].tcp_max_orphans > 0) {
			err = leaks_add_orphans(g->leaks, &g->settings.v[i]);
			break;
		}
	return err;
}

/* ---- collisions ---- */

static const struct stuck_facts *facts_of(const struct gather *g,
					  uint64_t cookie)
{
	for (size_t i = 0; i < g->facts->n; i++)
		if (g->facts->v[i].cookie == cookie)
			return &g->facts->v[i];
	return NULL;
}

static int gather_collision(struct gather *g, const struct collision *collision)
{
	const struct conn *live = engine_find(g->run->engine,
					      collision->conn.cookie);
	struct collision met = *collision;
	struct holding holdings[HOLDINGS_MAX];
	const struct conn *listener;

	if (live && live->state != met.conn.state)
		live = NULL;
	if (!live && g->opt->gone_ns &&
	    met.last_ns + g->opt->gone_ns < run_now(g->run))
		return 0;
	/* The dump, and the descriptor tables, know more than it did then. */
	if (live)
		met.conn = *live;
	if (!filter_conn_but_owner(g->opt->filter, &met.conn))
		return 0;
	listener = listener_of(g, &met.conn);
	if (!is_wanted(g, &met.conn, listener))
		return 0;
	return leaks_add_collision(g->leaks, &met, live,
				   facts_of(g, met.conn.cookie), listener,
				   holdings,
				   list_holdings(g, &met.conn, holdings),
				   netns_facts_of(&g->settings,
						  met.conn.netns));
}

struct candidates {
	uint32_t netns;
	const struct conn *conn;
	size_t n;
};

static int count_candidate(void *ctx, const struct conn *conn)
{
	struct candidates *c = ctx;

	if (conn->netns != c->netns)
		return 0;
	c->conn = conn;
	c->n++;
	return 0;
}

/* @syns more than before were refused in the namespace of @now. */
static int gather_refused(struct gather *g, const struct netns_facts *now,
			  uint64_t syns)
{
	struct candidates c = { .netns = now->netns };
	struct holding holdings[HOLDINGS_MAX];
	struct conn unknown = { .netns = now->netns };
	const struct conn *conn = NULL;
	size_t n = 0;

	engine_each_in_state(g->run->engine, TCPSTATE_CLOSE_WAIT,
			     count_candidate, &c);
	engine_each_in_state(g->run->engine, TCPSTATE_LAST_ACK, count_candidate,
			     &c);
	if (c.n == 1)
		conn = c.conn;
	if (!filter_conn_but_owner(g->opt->filter, conn ? conn : &unknown) ||
	    !is_wanted(g, conn ? conn : &unknown, NULL))
		return 0;
	if (conn)
		n = list_holdings(g, conn, holdings);
	return leaks_add_refused_syns(g->leaks, syns, conn,
				      conn ? listener_of(g, conn) : NULL,
				      holdings, n, now);
}

static int gather_collisions(struct gather *g)
{
	const struct netns_facts *then, *now;
	const struct collision *list;
	size_t n;
	int err = 0;

	list = engine_collisions(g->run->engine, &n);
	for (size_t i = 0; i < n && !err; i++)
		err = gather_collision(g, &list[i]);
	if (g->run->hooks & HOOK_CHALLENGE || !g->opt->before)
		return err;
	for (size_t i = 0; i < g->settings.n && !err; i++) {
		now = &g->settings.v[i];
		then = netns_facts_of(g->opt->before, now->netns);
		if (then && then->syn_challenges >= 0 &&
		    now->syn_challenges > then->syn_challenges)
			err = gather_refused(g, now, (uint64_t)(
				now->syn_challenges - then->syn_challenges));
	}
	return err;
}

static int gather_oddities(struct gather *g)
{
	const struct oddity *list;
	size_t n;
	int err = 0;

	list = engine_oddities(g->run->engine, &n);
	for (size_t i = 0; i < n && !err; i++)
		if (filter_conn(g->opt->filter, &list[i].conn))
			err = leaks_add_oddity(g->leaks, &list[i]);
	return err;
}

static int gather(struct gather *g)
{
	int err;

	err = engine_each_in_state(g->run->engine, TCPSTATE_CLOSE_WAIT,
				   gather_close_wait, g);
	for (size_t i = 0; i < g->facts->n && !err; i++)
		err = gather_stuck(g, &g->facts->v[i]);
	if (!err)
		err = growth_each_process(g->opt->growth, gather_process, g);
	if (!err)
		err = gather_collisions(g);
	if (!err)
		err = gather_oddities(g);
	return err ? err : gather_orphans(g);
}

/* ---- a look at everything ---- */

static int see_candidate(void *ctx, const struct conn *conn)
{
	bool *any = ctx;

	(void)conn;
	*any = true;
	return 1;
}

/*
 * For most reports nothing is stuck that anybody has a descriptor of, and no
 * table need be walked.
 */
static bool has_candidates(const struct gather *g)
{
	const struct stuck_config cfg = config_of(g);
	const struct conn *conn;
	struct stuck stuck;
	bool any = false;
	size_t n;

	/* Their descriptors may outlive them. */
	engine_collisions(g->run->engine, &n);
	if (n)
		return true;
	engine_each_in_state(g->run->engine, TCPSTATE_CLOSE_WAIT,
			     see_candidate, &any);
	for (size_t i = 0; i < g->facts->n && !any; i++) {
		conn = engine_find(g->run->engine, g->facts->v[i].cookie);
		any = conn && g->facts->v[i].in_file &&
		      stuck_judge(&cfg, conn, &g->facts->v[i], &stuck);
	}
	return any;
}

/* A dump, every descriptor table, and the findings that follow from both. */
static int look(struct gather *g)
{
	struct stuck_config cfg;
	int err;

	g->skipped = g->unheld = 0;
	err = dump(g);
	if (err)
		return err;
	if (!is_recorded(g) && has_candidates(g)) {
		holders_free(g->before);
		g->before = g->holders;
		g->holders = holders_take(g->run->opt->owners, run_pause,
					  g->run);
		if (!g->holders)
			return -errno;
	}
	/* Ages are those of when all has been read. */
	cfg = config_of(g);
	leaks_free(g->leaks);
	g->leaks = leaks_new(&cfg);
	if (!g->leaks)
		return -ENOMEM;
	if (!g->holders || holders_incomplete(g->holders))
		leaks_incomplete(g->leaks);
	return gather(g);
}

static void say_what_is_missing(const struct gather *g)
{
	if (g->facts->left_out)
		log_say("%" PRIu64 " times a dump's word on a socket had no room (--max-conns): what is stuck may be missing",
			g->facts->left_out);
	if (g->skipped)
		log_say("%zu connections in CLOSE_WAIT are left out, %s", g->skipped,
			is_recorded(g) ? "no dump in the recording shows them so" :
			"sock_diag does not show them");
	if (g->holders && holders_refused(g->holders))
		log_say("%zu processes may not be looked into: what they hold has no owner here",
			holders_refused(g->holders));
	else if (g->holders && holders_incomplete(g->holders))
		log_say("not all processes of this host are seen from here: a socket may have holders that are not told");
}

/* ---- what /proc says of whom a finding is about ---- */

/*
 * The last finding of each pid, by its end.  Before 6.2 descriptors can only be
 * counted one by one, and a process has as many findings as listeners, peers
 * and bugs.
 */
struct known {
	const struct finding *of[256];
};

static const struct finding *known_before(struct known *known,
					  const struct finding *f)
{
	const struct finding **last = &known->of[f->pid % 256], *before = *last;

	*last = f;
	return before && before->pid == f->pid ? before : NULL;
}

static void look_up_process(struct known *known, struct finding *f)
{
	const struct finding *before = known_before(known, f);
	char exe[PATH_MAX + sizeof(" (deleted)")];

	if (before && before->fd_limit) {
		f->fd_used = before->fd_used;
		f->fd_limit = before->fd_limit;
		f->exe = before->exe ? strdup(before->exe) : NULL;
		return;
	}
	process_fd_usage(f->pid, &f->fd_used, &f->fd_limit);
	if (!process_exe(f->pid, exe, sizeof(exe)))
		f->exe = strdup(exe);
}

/* "0": it runs, or may not be told. */
static void look_up_wchan(struct finding *f)
{
	uint32_t pid = f->pid ? f->pid : f->listener.pid;

	if (!pid || process_wchan(pid, f->wchan, sizeof(f->wchan)) ||
	    !strcmp(f->wchan, "0"))
		f->wchan[0] = '\0';
}

static void look_up_accept(const struct run *run, struct finding *f)
{
	const struct conn *listener = f->listener_cookie ?
		engine_find(run->engine, f->listener_cookie) : NULL;
	uint64_t now_ns = run_now(run);

	f->accept_observed = listener && run->hooks & HOOK_ACCEPT;
	if (listener && listener->accept_ns && listener->accept_ns < now_ns)
		f->accept_ns = now_ns - listener->accept_ns;
}

static void look_up(const struct run *run, struct known *known,
		    struct finding *f, const struct thresholds *t)
{
	f->observed_ns = run_now(run) - run->ready_ns;
	look_up_accept(run, f);
	/* Whoever has that number now is another. */
	if (run->opt->recording)
		return;
	if (f->pid) {
		look_up_process(known, f);
		leaks_rate(f, t);
	}
	look_up_wchan(f);
}

int evidence_take(struct run *run, const struct evidence_options *opt,
		  struct evidence *evidence)
{
	struct dumped_facts live = { .idle_ns = opt->idle_ns };
	struct gather g = { .run = run, .opt = opt,
			    .facts = run->opt->recording ? opt->facts : &live };
	struct known known = { 0 };
	int err;

	/* Without them findings are only poorer. */
	if (run->opt->recording || netns_facts_take(&g.settings))
		g.settings = (struct netns_facts_list){ 0 };
	err = look(&g);
	/*
	 * One look proves nothing: what it missed may have been closed since the
	 * dump.  What a dump shows between two looks, and neither does, is held
	 * by no process.
	 */
	if (!err && g.unheld && !run->opt->recording)
		err = look(&g);
	if (!err)
		say_what_is_missing(&g);
	holders_free(g.before);
	holders_free(g.holders);
	dumped_facts_free(&live);
	if (err) {
		leaks_free(g.leaks);
		netns_facts_free(&g.settings);
		return err;
	}
	evidence->leaks = g.leaks;
	evidence->settings = g.settings;
	evidence->findings = leaks_findings(g.leaks, &evidence->n);
	for (size_t i = 0; i < evidence->n; i++)
		look_up(run, &known, &evidence->findings[i], opt->thresholds);
	leaks_sort(evidence->findings, evidence->n);
	growth_tell(opt->growth, evidence->findings, evidence->n);
	return 0;
}

void evidence_free(struct evidence *evidence)
{
	leaks_free(evidence->leaks);
	netns_facts_free(&evidence->settings);
}

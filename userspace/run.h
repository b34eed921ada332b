/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The life of a run, which all commands share: options checked, source open,
 * hooks attached, snapshot merged, the ready line, records until something
 * ends it, and the last line.
 *
 *	struct run run = { .opt = &cfg.run, .sink = &sink, .ctx = &cfg, .. };
 *	return run_main(&run);
 */
#ifndef TCPSTATE_RUN_H
#define TCPSTATE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/engine.h"
#include "holders.h"
#include "output/output.h"
#include "source/snapshot.h"
#include "source/source.h"

/* The options that every command has; common_argp fills them. */
struct run_options {
	const char *source;	/* auto, kmod, bpf, or a recording's path */
	const char *hooks;	/* NULL = auto */
	enum holders_way owners;
	enum output_format format;
	bool has_duration;
	uint64_t duration_ns;	/* from the ready line on; 0 = at once */
	uint64_t count;		/* see run_count(); 0 = no end */
	size_t max_conns;
	uint64_t reconcile_ns;	/* period of the comparison; 0 = after losses */
	size_t ring_records;	/* of each CPU; 0 = the source's default */
	bool raw;
	bool verbose;
	/*
	 * Of --source FILE, from run_output_open() on; NULL: live.  The names
	 * of its cgroups become known as it is read.
	 */
	struct recording *recording;
	struct cgroups *cgroups;
};

#define RUN_MAX_CONNS	1048576
/* For engine_new(). */
#define RUN_HOLDBACK_NS	UINT64_C(2000000)
#define RUN_SETTLE_NS	UINT64_C(60000000)
#define RUN_RECONCILE_NS	UINT64_C(10000000000)
#define RUN_OPTIONS_DEFAULT	\
	{ .source = "auto", .max_conns = RUN_MAX_CONNS, \
	  .reconcile_ns = RUN_RECONCILE_NS }

struct kernel_filter;

struct run {
	/* Set by the command. */
	const struct run_options *opt;
	/*
	 * The command's ears, called with .ctx.  .lost is also called, with
	 * CPU RUN_ANY_CPU, for events that a busy hook has missed.
	 */
	const struct engine_sink *sink;
	void *ctx;
	/*
	 * The snapshot is enough: no source is opened unless --source names
	 * one, and the run ends after ready().
	 */
	bool snapshot_only;
	/*
	 * NULL, or what no other connections need be followed than those that
	 * it lets pass; nothing to a replay, whose records are all there.
	 */
	struct kernel_filter *kernel_filter;
	/*
	 * enum source_hook bits without which the command tells just the same;
	 * they cost the time to attach them.
	 */
	unsigned int unneeded;
	uint64_t tick_ns;	/* period of tick(); 0 = never */
	/*
	 * Any may be NULL.  They may use the engine freely, and write to .out.
	 * ready: the ready line has been written, the engine holds the
	 * snapshot with its owners.  tick: every .tick_ns after that.  done:
	 * the source is closed, engine_finish() has been called; not called if
	 * the run failed before ready or the output is closed.
	 */
	void (*ready)(struct run *run);
	/* Just before the ready line, for what counts from then on. */
	void (*attached)(struct run *run);
	void (*tick)(struct run *run, uint64_t now_ns);
	void (*done)(struct run *run);
	/* NULL, or the sink that gets the summary with --format json. */
	struct output *output;
	/*
	 * NULL, or what hears each SNAPSHOT record of a dump, before the engine
	 * does: to be set for the time of a run_refresh().
	 */
	void (*dumped)(void *ctx, const struct tcpstate_record *rec);
	void *dumped_ctx;

	/* Set by run_main(), valid from the first call of .sink on. */
	FILE *out;		/* stdout, flushed after every batch */
	struct engine *engine;
	const struct source_ops *ops;	/* NULL if snapshot_only */
	struct source *src;		/* NULL from done() on */
	unsigned int hooks;		/* enum source_hook bits observed */
	struct snapshot_result snapshot;
	uint64_t since_ns;	/* of the engine: hooks are attached since then */
	uint64_t started_ns;	/* hooks are attached */
	uint64_t ready_ns;	/* 0 before ready() */
	uint64_t missed;	/* lost_nested of the source so far */

	/* Private. */
	int epoll;
	uint64_t replay_ns;	/* the time that the recording has come to */
	uint64_t told;		/* of opt->count */
	uint64_t tick_at_ns;
	uint64_t last_round;	/* records that it brought */
	uint64_t stats_at_ns;
	uint64_t confirm_at_ns;
	uint64_t look_at_ns;
	uint64_t reconcile_at_ns;	/* periodically */
	uint64_t heal_at_ns;	/* not before, even after a loss */
	uint64_t heal_again_ns;
	uint64_t healed_lost;	/* lost when the table was last mended */
	size_t n_dumped;
	uint64_t lost_ring;
	bool stop;
	int error;		/* -errno of the source or the engine */
};

#define RUN_ANY_CPU	(~0u)

/* Returns an exit code. */
int run_main(struct run *run);

/* Something has asked it to end: a signal, run_stop(), an error. */
bool run_is_stopped(const struct run *run);

/* Does --source name a recording? */
bool run_reads_file(const struct run_options *opt);

/* End after this batch, as if --duration had passed. */
void run_stop(struct run *run);

/*
 * May one more line, report or block be told?  Counts it; the run ends when
 * it was the last of --count.
 */
bool run_count(struct run *run);

/* --count is used up: nothing more may be told. */
bool run_full(const struct run *run);

/* The file that the sinks write to; to be had before run_main(). */
FILE *run_stdout(void);

/*
 * Take the snapshot again; when this returns, the engine holds what it shows.
 * 0 or -errno.
 */
int run_refresh(struct run *run);

/* Empty the rings in the midst of something long; @ctx is the struct run. */
void run_pause(void *ctx);

uint64_t mono_now(void);	/* CLOCK_MONOTONIC, ns */
uint64_t run_seed(void);	/* nobody else knows it; of the engine's hashes */
/* The same; in a replay the time that it has come to. */
uint64_t run_now(const struct run *run);
/* kmod or bpf, in a replay the recorder's; "sock_diag" without. */
const char *run_source_name(const struct run *run);

#endif /* TCPSTATE_RUN_H */

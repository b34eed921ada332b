/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Facts to text, JSON or CSV, through one interface.
 *
 * A sink writes to the FILE it was given and never flushes it; whoever owns
 * the FILE does, once per batch.
 */
#ifndef TCPSTATE_OUTPUT_H
#define TCPSTATE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/engine.h"

enum output_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV, FORMATS };

/* What the lines are about; it decides the header of text and CSV. */
enum output_kind {
	OUTPUT_NO_HEADER, OUTPUT_EVENTS, OUTPUT_RAW, OUTPUT_CONNS, OUTPUT_OPEN
};

struct output_style {
	enum output_format format;
	enum output_kind kind;
	bool wide;		/* -w: IP column, room for IPv6 */
	bool time;		/* -T: wall clock, HH:MM:SS */
	bool segments;		/* -v: text has lines that are no move */
	bool elapsed;		/* -t: seconds since the first event */
	/* Nanoseconds from CLOCK_MONOTONIC to CLOCK_REALTIME. */
	int64_t realtime_offset_ns;
	/*
	 * NULL, or the unit and container of a cgroup id; "" where there is
	 * none (cgroups_name() with its first argument in @ctx).
	 */
	bool (*cgroup_name)(void *ctx, uint64_t id, char *unit,
			    size_t unit_len, char *container,
			    size_t container_len);
	void *cgroup_ctx;
};

struct output_summary {
	uint64_t captured, lost, corrected, unknown_owner, inferred;
	uint64_t malformed, evicted;	/* told only if not 0 */
};

struct finding;		/* engine/finding.h */
struct output;		/* opaque */

/* NULL without memory.  @style is copied. */
struct output *output_new(FILE *to, const struct output_style *style);
void output_free(struct output *out);

/* Write the header, if there is one; the first fact does it otherwise. */
void output_start(struct output *out);

void output_transition(struct output *out, const struct transition *t);
void output_raw(struct output *out, const struct tcpstate_record *rec);
void output_accept(struct output *out, const struct conn *conn, uint64_t ns);
void output_segment(struct output *out, const struct segment *segment);
/* A connection's own line: it entered TIME_WAIT, or has ended. */
void output_conn(struct output *out, const struct conn *conn, bool ended);
/* A connection that is open at @now_ns. */
void output_open(struct output *out, const struct conn *conn, uint64_t now_ns);
/* In-band in JSON, otherwise on stderr.  cpu ~0: not known. */
void output_lost(struct output *out, uint64_t ns, uint32_t cpu, uint64_t count);
void output_finding(struct output *out, const struct finding *f, uint64_t ns);
/* One object or block per network namespace. */
void output_counts(struct output *out, uint64_t ns,
		   const struct engine_counts *counts, size_t n);
/* JSON only: the last line on stderr says the same. */
void output_summary(struct output *out, const struct output_summary *s);

/* Nanoseconds to add to CLOCK_MONOTONIC now to have CLOCK_REALTIME. */
int64_t output_realtime_offset(void);

#endif /* TCPSTATE_OUTPUT_H */

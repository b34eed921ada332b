// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <time.h>

#include "output_ops.h"

static const struct output_ops *const formats[FORMATS] = {
	[FORMAT_TEXT] = &output_text,
	[FORMAT_JSON] = &output_json,
	[FORMAT_CSV] = &output_csv,
};

struct output *output_new(FILE *to, const struct output_style *style)
{
	struct output *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->ops = formats[style->format];
	out->to = to;
	out->style = *style;
	return out;
}

void output_free(struct output *out)
{
	free(out);
}

void output_start(struct output *out)
{
	if (out->started)
		return;
	out->started = true;
	if (out->ops->start)
		out->ops->start(out);
}

/* Tell a fact if this format has words for it. */
#define TELL(out, fact, ...) do {				\
	if ((out)->ops->fact) {					\
		output_start(out);				\
		(out)->ops->fact(out, __VA_ARGS__);		\
	}							\
} while (0)

void output_transition(struct output *out, const struct transition *t)
{
	TELL(out, transition, t);
}

void output_raw(struct output *out, const struct tcpstate_record *rec)
{
	TELL(out, raw, rec);
}

void output_accept(struct output *out, const struct conn *conn, uint64_t ns)
{
	TELL(out, accept, conn, ns);
}

void output_segment(struct output *out, const struct segment *segment)
{
	TELL(out, segment, segment);
}

void output_conn(struct output *out, const struct conn *conn, bool ended)
{
	TELL(out, conn, conn, ended);
}

void output_open(struct output *out, const struct conn *conn, uint64_t now_ns)
{
	TELL(out, open, conn, now_ns);
}

void output_lost(struct output *out, uint64_t ns, uint32_t cpu, uint64_t count)
{
	TELL(out, lost, ns, cpu, count);
}

void output_finding(struct output *out, const struct finding *f, uint64_t ns)
{
	TELL(out, finding, f, ns);
}

void output_counts(struct output *out, uint64_t ns,
		   const struct engine_counts *counts, size_t n)
{
	TELL(out, counts, ns, counts, n);
}

void output_summary(struct output *out, const struct output_summary *s)
{
	TELL(out, summary, s);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int64_t output_realtime_offset(void)
{
	int64_t before, real, after, best = INT64_MAX, offset = 0;
	int i;

	/* The reading that was interrupted least is the best. */
	for (i = 0; i < 5; i++) {
		before = clock_ns(CLOCK_MONOTONIC);
		real = clock_ns(CLOCK_REALTIME);
		after = clock_ns(CLOCK_MONOTONIC);
		if (after - before >= best)
			continue;
		best = after - before;
		offset = real - (before + best / 2);
	}
	return offset;
}

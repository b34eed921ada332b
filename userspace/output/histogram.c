// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>

#include "histogram.h"
#include "jsonw.h"
#include "output_ops.h"

#define BAR	30	/* columns of the longest one */

static unsigned int bucket_of(uint64_t ns)
{
	uint64_t us = ns / 1000;
	unsigned int n = us ? 64 - (unsigned int)__builtin_clzll(us) : 0;

	return n < HISTOGRAM_BUCKETS ? n : HISTOGRAM_BUCKETS - 1;
}

/* Bucket 0 is below a microsecond. */
static uint64_t from_us(unsigned int bucket)
{
	return bucket ? UINT64_C(1) << (bucket - 1) : 0;
}

static uint64_t to_us(unsigned int bucket)
{
	return UINT64_C(1) << bucket;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->buckets[bucket_of(ns)]++;
	if (!h->count || ns < h->min_ns)
		h->min_ns = ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->count++;
}

/* The buckets between the first and the last that have something. */
static void used(const struct histogram *h, unsigned int *first,
		 unsigned int *last)
{
	*first = bucket_of(h->min_ns);
	*last = bucket_of(h->max_ns);
}

static void put_bucket(FILE *to, const struct histogram *h, unsigned int i,
		       uint64_t most)
{
	struct cell low, high, count;
	uint64_t bar = (h->buckets[i] * BAR + most - 1) / most;

	fprintf(to, "  %9s to %9s %12s  ", cell_span(&low, from_us(i) * 1000),
		cell_span(&high, to_us(i) * 1000),
		cell_thousands(&count, h->buckets[i]));
	while (bar--)
		fputs("█", to);
	fputc('\n', to);
}

void histogram_text(FILE *to, const struct histogram *h, const char *of)
{
	unsigned int first, last;
	struct cell count, min, max;
	uint64_t most = 1;

	fprintf(to, "%s of %s connections", of,
		cell_thousands(&count, h->count));
	if (!h->count) {
		fputc('\n', to);
		return;
	}
	fprintf(to, ", %s to %s\n", cell_span(&min, h->min_ns),
		cell_span(&max, h->max_ns));
	used(h, &first, &last);
	for (unsigned int i = first; i <= last; i++)
		if (h->buckets[i] > most)
			most = h->buckets[i];
	for (unsigned int i = first; i <= last; i++)
		put_bucket(to, h, i, most);
}

void histogram_json(FILE *to, const struct histogram *h, const char *of)
{
	unsigned int first, last;
	struct jsonw w;

	jsonw_begin(&w, to);
	jsonw_string(&w, "event", "histogram");
	jsonw_string(&w, "of", of);
	jsonw_number(&w, "count", h->count);
	if (h->count) {
		jsonw_number(&w, "min_us", h->min_ns / 1000);
		jsonw_number(&w, "max_us", h->max_ns / 1000);
	}
	jsonw_array(&w, "buckets");
	used(h, &first, &last);
	for (unsigned int i = first; h->count && i <= last; i++) {
		jsonw_object(&w, NULL);
		jsonw_number(&w, "from_us", from_us(i));
		jsonw_number(&w, "to_us", to_us(i));
		jsonw_number(&w, "count", h->buckets[i]);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	jsonw_end(&w);
}

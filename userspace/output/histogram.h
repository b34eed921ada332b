/* SPDX-License-Identifier: GPL-2.0 */
/* How many took how long, by powers of two of a microsecond. */
#ifndef TCPSTATE_OUTPUT_HISTOGRAM_H
#define TCPSTATE_OUTPUT_HISTOGRAM_H

#include <stdint.h>
#include <stdio.h>

#define HISTOGRAM_BUCKETS	44	/* the last: half a year and more */

struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t count, min_ns, max_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);
/* @of names what took so long. */
void histogram_text(FILE *to, const struct histogram *h, const char *of);
void histogram_json(FILE *to, const struct histogram *h, const char *of);

#endif /* TCPSTATE_OUTPUT_HISTOGRAM_H */

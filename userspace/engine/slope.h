/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How fast a count grows, from samples of it: the line of least squares, and
 * whether its sign is certain.
 *
 *	struct slope slope = {};
 *
 *	slope_add(&slope, now_ns, count);	as often as the count is read
 *	if (slope_measured(&slope))
 *		f->growth_per_min = slope_per_min(&slope);
 *
 * Pure: no memory of the samples is kept but their sums.
 */
#ifndef TCPSTATE_SLOPE_H
#define TCPSTATE_SLOPE_H

#include <stdbool.h>
#include <stdint.h>

/* Both must be reached before a rate is told. */
#define SLOPE_MIN_NS		UINT64_C(5000000000)
#define SLOPE_MIN_SAMPLES	5

/* All zero: no sample yet. */
struct slope {
	uint64_t n;
	uint64_t first_ns, last_ns;
	double first, last;
	/* Means, and sums of squares about them (t in seconds from first_ns). */
	double mean_t, mean_y, tt, ty, yy;
	struct slope_steps {
		uint64_t n, first_ns, last_ns;
	} up, down;
};

/* @count was there at @ns; a time not later than the last is ignored. */
void slope_add(struct slope *s, uint64_t ns, double count);

/* Long enough and often enough: otherwise it is still being measured. */
bool slope_measured(const struct slope *s);

/* Of the line; 0 before the second sample. */
double slope_per_min(const struct slope *s);

/*
 * 1 it grows, -1 it shrinks, 0 that is not certain.  The slope must be three of
 * its standard errors away from 0, or three steps or more went its way and none
 * the other.  And it must have been so in the first and in the last third of
 * the time: a single burst, or one that is over, also gives a slope.  Always 0
 * before slope_measured().
 */
int slope_sign(const struct slope *s);

/*
 * Seconds from the last sample until the line reaches @limit; 0 if it is
 * reached already.  false, and nothing is written: it does not certainly grow.
 */
bool slope_eta(const struct slope *s, double limit, uint64_t *seconds);

/* @value with two significant digits: 4312 is 4300, 0.0567 is 0.057. */
double slope_two_digits(double value);

#endif /* TCPSTATE_SLOPE_H */

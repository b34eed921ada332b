// SPDX-License-Identifier: GPL-2.0
#include "slope.h"

#define NS_PER_SEC	1e9
#define SIGMAS		3.0
#define STEPS_MIN	3

static void step(struct slope_steps *steps, uint64_t ns)
{
	if (!steps->n++)
		steps->first_ns = ns;
	steps->last_ns = ns;
}

/*
 * Welford's way: the sums stay small, where sums of squares of the values
 * themselves would lose the noise that is looked for.
 */
void slope_add(struct slope *s, uint64_t ns, double count)
{
	double t, dt, dy;

	if (s->n && ns <= s->last_ns)
		return;
	if (!s->n) {
		s->first_ns = ns;
		s->first = count;
	} else if (count < s->last) {
		step(&s->down, ns);
	} else if (count > s->last) {
		step(&s->up, ns);
	}
	s->last_ns = ns;
	s->last = count;
	s->n++;
	t = (double)(ns - s->first_ns) / NS_PER_SEC;
	dt = t - s->mean_t;
	dy = count - s->mean_y;
	s->mean_t += dt / (double)s->n;
	s->mean_y += dy / (double)s->n;
	s->tt += dt * (t - s->mean_t);
	s->ty += dt * (count - s->mean_y);
	s->yy += dy * (count - s->mean_y);
}

bool slope_measured(const struct slope *s)
{
	return s->n >= SLOPE_MIN_SAMPLES &&
	       s->last_ns - s->first_ns >= SLOPE_MIN_NS;
}

static double per_second(const struct slope *s)
{
	return s->tt > 0 ? s->ty / s->tt : 0;
}

double slope_per_min(const struct slope *s)
{
	return per_second(s) * 60;
}

/* |slope| > SIGMAS standard errors; squared, since there is no sqrt() here. */
static bool beyond_noise(const struct slope *s, double slope)
{
	double rest = s->yy - slope * s->ty;

	if (rest < 0)	/* a perfect line, and rounding */
		rest = 0;
	return slope * slope * s->tt * (double)(s->n - 2) >
	       SIGMAS * SIGMAS * rest;
}

static bool all_the_time(const struct slope *s, const struct slope_steps *steps)
{
	const uint64_t third = (s->last_ns - s->first_ns) / 3;

	return steps->n && steps->first_ns - s->first_ns <= third &&
	       s->last_ns - steps->last_ns <= third;
}

int slope_sign(const struct slope *s)
{
	double slope = per_second(s);
	const struct slope_steps *with = slope > 0 ? &s->up : &s->down;
	const struct slope_steps *against = slope > 0 ? &s->down : &s->up;

	if (!slope_measured(s) || !(slope > 0 || slope < 0) ||
	    !all_the_time(s, with))
		return 0;
	if ((with->n < STEPS_MIN || against->n) && !beyond_noise(s, slope))
		return 0;
	return slope > 0 ? 1 : -1;
}

bool slope_eta(const struct slope *s, double limit, uint64_t *seconds)
{
	double left = limit - s->last;

	if (slope_sign(s) <= 0)
		return false;
	if (left <= 0) {
		*seconds = 0;
		return true;
	}
	left /= per_second(s);
	if (left > 1e9)		/* thirty years are no prediction */
		return false;
	*seconds = (uint64_t)(slope_two_digits(left) + 0.5);
	return true;
}

double slope_two_digits(double value)
{
	double scale = 1, size = value < 0 ? -value : value;

	if (!(size > 0) || size > 1e18)
		return value;
	for (; size >= 100; scale *= 10)
		size /= 10;
	if (scale > 1) {
		size = (double)(uint64_t)(size + 0.5) * scale;
	} else {
		for (; size < 10 && scale < 1e18; scale *= 10)
			size *= 10;
		size = (double)(uint64_t)(size + 0.5) / scale;
	}
	return value < 0 ? -size : size;
}

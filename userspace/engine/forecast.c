// SPDX-License-Identifier: GPL-2.0
#include "forecast.h"

#define NS_PER_SEC	UINT64_C(1000000000)

void forecast_add(struct forecast *f, uint64_t age_ns)
{
	uint64_t age = age_ns / NS_PER_SEC;

	f->left[age < FORECAST_TIME_WAIT_S ? FORECAST_TIME_WAIT_S - age : 0]++;
}

double forecast_level(const struct forecast *f)
{
	return f->others + f->per_s * FORECAST_TIME_WAIT_S;
}

/* Between the counts at the begin and at the end of a second. */
static double within(double before, double after, double limit)
{
	return after > before ? (limit - before) / (after - before) : 1;
}

bool forecast_reaches(const struct forecast *f, double *seconds)
{
	double old = 0, before, after, level;

	for (int i = 0; i <= FORECAST_TIME_WAIT_S; i++)
		old += (double)f->left[i];
	before = old + f->others;
	if (before >= f->limit) {
		*seconds = 0;
		return true;
	}
	old -= (double)f->left[0];
	for (int s = 1; s <= FORECAST_TIME_WAIT_S; s++) {
		old -= (double)f->left[s];
		after = old + f->others + (f->others_per_s + f->per_s) * s;
		if (after >= f->limit) {
			*seconds = s - 1 + within(before, after, f->limit);
			return true;
		}
		before = after;
	}
	/* From here on as many end as begin. */
	level = forecast_level(f) + f->others_per_s * FORECAST_TIME_WAIT_S;
	if (f->others_per_s <= 0 || level >= f->limit)
		return false;
	*seconds = FORECAST_TIME_WAIT_S +
		   (f->limit - level) / f->others_per_s;
	return true;
}

// SPDX-License-Identifier: GPL-2.0
#include "thresholds.h"

#include <stdbool.h>

enum rating threshold_rate(const struct threshold *t, uint64_t value)
{
	if (t->crit != THRESHOLD_NEVER && value >= t->crit)
		return RATING_CRITICAL;
	if (t->warn != THRESHOLD_NEVER && value >= t->warn)
		return RATING_WARNING;
	return RATING_OK;
}

/* 64 bits do not hold a hundred times what a limit may be. */
static bool reaches(uint64_t used, uint64_t of, uint64_t percent)
{
	return percent != THRESHOLD_NEVER &&
	       (unsigned __int128)used * 100 >= (unsigned __int128)of * percent;
}

enum rating threshold_rate_share(const struct threshold *t, uint64_t used,
				 uint64_t of)
{
	if (!of || of == UINT64_MAX)
		return RATING_OK;
	if (reaches(used, of, t->crit))
		return RATING_CRITICAL;
	return reaches(used, of, t->warn) ? RATING_WARNING : RATING_OK;
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When will TIME_WAITs have used up what there is?  Not where a straight line
 * says: each ends after a minute, so that their number levels off at a minute's
 * worth, and those that are there now end one by one before.
 */
#ifndef TCPSTATE_FORECAST_H
#define TCPSTATE_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * TCP_TIMEWAIT_LEN is 60 s, which nothing can change; its timer comes when the
 * wheel has turned far enough: 60.8 to 61.4 s were measured.
 */
#define FORECAST_TIME_WAIT_S	61

struct forecast {
	/* TIME_WAITs that are there now, by the seconds that they still have. */
	uint64_t left[FORECAST_TIME_WAIT_S + 1];
	double others;		/* in other states: they stay */
	double others_per_s;	/* their growth */
	double per_s;		/* what enters TIME_WAIT */
	double limit;
};

/* A TIME_WAIT of this age is there. */
void forecast_add(struct forecast *f, uint64_t age_ns);

/* Seconds until .limit is reached; false: it will not be, as things are. */
bool forecast_reaches(const struct forecast *f, double *seconds);

/* How many there will be when a minute has gone by. */
double forecast_level(const struct forecast *f);

#endif /* TCPSTATE_FORECAST_H */

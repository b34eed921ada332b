/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From where on a finding is a warning, and from where on critical.  The
 * defaults hold unless the command line or the configuration says otherwise.
 */
#ifndef TCPSTATE_THRESHOLDS_H
#define TCPSTATE_THRESHOLDS_H

#include <stdint.h>

/* In order: the larger is the worse. */
enum rating { RATING_OK, RATING_WARNING, RATING_CRITICAL, RATINGS };

#define THRESHOLD_NEVER UINT64_MAX

/* Reached at or above; THRESHOLD_NEVER: never. */
struct threshold {
	uint64_t warn, crit;
};

struct thresholds {
	/*
	 * Nanoseconds.  In CLOSE_WAIT for less than .warn is no leak; one that
	 * is there for .crit is critical alone.
	 */
	struct threshold close_wait_age;
	struct threshold close_wait_count;	/* of those of that age */
	struct threshold fds_used;	/* % of RLIMIT_NOFILE */
	struct threshold ports_used;	/* % of the ports to one destination */
	struct threshold time_wait;	/* % of tcp_max_tw_buckets */
	struct threshold syn_recv;	/* % of the listener's backlog */
};

#define THRESHOLDS_DEFAULT { \
	.close_wait_age = { UINT64_C(60000000000), THRESHOLD_NEVER }, \
	.close_wait_count = { 10, 100 }, \
	.fds_used = { 80, 95 }, \
	.ports_used = { 70, 90 }, \
	.time_wait = { 70, 95 }, \
	.syn_recv = { 70, 95 }, \
}

enum rating threshold_rate(const struct threshold *t, uint64_t value);

/*
 * @used of @of, for a threshold in %.  Exact: 79.99 % has not reached 80.
 * Nothing is reached of an unlimited or unknown whole, UINT64_MAX or 0.
 */
enum rating threshold_rate_share(const struct threshold *t, uint64_t used,
				 uint64_t of);

#endif /* TCPSTATE_THRESHOLDS_H */

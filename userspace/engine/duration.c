// SPDX-License-Identifier: GPL-2.0
#include "duration.h"

#include <string.h>

static const char *const names[DURATIONS] = {
	"handshake", "accept", "life", "half_close", "close_wait", "time_wait",
};

const char *duration_name(unsigned int duration)
{
	return duration < DURATIONS ? names[duration] : NULL;
}

enum duration duration_named(const char *name)
{
	enum duration d = 0;

	while (d < DURATIONS && strcmp(names[d], name))
		d++;
	return d;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool conn_duration(const struct conn *c, enum duration duration, uint64_t *ns)
{
	const struct closing *end = conn_closing(c);
	uint64_t from = 0, to = 0;

	switch (duration) {
	case DURATION_HANDSHAKE:
		from = c->born_ns;
		to = c->established_ns;
		break;
	case DURATION_ACCEPT:
		from = c->established_ns;
		to = c->accept_ns;
		break;
	case DURATION_LIFE:
		from = c->born_ns;
		to = end->tw_ns ? end->tw_ns : conn_end_ns(c);
		break;
	case DURATION_HALF_CLOSE:
		if (!end->fin_ns || !end->peer_fin_ns)
			return false;
		from = earlier(end->fin_ns, end->peer_fin_ns);
		to = end->fin_ns + end->peer_fin_ns - from;
		break;
	case DURATION_CLOSE_WAIT:
		from = end->peer_fin_ns;
		to = end->fin_ns;
		break;
	case DURATION_TIME_WAIT:
		from = end->tw_ns;
		to = conn_end_ns(c);
		break;
	case DURATIONS:
		break;
	}
	if (!from || to < from)
		return false;
	*ns = to - from;
	return true;
}

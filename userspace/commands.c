// SPDX-License-Identifier: GPL-2.0
/* The rows of the program; help and the search for COMMAND read them. */
#include "cmd.h"

const struct command commands[] = {
	{ "watch", cmd_watch, &watch_argp,
	  "the live picture: counts and rates per state, findings" },
	{ "events", cmd_events, &events_argp,
	  "one line per transition" },
	{ "conns", cmd_conns, &conns_argp,
	  "one line per connection when it ends, or those open now" },
	{ "leaks", cmd_leaks, &leaks_argp,
	  "stuck connections: who, since when, which bug, what to do" },
	{ "doctor", cmd_doctor, &doctor_argp,
	  "which source and hooks work here, and why: each is made to fire" },
	{}
};

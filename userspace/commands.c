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
	{ "ladder", cmd_ladder, &ladder_argp,
	  "a connection as a sequence diagram" },
	{ "leaks", cmd_leaks, &leaks_argp,
	  "stuck connections: who, since when, which bug, what to do" },
	{ "check", cmd_check, &check_argp,
	  "report for monitoring: one line, thresholds, exit 0 to 3" },
	{ "timewait", cmd_timewait, &timewait_argp,
	  "TIME_WAIT by closer and destination, ports left, what helps" },
	{ "record", cmd_record, &record_argp,
	  "keep what was captured in a file, for --source FILE" },
	{ "doctor", cmd_doctor, &doctor_argp,
	  "which source and hooks work here, and why: each is made to fire" },
	{}
};

/* Monitoring systems read stdout, and take 2 for critical. */
int command_refused(const struct command *command, const char *why)
{
	if (command && command->run == cmd_check)
		return cmd_check_refused(why);
	return EXIT_USAGE;
}

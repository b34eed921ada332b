/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line before argp sees it.
 *
 * Options may stand before COMMAND, and only the option tables know which of
 * them take a value, so COMMAND is found by asking the tables of all commands.
 * Then every option is checked against the tables of that one command, because
 * argp's own complaints are several lines long.
 *
 * Pure: failures are sentences in a buffer.
 */
#ifndef TCPSTATE_ARGS_H
#define TCPSTATE_ARGS_H

#include "cmd.h"

struct args_error {
	char why[512];
};

enum args_verdict { ARGS_OK, ARGS_ERROR, ARGS_HELP, ARGS_VERSION };

/*
 * The index in @argv of COMMAND, 0 if there is none, -1 with a sentence in
 * @err.  @table is ended by a row without a name.
 */
int args_find_command(const struct command *table, int argc, char **argv,
		      const struct command **found, struct args_error *err);

/*
 * The first word of a line that is wrong which is the name of a command: most
 * likely the one that was meant.  NULL if there is none.
 */
const struct command *args_named_command(const struct command *table, int argc,
					 char **argv);

/*
 * Would argp take all options of @argv, and is there no word among them, or one
 * where @argp documents it?
 * Stops with ARGS_HELP or ARGS_VERSION where it meets that option.  @table
 * serves to say whose an option is; argv[0] is the command's name.
 */
enum args_verdict args_check(const struct command *table,
			     const struct argp *argp, int argc, char **argv,
			     struct args_error *err);

/*
 * Options that take a value in one command and none in another, which would
 * make it unclear where COMMAND stands.  NULL if there are none; for tests.
 */
const char *args_conflict(const struct command *table);

#endif /* TCPSTATE_ARGS_H */

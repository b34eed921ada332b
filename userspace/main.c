// SPDX-License-Identifier: GPL-2.0
/*
 * tcpstate-watch: what every TCP connection of this host has been through.
 *
 * Finds COMMAND among the options and hands the rest to it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "args.h"
#include "cmd.h"

#define DEFAULT_COMMAND	0	/* the first row */

static const struct argp_child help_children[] = {
	{ &filter_argp, 0, NULL, 0 },
	{ &common_argp, 0, NULL, 0 },
	{}
};

static const struct argp help_argp = { .children = help_children };

static void show_help(void)
{
	const struct command *row;

	printf("Usage: " PROGRAM " [OPTIONS] COMMAND [OPTIONS]\n"
	       "What every TCP connection of this host has been through, and which ones are\n"
	       "stuck and by whose fault.\n\n"
	       "Commands (without one: %s):\n", commands[DEFAULT_COMMAND].name);
	for (row = commands; row->name; row++)
		printf("  %-8s %s\n", row->name, row->purpose);
	printf("\nThe options of a command: " PROGRAM " COMMAND --help\n\n");
	argp_help(&help_argp, stdout, ARGP_HELP_LONG, PROGRAM);
}

/* The line without COMMAND, which becomes its argv[0]. */
static void take_command_out(int argc, char **argv, int at, const char *name)
{
	int i;

	for (i = at; at && i < argc; i++)
		argv[i] = argv[i + 1];
	argv[0] = (char *)name;
}

/* What is opened later must not become stdout because that was closed. */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct args_error err;
	int at;

	fill_standard_fds();
	/* The exit code that argp uses if it must complain itself. */
	argp_err_exit_status = EXIT_USAGE;
	at = args_find_command(commands, argc, argv, &command, &err);
	if (at < 0) {
		cmd_is(args_named_command(commands, argc, argv));
		usage_error("%s", err.why);
	}
	if (!command) {
		command = &commands[DEFAULT_COMMAND];
		if (args_check(commands, command->argp, argc, argv, &err) ==
		    ARGS_HELP) {
			show_help();
			return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
		}
	}
	cmd_is(command);
	take_command_out(argc, argv, at, command->name);
	return command->run(argc - !!at, argv);
}

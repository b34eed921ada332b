/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sub-command, and the option groups that commands share.
 *
 * Each cmd_*.c owns its options, its help and a config struct on its own
 * stack.  Wrong usage ends the program in one sentence, with exit 2 (check: 3),
 * before privileges are looked at.
 */
#ifndef TCPSTATE_CMD_H
#define TCPSTATE_CMD_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRAM "tcpstate-watch"

enum exit_code {
	EXIT_DONE	= 0,
	EXIT_FAILED	= 1,
	EXIT_USAGE	= 2,
	EXIT_NO_SOURCE	= 3,
};

struct command {
	const char *name;
	/* argv[0] is the command's name; returns an exit code. */
	int (*run)(int argc, char **argv);
	const struct argp *argp;
	const char *purpose;
};

/* commands.c; ended by a row without a name, the first is the default. */
extern const struct command commands[];
/* The exit code of wrong usage, which stderr was told of. */
int command_refused(const struct command *command, const char *why);

extern const struct argp watch_argp, events_argp, conns_argp, leaks_argp,
			 timewait_argp, check_argp, doctor_argp, record_argp,
			 ladder_argp;

int cmd_watch(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_conns(int argc, char **argv);
int cmd_leaks(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_check_refused(const char *why);
int cmd_timewait(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_ladder(int argc, char **argv);

/*
 * Option groups, for the children of a command's argp.  Its parser passes
 * their inputs on at ARGP_KEY_INIT:
 *
 *	state->child_inputs[0] = &cfg->run;	common: struct run_options
 *	state->child_inputs[1] = &cfg->filter;	filter: struct filter
 *
 * Fill cfg->run with RUN_OPTIONS_DEFAULT and cfg->filter with zeroes before.
 * Thresholds and --config are settings.h's.
 */
extern const struct argp common_argp;
extern const struct argp filter_argp;

/*
 * Keys of long-only options: those of a command begin at KEY_COMMAND.  The
 * same option name must take a value in every command or in none, since the
 * command is looked for among the options.
 */
enum { KEY_COMMON = 0x100, KEY_FILTER = 0x200, KEY_COMMAND = 0x300,
       KEY_SETTING = 0x400 };

/*
 * Check every option against the command's tables, show --help or --version
 * and exit 0, and let argp's parsers fill @input.  Returns only if all is
 * well; @argv is as for struct command.run.
 */
void cmd_parse(const struct argp *argp, int argc, char **argv, void *input);

/*
 * One sentence after "tcpstate-watch: " on stderr, then exit 2, or as the
 * command of cmd_is() wants it.
 */
__attribute__((noreturn, format(printf, 1, 2)))
void usage_error(const char *fmt, ...);

/* The command that the line is for, as soon as it is known; NULL: it is not. */
void cmd_is(const struct command *command);

struct run_options;

struct filter;
/* Wrong usage if a filter asks this host of a recording. */
void cmd_check_source(const struct run_options *opt, const struct filter *f);
/* Wrong usage if --source names a recording. */
void cmd_needs_host(const struct run_options *opt, const char *name);

/* Values of options; @option, as "--interval", only names it in the sentence. */
uint64_t cmd_duration(const char *option, const char *arg);
uint64_t cmd_bytes(const char *option, const char *arg);
uint64_t cmd_number(const char *option, const char *arg, uint64_t min,
		    uint64_t max);

#endif /* TCPSTATE_CMD_H */

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "cgroup_filter.h"
#include "cmd.h"
#include "filter.h"
#include "log.h"
#include "run.h"

#define MAX_CONNS_LIMIT	(1UL << 28)
#define RING_RECORDS_MIN	(1UL << 8)
#define RING_RECORDS_MAX	(1UL << 20)

enum { KEY_HOOKS = KEY_COMMON, KEY_OWNERS, KEY_SOURCE, KEY_FORMAT,
       KEY_DURATION, KEY_RAW, KEY_MAX_CONNS, KEY_RECONCILE, KEY_RING_RECORDS };
enum { KEY_PORT = KEY_FILTER, KEY_ADDR, KEY_COMM, KEY_CGROUP, KEY_STATE };

static const char *const format_names[FORMATS] = { "text", "json", "csv" };
static const char *const source_names[] = { "auto", "kmod", "bpf", NULL };
static const char *const hooks_names[] = {
	"auto", "fentry", "kprobe", "timer", "none", NULL
};

/* Only for the exit code of wrong usage. */
static const struct command *current;

void cmd_is(const struct command *command)
{
	current = command;
}

void usage_error(const char *fmt, ...)
{
	char line[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_say("%s", line);
	exit(command_refused(current, log_last()));
}

/* Values */

uint64_t cmd_duration(const char *option, const char *arg)
{
	struct parse_error err;
	uint64_t ns;

	if (parse_duration(arg, &ns, &err))
		usage_error("%s %s: %s", option, arg, err.why);
	return ns;
}

uint64_t cmd_bytes(const char *option, const char *arg)
{
	struct parse_error err;
	uint64_t bytes;

	if (parse_bytes(arg, &bytes, &err))
		usage_error("%s %s: %s", option, arg, err.why);
	return bytes;
}

uint64_t cmd_number(const char *option, const char *arg, uint64_t min,
		    uint64_t max)
{
	struct parse_error err;
	uint64_t value;

	if (parse_number(arg, min, max, &value, &err))
		usage_error("%s %s: %s", option, arg, err.why);
	return value;
}

static bool is_one_of(const char *arg, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(arg, *names))
			return true;
	return false;
}

static const char *source_name(const char *arg)
{
	if (is_one_of(arg, source_names))
		return arg;
	if (!access(arg, F_OK))
		return arg;
	usage_error("--source %s: no such recording; use auto, kmod, bpf or a file",
		    arg);
}

static enum output_format format_of(const char *arg)
{
	enum output_format format;

	for (format = 0; format < FORMATS; format++)
		if (!strcmp(arg, format_names[format]))
			return format;
	usage_error("--format %s: use text, json or csv", arg);
}

/* Options of every command */

static const struct argp_option common_options[] = {
	{ NULL, 0, NULL, 0, "Options of every command:", 20 },
	{ "source", KEY_SOURCE, "NAME", 0,
	  "Where events come from: auto, kmod, bpf, or the file of a recording (default auto)", 0 },
	{ "hooks", KEY_HOOKS, "KIND", 0,
	  "Hooks for mini-sockets: auto, fentry, kprobe, timer or none (default auto)", 0 },
	{ "owners", KEY_OWNERS, "WAY", 0,
	  "How descriptor tables are read: auto, iterator (BPF) or proc (default auto)", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "text, json or csv (default text)", 0 },
	{ NULL, 'j', NULL, 0, "The same as --format json", 0 },
	{ "duration", KEY_DURATION, "DUR", 0,
	  "End after DUR: a number with ms, s, m, h or d", 0 },
	{ "count", 'c', "N", 0, "End after N lines, reports or blocks", 0 },
	{ "raw", KEY_RAW, NULL, 0, "Show what the hooks saw, not what it means", 0 },
	{ "max-conns", KEY_MAX_CONNS, "N", 0,
	  "Follow at most N connections, then forget the oldest (default 1048576)", 0 },
	{ "reconcile", KEY_RECONCILE, "DUR", 0,
	  "Compare with the kernel's sockets every DUR (default 10s), and after each loss; 0: only then", 0 },
	{ "ring-records", KEY_RING_RECORDS, "N", 0,
	  "Room for N records on each CPU, 256 to 1048576, rounded down to a power of two", 0 },
	{ "verbose", 'v', NULL, 0, "Tell more", 0 },
	{ "help", 'h', NULL, 0, "Show this help", 0 },
	{ "version", 'V', NULL, 0, "Show the version", 0 },
	{}
};

static error_t common_parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *opt = state->input;

	switch (key) {
	case KEY_SOURCE:
		opt->source = source_name(arg);
		return 0;
	case KEY_HOOKS:
		if (!is_one_of(arg, hooks_names))
			usage_error("--hooks %s: use auto, fentry, kprobe, timer or none",
				    arg);
		opt->hooks = strcmp(arg, "auto") ? arg : NULL;
		return 0;
	case KEY_OWNERS:
		if (holders_way_named(arg, &opt->owners))
			usage_error("--owners %s: use auto, iterator or proc",
				    arg);
		return 0;
	case KEY_FORMAT:
		opt->format = format_of(arg);
		return 0;
	case 'j':
		opt->format = FORMAT_JSON;
		return 0;
	case KEY_DURATION:
		opt->duration_ns = cmd_duration("--duration", arg);
		opt->has_duration = true;
		return 0;
	case 'c':
		opt->count = cmd_number("--count", arg, 1, UINT64_MAX);
		return 0;
	case KEY_RAW:
		opt->raw = true;
		return 0;
	case KEY_MAX_CONNS:
		opt->max_conns = cmd_number("--max-conns", arg, 1,
					    MAX_CONNS_LIMIT);
		return 0;
	case KEY_RECONCILE:
		opt->reconcile_ns = cmd_duration("--reconcile", arg);
		return 0;
	case KEY_RING_RECORDS:
		opt->ring_records = cmd_number("--ring-records", arg,
					       RING_RECORDS_MIN,
					       RING_RECORDS_MAX);
		return 0;
	case 'v':
		opt->verbose = true;
		log_set_verbose(true);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp common_argp = {
	.options = common_options,
	.parser = common_parse,
};

/* Filters */

static const struct argp_option filter_options[] = {
	{ NULL, 0, NULL, 0,
	  "Filters (commas mean or, different filters mean and):", 10 },
	{ "port", KEY_PORT, "PORTS", 0,
	  "Port of either end, such as 80,443,8000-8010", 0 },
	{ "sport", 'L', "PORTS", 0, "Local port", 0 },
	{ "dport", 'D', "PORTS", 0, "Port of the peer", 0 },
	{ "addr", KEY_ADDR, "CIDR", 0,
	  "Address of either end, such as 10.0.0.0/8,::1", 0 },
	{ "pid", 'p', "PID", 0, "Process that holds it", 0 },
	{ "comm", KEY_COMM, "PATTERN", 0,
	  "Name of that process, with * ? [..] as in a shell", 0 },
	{ "uid", 'u', "USER", 0, "User of the socket, number or name", 0 },
	{ "netns", 'N', "NETNS", 0,
	  "Network namespace: name, inode or pid:PID", 0 },
	{ "cgroup", KEY_CGROUP, "PATH", 0, "Cgroup (v2) and all below it", 0 },
	{ "state", KEY_STATE, "STATES", 0,
	  "TCP state, such as close-wait,fin-wait-2", 0 },
	{ NULL, '4', NULL, 0, "IPv4 only, v4-mapped included", 0 },
	{ NULL, '6', NULL, 0, "IPv6 only", 0 },
	{}
};

static int parse_cgroups(const char *arg, struct filter *f,
			 struct parse_error *err)
{
	size_t i = f->cgroup.n;
	int ret;

	ret = parse_words(arg, &f->cgroup, err);
	if (ret)
		return ret;
	if (!f->cgroup_ctx)
		f->cgroup_ctx = cgroup_filter_new();
	if (!f->cgroup_ctx) {
		snprintf(err->why, sizeof(err->why), "out of memory");
		return -ENOMEM;
	}
	f->in_cgroup = cgroup_filter_has;
	f->cgroup_free = cgroup_filter_free;
	for (; i < f->cgroup.n; i++) {
		ret = cgroup_filter_add(f->cgroup_ctx, f->cgroup.v[i]);
		if (!ret)
			continue;
		snprintf(err->why, sizeof(err->why), "no cgroup \"%.60s\": %s",
			 f->cgroup.v[i], strerror(-ret));
		return ret;
	}
	return 0;
}

static int filter_value(int key, const char *arg, struct filter *f,
			struct parse_error *err)
{
	switch (key) {
	case KEY_PORT:
		return parse_ports(arg, &f->port, err);
	case 'L':
		return parse_ports(arg, &f->sport, err);
	case 'D':
		return parse_ports(arg, &f->dport, err);
	case KEY_ADDR:
		return parse_cidrs(arg, &f->addr, err);
	case 'p':
		return parse_pids(arg, &f->pid, err);
	case KEY_COMM:
		return parse_words(arg, &f->comm, err);
	case 'u':
		return parse_uids(arg, &f->uid, err);
	case 'N':
		return parse_netns(arg, &f->netns, err);
	case KEY_CGROUP:
		return parse_cgroups(arg, f, err);
	case KEY_STATE:
		return parse_states(arg, &f->states, err);
	}
	return ARGP_ERR_UNKNOWN;
}

static const char *filter_option_name(int key)
{
	const struct argp_option *opt;

	for (opt = filter_options + 1; opt->key; opt++)
		if (opt->key == key && opt->name)
			return opt->name;
	return "?";
}

static error_t filter_parse(int key, char *arg, struct argp_state *state)
{
	struct filter *f = state->input;
	struct parse_error err;
	int ret;

	switch (key) {
	case '4':
		f->family |= FILTER_IPV4;
		return 0;
	case '6':
		f->family |= FILTER_IPV6;
		return 0;
	}
	ret = filter_value(key, arg, f, &err);
	if (ret && ret != ARGP_ERR_UNKNOWN)
		usage_error("--%s %s: %s", filter_option_name(key), arg,
			    err.why);
	return ret;
}

const struct argp filter_argp = {
	.options = filter_options,
	.parser = filter_parse,
};

void cmd_needs_host(const struct run_options *opt, const char *name)
{
	if (run_reads_file(opt))
		usage_error("--source %s: %s looks at the running system, which is not in a recording; use events, conns, ladder, watch, leaks or timewait",
			    opt->source, name);
}

void cmd_check_source(const struct run_options *opt, const struct filter *f)
{
	if (run_reads_file(opt) && f->cgroup.n)
		usage_error("--cgroup %s: looks at the running system; a recording has the names of its cgroups in -j",
			    f->cgroup.v[0]);
	if (run_reads_file(opt) && (f->uid.looked_up || f->netns.looked_up))
		usage_error("--%s by name: names are those of this host; give the number that the recording has",
			    f->uid.looked_up ? "uid" : "netns");
}

/* A command's line */

static void show_help(const struct argp *argp, const char *command)
{
	char name[64];

	snprintf(name, sizeof(name), PROGRAM " %s", command);
	argp_help(argp, stdout, ARGP_HELP_STD_HELP, name);
}

void cmd_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	struct args_error err;

	switch (args_check(commands, argp, argc, argv, &err)) {
	case ARGS_OK:
		break;
	case ARGS_ERROR:
		usage_error("%s", err.why);
	case ARGS_HELP:
		show_help(argp, argv[0]);
		exit(fflush(stdout) ? EXIT_FAILED : EXIT_DONE);
	case ARGS_VERSION:
		puts(PROGRAM " " TCPSTATE_VERSION);
		exit(fflush(stdout) ? EXIT_FAILED : EXIT_DONE);
	}
	/* Whatever argp could complain about has been found above. */
	if (argp_parse(argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS |
		       ARGP_NO_HELP, NULL, input))
		usage_error("wrong usage, see " PROGRAM " %s --help", argv[0]);
}

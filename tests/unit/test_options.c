// SPDX-License-Identifier: GPL-2.0
/*
 * COMMAND is found among the options, wherever they stand, and every line
 * that is wrong gives one sentence.  The second half runs the program, and
 * shows that this happens before privileges are looked at, with exit 2 and
 * nothing on stdout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "args.h"

#define WORDS_MAX 12

/* Two commands with all kinds of options. */

static const struct argp_option shared[] = {
	{ "source", 0x100, "NAME", 0, "a", 0 },
	{ "duration", 0x101, "DUR", 0, "a", 0 },
	{ "count", 'c', "N", 0, "a", 0 },
	{ NULL, 'j', NULL, 0, "a", 0 },
	{ "help", 'h', NULL, 0, "a", 0 },
	{ "version", 'V', NULL, 0, "a", 0 },
	{}
};
static const struct argp shared_argp = { .options = shared };
static const struct argp_child children[] = {
	{ &shared_argp, 0, NULL, 0 },
	{}
};

static const struct argp_option first_options[] = {
	{ NULL, 0, NULL, 0, "A title, no option:", 1 },
	{ "wide", 'w', NULL, 0, "a", 0 },
	{ "state", 0x300, "STATES", 0, "a", 0 },
	{ "states", 0x300, NULL, OPTION_ALIAS, NULL, 0 },
	{}
};
static const struct argp_option second_options[] = {
	{ "plain", 0x300, NULL, 0, "a", 0 },
	{ "speed", 0x301, "N", 0, "a", 0 },
	{}
};
static const struct argp first_argp = {
	.options = first_options, .children = children,
};
static const struct argp second_argp = {
	.options = second_options, .children = children,
};

static const struct command table[] = {
	{ "events", NULL, &first_argp, "a" },
	{ "watch", NULL, &second_argp, "a" },
	{}
};

static int split(const char *line, char *buf, size_t len, char **argv)
{
	int argc = 0;
	char *word;

	snprintf(buf, len, "%s", line);
	for (word = strtok(buf, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static const struct {
	const char *line;
	int at;			/* index of COMMAND, 0 none, -1 error */
	const char *why;
} finds[] = {
	{ "x", 0, NULL },
	{ "x events", 1, NULL },
	{ "x -j events", 2, NULL },
	{ "x -c 5 events", 3, NULL },
	{ "x -c5 events", 2, NULL },
	{ "x -jc 5 events", 3, NULL },
	{ "x -jc5 events", 2, NULL },
	{ "x --count 5 events", 3, NULL },
	{ "x --count=5 events", 2, NULL },
	{ "x --cou 5 events", 3, NULL },
	/* A value may look like a command or an option. */
	{ "x --source events watch", 3, NULL },
	{ "x --source -j watch", 3, NULL },
	{ "x --source -- watch", 3, NULL },
	{ "x --duration", 0, NULL },
	{ "x --states x watch", 3, NULL },
	{ "x -w --wide events", 3, NULL },
	{ "x -- events", 0, NULL },
	{ "x -j --", 0, NULL },
	/* --s.. all take a value; --p.. are of one kind too. */
	{ "x --s 1 events", 3, NULL },
	{ "x --bogus events", -1, "unknown option --bogus" },
	{ "x --bogus=1 events", -1, "unknown option --bogus" },
	{ "x -jz events", -1, "unknown option -z" },
	{ "x close-wait", -1,
	  "unexpected word \"close-wait\": use --state close-wait" },
	{ "x FIN_WAIT2", -1,
	  "unexpected word \"FIN_WAIT2\": use --state FIN_WAIT2" },
	{ "x 443", -1, "unexpected word \"443\": use --port 443" },
	{ "x :443", -1, "unexpected word \":443\": use --port 443" },
	{ "x 80,8000-8010", -1,
	  "unexpected word \"80,8000-8010\": use --port 80,8000-8010" },
	{ "x 10.0.0.0/8", -1,
	  "unexpected word \"10.0.0.0/8\": use --addr 10.0.0.0/8" },
	{ "x ::1", -1, "unexpected word \"::1\": use --addr ::1" },
	{ "x dport", -1, "unexpected word \"dport\": use --dport VALUE" },
	{ "x evnts", -1,
	  "unknown command \"evnts\": the commands are events, watch" },
	{ "x -", -1, "unknown command \"-\": the commands are events, watch" },
};

static void test_find_command(void **state)
{
	const struct command *found;
	char buf[256], *argv[WORDS_MAX];
	struct args_error err;
	size_t i;
	int argc, at;

	(void)state;
	for (i = 0; i < sizeof(finds) / sizeof(*finds); i++) {
		print_message("%s\n", finds[i].line);
		argc = split(finds[i].line, buf, sizeof(buf), argv);
		at = args_find_command(table, argc, argv, &found, &err);
		assert_int_equal(at, finds[i].at);
		if (at < 0)
			assert_string_equal(err.why, finds[i].why);
		else if (at)
			assert_string_equal(found->name, argv[at]);
		else
			assert_null(found);
	}
}

static const struct {
	const char *line;	/* of events, without COMMAND */
	enum args_verdict verdict;
	const char *why;
} checks[] = {
	{ "events", ARGS_OK, NULL },
	{ "events -jw -c 5 --source auto --wide --duration=5", ARGS_OK, NULL },
	{ "events --dur 5 --wi", ARGS_OK, NULL },
	{ "events --states=listen", ARGS_OK, NULL },
	{ "events --state listen", ARGS_OK, NULL },
	{ "events --duration -5", ARGS_OK, NULL },
	{ "events --", ARGS_OK, NULL },
	{ "events -j --help --bogus", ARGS_HELP, NULL },
	{ "events -jh", ARGS_HELP, NULL },
	{ "events --ver", ARGS_VERSION, NULL },
	{ "events --bogus --help", ARGS_ERROR, "unknown option --bogus" },
	{ "events -z", ARGS_ERROR, "unknown option -z" },
	{ "events --plain", ARGS_ERROR,
	  "events has no option --plain, which is one of watch" },
	{ "events --s 1", ARGS_ERROR,
	  "--s is ambiguous: --state, --states, --source" },
	{ "events --wide=1", ARGS_ERROR, "--wide takes no value" },
	{ "events --duration", ARGS_ERROR, "--duration needs a value" },
	{ "events -c", ARGS_ERROR, "-c needs a value" },
	{ "events -jc", ARGS_ERROR, "-c needs a value" },
	{ "events watch", ARGS_ERROR,
	  "unexpected word \"watch\": events is the command already" },
	{ "events word", ARGS_ERROR,
	  "unexpected word \"word\": events takes options only" },
	{ "events -- word", ARGS_ERROR,
	  "unexpected word \"word\": events takes options only" },
	{ "events -j time-wait", ARGS_ERROR,
	  "unexpected word \"time-wait\": use --state time-wait" },
};

/* A command whose argp documents an argument takes one. */
static const struct {
	const char *line;
	const char *why;	/* NULL: it is well */
} words[] = {
	{ "events FILE", NULL },
	{ "events -j 443", NULL },
	{ "events -- -file", NULL },
	{ "events", NULL },
	{ "events a b", "unexpected word \"b\": events takes one FILE" },
	{ "events a -- b", "unexpected word \"b\": events takes one FILE" },
	{ "events a --bogus", "unknown option --bogus" },
};

static void test_check_word(void **state)
{
	struct argp argp = first_argp;
	char buf[256], *argv[WORDS_MAX];
	struct args_error err;
	int argc;

	(void)state;
	argp.args_doc = "FILE";
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		print_message("%s\n", words[i].line);
		argc = split(words[i].line, buf, sizeof(buf), argv);
		assert_int_equal(args_check(table, &argp, argc, argv, &err),
				 words[i].why ? ARGS_ERROR : ARGS_OK);
		if (words[i].why)
			assert_string_equal(err.why, words[i].why);
	}
}

static void test_check(void **state)
{
	char buf[256], *argv[WORDS_MAX];
	enum args_verdict verdict;
	struct args_error err;
	size_t i;
	int argc;

	(void)state;
	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		print_message("%s\n", checks[i].line);
		argc = split(checks[i].line, buf, sizeof(buf), argv);
		verdict = args_check(table, &first_argp, argc, argv, &err);
		assert_int_equal(verdict, checks[i].verdict);
		if (verdict == ARGS_ERROR)
			assert_string_equal(err.why, checks[i].why);
	}
}

static void test_conflict(void **state)
{
	static const struct argp_option options[] = {
		{ "plain", 0x300, "HOW", 0, "a", 0 },
		{}
	};
	static const struct argp argp = { .options = options };
	static const struct command rows[] = {
		{ "watch", NULL, &second_argp, "a" },
		{ "other", NULL, &argp, "a" },
		{}
	};

	(void)state;
	assert_null(args_conflict(table));
	assert_string_equal(args_conflict(rows), "plain");
	/* Those of the program. */
	assert_null(args_conflict(commands));
}

/* The program itself */

static const char *program(void)
{
	const char *path = getenv("TCPSTATE_WATCH");

	return path ? path : "build/tcpstate-watch";
}

/*
 * The bounding set is what root may regain at execve().  The user stays, so
 * that a build tree in root's home can be executed.
 */
static void drop_privileges(void)
{
	unsigned long cap;

	for (cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* stdout and stderr of one run without privileges; returns its exit code. */
static int run(const char *line, char *out, char *err, size_t len)
{
	char buf[256], *argv[WORDS_MAX];
	int fds[2][2], status, i;
	char *text[2] = { out, err };
	ssize_t n;
	pid_t pid;

	split(line, buf, sizeof(buf), argv);
	assert_int_equal(pipe(fds[0]) | pipe(fds[1]), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[0][1], 1);
		dup2(fds[1][1], 2);
		for (i = 0; i < 4; i++)
			close(fds[i / 2][i % 2]);
		drop_privileges();
		execv(program(), argv);
		_exit(127);
	}
	assert_true(pid > 0);
	for (i = 0; i < 2; i++) {
		size_t used = 0;

		close(fds[i][1]);
		while (used < len - 1 &&
		       (n = read(fds[i][0], text[i] + used,
				 len - 1 - used)) > 0)
			used += (size_t)n;
		text[i][used] = '\0';
		close(fds[i][0]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const struct {
	const char *line;
	int code;
	const char *err;	/* after "tcpstate-watch: "; NULL: on stdout */
} runs[] = {
	{ "x --help", 0, NULL },
	{ "x -h", 0, NULL },
	{ "x events --help", 0, NULL },
	{ "x --help events", 0, NULL },
	{ "x --source bpf conns -h", 0, NULL },
	{ "x --version", 0, NULL },
	{ "x conns --version", 0, NULL },
	{ "x events", 3,
	  "must be root, or have CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN" },
	{ "x --duration -1 events", 2,
	  "--duration -1: a duration cannot be negative" },
	{ "x events --count 0", 2,
	  "--count 0: not a whole number from 1 up" },
	{ "x events --port 0", 2,
	  "--port 0: \"0\" is no port or range of ports (1 to 65535)" },
	{ "x events -L 1,x", 2,
	  "--sport 1,x: \"x\" is no port or range of ports (1 to 65535)" },
	{ "x events --format xml", 2,
	  "--format xml: use text, json or csv" },
	{ "x events --source a.trace", 2,
	  "--source a.trace: no such recording; use auto, kmod, bpf or a file" },
	{ "x events --source foo", 2,
	  "--source foo: no such recording; use auto, kmod, bpf or a file" },
	{ "x events --hooks all", 2,
	  "--hooks all: use auto, fentry, kprobe, timer or none" },
	{ "x conns --raw", 2,
	  "--raw shows records, not connections: use it with events" },
	{ "x conns --open --wait-tw", 2,
	  "--wait-tw waits and --open does not: use one of them" },
	{ "x events --netns no-such-netns", 2,
	  "--netns no-such-netns: no network namespace \"no-such-netns\": No such file or directory" },
	{ "x events --sta bogus", 2,
	  "--state bogus: \"bogus\" is no TCP state such as close-wait" },
	{ "x --s 1 events", 2,
	  "--s is ambiguous: --source, --sport, --state" },
	{ "x events -T close-wait", 2,
	  "unexpected word \"close-wait\": use --state close-wait" },
};

static void test_program(void **state)
{
	static char out[16384], err[16384], expected[512];
	size_t i;

	(void)state;
	if (access(program(), X_OK)) {
		print_message("%s is not built (or set TCPSTATE_WATCH)\n",
			      program());
		skip();
	}
	for (i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		print_message("%s\n", runs[i].line);
		assert_int_equal(run(runs[i].line, out, err, sizeof(out)),
				 runs[i].code);
		if (!runs[i].err) {
			assert_true(strlen(out) > 0);
			assert_string_equal(err, "");
			continue;
		}
		snprintf(expected, sizeof(expected), "tcpstate-watch: %s\n",
			 runs[i].err);
		assert_string_equal(err, expected);
		assert_string_equal(out, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_command),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_word),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

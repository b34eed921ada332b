// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "engine/engine.h"

#define KEY_HELP	'h'
#define KEY_VERSION	'V'	/* in common_argp, long only by convention */

__attribute__((format(printf, 2, 3)))
static void say(struct args_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->why, sizeof(err->why), fmt, ap);
	va_end(ap);
}

/* Option tables */

/* Keys of long-only options are beyond the letters. */
static bool is_letter(int key)
{
	return key > 0 && key < 0x80 && isprint(key);
}

/* Return non-zero to stop. */
typedef int (*option_fn)(void *ctx, const struct argp_option *opt,
			 bool has_value);

static bool option_is_last(const struct argp_option *opt)
{
	return !opt->name && !opt->key && !opt->doc && !opt->group;
}

static int each_option(const struct argp *argp, option_fn fn, void *ctx)
{
	const struct argp_option *opt, *real;
	const struct argp_child *child;
	int ret = 0;

	real = argp->options;
	for (opt = argp->options; opt && !option_is_last(opt); opt++) {
		if (!(opt->flags & OPTION_ALIAS))
			real = opt;
		if ((opt->flags & OPTION_DOC) || (!opt->name && !opt->key))
			continue;
		ret = fn(ctx, opt, real->arg &&
				   !(real->flags & OPTION_ARG_OPTIONAL));
		if (ret)
			return ret;
	}
	for (child = argp->children; child && child->argp; child++) {
		ret = each_option(child->argp, fn, ctx);
		if (ret)
			return ret;
	}
	return 0;
}

/* Looking for one option by name or letter */

struct wanted {
	const char *name;	/* not terminated; NULL: look for .letter */
	size_t len;
	int letter;
	/* Found: exact, or the only one that begins so. */
	const struct argp_option *opt;
	bool has_value;
	bool exact;
	unsigned int candidates;
	bool values_differ;
	char list[160];		/* the candidates, for the sentence */
};

static void add_candidate(struct wanted *want, const struct argp_option *opt,
			  bool has_value)
{
	size_t used = strlen(want->list);

	/* The tables of several commands share their common options. */
	if (want->opt && !strcmp(want->opt->name, opt->name))
		return;
	if (want->candidates && has_value != want->has_value)
		want->values_differ = true;
	want->candidates++;
	snprintf(want->list + used, sizeof(want->list) - used, "%s--%s",
		 used ? ", " : "", opt->name);
	want->opt = opt;
	want->has_value = has_value;
}

static int match_option(void *ctx, const struct argp_option *opt,
			bool has_value)
{
	struct wanted *want = ctx;

	if (!want->name) {
		if (opt->key != want->letter || !is_letter(opt->key))
			return 0;
	} else {
		if (!opt->name || strncmp(opt->name, want->name, want->len))
			return 0;
		if (opt->name[want->len]) {
			add_candidate(want, opt, has_value);
			return 0;
		}
	}
	want->opt = opt;
	want->has_value = has_value;
	want->exact = true;
	return 1;
}

static struct wanted want_long(const char *arg)
{
	return (struct wanted){ .name = arg + 2, .len = strcspn(arg + 2, "=") };
}

static struct wanted want_letter(int letter)
{
	return (struct wanted){ .letter = letter };
}

static void look_everywhere(const struct command *table, struct wanted *want)
{
	for (; table->name; table++)
		if (each_option(table->argp, match_option, want))
			return;
}

/* Words */

static const struct {
	const char *word, *option;
} filter_words[] = {
	{ "state",	"--state" },
	{ "port",	"--port" },
	{ "sport",	"--sport" },
	{ "dport",	"--dport" },
	{ "src",	"--addr" },
	{ "dst",	"--addr" },
	{ "pid",	"--pid" },
	{ "comm",	"--comm" },
};

static bool is_address(const char *word)
{
	char host[INET6_ADDRSTRLEN + 1];
	uint8_t addr[16];

	snprintf(host, sizeof(host), "%.*s", (int)strcspn(word, "/"), word);
	return inet_pton(AF_INET, host, addr) == 1 ||
	       inet_pton(AF_INET6, host, addr) == 1;
}

static const struct command *command_find(const struct command *table,
					  const char *word)
{
	for (; table->name; table++)
		if (!strcmp(table->name, word))
			return table;
	return NULL;
}

/* What the user of another tool may have meant; false if nothing is known. */
static bool word_hint(const char *word, struct args_error *err)
{
	size_t i;

	for (i = 0; i < sizeof(filter_words) / sizeof(*filter_words); i++)
		if (!strcmp(word, filter_words[i].word)) {
			say(err, "unexpected word \"%s\": use %s VALUE", word,
			    filter_words[i].option);
			return true;
		}
	if (state_parse(word)) {
		say(err, "unexpected word \"%s\": use --state %s", word, word);
		return true;
	}
	/* ss writes :443 */
	if (*word && strspn(word, ":0123456789,-") == strlen(word) &&
	    strspn(word, ":") <= 1 && strpbrk(word, "0123456789")) {
		say(err, "unexpected word \"%.60s\": use --port %.60s", word,
		    word + (*word == ':'));
		return true;
	}
	if (is_address(word)) {
		say(err, "unexpected word \"%s\": use --addr %s", word, word);
		return true;
	}
	return false;
}

static void say_unknown_command(const struct command *table, const char *word,
				struct args_error *err)
{
	size_t used;

	say(err, "unknown command \"%.60s\": the commands are", word);
	for (; table->name; table++) {
		used = strlen(err->why);
		snprintf(err->why + used, sizeof(err->why) - used, " %s%s",
			 table->name, table[1].name ? "," : "");
	}
}

/* Where is COMMAND? */

/* How many further arguments the option argv[0] takes; -1 unknown. */
static int skip_long(const struct command *table, const char *arg,
		     struct args_error *err)
{
	struct wanted want = want_long(arg);

	look_everywhere(table, &want);
	if (!want.opt) {
		say(err, "unknown option --%.*s", (int)want.len, want.name);
		return -1;
	}
	if (!want.exact && want.values_differ) {
		say(err, "--%.*s is ambiguous: %s", (int)want.len, want.name,
		    want.list);
		return -1;
	}
	return want.has_value && !want.name[want.len];
}

static int skip_letters(const struct command *table, const char *arg,
			struct args_error *err)
{
	struct wanted want;

	for (arg++; *arg; arg++) {
		want = want_letter(*arg);
		look_everywhere(table, &want);
		if (!want.opt) {
			say(err, "unknown option -%c",
			    is_letter(*arg) ? *arg : '?');
			return -1;
		}
		if (want.has_value)
			return !arg[1];
	}
	return 0;
}

static bool is_word(const char *arg)
{
	return arg[0] != '-' || !arg[1];
}

int args_find_command(const struct command *table, int argc, char **argv,
		      const struct command **found, struct args_error *err)
{
	int i, more;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i += 1 + more) {
		if (is_word(argv[i])) {
			*found = command_find(table, argv[i]);
			if (*found)
				return i;
			if (!word_hint(argv[i], err))
				say_unknown_command(table, argv[i], err);
			return -1;
		}
		more = argv[i][1] == '-' ? skip_long(table, argv[i], err) :
					   skip_letters(table, argv[i], err);
		if (more < 0)
			return -1;
	}
	*found = NULL;
	return 0;
}

const struct command *args_named_command(const struct command *table, int argc,
					 char **argv)
{
	const struct command *found = NULL;

	for (int i = 1; i < argc && !found; i++)
		found = command_find(table, argv[i]);
	return found;
}

/* Is every option one of this command? */

struct check {
	const struct command *table;
	const struct argp *argp;
	int argc, i, words;
	char **argv;
	struct args_error *err;
};

static enum args_verdict unknown_option(struct check *c, struct wanted want,
					const char *shown)
{
	const struct command *row;

	for (row = c->table; row->name; row++) {
		if (each_option(row->argp, match_option, &want) && want.exact) {
			say(c->err, "%s has no option %s, which is one of %s",
			    c->argv[0], shown, row->name);
			return ARGS_ERROR;
		}
	}
	say(c->err, "unknown option %s", shown);
	return ARGS_ERROR;
}

static enum args_verdict option_verdict(const struct argp_option *opt)
{
	if (opt->key == KEY_HELP)
		return ARGS_HELP;
	return opt->key == KEY_VERSION ? ARGS_VERSION : ARGS_OK;
}

static enum args_verdict check_long(struct check *c)
{
	struct wanted want = want_long(c->argv[c->i]);
	const char *end = want.name + want.len;
	char shown[64];

	snprintf(shown, sizeof(shown), "--%.*s", (int)want.len, want.name);
	each_option(c->argp, match_option, &want);
	if (!want.opt)
		return unknown_option(c, want_long(c->argv[c->i]), shown);
	if (!want.exact && want.candidates > 1) {
		say(c->err, "%s is ambiguous: %s", shown, want.list);
		return ARGS_ERROR;
	}
	if (*end && !want.has_value) {
		say(c->err, "--%s takes no value", want.opt->name);
		return ARGS_ERROR;
	}
	if (want.has_value && !*end && ++c->i >= c->argc) {
		say(c->err, "--%s needs a value", want.opt->name);
		return ARGS_ERROR;
	}
	return option_verdict(want.opt);
}

static enum args_verdict check_letters(struct check *c)
{
	enum args_verdict verdict;
	const char *p;

	for (p = c->argv[c->i] + 1; *p; p++) {
		struct wanted want = want_letter(*p);
		char shown[] = { '-', is_letter(*p) ? *p : '?', '\0' };

		each_option(c->argp, match_option, &want);
		if (!want.opt)
			return unknown_option(c, want, shown);
		if (want.has_value) {
			if (!p[1] && ++c->i >= c->argc) {
				say(c->err, "%s needs a value", shown);
				return ARGS_ERROR;
			}
			return ARGS_OK;
		}
		verdict = option_verdict(want.opt);
		if (verdict != ARGS_OK)
			return verdict;
	}
	return ARGS_OK;
}

static enum args_verdict check_word(struct check *c, const char *word)
{
	/* A command that documents arguments takes one. */
	if (c->argp->args_doc) {
		if (!c->words++)
			return ARGS_OK;
		say(c->err, "unexpected word \"%.60s\": %s takes one %s", word,
		    c->argv[0], c->argp->args_doc);
		return ARGS_ERROR;
	}
	if (word_hint(word, c->err))
		return ARGS_ERROR;
	if (command_find(c->table, word))
		say(c->err, "unexpected word \"%s\": %s is the command already",
		    word, c->argv[0]);
	else
		say(c->err, "unexpected word \"%.60s\": %s takes options only",
		    word, c->argv[0]);
	return ARGS_ERROR;
}

enum args_verdict args_check(const struct command *table,
			     const struct argp *argp, int argc, char **argv,
			     struct args_error *err)
{
	struct check c = {
		.table = table, .argp = argp,
		.argc = argc, .argv = argv, .err = err,
	};
	enum args_verdict verdict = ARGS_OK;

	for (c.i = 1; c.i < argc && verdict == ARGS_OK; c.i++) {
		const char *arg = argv[c.i];

		if (!strcmp(arg, "--")) {
			while (++c.i < argc && verdict == ARGS_OK)
				verdict = check_word(&c, argv[c.i]);
			return verdict;
		}
		if (is_word(arg))
			verdict = check_word(&c, arg);
		else if (arg[1] == '-')
			verdict = check_long(&c);
		else
			verdict = check_letters(&c);
	}
	return verdict;
}

/* For tests */

struct conflict {
	const struct command *table;
	const char *name;
};

static int option_conflicts(void *ctx, const struct argp_option *opt,
			    bool has_value)
{
	struct conflict *c = ctx;
	const struct command *row;
	struct wanted want;

	for (row = c->table; row->name; row++) {
		if (opt->name) {
			want = (struct wanted){ .name = opt->name,
						.len = strlen(opt->name) };
			each_option(row->argp, match_option, &want);
			if (want.exact && want.has_value != has_value)
				c->name = opt->name;
		}
		if (is_letter(opt->key)) {
			want = want_letter(opt->key);
			each_option(row->argp, match_option, &want);
			if (want.exact && want.has_value != has_value)
				c->name = opt->name ? opt->name : "a letter";
		}
	}
	return c->name != NULL;
}

const char *args_conflict(const struct command *table)
{
	struct conflict c = { .table = table };
	const struct command *row;

	for (row = table; row->name; row++)
		if (each_option(row->argp, option_conflicts, &c))
			break;
	return c.name;
}

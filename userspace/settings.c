// SPDX-License-Identifier: GPL-2.0
#include "settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

#define SECOND_NS UINT64_C(1000000000)
#define PART_LEN 48

/*
 * The one table: options, keys of the configuration and help are made of it.
 * Name, member of struct thresholds, unit, the value's name in help, help.
 */
#define SETTINGS(ROW) \
	ROW("close-wait-age", close_wait_age, SETTING_AGE, "AGE[,CRIT]", \
	    "In CLOSE_WAIT for less than AGE is no leak; one alone of CRIT is critical") \
	ROW("close-wait-count", close_wait_count, SETTING_COUNT, "WARN,CRIT", \
	    "Connections in CLOSE_WAIT of that age") \
	ROW("fds-used", fds_used, SETTING_PERCENT, "WARN,CRIT", \
	    "Descriptors of a process, % of its RLIMIT_NOFILE") \
	ROW("ports-used", ports_used, SETTING_PERCENT, "WARN,CRIT", \
	    "Ports from an address to a destination, % of ip_local_port_range") \
	ROW("time-wait", time_wait, SETTING_PERCENT, "WARN,CRIT", \
	    "Connections in TIME_WAIT, % of tcp_max_tw_buckets") \
	ROW("syn-recv", syn_recv, SETTING_PERCENT, "WARN,CRIT", \
	    "Connections in SYN_RECV, % of the listener's backlog")

enum row {
#define ROW(name, member, unit, value, help) ROW_##member,
	SETTINGS(ROW)
#undef ROW
	ROWS
};

enum { KEY_CONFIG = KEY_SETTING, KEY_ROW };

const struct setting setting_rows[] = {
#define ROW(name, member, unit, value, help) \
	{ name, offsetof(struct thresholds, member), unit },
	SETTINGS(ROW)
#undef ROW
	{}
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0,
	  "Thresholds, WARN,CRIT or one number = CRIT, reached at or above:", 5 },
	{ "config", KEY_CONFIG, "FILE", 0,
	  "Read them from FILE instead of /etc/tcpstate/watch.conf; options win",
	  0 },
#define ROW(name, member, unit, value, help) \
	{ name, KEY_ROW + ROW_##member, value, 0, help, 0 },
	SETTINGS(ROW)
#undef ROW
	{}
};

const struct setting *setting_find(const char *name)
{
	const struct setting *row;

	for (row = setting_rows; row->name; row++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

struct threshold *setting_of(struct thresholds *t, const struct setting *row)
{
	return (struct threshold *)((char *)t + row->offset);
}

/* ---- text to values ---- */

__attribute__((format(printf, 2, 3)))
static int fail(struct parse_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->why, sizeof(err->why), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* @len bytes of @text without the blanks around them; NULL: too long. */
static char *part_of(const char *text, size_t len, char *part)
{
	while (len && strchr(" \t", *text)) {
		text++;
		len--;
	}
	while (len && strchr(" \t", text[len - 1]))
		len--;
	if (len >= PART_LEN)
		return NULL;
	memcpy(part, text, len);
	part[len] = '\0';
	return part;
}

static int parse_value(const struct setting *row, char *text, uint64_t *value,
		       struct parse_error *err)
{
	size_t len = strlen(text);

	if (!len)
		return fail(err, "a value is missing");
	if (row->unit == SETTING_AGE)
		return parse_duration(text, value, err);
	if (row->unit == SETTING_COUNT)
		return parse_number(text, 0, UINT64_MAX, value, err);
	if (len > 1 && text[len - 1] == '%')
		text[len - 1] = '\0';
	return parse_number(text, 0, 100, value, err);
}

int setting_parse(const struct setting *row, const char *text,
		  struct threshold *t, struct parse_error *err)
{
	const char *comma = strchr(text, ',');
	size_t len = comma ? (size_t)(comma - text) : strlen(text);
	struct threshold got = { THRESHOLD_NEVER, THRESHOLD_NEVER };
	char first[PART_LEN], second[PART_LEN];
	uint64_t *one = row->unit == SETTING_AGE ? &got.warn : &got.crit;
	int ret;

	if (!part_of(text, len, first) ||
	    (comma && (strchr(comma + 1, ',') ||
		       !part_of(comma + 1, strlen(comma + 1), second))))
		return fail(err, "it takes one value, or two with a comma between them");
	ret = parse_value(row, first, comma ? &got.warn : one, err);
	if (!ret && comma)
		ret = parse_value(row, second, &got.crit, err);
	if (ret)
		return ret;
	if (comma && got.warn > got.crit)
		return fail(err, "the first value, %s, is for a warning and must not be above the second, %s",
			    first, second);
	*t = got;
	return 0;
}

/* ---- values to text ---- */

static void value_text(const struct setting *row, uint64_t value, char *buf,
		       size_t len)
{
	if (row->unit != SETTING_AGE)
		snprintf(buf, len, "%" PRIu64, value);
	else if (value % SECOND_NS)
		snprintf(buf, len, "%" PRIu64 ".%09" PRIu64 "s",
			 value / SECOND_NS, value % SECOND_NS);
	else
		snprintf(buf, len, "%" PRIu64 "s", value / SECOND_NS);
}

void setting_text(const struct setting *row, const struct threshold *t,
		  char *buf, size_t len)
{
	char warn[PART_LEN], crit[PART_LEN];

	value_text(row, t->warn, warn, sizeof(warn));
	value_text(row, t->crit, crit, sizeof(crit));
	if (t->warn == THRESHOLD_NEVER)
		snprintf(buf, len, "%s", crit);
	else if (t->crit == THRESHOLD_NEVER)
		snprintf(buf, len, "%s", warn);
	else
		snprintf(buf, len, "%s,%s", warn, crit);
}

/* ---- options ---- */

static unsigned int bit_of(const struct setting *row)
{
	return 1U << (row - setting_rows);
}

void settings_by_option(struct settings *s, const struct setting *row,
			const char *option, const char *arg)
{
	struct parse_error err;

	if (setting_parse(row, arg, setting_of(&s->thresholds, row), &err))
		usage_error("%s %s: %s", option, arg, err.why);
	s->by_option |= bit_of(row);
}

bool setting_is_by_option(const struct settings *s, const struct setting *row)
{
	return s->by_option & bit_of(row);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct settings *s = state->input;
	const struct setting *row;
	char option[64];

	if (key == KEY_CONFIG) {
		s->config = arg;
		return 0;
	}
	if (key < KEY_ROW || key >= KEY_ROW + ROWS)
		return ARGP_ERR_UNKNOWN;
	row = &setting_rows[key - KEY_ROW];
	snprintf(option, sizeof(option), "--%s", row->name);
	settings_by_option(s, row, option, arg);
	return 0;
}

/* The defaults are said where they are set, and nowhere else. */
static char *help_with_default(int key, const char *text, void *input)
{
	struct thresholds defaults = THRESHOLDS_DEFAULT;
	const struct setting *row;
	char value[2 * PART_LEN], *help;

	(void)input;
	if (key < KEY_ROW || key >= KEY_ROW + ROWS)
		return (char *)text;
	row = &setting_rows[key - KEY_ROW];
	setting_text(row, setting_of(&defaults, row), value, sizeof(value));
	return asprintf(&help, "%s (default %s)", text, value) < 0 ?
	       (char *)text : help;
}

const struct argp settings_argp = {
	.options = options,
	.parser = parse,
	.help_filter = help_with_default,
};

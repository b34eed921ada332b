/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The thresholds as users set them: by an option, or by a key of the same name
 * in the configuration file, over which options win.
 */
#ifndef TCPSTATE_SETTINGS_H
#define TCPSTATE_SETTINGS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/thresholds.h"
#include "parse.h"

enum setting_unit {
	SETTING_AGE,		/* durations; one alone is the warning's */
	SETTING_COUNT,
	SETTING_PERCENT,	/* 0 to 100, with or without % */
};

struct setting {
	const char *name;	/* of the option and of the key */
	size_t offset;		/* of a struct threshold in struct thresholds */
	enum setting_unit unit;
};

/* Ended by a row without a name. */
extern const struct setting setting_rows[];

struct settings {
	struct thresholds thresholds;
	unsigned int by_option;	/* bit per row of setting_rows */
	const char *config;	/* --config; NULL: the default file */
};

#define SETTINGS_DEFAULT { .thresholds = THRESHOLDS_DEFAULT }

/*
 * The options, a child of the argp of each command that uses thresholds; its
 * input is a struct settings.  Then config_load() reads the file.
 */
extern const struct argp settings_argp;

/* The row of that name, or NULL. */
const struct setting *setting_find(const char *name);
struct threshold *setting_of(struct thresholds *t, const struct setting *row);
/*
 * "WARN,CRIT" or one number.  0, or -EINVAL with a clause in @err and *@t as it
 * was.
 */
int setting_parse(const struct setting *row, const char *text,
		  struct threshold *t, struct parse_error *err);
/* As setting_parse() takes it: "80,95", "60s". */
void setting_text(const struct setting *row, const struct threshold *t,
		  char *buf, size_t len);
/* Set by @option, as "--age", which only names it in the sentence. */
void settings_by_option(struct settings *s, const struct setting *row,
			const char *option, const char *arg);
bool setting_is_by_option(const struct settings *s, const struct setting *row);

#endif /* TCPSTATE_SETTINGS_H */

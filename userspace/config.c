// SPDX-License-Identifier: GPL-2.0
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

#define LINE_LEN	512
#define ROWS_MAX	32

struct reader {
	FILE *from;
	struct settings *settings;
	struct config_error *err;
	char line[LINE_LEN];
	unsigned long set_at[ROWS_MAX];	/* line, 0 = not yet */
};

__attribute__((format(printf, 2, 3)))
static int fail(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->err->why, sizeof(r->err->why), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/*
 * The next line to .line, without its end: 1; 0 at the end of the file.  Its
 * length is bounded, since --config may name anything, /dev/zero too.
 */
static int read_line(struct reader *r)
{
	size_t len = 0;
	int c;

	r->err->line++;
	while ((c = getc(r->from)) != EOF && c != '\n') {
		if (!c)
			return fail(r, "a NUL byte: this is no text");
		if (len == sizeof(r->line) - 1)
			return fail(r, "the line is longer than %zu bytes",
				    sizeof(r->line) - 1);
		r->line[len++] = (char)c;
	}
	if (ferror(r->from)) {
		int err = errno ? errno : EIO;

		r->err->line = 0;
		fail(r, "%s", strerror(err));
		return -err;
	}
	r->line[len] = '\0';
	return len || c != EOF;
}

/* Without the blanks around it; of a file with CRLF, '\r' is one. */
static char *trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		end--;
	*end = '\0';
	return text;
}

static int unknown_key(struct reader *r, const char *key)
{
	const struct setting *row;
	char keys[300] = "";
	size_t used = 0;

	for (row = setting_rows; row->name; row++) {
		snprintf(keys + used, sizeof(keys) - used, "%s%s",
			 used ? ", " : "", row->name);
		used = strlen(keys);
	}
	return fail(r, "unknown key \"%.40s\": the keys are %s", key, keys);
}

static int set(struct reader *r, const char *key, const char *value)
{
	const struct setting *row = setting_find(key);
	struct threshold t = { 0 };
	struct parse_error err;
	unsigned long *set_at;

	if (!row)
		return unknown_key(r, key);
	set_at = &r->set_at[row - setting_rows];
	if (*set_at)
		return fail(r, "%s is set in line %lu already", key, *set_at);
	*set_at = r->err->line;
	if (setting_parse(row, value, &t, &err))
		return fail(r, "%s = %.60s: %s", key, value, err.why);
	if (!setting_is_by_option(r->settings, row))
		*setting_of(&r->settings->thresholds, row) = t;
	return 0;
}

static int take_line(struct reader *r)
{
	char *text, *equals;

	r->line[strcspn(r->line, "#")] = '\0';
	text = trim(r->line);
	if (!*text)
		return 0;
	equals = strchr(text, '=');
	if (!equals)
		return fail(r, "\"%.60s\" is no \"key = value\"", text);
	*equals = '\0';
	return set(r, trim(text), trim(equals + 1));
}

int config_read(FILE *from, struct settings *s, struct config_error *err)
{
	struct reader r = { .from = from, .settings = s, .err = err };
	int ret;

	*err = (struct config_error){ 0 };
	errno = 0;
	while ((ret = read_line(&r)) > 0) {
		ret = take_line(&r);
		if (ret)
			break;
	}
	return ret;
}

/*
 * Without waiting for anybody: a pipe has no end until its writer has, and a
 * check that hangs tells nothing.  NULL: errno is set.
 */
static FILE *open_file(const char *path)
{
	struct stat st;
	FILE *from;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISFIFO(st.st_mode))
		usage_error("%s: it is a pipe, and this must be a file", path);
	from = fdopen(fd, "r");
	if (!from)
		close(fd);
	return from;
}

void config_load(struct settings *s)
{
	const char *path = s->config ? s->config : CONFIG_DEFAULT;
	struct config_error err;
	FILE *from;
	int ret;

	from = open_file(path);
	if (!from) {
		if (errno == ENOENT && !s->config)
			return;
		usage_error("%s: %s", path, strerror(errno));
	}
	ret = config_read(from, s, &err);
	fclose(from);
	if (ret && err.line)
		usage_error("%s:%lu: %s", path, err.line, err.why);
	if (ret)
		usage_error("%s: %s", path, err.why);
}

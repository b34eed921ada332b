// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "jsonw.h"
#include "utf8.h"

static void flush(struct jsonw *w)
{
	fwrite(w->buf, 1, w->len, w->to);
	w->len = 0;
}

static void put(struct jsonw *w, const char *s, size_t len)
{
	if (len > sizeof(w->buf) - w->len)
		flush(w);
	if (len > sizeof(w->buf)) {
		fwrite(s, 1, len, w->to);
		return;
	}
	memcpy(w->buf + w->len, s, len);
	w->len += len;
}

static void put_char(struct jsonw *w, char c)
{
	put(w, &c, 1);
}

static void put_digits(struct jsonw *w, uint64_t value, unsigned int base)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	put(w, p, (size_t)(digits + sizeof(digits) - p));
}

/* As they are: printable ASCII but for the quote and the backslash. */
static size_t plain_len(const char *s)
{
	const char *p = s;

	while (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	return (size_t)(p - s);
}

/* The character at @s, which is not plain; its bytes. */
static size_t put_escaped(struct jsonw *w, const char *s)
{
	size_t len = utf8_len(s);
	char escape[8];

	if (!len) {
		put(w, "\\ufffd", 6);
		return 1;
	}
	if (*s == '"' || *s == '\\') {
		put_char(w, '\\');
		put_char(w, *s);
	} else if (len == 1) {
		snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)*s);
		put(w, escape, 6);
	} else {
		put(w, s, len);
	}
	return len;
}

static void put_key(struct jsonw *w, const char *key)
{
	if (w->comma)
		put_char(w, ',');
	w->comma = true;
	if (!key)
		return;
	put_char(w, '"');
	put(w, key, strlen(key));
	put(w, "\":", 2);
}

void jsonw_begin(struct jsonw *w, FILE *to)
{
	w->to = to;
	w->comma = false;
	w->len = 0;
	put_char(w, '{');
}

void jsonw_end(struct jsonw *w)
{
	put(w, "}\n", 2);
	flush(w);
}

void jsonw_object(struct jsonw *w, const char *key)
{
	put_key(w, key);
	put_char(w, '{');
	w->comma = false;
}

void jsonw_object_end(struct jsonw *w)
{
	put_char(w, '}');
	w->comma = true;
}

void jsonw_array(struct jsonw *w, const char *key)
{
	put_key(w, key);
	put_char(w, '[');
	w->comma = false;
}

void jsonw_array_end(struct jsonw *w)
{
	put_char(w, ']');
	w->comma = true;
}

void jsonw_string(struct jsonw *w, const char *key, const char *value)
{
	size_t len;

	put_key(w, key);
	put_char(w, '"');
	while (*value) {
		len = plain_len(value);
		put(w, value, len);
		value += len;
		if (*value)
			value += put_escaped(w, value);
	}
	put_char(w, '"');
}

void jsonw_number(struct jsonw *w, const char *key, uint64_t value)
{
	put_key(w, key);
	put_digits(w, value, 10);
}

void jsonw_real(struct jsonw *w, const char *key, double value, int decimals)
{
	char text[400];
	int len;

	if (!isfinite(value)) {
		jsonw_null(w, key);
		return;
	}
	put_key(w, key);
	len = snprintf(text, sizeof(text), "%.*f", decimals, value);
	put(w, text, (size_t)len);
}

void jsonw_hex(struct jsonw *w, const char *key, uint64_t value)
{
	put_key(w, key);
	put_char(w, '"');
	put_digits(w, value, 16);
	put_char(w, '"');
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
	put_key(w, key);
	put(w, value ? "true" : "false", value ? 4 : 5);
}

void jsonw_null(struct jsonw *w, const char *key)
{
	put_key(w, key);
	put(w, "null", 4);
}

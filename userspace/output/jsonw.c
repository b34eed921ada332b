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

/* @len bytes of the buffer, which are few, to be filled from there. */
static char *room(struct jsonw *w, size_t len)
{
	if (len > sizeof(w->buf) - w->len)
		flush(w);
	return w->buf + w->len;
}

/* Two at a time: a division is the longest step. */
static void put_decimal(struct jsonw *w, uint64_t value)
{
	static const char pairs[] =
		"00010203040506070809101112131415161718192021222324"
		"25262728293031323334353637383940414243444546474849"
		"50515253545556575859606162636465666768697071727374"
		"75767778798081828384858687888990919293949596979899";
	char digits[20], *p = digits + sizeof(digits);

	while (value >= 10) {
		p -= 2;
		memcpy(p, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value || p == digits + sizeof(digits))
		*--p = (char)('0' + value);
	put(w, p, (size_t)(digits + sizeof(digits) - p));
}

static void put_hex(struct jsonw *w, uint64_t value)
{
	char digits[16], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[value & 15];
		value >>= 4;
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
	size_t len = key ? strlen(key) : 0;
	char *to = room(w, len + sizeof(",\"\":"));

	if (w->comma)
		*to++ = ',';
	w->comma = true;
	if (key) {
		*to++ = '"';
		memcpy(to, key, len);
		to += len;
		*to++ = '"';
		*to++ = ':';
	}
	w->len = (size_t)(to - w->buf);
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

void jsonw_word(struct jsonw *w, const char *key, const char *word)
{
	const size_t len = strlen(word);
	char *to;

	put_key(w, key);
	to = room(w, len + 2);
	*to++ = '"';
	memcpy(to, word, len);
	to[len] = '"';
	w->len += len + 2;
}

void jsonw_number(struct jsonw *w, const char *key, uint64_t value)
{
	put_key(w, key);
	put_decimal(w, value);
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
	put_hex(w, value);
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

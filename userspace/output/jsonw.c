// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <math.h>

#include "jsonw.h"
#include "utf8.h"

static void put_escaped(FILE *to, const char *s)
{
	size_t len;

	for (; *s; s += len) {
		unsigned char c = (unsigned char)*s;

		len = utf8_len(s);
		if (!len) {
			fputs("\\ufffd", to);
			len = 1;
		} else if (c == '"' || c == '\\') {
			fprintf(to, "\\%c", c);
		} else if (c < 0x20 || c == 0x7f) {
			fprintf(to, "\\u%04x", c);
		} else {
			fwrite(s, 1, len, to);
		}
	}
}

static void put_key(struct jsonw *w, const char *key)
{
	if (w->comma)
		fputc(',', w->to);
	w->comma = true;
	if (key)
		fprintf(w->to, "\"%s\":", key);
}

void jsonw_begin(struct jsonw *w, FILE *to)
{
	*w = (struct jsonw){ .to = to };
	fputc('{', to);
}

void jsonw_end(struct jsonw *w)
{
	fputs("}\n", w->to);
}

void jsonw_object(struct jsonw *w, const char *key)
{
	put_key(w, key);
	fputc('{', w->to);
	w->comma = false;
}

void jsonw_object_end(struct jsonw *w)
{
	fputc('}', w->to);
	w->comma = true;
}

void jsonw_array(struct jsonw *w, const char *key)
{
	put_key(w, key);
	fputc('[', w->to);
	w->comma = false;
}

void jsonw_array_end(struct jsonw *w)
{
	fputc(']', w->to);
	w->comma = true;
}

void jsonw_string(struct jsonw *w, const char *key, const char *value)
{
	put_key(w, key);
	fputc('"', w->to);
	put_escaped(w->to, value);
	fputc('"', w->to);
}

void jsonw_number(struct jsonw *w, const char *key, uint64_t value)
{
	put_key(w, key);
	fprintf(w->to, "%" PRIu64, value);
}

void jsonw_real(struct jsonw *w, const char *key, double value, int decimals)
{
	put_key(w, key);
	if (isfinite(value))
		fprintf(w->to, "%.*f", decimals, value);
	else
		fputs("null", w->to);
}

void jsonw_hex(struct jsonw *w, const char *key, uint64_t value)
{
	put_key(w, key);
	fprintf(w->to, "\"%" PRIx64 "\"", value);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
	put_key(w, key);
	fputs(value ? "true" : "false", w->to);
}

void jsonw_null(struct jsonw *w, const char *key)
{
	put_key(w, key);
	fputs("null", w->to);
}

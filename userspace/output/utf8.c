// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "utf8.h"

/* RFC 3629: leading bytes, and the range of the byte that follows each. */
static const struct {
	unsigned char first, last;
	unsigned char len;
	unsigned char lo, hi;
} leads[] = {
	{ 0x00, 0x7f, 1, 0x00, 0x00 },
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },	/* not overlong */
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },	/* no surrogates */
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },	/* not overlong */
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },	/* up to U+10FFFF */
};

size_t utf8_len(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i, k;

	for (i = 0; i < sizeof(leads) / sizeof(*leads); i++)
		if (*p >= leads[i].first && *p <= leads[i].last)
			break;
	if (i == sizeof(leads) / sizeof(*leads))
		return 0;
	if (leads[i].len > 1 && (p[1] < leads[i].lo || p[1] > leads[i].hi))
		return 0;
	/* A NUL stops this before the end of the string is passed. */
	for (k = 2; k < leads[i].len; k++)
		if (p[k] < 0x80 || p[k] > 0xbf)
			return 0;
	return leads[i].len;
}

/* C0, DEL and C1. */
static int is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];

	if (len == 1)
		return c < 0x20 || c == 0x7f;
	return len == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0;
}

void utf8_clean(char *to, size_t to_len, const char *from)
{
	size_t len, used = 0;

	while (*from) {
		len = utf8_len(from);
		if (used + (len ? len : 1) >= to_len)
			break;
		if (!len || is_control(from, len)) {
			to[used++] = '?';
			from += len ? len : 1;
			continue;
		}
		memcpy(to + used, from, len);
		used += len;
		from += len;
	}
	to[used] = '\0';
}

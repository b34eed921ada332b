// SPDX-License-Identifier: GPL-2.0
#include "redact.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct address {
	uint8_t bytes[16];
	uint8_t family;		/* AF_INET: IPv4 in the first 4 bytes */
	uint8_t shown[16];
};

struct redact {
	void *tree;		/* of struct address, by family and bytes */
	uint32_t count[2];	/* IPv4, IPv6 */
};

static int compare(const void *a, const void *b)
{
	const struct address *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

struct redact *redact_new(void)
{
	return calloc(1, sizeof(struct redact));
}

void redact_free(struct redact *r)
{
	if (!r)
		return;
	tdestroy(r->tree, free);
	free(r);
}

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool tells_nothing(uint8_t family, const uint8_t *bytes)
{
	static const uint8_t any[16], loopback[16] = { [15] = 1 };

	if (!memcmp(bytes, any, sizeof(any)))
		return true;
	return family == AF_INET ? bytes[0] == 127 :
				   !memcmp(bytes, loopback, sizeof(loopback));
}

static void make_up(struct redact *r, struct address *a)
{
	uint32_t n = ++r->count[a->family != AF_INET];

	if (a->family == AF_INET) {
		a->shown[0] = 10;
		a->shown[1] = n >> 16;
		a->shown[2] = n >> 8;
		a->shown[3] = n;
	} else {
		a->shown[0] = 0xfd;
		for (int i = 0; i < 4; i++)
			a->shown[15 - i] = n >> (8 * i);
	}
}

static void redact(struct redact *r, uint8_t family, uint8_t bytes[16])
{
	struct address *a, **found;

	/* The same host, whichever socket it talks to. */
	if (family != AF_INET && !memcmp(bytes, v4_mapped, sizeof(v4_mapped))) {
		uint8_t v4[16] = {};

		memcpy(v4, bytes + 12, 4);
		redact(r, AF_INET, v4);
		memcpy(bytes + 12, v4, 4);
		return;
	}
	if (tells_nothing(family, bytes))
		return;
	a = calloc(1, sizeof(*a));
	if (a) {
		a->family = family;
		memcpy(a->bytes, bytes, sizeof(a->bytes));
	}
	memset(bytes, 0, 16);
	found = a ? tsearch(a, &r->tree, compare) : NULL;
	if (!found) {
		free(a);
		return;
	}
	if (*found == a)
		make_up(r, a);
	memcpy(bytes, (*found)->shown, sizeof((*found)->shown));
	if (*found != a)
		free(a);
}

void redact_record(struct redact *r, struct tcpstate_record *rec)
{
	redact(r, rec->family, rec->saddr);
	redact(r, rec->family, rec->daddr);
}

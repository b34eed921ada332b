// SPDX-License-Identifier: GPL-2.0
#include "parts.h"

void conn_moved(struct conn *copy, struct conn_parts *parts)
{
	if (copy->closing)
		copy->closing = &parts->closing;
}

void conn_copy(struct conn *to, struct conn_parts *parts,
	       const struct conn *from)
{
	*to = *from;
	if (from->closing)
		parts->closing = *from->closing;
	conn_moved(to, parts);
}

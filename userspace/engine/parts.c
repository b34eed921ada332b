// SPDX-License-Identifier: GPL-2.0
#include "parts.h"

void conn_moved(struct conn *copy, struct conn_parts *parts)
{
	if (copy->origin)
		copy->origin = &parts->origin;
	if (copy->closing)
		copy->closing = &parts->closing;
	if (copy->family == 6)
		copy->v6 = &parts->addresses;
}

void conn_copy(struct conn *to, struct conn_parts *parts,
	       const struct conn *from)
{
	*to = *from;
	if (from->origin)
		parts->origin = *from->origin;
	if (from->closing)
		parts->closing = *from->closing;
	if (from->family == 6)
		parts->addresses = *from->v6;
	conn_moved(to, parts);
}

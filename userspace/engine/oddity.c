// SPDX-License-Identifier: GPL-2.0
#include "oddity.h"

#include <stdlib.h>

#include "engine_internal.h"

const struct oddity *engine_oddities(const struct engine *e, size_t *n)
{
	*n = e->n_oddities < ODDITIES_MAX ? e->n_oddities : ODDITIES_MAX;
	return e->oddities;
}

void oddity_met(struct engine *e, const struct conn *c, uint64_t ns,
		uint8_t old_state, uint8_t new_state)
{
	struct oddity *o;

	if (!e->oddities)
		e->oddities = calloc(ODDITIES_MAX, sizeof(*e->oddities));
	if (!e->oddities)
		return;
	o = &e->oddities[e->n_oddities++ % ODDITIES_MAX];
	conn_copy(&o->conn, &o->parts, c);
	o->ns = ns;
	o->old_state = old_state;
	o->new_state = new_state;
}

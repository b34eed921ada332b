/* SPDX-License-Identifier: GPL-2.0 */
/* A ladder as text, 80 columns, or as a picture. */
#ifndef TCPSTATE_OUTPUT_LADDER_H
#define TCPSTATE_OUTPUT_LADDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/ladder.h"

struct ladder_style {
	bool ascii;
	bool colour;
	/* Numbers, as if the first ones were these, instead of x, y, u and w. */
	bool renumber;
	uint32_t isn[2];
	/* SVG: its height is time, not steps. */
	bool to_scale;
};

void ladder_text(FILE *to, const struct ladder *l,
		 const struct ladder_style *style);

/* The same as a picture, an SVG document of its own. */
void ladder_svg(FILE *to, const struct ladder *l,
		const struct ladder_style *style);

/* ---- what both say: ladder_words.c ---- */

#define LADDER_WORDS	320

/* "SYN,ACK seq=y ack=x+1" */
void ladder_label(const struct ladder *l, const struct ladder_row *row,
		  const struct ladder_style *style, char *label, size_t len);
/* Ids, owners and both ends. */
void ladder_title(const struct ladder *l, char *title, size_t len);
/* "x = 1000   u = 1313 = x+313" of a side; false if none is known. */
bool ladder_numbers(const struct ladder *l, enum side side,
		    const struct ladder_style *style, char *numbers,
		    size_t len);
/*
 * The lines below it: is it the textbook's; who closed first, and how; what was
 * sent again; the moves of each side; who was CLOSE first.  False: this one has
 * nothing to say.
 */
#define LADDER_FOOTS	6
bool ladder_foot(const struct ladder *l, unsigned int n, char *words,
		 size_t len);
/* Since the first row, with six digits at most: "+0.041ms", "+61.03s". */
void ladder_time(const struct ladder *l, uint64_t ns, char *time, size_t len);

#endif /* TCPSTATE_OUTPUT_LADDER_H */

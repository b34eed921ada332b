// SPDX-License-Identifier: GPL-2.0
/*
 *	state       time     |-- what was sent ----------->|  state       time
 *
 * The left column is the client's, or who opened first; a state or time that was
 * not seen on this host is in parentheses, or missing.
 */
#include <inttypes.h>
#include <string.h>

#include "ladder.h"
#include "output_ops.h"

#define ARROW		34	/* between the life lines */
#define LABEL		(ARROW - 6)
#define END_LABEL	(ARROW - 1)
#define STATE		13	/* "(ESTABLISHED)" */
#define TIME		8

/* How lines are drawn; each of one column. */
static const struct strokes {
	const char *line, *data, *to_right, *to_left, *lost, *life, *under_way;
} unicode = { "─", "═", "▶", "◀", "✗", "│", "…" },
  ascii = { "-", "=", ">", "<", "x", "|", "." };

/* With letters, where numbers have no room. */
static void label_of(const struct ladder *l, const struct ladder_row *row,
		     const struct ladder_style *style, char *label)
{
	const struct ladder_style letters = { .renumber = false };
	const int room = row->kind == ROW_END ? END_LABEL : LABEL;
	char full[64];

	ladder_label(l, row, style, full, sizeof(full));
	if (strlen(full) > (size_t)room)
		ladder_label(l, row, &letters, full, sizeof(full));
	snprintf(label, END_LABEL + 1, "%.*s", room, full);
}

/* ---- cells ---- */

static void paint(FILE *to, const struct ladder_style *style, const char *code,
		  const char *text)
{
	if (style->colour)
		fprintf(to, "\033[%sm%s\033[0m", code, text);
	else
		fputs(text, to);
}

/* The colours of the life lines: open, closing, waiting, gone. */
static const char *colour_of(uint8_t state)
{
	switch (state) {
	case TCPSTATE_ESTABLISHED:
		return "32";
	case TCPSTATE_CLOSE_WAIT:
	case TCPSTATE_TIME_WAIT:
		return "33";
	case TCPSTATE_CLOSE:
	case TCPSTATE_LISTEN:
		return "2";
	default:
		return "36";
	}
}

static void put_state(FILE *to, const struct ladder_style *style, int width,
		      uint8_t state, bool inferred)
{
	char cell[32], name[24] = "";

	if (state)
		snprintf(name, sizeof(name), inferred ? "(%s)" : "%s",
			 state_name(state));
	snprintf(cell, sizeof(cell), "%-*s", width, name);
	if (*cell)
		paint(to, style, inferred ? "2" : colour_of(state), cell);
}

static void put_time(FILE *to, const struct ladder *l, uint64_t ns)
{
	char text[24] = "";

	if (ns)
		ladder_time(l, ns, text, sizeof(text));
	fprintf(to, "%*s", TIME, text);
}

static void repeat(FILE *to, const char *stroke, int n)
{
	while (n-- > 0)
		fputs(stroke, to);
}

static void put_arrow(FILE *to, const struct strokes *s,
		      const struct ladder_row *row, const char *label)
{
	const char *line = row->kind == ROW_DATA ? s->data : s->line;
	const char *tail = row->part == PART_ARRIVES ? s->under_way : line;
	const char *head = row->lost ? s->lost :
			   row->part == PART_LEAVES ? s->under_way :
			   row->from == LEFT ? s->to_right : s->to_left;
	int rest = ARROW - (int)strlen(label) - 5;

	if (row->from == LEFT) {
		repeat(to, tail, 2);
		fprintf(to, " %s ", label);
		repeat(to, line, rest);
		fputs(head, to);
	} else {
		fputs(head, to);
		repeat(to, line, rest);
		fprintf(to, " %s ", label);
		repeat(to, tail, 2);
	}
}

/* Nothing at the end of a line but what is there. */
static void put_right(FILE *to, const struct ladder *l,
		      const struct ladder_row *row,
		      const struct ladder_style *style)
{
	uint64_t ns = row->kind == ROW_DATA ? 0 : row->ns[RIGHT];

	if (row->state[RIGHT] || ns)
		fputc(' ', to);
	put_state(to, style, ns ? STATE : 0, row->state[RIGHT],
		  row->inferred[RIGHT]);
	if (ns)
		put_time(to, l, ns);
}

static void put_row(FILE *to, const struct ladder *l,
		    const struct ladder_row *row,
		    const struct ladder_style *style)
{
	const struct strokes *s = style->ascii ? &ascii : &unicode;
	char label[END_LABEL + 1];

	label_of(l, row, style, label);
	put_state(to, style, STATE, row->state[LEFT], row->inferred[LEFT]);
	put_time(to, l, row->kind == ROW_DATA ? 0 : row->ns[LEFT]);
	fprintf(to, " %s", s->life);
	if (row->kind == ROW_END)
		fprintf(to, row->from == LEFT ? " %-*s" : "%*s ", ARROW - 1,
			label);
	else
		put_arrow(to, s, row, label);
	fputs(s->life, to);
	put_right(to, l, row, style);
	fputc('\n', to);
}

/* ---- the whole ---- */

static void put_head(FILE *to, const struct ladder *l,
		     const struct ladder_style *style)
{
	const struct strokes *s = style->ascii ? &ascii : &unicode;

	put_state(to, style, STATE, l->began[LEFT], !l->conn[LEFT]);
	fprintf(to, "%*s %s%*s%s", TIME, "", s->life, ARROW, "", s->life);
	if (l->began[RIGHT])
		fputc(' ', to);
	put_state(to, style, 0, l->began[RIGHT], !l->conn[RIGHT]);
	fputc('\n', to);
}

void ladder_text(FILE *to, const struct ladder *l,
		 const struct ladder_style *style)
{
	char words[LADDER_WORDS];

	ladder_title(l, words, sizeof(words));
	fprintf(to, "%s\n", words);
	for (enum side side = LEFT; side <= RIGHT; side++)
		if (ladder_numbers(l, side, style, words, sizeof(words)))
			fprintf(to, "  %s\n", words);
	put_head(to, l, style);
	for (unsigned int i = 0; i < l->n; i++)
		put_row(to, l, &l->rows[i], style);
	for (unsigned int i = 0; i < LADDER_FOOTS; i++)
		if (ladder_foot(l, i, words, sizeof(words)))
			fprintf(to, "  %s\n", words);
	if (l->left_out)
		fprintf(to, "  %u steps are not drawn\n", l->left_out);
}

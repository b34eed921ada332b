// SPDX-License-Identifier: GPL-2.0
/*
 * Two life lines, each as coloured as the state that it is in, and an arrow for
 * each segment, from when it was sent to when it came. By steps each row has the
 * same height; by time the height is the time, but no two rows are closer than a
 * label is high.
 */
#include <inttypes.h>
#include <string.h>

#include "ladder.h"

#define WIDTH		860
#define LINE_LEFT	230
#define LINE_RIGHT	630
#define TOP		118
#define STEP		34
#define SLOPE		14	/* what an arrow falls on its way */
#define NEAREST		20
#define TIME_HEIGHT	600
#define FEET		(40 + 20 * LADDER_FOOTS)

struct svg {
	FILE *to;
	const struct ladder *l;
	double left[LADDER_ROWS], right[LADDER_ROWS];	/* y of each row */
	double bottom;
};

static const struct look {
	uint8_t state;
	const char *colour;
} looks[] = {
	{ TCPSTATE_CLOSE, "#bdbdbd" },
	{ TCPSTATE_LISTEN, "#90a4ae" },
	{ TCPSTATE_SYN_SENT, "#42a5f5" },
	{ TCPSTATE_SYN_RECV, "#42a5f5" },
	{ TCPSTATE_ESTABLISHED, "#43a047" },
	{ TCPSTATE_FIN_WAIT1, "#fb8c00" },
	{ TCPSTATE_FIN_WAIT2, "#ffb74d" },
	{ TCPSTATE_CLOSING, "#fb8c00" },
	{ TCPSTATE_CLOSE_WAIT, "#e53935" },
	{ TCPSTATE_LAST_ACK, "#fb8c00" },
	{ TCPSTATE_TIME_WAIT, "#8e24aa" },
};

static const char *colour_of(uint8_t state)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (looks[i].state == state)
			return looks[i].colour;
	return "#e0e0e0";
}

/* Names of processes are anybody's. */
static void put_text(FILE *to, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text, to);
		}
}

static void put_words(struct svg *svg, double x, double y, const char *class,
		      const char *words)
{
	fprintf(svg->to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y,
		class);
	put_text(svg->to, words);
	fputs("</text>\n", svg->to);
}

/* ---- where each row is ---- */

static void place_by_steps(struct svg *svg)
{
	for (unsigned int i = 0; i < svg->l->n; i++) {
		const struct ladder_row *row = &svg->l->rows[i];
		double y = TOP + 30 + i * STEP;
		bool falls = row->kind != ROW_DATA && row->kind != ROW_END;

		svg->left[i] = y + (falls && row->from == RIGHT ? SLOPE : 0);
		svg->right[i] = y + (falls && row->from == LEFT ? SLOPE : 0);
	}
	svg->bottom = TOP + 30 + svg->l->n * STEP;
}

static uint64_t sent_ns(const struct ladder_row *row)
{
	return row->ns[row->from] ? row->ns[row->from] : row->ns[!row->from];
}

/* A RST is told after it has gone, perhaps after it has come. */
static uint64_t came_ns(const struct ladder_row *row)
{
	uint64_t ns = row->ns[!row->from];

	return ns > sent_ns(row) ? ns : sent_ns(row);
}

/* Pixels for a nanosecond. */
static double scale_of(const struct ladder *l)
{
	uint64_t last = l->began_ns;

	for (unsigned int i = 0; i < l->n; i++)
		if (l->rows[i].kind != ROW_DATA && came_ns(&l->rows[i]) > last)
			last = came_ns(&l->rows[i]);
	return last > l->began_ns ?
	       TIME_HEIGHT / (double)(last - l->began_ns) : 0;
}

static void place_by_time(struct svg *svg)
{
	const struct ladder *l = svg->l;
	double scale = scale_of(l), y = TOP + 10, end = TOP + 10;

	for (unsigned int i = 0; i < l->n; i++) {
		const struct ladder_row *row = &l->rows[i];
		double at = TOP + 30 +
			    (double)(sent_ns(row) - l->began_ns) * scale;
		double fall = (double)(came_ns(row) - sent_ns(row)) * scale;

		/* Between what is before it and what is after it. */
		if (row->kind == ROW_DATA)
			at = row->ns[row->from] == UINT64_MAX ? end + NEAREST :
			     (end + at) / 2;
		if (at < y + NEAREST)
			at = y + NEAREST;
		y = at;
		if (row->kind == ROW_DATA || row->kind == ROW_END)
			fall = 0;
		end = at + fall > end ? at + fall : end;
		svg->left[i] = at + (row->from == RIGHT ? fall : 0);
		svg->right[i] = at + (row->from == LEFT ? fall : 0);
		if (at + fall > svg->bottom)
			svg->bottom = at + fall;
	}
	svg->bottom += STEP;
}

/* ---- the life lines ---- */

static void put_life(struct svg *svg, double x, double from, double to,
		     uint8_t state, bool inferred)
{
	if (to > from)
		fprintf(svg->to, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"7\"%s/>\n",
			x, from, x, to, colour_of(state),
			inferred ? " stroke-dasharray=\"5 4\"" : "");
}

static void put_state(struct svg *svg, enum side side, double y, uint8_t state,
		      bool inferred, uint64_t ns)
{
	double x = side == LEFT ? LINE_LEFT - 14 : LINE_RIGHT + 14;
	char words[64], time[24] = "";

	if (ns)
		ladder_time(svg->l, ns, time, sizeof(time));
	snprintf(words, sizeof(words), "%s", state ? state_name(state) : "");
	if (*words)
		put_words(svg, x, y + 4, inferred ? (side == LEFT ? "si l" : "si") :
			  side == LEFT ? "s l" : "s", words);
	if (*time)
		put_words(svg, side == LEFT ? LINE_LEFT - 130 : LINE_RIGHT + 130,
			  y + 4, side == LEFT ? "t l" : "t", time);
}

static void put_column(struct svg *svg, enum side side)
{
	const struct ladder *l = svg->l;
	const double *ys = side == LEFT ? svg->left : svg->right;
	double x = side == LEFT ? LINE_LEFT : LINE_RIGHT, y = TOP;
	uint8_t state = l->began[side];
	bool inferred = !l->conn[side];

	put_state(svg, side, TOP + 2, state, inferred, 0);
	for (unsigned int i = 0; i < l->n; i++) {
		const struct ladder_row *row = &l->rows[i];

		if (!row->state[side])
			continue;
		put_life(svg, x, y, ys[i], state, inferred);
		state = row->state[side];
		y = ys[i];
		put_state(svg, side, y, state, inferred, row->ns[side]);
	}
	put_life(svg, x, y, svg->bottom, state, inferred);
}

/* ---- the arrows ---- */

/* Where the other part of a segment that others crossed arrives. */
static double arrival(const struct svg *svg, const struct ladder_row *leaves)
{
	const double *ys = leaves->from == LEFT ? svg->right : svg->left;

	for (unsigned int i = 0; i < svg->l->n; i++)
		if (svg->l->rows[i].part == PART_ARRIVES &&
		    svg->l->rows[i].number == leaves->number)
			return ys[i];
	return ys[leaves - svg->l->rows];
}

static void put_row(struct svg *svg, unsigned int i,
		    const struct ladder_style *style)
{
	const struct ladder_row *row = &svg->l->rows[i];
	double x1 = LINE_LEFT + 6, y1 = svg->left[i];
	double x2 = LINE_RIGHT - 6, y2 = svg->right[i];
	char label[64];

	if (row->part == PART_ARRIVES)
		return;
	if (row->part == PART_LEAVES)
		*(row->from == LEFT ? &y2 : &y1) = arrival(svg, row);
	ladder_label(svg->l, row, style, label, sizeof(label));
	if (row->kind == ROW_END) {
		put_words(svg, row->from == LEFT ? LINE_LEFT + 14 :
			  LINE_RIGHT - 14, y1 + 4, row->from == LEFT ? "n" :
			  "n l", label);
		return;
	}
	if (row->from == RIGHT) {
		double x = x1, y = y1;

		x1 = x2;
		y1 = y2;
		x2 = x;
		y2 = y;
	}
	if (row->lost) {
		x2 = x1 + (x2 - x1) * 0.62;
		y2 = y1 + (y2 - y1) * 0.62;
	}
	fprintf(svg->to, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\" marker-end=\"url(#%s)\"/>\n",
		x1, y1, x2, y2, row->kind == ROW_DATA ? "d" :
		row->kind == ROW_RST ? "r" : "a",
		row->lost ? "lost" : row->kind == ROW_RST ? "rst" : "head");
	/* Where it begins, if others cross it. */
	x2 = row->part == PART_LEAVES ? (3 * x1 + x2) / 4 :
	     (LINE_LEFT + LINE_RIGHT) / 2.0;
	y2 = row->part == PART_LEAVES ? (3 * y1 + y2) / 4 :
	     (svg->left[i] + svg->right[i]) / 2;
	put_words(svg, x2, y2 - 6, "m", label);
}

static void put_begin(struct svg *svg)
{
	fprintf(svg->to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" font-family=\"DejaVu Sans, Helvetica, sans-serif\">\n"
		"<style>.s{font-size:13px;font-weight:600}.si{font-size:13px;font-style:italic;fill:#757575}"
		".t{font-size:11px;fill:#757575}.m{font-size:12px;text-anchor:middle;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}.n{font-size:12px;font-style:italic}"
		".l{text-anchor:end}.h{font-size:15px;font-weight:600}.p{font-size:12px;fill:#424242}"
		".a{stroke:#37474f;stroke-width:1.6}.d{stroke:#43a047;stroke-width:5;opacity:.55}.r{stroke:#c62828;stroke-width:1.8}</style>\n"
		"<defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#37474f\"/></marker>"
		"<marker id=\"rst\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"9\" markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#c62828\"/></marker>"
		"<marker id=\"lost\" viewBox=\"0 0 10 10\" refX=\"5\" refY=\"5\" markerWidth=\"12\" markerHeight=\"12\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M1 1L9 9M9 1L1 9\" stroke=\"#c62828\" stroke-width=\"2\"/></marker></defs>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
		WIDTH, svg->bottom + FEET, WIDTH, svg->bottom + FEET);
}

void ladder_svg(FILE *to, const struct ladder *l,
		const struct ladder_style *style)
{
	struct svg svg = { .to = to, .l = l, .bottom = TOP };
	char words[LADDER_WORDS];

	if (style->to_scale)
		place_by_time(&svg);
	else
		place_by_steps(&svg);
	put_begin(&svg);
	ladder_title(l, words, sizeof(words));
	put_words(&svg, 20, 30, "h", words);
	if (ladder_numbers(l, LEFT, style, words, sizeof(words)))
		put_words(&svg, 20, 54, "p", words);
	if (ladder_numbers(l, RIGHT, style, words, sizeof(words)))
		put_words(&svg, WIDTH - 20, 54, "p l", words);
	put_words(&svg, LINE_LEFT, TOP - 16, "m", l->conn[LEFT] ? "client" :
		  "client, inferred");
	put_words(&svg, LINE_RIGHT, TOP - 16, "m", l->conn[RIGHT] ? "server" :
		  "server, inferred");
	put_column(&svg, LEFT);
	put_column(&svg, RIGHT);
	for (unsigned int i = 0; i < l->n; i++)
		put_row(&svg, i, style);
	for (unsigned int i = 0, y = 30; i < LADDER_FOOTS; i++) {
		if (!ladder_foot(l, i, words, sizeof(words)))
			continue;
		put_words(&svg, 20, svg.bottom + y, "p", words);
		y += 20;
	}
	fputs("</svg>\n", to);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * As textbooks draw it: thick and solid what a client normally does, thick and
 * dashed what a server does, thin the rest. Resets and whatever else ends in CLOSE
 * before its time would hide it: they are counted beside the state that they left.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/fsm.h"
#include "fsm.h"

#define WIDTH	960
#define HEIGHT	800
#define BOX_W	118
#define BOX_H	34

#define S(a) TCPSTATE_##a

/* Its arrow runs from the first point to the last one. */
static const struct arrow {
	uint8_t from, to;
	const char *why;
	int label_x, label_y;
	struct { int x, y; } via[5];
	int n;
} arrows[] = {
	{ S(CLOSE), S(SYN_SENT), "connect(): SYN", 590, 80,
	  { { 509, 60 }, { 730, 60 }, { 730, 223 } }, 3 },
	{ S(CLOSE), S(LISTEN), "listen()", 458, 118,
	  { { 450, 77 }, { 450, 143 } }, 2 },
	{ S(LISTEN), S(SYN_RECV), "SYN: SYN,ACK", 205, 185,
	  { { 391, 165 }, { 230, 223 } }, 2 },
	{ S(LISTEN), S(SYN_SENT), "send: SYN", 610, 190,
	  { { 509, 165 }, { 680, 223 } }, 2 },
	{ S(SYN_SENT), S(SYN_RECV), "SYN: SYN,ACK (both open)", 372, 235,
	  { { 671, 240 }, { 259, 240 } }, 2 },
	{ S(SYN_SENT), S(ESTABLISHED), "SYN,ACK: ACK", 625, 330,
	  { { 685, 257 }, { 509, 353 } }, 2 },
	{ S(SYN_RECV), S(ESTABLISHED), "ACK", 322, 300,
	  { { 252, 257 }, { 391, 353 } }, 2 },
	{ S(SYN_RECV), S(FIN_WAIT1), "close(): FIN", 98, 380,
	  { { 185, 257 }, { 185, 463 } }, 2 },
	{ S(SYN_RECV), S(CLOSE_WAIT), "FIN", 560, 300,
	  { { 259, 250 }, { 615, 318 }, { 715, 463 } }, 3 },
	{ S(ESTABLISHED), S(FIN_WAIT1), "close(): FIN", 228, 412,
	  { { 391, 367 }, { 240, 463 } }, 2 },
	{ S(ESTABLISHED), S(CLOSE_WAIT), "FIN: ACK", 620, 420,
	  { { 509, 367 }, { 680, 463 } }, 2 },
	{ S(FIN_WAIT1), S(FIN_WAIT2), "ACK", 208, 560,
	  { { 200, 497 }, { 200, 633 } }, 2 },
	{ S(FIN_WAIT1), S(CLOSING), "FIN: ACK", 318, 472,
	  { { 259, 480 }, { 401, 480 } }, 2 },
	{ S(FIN_WAIT1), S(TIME_WAIT), "FIN,ACK: ACK", 355, 560,
	  { { 250, 497 }, { 420, 633 } }, 2 },
	{ S(FIN_WAIT2), S(TIME_WAIT), "FIN: ACK", 318, 642,
	  { { 259, 650 }, { 401, 650 } }, 2 },
	{ S(CLOSING), S(TIME_WAIT), "ACK", 470, 570,
	  { { 460, 497 }, { 460, 633 } }, 2 },
	{ S(CLOSE_WAIT), S(LAST_ACK), "close(): FIN", 738, 570,
	  { { 730, 497 }, { 730, 633 } }, 2 },
	{ S(LAST_ACK), S(CLOSE), "ACK", 858, 360,
	  { { 789, 650 }, { 850, 650 }, { 850, 45 }, { 509, 45 } }, 4 },
	{ S(TIME_WAIT), S(CLOSE), "2MSL", 68, 360,
	  { { 460, 667 }, { 460, 720 }, { 60, 720 }, { 60, 60 }, { 391, 60 } }, 5 },
};

/* Where each state is; the same numbers as in the arrows. */
static const struct {
	uint8_t state;
	int x, y;
} boxes[] = {
	{ S(CLOSE), 450, 60 }, { S(LISTEN), 450, 160 },
	{ S(SYN_RECV), 200, 240 }, { S(SYN_SENT), 730, 240 },
	{ S(ESTABLISHED), 450, 360 }, { S(FIN_WAIT1), 200, 480 },
	{ S(CLOSING), 460, 480 }, { S(CLOSE_WAIT), 730, 480 },
	{ S(FIN_WAIT2), 200, 650 }, { S(TIME_WAIT), 460, 650 },
	{ S(LAST_ACK), 730, 650 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct arrow *arrow_of(uint8_t from, uint8_t to)
{
	for (size_t i = 0; i < COUNT(arrows); i++)
		if (arrows[i].from == from && arrows[i].to == to)
			return &arrows[i];
	return NULL;
}

static const char *why_of(uint8_t from, uint8_t to)
{
	const struct arrow *arrow = arrow_of(from, to);

	if (arrow)
		return arrow->why;
	if (!fsm_legal(from, to))
		return "not in RFC 9293";
	return from == TCPSTATE_LISTEN ? "close()" :
					 "reset, aborted or given up";
}

/* ---- text ---- */

static void put_moves(FILE *to, const struct fsm_counts *counts, bool ascii,
		      enum fsm_course course)
{
	static const char *const strokes[2][3] = {
		{ "━━━▶", "╍╍╍▶", "───▶" }, { "===>", "==.>", "--->" },
	};
	/* In the order of the figure. */
	for (size_t i = 0; i < COUNT(boxes); i++)
		for (size_t k = 0; k < COUNT(boxes); k++) {
			uint8_t a = boxes[i].state, b = boxes[k].state;
			uint64_t n = counts->moves[a][b];

			if (fsm_course(a, b) != course ||
			    (!n && (course == COURSE_UNUSUAL)))
				continue;
			fprintf(to, "  %-11s %s %-11s %10" PRIu64 "   %s\n",
				state_name(a), strokes[ascii][course],
				state_name(b), n, why_of(a, b));
		}
}

void fsm_text(FILE *to, const struct fsm_counts *counts, bool ascii)
{
	fputs("normal client\n", to);
	put_moves(to, counts, ascii, COURSE_CLIENT);
	fputs("normal server\n", to);
	put_moves(to, counts, ascii, COURSE_SERVER);
	fputs("unusual\n", to);
	put_moves(to, counts, ascii, COURSE_UNUSUAL);
}

/* ---- the picture ---- */

static void put_arrow(FILE *to, const struct arrow *arrow, uint64_t n)
{
	static const char *const classes[] = { "c", "v", "u" };
	enum fsm_course course = fsm_course(arrow->from, arrow->to);

	fprintf(to, "<polyline class=\"%s%s\" points=\"", classes[course],
		n ? "" : " z");
	for (int i = 0; i < arrow->n; i++)
		fprintf(to, "%d,%d ", arrow->via[i].x, arrow->via[i].y);
	/* Into the box, where the line ended at its corner. */
	fprintf(to, "\" marker-end=\"url(#h)\"/>\n<text x=\"%d\" y=\"%d\" class=\"w%s\">%s",
		arrow->label_x, arrow->label_y, n ? "" : " z", arrow->why);
	if (n)
		fprintf(to, " <tspan class=\"n\">%" PRIu64 "</tspan>", n);
	fputs("</text>\n", to);
}

/* Moves from @state to CLOSE that have no arrow. */
static uint64_t given_up(const struct fsm_counts *counts, uint8_t state)
{
	return arrow_of(state, TCPSTATE_CLOSE) ? 0 :
	       counts->moves[state][TCPSTATE_CLOSE];
}

static void put_box(FILE *to, const struct fsm_counts *counts, size_t i)
{
	int x = boxes[i].x, y = boxes[i].y;
	uint8_t state = boxes[i].state;
	uint64_t n = given_up(counts, state);

	fprintf(to, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"8\" class=\"b\"/>\n"
		"<text x=\"%d\" y=\"%d\" class=\"s\">%s</text>\n",
		x - BOX_W / 2, y - BOX_H / 2, BOX_W, BOX_H, x, y + 5,
		state_name(state));
	if (n)
		fprintf(to, "<text x=\"%d\" y=\"%d\" class=\"r\">to CLOSE: %s <tspan class=\"n\">%" PRIu64 "</tspan></text>\n",
			x, y + BOX_H / 2 + 14, state == TCPSTATE_LISTEN ?
			"close()" : "reset, given up", n);
}

void fsm_svg(FILE *to, const struct fsm_counts *counts)
{
	fprintf(to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"DejaVu Sans, Helvetica, sans-serif\">\n"
		"<style>.b{fill:#eceff1;stroke:#455a64;stroke-width:1.5}.s{font-size:14px;font-weight:600;text-anchor:middle}"
		"polyline{fill:none}.c{stroke:#1565c0;stroke-width:4}.v{stroke:#2e7d32;stroke-width:4;stroke-dasharray:11 6}"
		".u{stroke:#616161;stroke-width:1.3}.z{opacity:.35}"
		"text{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}.s{stroke:none}"
		".w{font-size:12px;fill:#37474f}.n{font-weight:700;fill:#000}.r{font-size:11px;fill:#c62828;text-anchor:middle}</style>\n"
		"<defs><marker id=\"h\" viewBox=\"0 0 10 10\" refX=\"8\" refY=\"5\" markerWidth=\"13\" markerHeight=\"13\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\" fill=\"#455a64\"/></marker></defs>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	for (size_t i = 0; i < COUNT(arrows); i++)
		put_arrow(to, &arrows[i],
			  counts->moves[arrows[i].from][arrows[i].to]);
	for (size_t i = 0; i < COUNT(boxes); i++)
		put_box(to, counts, i);
	fputs("<polyline class=\"c\" points=\"560,750 620,750\"/><text x=\"628\" y=\"754\" class=\"w\">normal client</text>\n"
	      "<polyline class=\"v\" points=\"560,772 620,772\"/><text x=\"628\" y=\"776\" class=\"w\">normal server</text>\n"
	      "<polyline class=\"u\" points=\"750,750 810,750\"/><text x=\"818\" y=\"754\" class=\"w\">unusual</text>\n"
	      "<text x=\"750\" y=\"776\" class=\"w\">pale: not taken</text>\n</svg>\n", to);
}

// SPDX-License-Identifier: GPL-2.0
#include "conn_wide.h"

#include <inttypes.h>
#include <string.h>

#include "engine/duration.h"

/* ---- values; false: not known ---- */

/* Those that are counted, once anything was. */
#define COUNTER(field) \
	static bool field(const struct conn *c, uint64_t *n) \
	{ \
		*n = c->field; \
		return c->segs_in || c->segs_out; \
	}
#define SEQUENCE(field, of, bit) \
	static bool field(const struct conn *c, uint64_t *n) \
	{ \
		*n = (of)->field; \
		return c->known & (bit); \
	}
#define ALWAYS(field, of) \
	static bool field(const struct conn *c, uint64_t *n) \
	{ \
		*n = (of)->field; \
		return true; \
	}

COUNTER(data_segs_in)
COUNTER(data_segs_out)
COUNTER(retrans)
ALWAYS(syn_retrans, c)
ALWAYS(fin_retrans, conn_closing(c))
ALWAYS(tw_restarts, conn_closing(c))
ALWAYS(tw_fins, conn_closing(c))
SEQUENCE(isn_local, c, CONN_ISN_LOCAL)
SEQUENCE(isn_peer, c, CONN_ISN_PEER)
SEQUENCE(fin_local, conn_closing(c), CONN_FIN_LOCAL)
SEQUENCE(fin_peer, conn_closing(c), CONN_FIN_PEER)
SEQUENCE(ack_seq, conn_closing(c), CONN_ACK_SEQ)

static bool uid(const struct conn *c, uint64_t *n)
{
	*n = conn_origin(c)->uid;
	return c->has_uid;
}

static bool cgroup(const struct conn *c, uint64_t *n)
{
	const struct origin *origin = conn_origin(c);

	*n = origin->cgroup;
	return origin->cgroup;
}

static bool netns(const struct conn *c, uint64_t *n)
{
	*n = c->netns;
	return c->netns;
}

/* ---- columns ---- */

static const struct column {
	const char *head;
	const char *csv;
	int width;
	bool (*value)(const struct conn *c, uint64_t *n);
	enum duration duration;		/* without .value */
} columns[] = {
	{ "ACCEPT", "ACCEPT_US", 8, NULL, DURATION_ACCEPT },
	{ "HALF-CL", "HALF_CLOSE_US", 8, NULL, DURATION_HALF_CLOSE },
	{ "CLOSE-W", "CLOSE_WAIT_US", 8, NULL, DURATION_CLOSE_WAIT },
	{ "TIME-W", "TIME_WAIT_US", 8, NULL, DURATION_TIME_WAIT },
	{ "IN", "BYTES_IN", 10, conn_bytes_in, 0 },
	{ "SEGS", "SEGMENTS_IN", 7, data_segs_in, 0 },
	{ "OUT", "BYTES_OUT", 10, conn_bytes_out, 0 },
	{ "SEGS", "SEGMENTS_OUT", 7, data_segs_out, 0 },
	{ "HALF-B", "HALF_CLOSE_BYTES", 8, conn_half_close_bytes, 0 },
	{ "AGAIN", "RETRANS", 5, retrans, 0 },
	{ "SYN", "SYN_RETRANS", 3, syn_retrans, 0 },
	{ "FIN", "FIN_RETRANS", 3, fin_retrans, 0 },
	{ "2MSL", "TIME_WAIT_RESTARTS", 4, tw_restarts, 0 },
	{ "FINS", "FINS_RECEIVED_AGAIN", 4, tw_fins, 0 },
	{ "ISN-LOCAL", "ISN_LOCAL", 10, isn_local, 0 },
	{ "ISN-PEER", "ISN_PEER", 10, isn_peer, 0 },
	{ "FIN-LOCAL", "FIN_LOCAL", 10, fin_local, 0 },
	{ "FIN-PEER", "FIN_PEER", 10, fin_peer, 0 },
	{ "ACK-SEQ", "ACK_SEQ", 10, ack_seq, 0 },
	{ "UID", "UID", 6, uid, 0 },
	{ "CGROUP", "CGROUP", 8, cgroup, 0 },
	{ "NETNS", "NETNS", 10, netns, 0 },
};

#define COLUMNS (sizeof(columns) / sizeof(*columns))

static const char *text_cell(struct cell *cell, const struct column *column,
			     const struct conn *c)
{
	uint64_t n;

	if (column->value)
		return column->value(c, &n) ? cell_number(cell, n) : "-";
	return conn_duration(c, column->duration, &n) ? cell_span(cell, n) : "-";
}

void conn_wide_text(struct output *out, const struct conn *conn)
{
	struct cell cell;

	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(out->to, " %*s", columns[i].width,
			conn ? text_cell(&cell, &columns[i], conn) :
			       columns[i].head);
	if (conn)
		fprintf(out->to, " %-10" PRIx64, conn->cookie);
	else
		fprintf(out->to, " %-10s", "ID");
}

static const char *csv_cell(struct cell *cell, const struct column *column,
			    const struct conn *c)
{
	uint64_t n;

	if (column->value)
		return column->value(c, &n) ? cell_number(cell, n) : "";
	return conn_duration(c, column->duration, &n) ?
	       cell_number(cell, n / 1000) : "";
}

/* The narrow line has this one already. */
static bool is_in_csv(const struct column *column)
{
	return column->value || column->duration != DURATION_TIME_WAIT;
}

void conn_wide_csv(struct output *out, const struct conn *conn)
{
	struct cell cell;

	for (size_t i = 0; i < COLUMNS; i++)
		if (is_in_csv(&columns[i]))
			fprintf(out->to, ",%s", conn ?
				csv_cell(&cell, &columns[i], conn) :
				columns[i].csv);
	if (conn)
		fprintf(out->to, ",%" PRIx64, conn->cookie);
	else
		fputs(",CONN_ID", out->to);
}

void conn_wide_csv_none(struct output *out)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (is_in_csv(&columns[i]))
			fputc(',', out->to);
	fputc(',', out->to);
}

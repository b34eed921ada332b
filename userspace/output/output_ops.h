/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside output/ only: what a format is, and what the formats share.
 */
#ifndef TCPSTATE_OUTPUT_OPS_H
#define TCPSTATE_OUTPUT_OPS_H

#include <time.h>

#include "output.h"

struct output_ops {
	/* Any may be NULL: this format does not tell it. */
	void (*start)(struct output *out);
	void (*transition)(struct output *out, const struct transition *t);
	void (*raw)(struct output *out, const struct tcpstate_record *rec);
	void (*accept)(struct output *out, const struct conn *conn,
		       uint64_t ns);
	void (*segment)(struct output *out, const struct segment *segment);
	void (*conn)(struct output *out, const struct conn *conn, bool ended);
	void (*open)(struct output *out, const struct conn *conn,
		     uint64_t now_ns);
	void (*lost)(struct output *out, uint64_t ns, uint32_t cpu,
		     uint64_t count);
	void (*finding)(struct output *out, const struct finding *f,
			uint64_t ns);
	void (*counts)(struct output *out, uint64_t ns,
		       const struct engine_counts *counts, size_t n);
	void (*summary)(struct output *out, const struct output_summary *s);
};

extern const struct output_ops output_text, output_json, output_csv;

struct output {
	const struct output_ops *ops;
	FILE *to;
	struct output_style style;
	bool started;
	uint64_t first_ns;	/* of the first event told; 0 = none yet */
	/* The last time stamp that was worked out, and its second. */
	char ts[48];
	time_t ts_second;
};

/* Cells that text and CSV share; each returns its buffer. */

#define CELL_LEN	64

struct cell {
	char s[CELL_LEN];
};

const char *cell_number(struct cell *cell, uint64_t number);
/* 1,204 */
const char *cell_thousands(struct cell *cell, uint64_t number);
const char *cell_addr(struct cell *cell, uint8_t family, const uint8_t *addr);
/* addr:port, [addr]:port */
const char *cell_end(struct cell *cell, uint8_t family, const uint8_t *addr,
		     uint16_t port);
const char *cell_comm(struct cell *cell, const char *comm);
/* Milliseconds, as bcc's MS. */
const char *cell_ms(struct cell *cell, uint64_t ns);
/* A time for people, three digits or so: 0.41ms, 88ms, 1.204s, 63s, 2h13m. */
const char *cell_span(struct cell *cell, uint64_t ns);
/* HH:MM:SS in local time; valid until the next call. */
const char *cell_clock(struct output *out, uint64_t mono_ns);
/* Seconds since the first event told. */
const char *cell_elapsed(struct cell *cell, struct output *out,
			 uint64_t mono_ns);

/* "4 segments", "abort, 812 B unread": how a connection ended. */
void conn_how(const struct conn *conn, char *how, size_t how_len);

/* On stderr, for whoever does not look at stdout. */
void say_lost(uint32_t cpu, uint64_t count);

/* finding_text.c, finding_json.c */
void text_finding(struct output *out, const struct finding *f, uint64_t ns);
void json_finding(struct output *out, const struct finding *f, uint64_t ns);
/* ports_text.c: of RULE_PORTS and RULE_TIME_WAIT */
void text_ports(struct output *out, const struct finding *f);

/* "req_add"; "?" if out of range. */
const char *record_type_name(unsigned int type);

/* Address family of a raw record: 4 or 6. */
uint8_t record_family(const struct tcpstate_record *rec);

#endif /* TCPSTATE_OUTPUT_OPS_H */

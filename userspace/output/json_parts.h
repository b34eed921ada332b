/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of JSON objects that the json_*.c files share. */
#ifndef TCPSTATE_OUTPUT_JSON_PARTS_H
#define TCPSTATE_OUTPUT_JSON_PARTS_H

#include "jsonw.h"
#include "output_ops.h"

/* {"event":..,"ts":..,"mono_ns":.. */
void json_begin(struct jsonw *w, struct output *out, const char *event,
		uint64_t mono_ns);

/*
 * Address and port of one end.  Without both it is unknown and left out,
 * unless a @wildcard address means something there.
 */
void json_end_point(struct jsonw *w, const char *addr_key, const char *port_key,
		    uint8_t family, const uint8_t *addr, uint16_t port,
		    bool wildcard);

/* ports_json.c: what RULE_PORTS and RULE_TIME_WAIT have beside the others. */
struct finding;
void json_ports(struct jsonw *w, const struct finding *f);

void json_raw(struct output *out, const struct tcpstate_record *rec);

#endif /* TCPSTATE_OUTPUT_JSON_PARTS_H */

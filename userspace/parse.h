/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words of the command line to values.
 *
 * Every function returns 0, or -EINVAL (-ENOMEM) with a clause in @why that
 * goes after "--option VALUE: ".  Lists are appended to, so that an option
 * may be repeated; after an error a list may have grown.
 */
#ifndef TCPSTATE_PARSE_H
#define TCPSTATE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port_range {
	uint16_t lo, hi;	/* both included */
};

struct ports {
	struct port_range *v;
	size_t n;
};

struct cidr {
	uint8_t family;		/* 4 or 6 */
	uint8_t bits;
	uint8_t addr[16];	/* bits beyond .bits are 0 */
};

struct cidrs {
	struct cidr *v;
	size_t n;
};

struct numbers {
	uint64_t *v;
	size_t n;
	bool looked_up;		/* one was a name, of this host */
};

struct words {
	char **v;
	size_t n;
};

struct parse_error {
	char why[160];
};

/* A number, decimal, nothing but digits, from @min to @max. */
int parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value,
		 struct parse_error *err);
/* "1.5", "250ms", "10s", "5m", "2h", "1d"; bare means seconds. */
int parse_duration(const char *text, uint64_t *ns, struct parse_error *err);
/* "1000", "512K", "64M", "2G" (1024 each); not 0. */
int parse_bytes(const char *text, uint64_t *bytes, struct parse_error *err);
/* "80,443,8000-8010" */
int parse_ports(const char *text, struct ports *ports, struct parse_error *err);
/*
 * "10.0.0.0/8,::1".  Without a length it is one host.  Bits beyond the length
 * are ignored, so that an address may be pasted with its interface's length.
 * A v4-mapped prefix of 96 bits or more is IPv4.
 */
int parse_cidrs(const char *text, struct cidrs *cidrs, struct parse_error *err);
/* "close-wait,FIN_WAIT2"; *states grows by a bit per state. */
int parse_states(const char *text, uint32_t *states, struct parse_error *err);
int parse_pids(const char *text, struct numbers *pids, struct parse_error *err);
/* Numbers or names of users. */
int parse_uids(const char *text, struct numbers *uids, struct parse_error *err);
/* Any words, none empty. */
int parse_words(const char *text, struct words *words, struct parse_error *err);
/* Names in /run/netns, inodes, pid:PID or paths; *inodes grows. */
int parse_netns(const char *text, struct numbers *inodes,
		struct parse_error *err);

void numbers_free(struct numbers *numbers);
void words_free(struct words *words);

#endif /* TCPSTATE_PARSE_H */

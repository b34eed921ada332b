/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must be seen of the connections of traffic.h, and what was: each hook
 * often enough, and each connection's whole path.
 *
 * Pure: records and moves in, a verdict out.
 */
#ifndef TCPSTATE_PROOF_H
#define TCPSTATE_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "source/source.h"
#include "traffic.h"

#define PROOF_MOVES	256
#define PROOF_PATH	12

/* From good to bad. */
enum proof_result {
	PROOF_OBSERVED,
	PROOF_INFERRED,
	PROOF_UNTESTED,		/* attached, and nothing was made to show */
	PROOF_FAILED,		/* attached, and yet it did not show */
	PROOF_RESULTS,
};

struct proof_move {
	uint64_t cookie;
	uint16_t sport, dport;
	uint8_t old_state, new_state, basis, reason;
};

/* What is no hook, and yet is relied on. */
enum proof_helpers { HELPER_DUMP, HELPER_STACK, HELPERS };

struct proof_helper {
	const char *what, *how;
	unsigned int shown, expected;
	enum proof_result result;
};

struct proof {
	const struct traffic *traffic;	/* NULL: none could be made */
	unsigned int hooks;		/* enum source_hook bits attached */
	unsigned int fired[HOOK_COUNT];
	unsigned int dumped;		/* TIME_WAITs that sock_diag showed */
	struct proof_move moves[PROOF_MOVES];
	size_t n_moves;
};

/* One end of one connection. */
struct proof_path {
	const char *story;
	const char *end;
	uint8_t expected[PROOF_PATH], seen[PROOF_PATH];
	size_t n_expected, n_seen;
	bool gap;		/* a move began elsewhere than the last ended */
	enum proof_result result;
};

void proof_record(struct proof *p, const struct tcpstate_record *rec);
void proof_transition(struct proof *p, const struct transition *t);

/* How often hook number @n fires at least. */
unsigned int proof_expected(unsigned int n);
enum proof_result proof_hook(const struct proof *p, unsigned int n);
/* @n is an enum proof_helpers. */
enum proof_result proof_helper(const struct proof *p, unsigned int n,
			       struct proof_helper *h);
/* @end is an enum traffic_end. */
enum proof_result proof_path(const struct proof *p, unsigned int end,
			     struct proof_path *path);

/* The worst of all these. */
enum proof_result proof_result(const struct proof *p);

#endif /* TCPSTATE_PROOF_H */

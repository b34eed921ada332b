// SPDX-License-Identifier: GPL-2.0
/*
 * recording [-o PAIRS] [-n PAIRS] FILE: a recording, as `tcpstate-watch record`
 * would have written it, of a machine with more connections than one can open here.
 *
 * First -o connections are opened and stay; then -n more are opened, and with each
 * the oldest closes, and the oldest TIME_WAIT but TIME_WAITS ends.  Both ends are on
 * this machine, so that the tool follows twice as many.  Prints an object: records,
 * and how many are live after them.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "recording.h"

#define CPUS		2
#define BEGAN_NS	1000000000ULL
#define STEP_NS		100000	/* 10,000 connections a second */
#define CLOSE_NS	20000	/* of them, after the one that opens */
#define EXPIRE_NS	50000
#define ROUND		50	/* connections between two looks at the rings */
#define HOLDBACK_NS	2000000
#define SETTLE_NS	60000000
#define TIME_WAITS	1000

static struct recording_writer *writer;
static uint64_t seq[CPUS];

static void put(const void *entry, size_t len)
{
	if (recording_put(writer, entry, len))
		errx(1, "the recording cannot be written");
}

static void store(uint64_t pair, const struct tcpstate_record *rec)
{
	struct tcpstate_record r = *rec;

	r.cpu = pair % CPUS;
	r.seq = seq[r.cpu]++;
	put(&r, sizeof(r));
}

static void mark(enum recording_type type, uint64_t ns)
{
	const struct recording_mark m = {
		.size = RECORDING_MARK_MIN, .version = RECORDING_VERSION,
		.type = type, .ns = ns,
	};

	put(&m, m.size);
}

/* Nothing was there before. */
static void ready(void)
{
	const struct recording_mark m = {
		.size = RECORDING_MARK_MIN + sizeof(m.count),
		.version = RECORDING_VERSION, .type = RECORDING_READY,
		.number = 1, .ns = BEGAN_NS,
	};

	put(&m, m.size);
}

static void create(const char *path)
{
	struct recording_header head = {
		.hooks = ~0U, .self = 1, .mono_ns = BEGAN_NS,
		.real_ns = 1700000000000000000ULL, .since_ns = BEGAN_NS,
		.holdback_ns = HOLDBACK_NS, .settle_ns = SETTLE_NS,
		.max_conns = 1 << 24, .source = "bpf", .host = "bench",
		.kernel = "bench", .tool = TCPSTATE_VERSION,
	};
	int ret = recording_create(&writer, path, &head, CODEC_NONE);

	if (ret)
		errx(1, "%s: %s", path, strerror(-ret));
}

static uint64_t fill(uint64_t open, uint64_t more)
{
	uint64_t records = 0, ns = BEGAN_NS;

	for (uint64_t i = 0; i < open + more; i++) {
		ns += STEP_NS;
		records += connection_opens(ns, i);
		if (i >= open)
			records += connection_closes(ns + CLOSE_NS, i - open);
		if (i >= open + TIME_WAITS)
			records += connection_expires(ns + EXPIRE_NS,
						      i - open - TIME_WAITS);
		if (i % ROUND == ROUND - 1)
			mark(RECORDING_ADVANCE, ns + STEP_NS);
	}
	mark(RECORDING_ADVANCE, ns + SETTLE_NS + HOLDBACK_NS);
	mark(RECORDING_END, ns + SETTLE_NS + HOLDBACK_NS);
	return records;
}

int main(int argc, char **argv)
{
	uint64_t open = 0, more = 0, waiting, records;
	int option;

	while ((option = getopt(argc, argv, "o:n:")) != -1) {
		if (option == 'o')
			open = strtoull(optarg, NULL, 0);
		else if (option == 'n')
			more = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind != argc - 1)
		errx(2, "usage: recording [-o PAIRS] [-n PAIRS] FILE");
	create(argv[optind]);
	ready();
	records = fill(open, more);
	if (recording_finish(writer, false))
		errx(1, "%s: cannot be finished", argv[optind]);
	waiting = more < TIME_WAITS ? more : TIME_WAITS;
	printf("{\"records\":%" PRIu64 ",\"live\":%" PRIu64 "}\n", records,
	       2 * open + waiting);
	return EXIT_SUCCESS;
}

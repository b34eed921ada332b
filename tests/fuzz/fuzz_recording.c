// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a recording, replayed to an engine. Checksums are taken for right
 * here (FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION), or nothing would be looked at
 * behind them.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "recording.h"

#define MAX_CONNS 64

static void on_transition(void *ctx, const struct transition *t)
{
	(void)ctx;
	must_be_transition(t);
}

static void take(struct engine *e, const struct recording_mark *m)
{
	struct engine_input in = { .ns = m->ns };

	MUST((uintptr_t)m % 8 == 0);
	switch (m->type) {
	case RECORDING_ADVANCE:
		in.type = INPUT_ADVANCE;
		break;
	case RECORDING_DUMP_BEGIN:
		in.type = INPUT_DUMP_BEGIN;
		break;
	case RECORDING_DUMP_END:
		in.type = INPUT_DUMP_END;
		in.netns = m->netns;
		in.n = m->number;
		break;
	case RECORDING_OWNER:
		in.type = INPUT_OWNER;
		in.cookie = m->ns;
		in.pid = m->number;
		in.comm = m->comm;
		break;
	case RECORDING_CGROUP:
		MUST(strlen(m->path) < m->size);
		return;
	default:
		if (m->type >= RECORDING_ADVANCE)
			return;
		in.type = INPUT_RECORD;
		in.rec = (const void *)m;
		break;
	}
	engine_replay(e, &in);
}

static void replay(struct recording *rec)
{
	static const struct engine_sink sink = { .transition = on_transition };
	const struct recording_header *h = recording_head(rec);
	const struct engine_config cfg = { .max_conns = MAX_CONNS,
		.holdback_ns = h->holdback_ns, .settle_ns = h->settle_ns,
		.since_ns = h->since_ns, .hooks = h->hooks, .self = h->self };
	struct engine *e = engine_new(&cfg, &sink, NULL);
	const void *entry;

	MUST(e);
	while ((entry = recording_next(rec)))
		take(e, entry);
	MUST(!recording_next(rec));
	engine_finish(e);
	must_be_consistent(e, MAX_CONNS);
	engine_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	struct recording *rec;
	char path[64], why[512];

	MUST(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!recording_open(&rec, path, why, sizeof(why))) {
		replay(rec);
		recording_close(rec);
	}
	close(fd);
	return 0;
}

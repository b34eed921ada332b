// SPDX-License-Identifier: GPL-2.0
/* record: what the engine is given, kept in a file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cgroups.h"
#include "cmd.h"
#include "log.h"
#include "recording.h"
#include "redact.h"
#include "run.h"
#include "run_output.h"

#define FLUSH_NS	UINT64_C(1000000000)	/* a crash loses no more */
#define KEEP_MAX	1000

enum { KEY_SIZE = KEY_COMMAND, KEY_TIME, KEY_KEEP, KEY_ZSTD, KEY_REDACT };

struct record {
	struct run_options run_options;
	const char *path;
	uint64_t size;		/* of a file; 0 = no limit */
	uint64_t time_ns;
	uint64_t keep;		/* older files; 0: end instead */
	enum recording_codec codec;
	bool redact;

	struct run_output out;
	struct run run;
	struct recording_writer *writer;
	struct redact *names;		/* NULL unless .redact */
	void *cgroups;			/* tsearch(3): ids that were told */
	uint64_t began_bytes;		/* of the file under way, when it was ready */
	uint64_t began_ns;		/* the file */
	bool made;			/* FILE is new and empty, by us */
	uint64_t entries, bytes;	/* of files that are full */
	int error;			/* -errno of the file */
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Options of record:", 1 },
	{ "max-size", KEY_SIZE, "SIZE", 0,
	  "FILE is full at SIZE bytes (K, M, G), and when it has as much again as the sockets that it began with: end, or with --keep go on in a new one", 0 },
	{ "max-time", KEY_TIME, "DUR", 0, "The same when it is DUR old", 0 },
	{ "keep", KEY_KEEP, "N", 0,
	  "Keep N full ones: FILE.1 is the last, FILE.2 the one before it", 0 },
	{ "zstd", KEY_ZSTD, NULL, 0, "Compress", 0 },
	{ "redact", KEY_REDACT, NULL, 0,
	  "Replace addresses, each always by the same, and leave out the names of this host and its cgroups", 0 },
	{}
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct record *rec = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &rec->run_options;
		return 0;
	case ARGP_KEY_ARG:
		rec->path = arg;
		return 0;
	case KEY_SIZE:
		rec->size = cmd_bytes("--max-size", arg);
		return 0;
	case KEY_TIME:
		rec->time_ns = cmd_duration("--max-time", arg);
		if (!rec->time_ns)
			usage_error("--max-time %s: not 0", arg);
		return 0;
	case KEY_KEEP:
		rec->keep = cmd_number("--keep", arg, 1, KEEP_MAX);
		return 0;
	case KEY_ZSTD:
		rec->codec = CODEC_ZSTD;
		return 0;
	case KEY_REDACT:
		rec->redact = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &common_argp, 0, NULL, 0 },
	{}
};

const struct argp record_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE",
	.doc = "Keep all that is captured in FILE, until Ctrl-C or --duration.  With --source FILE "
	       "events, conns, ladder, watch, leaks and timewait show it again, the same each "
	       "time, on any machine.  With "
	       "--source OLD it copies a recording: to redact or compress it, or without what is "
	       "damaged in it.",
	.children = children,
};

/* ---- the file ---- */

static void give_up(struct record *rec, int err)
{
	rec->error = err;
	run_stop(&rec->run);
}

static void put(struct record *rec, const void *entry, size_t len)
{
	int err;

	if (rec->error || !rec->writer)
		return;
	err = recording_put(rec->writer, entry, len);
	if (err)
		give_up(rec, err);
}

static void read_line(const char *path, char *to, size_t len)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return;
	if (fgets(to, (int)len, f))
		to[strcspn(to, "\n")] = '\0';
	fclose(f);
}

static void describe_host(struct recording_header *h)
{
	struct utsname host;

	uname(&host);
	snprintf(h->host, sizeof(h->host), "%.63s", host.nodename);
	snprintf(h->kernel, sizeof(h->kernel), "%.60s %.60s", host.release,
		 host.version);
	read_line("/proc/sys/kernel/random/boot_id", h->boot_id,
		  sizeof(h->boot_id));
}

static void describe(const struct record *rec, struct recording_header *h)
{
	const struct run *run = &rec->run;
	uint64_t now;

	if (run->opt->recording) {
		*h = *recording_head(run->opt->recording);
	} else {
		now = mono_now();
		*h = (struct recording_header){
			.hooks = run->hooks,
			.self = (uint32_t)getpid(),
			.mono_ns = now,
			.real_ns = now + (uint64_t)output_realtime_offset(),
			.since_ns = run->since_ns,
			.holdback_ns = RUN_HOLDBACK_NS,
			.settle_ns = RUN_SETTLE_NS,
			.max_conns = run->opt->max_conns,
		};
		describe_host(h);
		snprintf(h->source, sizeof(h->source), "%s",
			 run_source_name(run));
		snprintf(h->tool, sizeof(h->tool), "%s", TCPSTATE_VERSION);
	}
	if (rec->redact) {
		h->flags |= RECORDING_REDACTED;
		memset(h->host, 0, sizeof(h->host));
		memset(h->boot_id, 0, sizeof(h->boot_id));
	}
}

/* FILE.1 becomes FILE.2, .., FILE becomes FILE.1; the oldest goes. */
static int shift_files(const struct record *rec)
{
	char from[RECORDING_PATH_MAX], to[RECORDING_PATH_MAX];

	for (uint64_t i = rec->keep; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.%" PRIu64, rec->path, i);
		if (i > 1)
			snprintf(from, sizeof(from), "%s.%" PRIu64, rec->path,
				 i - 1);
		else
			snprintf(from, sizeof(from), "%s", rec->path);
		if (rename(from, to) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static void forget_cgroups(struct record *rec)
{
	tdestroy(rec->cgroups, free);
	rec->cgroups = NULL;
}

/* What is there, of this run or an earlier one, is kept if any is. */
static void create(struct record *rec)
{
	struct recording_header head;
	int err = rec->keep && !rec->made ? shift_files(rec) : 0;

	describe(rec, &head);
	if (!err)
		err = recording_create(&rec->writer, rec->path, &head,
				       rec->codec);
	if (err)
		give_up(rec, err);
	rec->made = false;
	forget_cgroups(rec);
	rec->began_bytes = 0;
	rec->began_ns = run_now(&rec->run);
}

/* ---- marks ---- */

static struct recording_mark mark(enum recording_type type, uint64_t ns)
{
	return (struct recording_mark){
		.size = RECORDING_MARK_MIN,
		.version = RECORDING_VERSION,
		.type = type,
		.ns = ns,
	};
}

static void put_time(struct record *rec, enum recording_type type, uint64_t ns)
{
	struct recording_mark m = mark(type, ns);

	put(rec, &m, m.size);
}

static void put_count(struct record *rec, enum recording_type type,
		      uint32_t number, uint64_t ns, uint64_t count)
{
	struct recording_mark m = mark(type, ns);

	m.number = number;
	m.count = count;
	m.size = sizeof(m.count) + RECORDING_MARK_MIN;
	put(rec, &m, m.size);
}

static void put_owner(struct record *rec, const struct engine_input *in)
{
	struct recording_mark m = mark(RECORDING_OWNER, in->cookie);

	m.number = in->pid;
	snprintf(m.comm, sizeof(m.comm), "%s", in->comm);
	m.size = sizeof(m.comm) + RECORDING_MARK_MIN;
	put(rec, &m, m.size);
}

/* A mark with something of @len bytes after it. */
static void put_long(struct record *rec, struct recording_mark m,
		     const void *more, size_t len)
{
	uint64_t buffer[(RECORDING_MARK_MIN + RECORDING_NETNS_MAX * 4) / 8 + 1] = {};

	m.size = (RECORDING_MARK_MIN + len + 7) & ~7U;
	memcpy(buffer, &m, RECORDING_MARK_MIN);
	memcpy((char *)buffer + RECORDING_MARK_MIN, more, len);
	put(rec, buffer, m.size);
}

/* Of those left out nothing will be known, as if they had not been read. */
static void put_dump_end(struct record *rec, const struct engine_input *in)
{
	struct recording_mark m = mark(RECORDING_DUMP_END, in->ns);

	m.number = in->n < RECORDING_NETNS_MAX ? in->n : RECORDING_NETNS_MAX;
	put_long(rec, m, in->netns, m.number * sizeof(in->netns[0]));
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Without memory too: then it has no name. */
static bool cgroup_is_told(struct record *rec, uint64_t id)
{
	uint64_t *one;

	if (tfind(&id, &rec->cgroups, by_id))
		return true;
	one = malloc(sizeof(*one));
	if (!one)
		return true;
	*one = id;
	if (!tsearch(one, &rec->cgroups, by_id)) {
		free(one);
		return true;
	}
	return false;
}

static void tell_cgroup(struct record *rec, uint64_t id)
{
	char path[RECORDING_PATH_MAX];

	if (!id || rec->redact || cgroup_is_told(rec, id) ||
	    cgroups_path(rec->run_options.cgroups, id, path, sizeof(path)))
		return;
	put_long(rec, mark(RECORDING_CGROUP, id), path, strlen(path) + 1);
}

/* ---- what the engine is given ---- */

static void put_record(struct record *rec, const struct tcpstate_record *r)
{
	struct tcpstate_record own = *r;

	if (r->type != TCPSTATE_SNAPSHOT && !run_count(&rec->run))
		return;
	tell_cgroup(rec, r->cgroup);
	own.turn = 0;
	if (rec->names)
		redact_record(rec->names, &own);
	put(rec, &own, sizeof(own));
}

static void on_input(void *ctx, const struct engine_input *in)
{
	struct record *rec = ctx;

	if (!rec->writer && !rec->error)
		create(rec);
	switch (in->type) {
	case INPUT_RECORD:
		put_record(rec, in->rec);
		break;
	case INPUT_ADVANCE:
		put_time(rec, RECORDING_ADVANCE, in->ns);
		break;
	case INPUT_DUMP_BEGIN:
		put_time(rec, RECORDING_DUMP_BEGIN, 0);
		break;
	case INPUT_DUMP_END:
		put_dump_end(rec, in);
		break;
	case INPUT_OWNER:
		put_owner(rec, in);
		break;
	}
}

/* Those of a ring are records, and told again when they are read. */
static void on_lost(void *ctx, uint64_t ns, uint32_t cpu, uint64_t count)
{
	struct record *rec = ctx;

	if (cpu == RUN_ANY_CPU)
		put_count(rec, RECORDING_MISSED, 0, ns, count);
}

static const struct engine_sink record_sink = {
	.input = on_input,
	.lost = on_lost,
};

static void on_ready(struct run *run)
{
	struct record *rec = run->ctx;

	put_count(rec, RECORDING_READY, run->snapshot.namespaces, run_now(run),
		  run->snapshot.sockets);
	if (rec->writer)
		rec->began_bytes = recording_bytes(rec->writer);
}

/* ---- full ones ---- */

/* @sync waits for the disk, which the rings cannot do while they fill. */
static void finish_file(struct record *rec, bool sync)
{
	struct recording_writer *w = rec->writer;
	int err, last;

	if (!w)
		return;
	err = recording_flush(w);
	rec->entries += recording_entries(w);
	rec->bytes += recording_bytes(w);
	rec->writer = NULL;
	/* After an error too: what is in the file stays. */
	last = recording_finish(w, sync);
	if (!err)
		err = last;
	if (err && !rec->error)
		give_up(rec, err);
}

static int tell_owner(void *ctx, const struct conn *conn)
{
	const struct origin *origin = conn_origin(conn);
	struct record *rec = ctx;

	if (origin->pid)
		put_owner(rec, &(struct engine_input){
			.type = INPUT_OWNER, .cookie = conn->cookie,
			.pid = origin->pid, .comm = origin->comm });
	return 0;
}

/* Each file stands alone, and so begins with all sockets and their owners. */
static void begin_next(struct record *rec)
{
	struct run *run = &rec->run;

	run->since_ns = run_now(run);
	create(rec);
	run_refresh(run);
	engine_each(run->engine, tell_owner, rec);
	on_ready(run);
}

/*
 * Where the sockets that it began with are most of it already, as much again:
 * one dump after the other would be no recording.
 */
static bool is_full(const struct record *rec, uint64_t now_ns)
{
	uint64_t bytes = recording_bytes(rec->writer);

	return (rec->size && bytes >= rec->size &&
		bytes >= 2 * rec->began_bytes) ||
	       (rec->time_ns && now_ns - rec->began_ns >= rec->time_ns);
}

static void on_tick(struct run *run, uint64_t now_ns)
{
	struct record *rec = run->ctx;
	int err;

	if (!rec->writer)
		return;
	err = recording_flush(rec->writer);
	if (!err && is_full(rec, now_ns)) {
		if (!rec->keep) {
			run_stop(run);
			return;
		}
		put_time(rec, RECORDING_END, now_ns);
		finish_file(rec, false);
		if (!rec->error)
			begin_next(rec);
	}
	if (err)
		give_up(rec, err);
}

/* Before the last line, which is the summary. */
static void tell_end(struct record *rec)
{
	finish_file(rec, true);
	if (rec->error && rec->entries)
		log_say("%s: %s; the %" PRIu64 " bytes before it can be read",
			rec->path, strerror(-rec->error), rec->bytes);
	else if (rec->error)
		log_say("%s: %s", rec->path, strerror(-rec->error));
	else
		log_detail("%s: %" PRIu64 " entries, %" PRIu64 " bytes",
			   rec->path, rec->entries, rec->bytes);
}

static void on_done(struct run *run)
{
	struct record *rec = run->ctx;

	put_time(rec, RECORDING_END, run_now(run));
	tell_end(rec);
}

/* ---- the command ---- */

/* A recording would be overwritten while it is read. */
static bool is_its_source(const struct record *rec, const struct stat *file)
{
	struct stat source;

	return run_reads_file(&rec->run_options) &&
	       !stat(rec->run_options.source, &source) &&
	       source.st_dev == file->st_dev && source.st_ino == file->st_ino;
}

/* Before the kernel is asked for anything; what is there stays. */
static int can_be_written(struct record *rec)
{
	struct stat st;
	int fd;

	rec->made = access(rec->path, F_OK) != 0;
	fd = open(rec->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0 || lseek(fd, 0, SEEK_CUR) < 0 || fstat(fd, &st)) {
		log_say("%s: %s", rec->path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return EXIT_FAILED;
	}
	close(fd);
	if (is_its_source(rec, &st)) {
		log_say("%s: a recording cannot be copied to itself",
			rec->path);
		return EXIT_USAGE;
	}
	if (rec->keep && !S_ISREG(st.st_mode)) {
		log_say("%s: --keep needs a file", rec->path);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int run_record(struct record *rec)
{
	const struct output_style style = { .kind = OUTPUT_NO_HEADER };
	int ret = can_be_written(rec);

	if (ret)
		return ret;
	if (run_output_open(&rec->out, &rec->run_options, &style))
		return EXIT_FAILED;
	rec->run = (struct run){
		.opt = &rec->run_options,
		.sink = &record_sink,
		.ctx = rec,
		.tick_ns = FLUSH_NS,
		.ready = on_ready,
		.tick = on_tick,
		.done = on_done,
		.output = rec->out.output,
	};
	if (rec->redact)
		rec->names = redact_new();
	if (rec->redact && !rec->names)
		log_say("out of memory");
	else
		ret = run_main(&rec->run);
	/* It is there still if the run has failed. */
	if (rec->writer)
		tell_end(rec);
	if (rec->error && !ret)
		ret = EXIT_FAILED;
	/* It never began. */
	if (rec->made)
		unlink(rec->path);
	run_output_close(&rec->out);
	redact_free(rec->names);
	forget_cgroups(rec);
	return ret;
}

int cmd_record(int argc, char **argv)
{
	struct record rec = { .run_options = RUN_OPTIONS_DEFAULT };

	cmd_parse(&record_argp, argc, argv, &rec);
	if (!rec.path)
		usage_error("record: which FILE?");
	if (rec.keep && !rec.size && !rec.time_ns)
		usage_error("--keep: needs --max-size or --max-time");
	/* Each file begins with all sockets, which only a kernel shows. */
	if (rec.keep && run_reads_file(&rec.run_options))
		usage_error("--keep: a recording is copied to one file");
	return run_record(&rec);
}

// SPDX-License-Identifier: GPL-2.0
/* Recordings, whole and damaged in every way that a file can be. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "recording.h"

static char path[] = "/tmp/tcpstate-recording-XXXXXX";
static char why[512];

static const struct recording_header head = {
	.hooks = 0x3fff, .self = 77, .mono_ns = 1000, .real_ns = 5000,
	.since_ns = 900, .holdback_ns = 2000000, .settle_ns = 60000000,
	.max_conns = 1000, .host = "db7", .kernel = "6.1", .source = "bpf",
	.tool = "test",
};

static struct tcpstate_record record_number(uint64_t n)
{
	return (struct tcpstate_record){
		.size = sizeof(struct tcpstate_record),
		.version = TCPSTATE_RECORD_VERSION, .type = TCPSTATE_STATE,
		.seq = n, .mono_ns = 1000 + n, .cookie = n + 1,
	};
}

static void put_record(struct recording_writer *w, uint64_t n)
{
	struct tcpstate_record rec = record_number(n);

	assert_int_equal(recording_put(w, &rec, sizeof(rec)), 0);
}

/* @n records in blocks of @per. */
static void write_file(unsigned int n, unsigned int per,
		       enum recording_codec codec)
{
	struct recording_writer *w;

	assert_int_equal(recording_create(&w, path, &head, codec), 0);
	for (unsigned int i = 0; i < n; i++) {
		put_record(w, i);
		if (i % per == per - 1)
			assert_int_equal(recording_flush(w), 0);
	}
	assert_int_equal(recording_entries(w), n);
	assert_int_equal(recording_finish(w, true), 0);
}

struct found {
	unsigned int n;
	uint64_t first, last;
	struct recording_damage damage;
};

/* Records come in order and unchanged, whatever is missing. */
static struct found read_file(void)
{
	struct found f = { 0 };
	struct recording *rec;
	const struct tcpstate_record *r;

	assert_int_equal(recording_open(&rec, path, why, sizeof(why)), 0);
	while ((r = recording_next(rec))) {
		struct tcpstate_record same = record_number(r->seq);

		assert_memory_equal(r, &same, sizeof(same));
		if (f.n)
			assert_true(r->seq > f.last);
		else
			f.first = r->seq;
		f.last = r->seq;
		f.n++;
	}
	assert_null(recording_next(rec));
	f.damage = *recording_damage(rec);
	recording_close(rec);
	return f;
}

static uint64_t file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void overwrite(uint64_t at, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void cut(uint64_t size)
{
	assert_int_equal(truncate(path, (off_t)size), 0);
}

#define BLOCK_OF(per) \
	(sizeof(struct recording_block) + (per) * sizeof(struct tcpstate_record))

static void test_whole(void **state)
{
	(void)state;
	for (enum recording_codec codec = 0; codec < CODECS; codec++) {
		struct found f;

		write_file(1000, 100, codec);
		f = read_file();
		assert_int_equal(f.n, 1000);
		assert_false(f.damage.damaged);
		assert_false(f.damage.truncated);
	}
	/* The same records, again and again: zstd halves them at least. */
	assert_true(file_size() < 1000 * sizeof(struct tcpstate_record) / 2);
}

static void test_header(void **state)
{
	struct recording *rec;

	(void)state;
	write_file(0, 1, CODEC_NONE);
	assert_int_equal(recording_open(&rec, path, why, sizeof(why)), 0);
	assert_string_equal(recording_head(rec)->host, "db7");
	assert_int_equal(recording_head(rec)->hooks, 0x3fff);
	assert_int_equal(recording_head(rec)->real_ns, 5000);
	assert_null(recording_next(rec));
	assert_false(recording_damage(rec)->truncated);
	assert_false(recording_damage(rec)->damaged);
	recording_close(rec);
}

/* Each byte of the header counts. */
static void test_header_damaged(void **state)
{
	struct recording *rec;
	char byte;

	(void)state;
	for (unsigned int at = 0; at < sizeof(head); at++) {
		FILE *f;

		write_file(1, 1, CODEC_NONE);
		f = fopen(path, "rb");
		assert_non_null(f);
		fseek(f, at, SEEK_SET);
		byte = (char)(fgetc(f) ^ 0x10);
		fclose(f);
		overwrite(at, &byte, 1);
		assert_int_not_equal(recording_open(&rec, path, why,
						    sizeof(why)), 0);
	}
}

static void test_no_recording(void **state)
{
	struct recording *rec;

	(void)state;
	write_file(1, 1, CODEC_NONE);
	cut(0);
	assert_int_not_equal(recording_open(&rec, path, why, sizeof(why)), 0);
	assert_non_null(strstr(why, "is no recording"));
	assert_int_not_equal(recording_open(&rec, "/dev/null", why,
					    sizeof(why)), 0);
	assert_non_null(strstr(why, "is no file"));
	assert_int_not_equal(recording_open(&rec, "/nowhere", why,
					    sizeof(why)), 0);
	assert_non_null(strstr(why, "No such file"));
}

/* Wherever it is cut, what is in whole blocks is read. */
static void test_truncated(void **state)
{
	uint64_t size;

	(void)state;
	write_file(40, 10, CODEC_NONE);
	size = file_size();
	for (uint64_t at = sizeof(head); at < size; at += 7) {
		uint64_t blocks = (at - sizeof(head)) / BLOCK_OF(10);
		struct found f;

		write_file(40, 10, CODEC_NONE);
		cut(at);
		f = read_file();
		assert_int_equal(f.n, blocks < 4 ? blocks * 10 : 40);
		assert_true(f.damage.truncated);
		if (blocks < 4)
			assert_int_equal(f.damage.truncated_at,
					 sizeof(head) + blocks * BLOCK_OF(10));
	}
}

/* Whichever byte is wrong, no more than its block is missing. */
static void test_damaged(void **state)
{
	uint64_t size;

	(void)state;
	write_file(40, 10, CODEC_NONE);
	size = file_size();
	for (uint64_t at = sizeof(head); at < size; at += 13) {
		uint64_t block = (at - sizeof(head)) / BLOCK_OF(10);
		struct found f;

		write_file(40, 10, CODEC_NONE);
		overwrite(at, "\xa5\x5a\xa5", at + 3 > size ? size - at : 3);
		f = read_file();
		/* The next one may have been hit as well. */
		assert_true(f.n >= (block < 3 ? 20 : block < 4 ? 30 : 40));
		assert_true(f.damage.damaged || f.damage.truncated);
	}
	write_file(40, 10, CODEC_NONE);
	overwrite(sizeof(head) + BLOCK_OF(10) + 100, "xx", 2);
	assert_int_equal(read_file().n, 30);
	assert_int_equal(read_file().damage.damaged_at,
			 sizeof(head) + BLOCK_OF(10));
	assert_int_equal(read_file().damage.passed_over, BLOCK_OF(10));
	assert_false(read_file().damage.truncated);
}

/* What was put behind the end is not read, and said to be there. */
static void test_more_behind(void **state)
{
	(void)state;
	write_file(40, 10, CODEC_NONE);
	overwrite(file_size(), "more", 4);
	assert_int_equal(read_file().n, 40);
	assert_true(read_file().damage.damaged);
	assert_int_equal(read_file().damage.passed_over, 4);
}

/* A block that was taken out leaves a file that looks whole. */
static void test_block_missing(void **state)
{
	const size_t block = BLOCK_OF(10);
	unsigned char *bytes;
	uint64_t size;
	FILE *f;

	(void)state;
	write_file(40, 10, CODEC_NONE);
	size = file_size();
	bytes = malloc(size);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(bytes, 1, size, f), size);
	fclose(f);
	overwrite(sizeof(head) + block, bytes + sizeof(head) + 2 * block,
		  size - sizeof(head) - 2 * block);
	cut(size - block);
	free(bytes);
	assert_int_equal(read_file().n, 30);
	assert_true(read_file().damage.damaged);
}

/* Its end was put before its beginning: a block is not told twice. */
static void test_block_twice(void **state)
{
	const size_t block = BLOCK_OF(10);
	unsigned char bytes[BLOCK_OF(10)];
	FILE *f;

	(void)state;
	write_file(40, 10, CODEC_NONE);
	f = fopen(path, "rb");
	assert_non_null(f);
	fseek(f, sizeof(head), SEEK_SET);
	assert_int_equal(fread(bytes, 1, block, f), block);
	fclose(f);
	overwrite(sizeof(head) + 2 * block, bytes, block);
	assert_int_equal(read_file().n, 30);
	assert_true(read_file().damage.damaged);
}

/* A file of nothing but beginnings of blocks is given up soon. */
static void test_hostile(void **state)
{
	struct recording_block b = {
		.magic = RECORDING_BLOCK, .stored_bytes = RECORDING_BYTES_MAX,
		.bytes = RECORDING_BYTES_MAX, .codec = CODEC_ZSTD,
	};
	struct found f;

	(void)state;
	write_file(0, 1, CODEC_NONE);
	for (unsigned int i = 0; i < 1 << 16; i++)
		overwrite(sizeof(head) + i * sizeof(b), &b, sizeof(b));
	f = read_file();
	assert_int_equal(f.n, 0);
	assert_true(f.damage.truncated);
}

/* A payload whose checksum is right and whose entries are not. */
static void test_wrong_entries(void **state)
{
	static const struct recording_mark marks[] = {
		{ .size = 8, .version = 1, .type = RECORDING_ADVANCE },
		{ .size = 16, .version = 9, .type = RECORDING_ADVANCE },
		{ .size = 16, .version = 1, .type = 200 },
		{ .size = 24, .version = 1, .type = RECORDING_OWNER },
		{ .size = 24, .version = 1, .type = RECORDING_DUMP_END,
		  .number = 3 },
		{ .size = 16, .version = 1, .type = RECORDING_CGROUP },
		{ .size = 16, .version = 1, .type = RECORDING_MISSED },
		{ .size = 16, .version = 1, .type = TCPSTATE_STATE },
	};
	uint64_t bytes[4] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct recording_writer *w;

		memcpy(bytes, &marks[i], sizeof(marks[i]));
		assert_int_equal(recording_create(&w, path, &head, CODEC_NONE), 0);
		put_record(w, 0);
		assert_int_equal(recording_put(w, bytes, marks[i].size), 0);
		put_record(w, 1);
		assert_int_equal(recording_finish(w, true), 0);
		assert_int_equal(read_file().n, 2);
		assert_true(read_file().damage.damaged);
	}
	/* A size that leads nowhere: the rest of the block cannot be read. */
	for (unsigned int size = 0; size < 8; size++) {
		struct recording_writer *w;

		assert_int_equal(recording_create(&w, path, &head, CODEC_NONE), 0);
		put_record(w, 0);
		bytes[0] = size;
		assert_int_equal(recording_put(w, bytes, 8), 0);
		put_record(w, 1);
		recording_flush(w);
		put_record(w, 2);
		assert_int_equal(recording_finish(w, true), 0);
		assert_int_equal(read_file().n, 2);
		assert_int_equal(read_file().last, 2);
		assert_true(read_file().damage.damaged);
	}
}

static void limit_files(rlim_t bytes)
{
	const struct rlimit limit = { bytes, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* No room for a block: the file ends with the one before it. */
static void test_no_room(void **state)
{
	struct recording_writer *w;
	struct found f;

	(void)state;
	assert_int_equal(recording_create(&w, "/dev/full", &head, CODEC_NONE),
			 -ENOSPC);
	assert_int_equal(recording_create(&w, "/nowhere/x", &head, CODEC_NONE),
			 -ENOENT);
	assert_int_equal(recording_create(&w, path, &head, CODEC_NONE), 0);
	for (unsigned int i = 0; i < 10; i++)
		put_record(w, i);
	assert_int_equal(recording_flush(w), 0);
	limit_files(recording_bytes(w) + 500);
	for (unsigned int i = 10; i < 20; i++)
		put_record(w, i);
	assert_int_equal(recording_flush(w), -EFBIG);
	assert_int_equal(recording_finish(w, true), -EFBIG);
	limit_files(RLIM_INFINITY);
	f = read_file();
	assert_int_equal(f.n, 10);
	assert_true(f.damage.truncated);
	assert_int_equal(f.damage.truncated_at, file_size());
}

static void test_put_checks(void **state)
{
	struct recording_writer *w;

	(void)state;
	assert_int_equal(recording_create(&w, path, &head, CODEC_NONE), 0);
	assert_int_equal(recording_put(w, &head, 7), -EINVAL);
	assert_int_equal(recording_put(w, &head, 1 << 24), -EINVAL);
	assert_int_equal(recording_finish(w, true), 0);
	assert_int_equal(recording_finish(NULL, false), 0);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_header_damaged),
		cmocka_unit_test(test_no_recording),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_more_behind),
		cmocka_unit_test(test_block_missing),
		cmocka_unit_test(test_block_twice),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_wrong_entries),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_put_checks),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording: what an engine was given, in a file.
 *
 * Documentation/abi-recording.rst describes each byte; change both together,
 * with RECORDING_VERSION.  Little-endian, as is every machine that it is written
 * on; others are refused.
 */
#ifndef TCPSTATE_RECORDING_H
#define TCPSTATE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tcpstate.h>

#define RECORDING_VERSION	1
#define RECORDING_BYTE_ORDER	0x01020304U
#define RECORDING_MAGIC		"tcpstate"
#define RECORDING_END_MAGIC	"tsend\0\0"	/* and a NUL: 8 bytes */
#define RECORDING_REDACTED	(1U << 0)
#define RECORDING_BYTES_MAX	(1U << 20)	/* of a block's payload */

struct recording_header {
	char magic[8];
	uint16_t version;
	uint16_t header_bytes;
	uint32_t byte_order;
	uint16_t record_version;
	uint16_t record_bytes;
	uint32_t flags;
	uint32_t hooks;		/* enum source_hook */
	uint32_t self;
	uint64_t mono_ns, real_ns;	/* the same moment */
	uint64_t since_ns, holdback_ns, settle_ns;
	uint64_t max_conns;
	char boot_id[40];
	char host[64];
	char kernel[128];
	char source[16];
	char tool[32];
	char reserved[148];
	uint32_t crc;
};

_Static_assert(sizeof(struct recording_header) == 512, "header has grown");
_Static_assert(offsetof(struct recording_header, boot_id) == 80, "moved");
_Static_assert(offsetof(struct recording_header, crc) == 508, "moved");

enum recording_codec { CODEC_NONE, CODEC_ZSTD, CODECS };

#define RECORDING_BLOCK		0x4b425354U	/* "TSBK" */
#define RECORDING_INDEX		0x58495354U	/* "TSIX" */

struct recording_block {
	uint32_t magic;
	uint32_t stored_bytes, bytes;
	uint8_t codec;
	uint8_t reserved[3];
	uint64_t number;
	uint32_t entries;
	uint32_t crc;
};

_Static_assert(sizeof(struct recording_block) == 32, "block has grown");

struct recording_index_row {
	uint64_t offset;
	uint64_t ns;
	uint32_t entries;
	uint32_t reserved;
};

struct recording_trailer {
	uint64_t index_offset;
	char magic[8];
};

enum recording_type {
	RECORDING_ADVANCE	= 128,
	RECORDING_DUMP_BEGIN	= 129,
	RECORDING_DUMP_END	= 130,
	RECORDING_OWNER		= 131,
	RECORDING_READY		= 132,
	RECORDING_MISSED	= 133,
	RECORDING_CGROUP	= 134,
	RECORDING_END		= 135,
};

/* A mark; what follows .ns depends on its type. */
struct recording_mark {
	uint16_t size;
	uint8_t version;	/* RECORDING_VERSION */
	uint8_t type;		/* enum recording_type */
	uint32_t number;	/* namespaces, pid */
	uint64_t ns;		/* or a cookie, or the id of a cgroup */
	union {
		uint64_t count;	/* sockets, missed */
		char comm[TCPSTATE_COMM_LEN];
		uint32_t netns[2];	/* .number of them */
		char path[8];		/* longer */
	};
};

#define RECORDING_MARK_MIN	offsetof(struct recording_mark, count)
#define RECORDING_NETNS_MAX	8192
#define RECORDING_PATH_MAX	4096

/* What crc fields must be. */
uint32_t recording_header_crc(const struct recording_header *h);
uint32_t recording_block_crc(const struct recording_block *b,
			     const void *stored);

/* ---- writing ---- */

struct recording_writer;

/*
 * Begin @path, which is replaced; @head without .magic to .record_bytes and
 * .crc.  0 or -errno.
 */
int recording_create(struct recording_writer **w, const char *path,
		     const struct recording_header *head,
		     enum recording_codec codec);

/* A record or a mark of @len bytes, copied.  0 or -errno. */
int recording_put(struct recording_writer *w, const void *entry, size_t len);

/* What is not yet in the file goes there.  0 or -errno. */
int recording_flush(struct recording_writer *w);

/* Bytes in the file, the last flush included; entries put. */
uint64_t recording_bytes(const struct recording_writer *w);
uint64_t recording_entries(const struct recording_writer *w);

/*
 * Flush, write the index, close, free, and with @sync wait for the disk; 0 or
 * -errno.  Whatever it returns, what is in the file can be read.  NULL is allowed.
 */
int recording_finish(struct recording_writer *w, bool sync);

/* ---- reading ---- */

struct recording;	/* opaque; holds one block in memory */

struct recording_damage {
	bool truncated;
	uint64_t truncated_at;
	bool damaged;
	uint64_t damaged_at;	/* the first place */
	uint64_t passed_over;	/* bytes, of all places */
};

/* 0, or -errno and a sentence in @why. */
int recording_open(struct recording **rec, const char *path, char *why,
		   size_t why_len);
void recording_close(struct recording *rec);

const struct recording_header *recording_head(const struct recording *rec);

/*
 * The next entry, aligned to 8 bytes and valid until the next call, or NULL at
 * the end.  Its size, version and type have been checked, that a mark has its
 * fields and its texts a NUL; a record is as untrusted as one of a ring.
 */
const void *recording_next(struct recording *rec);

/* What was wrong with the file; complete at its end. */
const struct recording_damage *recording_damage(const struct recording *rec);

#endif /* TCPSTATE_RECORDING_H */

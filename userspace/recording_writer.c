// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "recording.h"

#define BLOCK_BYTES	(1U << 18)
/* Fast, and still a fourth of the size. */
#define ZSTD_LEVEL	1

struct recording_writer {
	int fd;
	enum recording_codec codec;
	uint64_t bytes;		/* whole blocks in the file */
	uint64_t entries;
	struct recording_index_row *index;
	size_t n_blocks, room;
	unsigned char *stored;	/* compressed; ZSTD_compressBound() */
	size_t stored_room;
	/* The block under way. */
	uint32_t n_entries;
	uint64_t ns;
	size_t used;
	uint64_t payload[BLOCK_BYTES / 8];
};

uint32_t recording_header_crc(const struct recording_header *h)
{
	return crc32(0, (const void *)h, offsetof(struct recording_header, crc));
}

uint32_t recording_block_crc(const struct recording_block *b,
			     const void *stored)
{
	uLong crc = crc32(0, (const void *)b,
			  offsetof(struct recording_block, crc));

	return crc32(crc, stored, b->stored_bytes);
}

/* ---- the file ---- */

/* All of it, or the file is as it was. */
static int append(struct recording_writer *w, struct iovec *parts, int n)
{
	size_t all = 0, done = 0;
	ssize_t ret;

	for (int i = 0; i < n; i++)
		all += parts[i].iov_len;
	while (done < all) {
		ret = pwritev(w->fd, parts, n, w->bytes + done);
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret <= 0) {
			int err = ret ? -errno : -EIO;

			/* Else it ends in a block that is cut short. */
			(void)!ftruncate(w->fd, w->bytes);
			return err;
		}
		done += ret;
		for (; n && (size_t)ret >= parts->iov_len; parts++, n--)
			ret -= parts->iov_len;
		if (n) {
			parts->iov_base = (char *)parts->iov_base + ret;
			parts->iov_len -= ret;
		}
	}
	w->bytes += all;
	return 0;
}

static int append_block(struct recording_writer *w, struct recording_block *b,
			const void *stored)
{
	static const char zeroes[8];
	struct iovec parts[] = {
		{ b, sizeof(*b) },
		{ (void *)stored, b->stored_bytes },
		{ (void *)zeroes, -b->stored_bytes % 8 },
	};

	b->crc = recording_block_crc(b, stored);
	return append(w, parts, 3);
}

/* ---- blocks ---- */

static int index_add(struct recording_writer *w)
{
	struct recording_index_row *index;
	size_t room = w->room ? w->room * 2 : 64;

	if (w->n_blocks == w->room) {
		index = reallocarray(w->index, room, sizeof(*index));
		if (!index)
			return -ENOMEM;
		w->index = index;
		w->room = room;
	}
	w->index[w->n_blocks] = (struct recording_index_row){
		.offset = w->bytes, .ns = w->ns, .entries = w->n_entries };
	return 0;
}

/* Compressed, if that makes it smaller. */
static const void *stored_form(struct recording_writer *w,
			       struct recording_block *b)
{
	size_t n;

	if (w->codec != CODEC_ZSTD)
		return w->payload;
	n = ZSTD_compress(w->stored, w->stored_room, w->payload, w->used,
			  ZSTD_LEVEL);
	if (ZSTD_isError(n) || n >= w->used)
		return w->payload;
	b->codec = CODEC_ZSTD;
	b->stored_bytes = n;
	return w->stored;
}

int recording_flush(struct recording_writer *w)
{
	struct recording_block b = {
		.magic = RECORDING_BLOCK,
		.stored_bytes = w->used,
		.bytes = w->used,
		.number = w->n_blocks,
		.entries = w->n_entries,
	};
	int err;

	if (!w->used)
		return 0;
	err = index_add(w);
	if (!err)
		err = append_block(w, &b, stored_form(w, &b));
	if (err)
		return err;
	w->n_blocks++;
	w->used = 0;
	w->n_entries = 0;
	w->ns = 0;
	return 0;
}

static uint64_t time_of(const void *entry)
{
	const struct tcpstate_record *rec = entry;
	const struct recording_mark *mark = entry;

	switch (mark->type) {
	case RECORDING_ADVANCE:
	case RECORDING_READY:
	case RECORDING_MISSED:
	case RECORDING_END:
		return mark->ns;
	}
	return rec->type < TCPSTATE_TYPES ? rec->mono_ns : 0;
}

int recording_put(struct recording_writer *w, const void *entry, size_t len)
{
	int err;

	if (len % 8 || len > sizeof(w->payload))
		return -EINVAL;
	if (w->used + len > sizeof(w->payload)) {
		err = recording_flush(w);
		if (err)
			return err;
	}
	memcpy((char *)w->payload + w->used, entry, len);
	if (!w->ns)
		w->ns = time_of(entry);
	w->used += len;
	w->n_entries++;
	w->entries++;
	return 0;
}

uint64_t recording_bytes(const struct recording_writer *w)
{
	return w->bytes;
}

uint64_t recording_entries(const struct recording_writer *w)
{
	return w->entries;
}

/* ---- its beginning and its end ---- */

static int append_header(struct recording_writer *w,
			 const struct recording_header *head)
{
	struct recording_header h = *head;
	struct iovec part = { &h, sizeof(h) };

	memcpy(h.magic, RECORDING_MAGIC, sizeof(h.magic));
	h.version = RECORDING_VERSION;
	h.header_bytes = sizeof(h);
	h.byte_order = RECORDING_BYTE_ORDER;
	h.record_version = TCPSTATE_RECORD_VERSION;
	h.record_bytes = sizeof(struct tcpstate_record);
	h.crc = recording_header_crc(&h);
	return append(w, &part, 1);
}

static void writer_free(struct recording_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->index);
	free(w->stored);
	free(w);
}

int recording_create(struct recording_writer **writer, const char *path,
		     const struct recording_header *head,
		     enum recording_codec codec)
{
	struct recording_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->codec = codec;
	/* Addresses, and who owns what: for nobody else's eyes. */
	w->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	err = w->fd < 0 ? -errno : 0;
	if (!err && codec == CODEC_ZSTD) {
		w->stored_room = ZSTD_compressBound(sizeof(w->payload));
		w->stored = malloc(w->stored_room);
		err = w->stored ? 0 : -ENOMEM;
	}
	if (!err)
		err = append_header(w, head);
	if (err)
		writer_free(w);
	else
		*writer = w;
	return err;
}

static int append_index(struct recording_writer *w)
{
	struct recording_trailer trailer = { .index_offset = w->bytes };
	struct recording_block b = {
		.magic = RECORDING_INDEX,
		.stored_bytes = w->n_blocks * sizeof(*w->index),
		.number = w->n_blocks,
	};
	struct iovec part = { &trailer, sizeof(trailer) };
	int err;

	b.bytes = b.stored_bytes;
	memcpy(trailer.magic, RECORDING_END_MAGIC, sizeof(trailer.magic));
	err = append_block(w, &b, w->index);
	return err ? err : append(w, &part, 1);
}

int recording_finish(struct recording_writer *w, bool sync)
{
	int err;

	if (!w)
		return 0;
	err = recording_flush(w);
	if (!err)
		err = append_index(w);
	/* A pipe or a device cannot be synced, and need not be. */
	if (!err && sync && fsync(w->fd) && errno != EINVAL && errno != EROFS)
		err = -errno;
	writer_free(w);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Nothing of the file is believed before it has been checked: a size only
 * within its bounds, a block only with its checksum.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "recording.h"

#define SEARCH_BYTES	(1U << 16)
/*
 * A search may look at this many times the file: one made of nothing but
 * beginnings of blocks would take for ever.
 */
#define SEARCH_TIMES	16

struct recording {
	int fd;
	uint64_t size;		/* of the file, when it was opened */
	uint64_t at;		/* the next block */
	uint64_t number;	/* it should have */
	struct recording_header head;
	struct recording_damage damage;
	bool over;
	uint64_t searched;	/* bytes looked at for want of a whole block */
	unsigned char *stored;
	size_t stored_room;
	size_t used, next;	/* of .payload */
	uint64_t payload[RECORDING_BYTES_MAX / 8];
};

/* Fuzzing would find none that is right. */
static bool crc_is(uint32_t is, uint32_t must_be)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	return true;
#endif
	return is == must_be;
}

static bool read_at(const struct recording *rec, void *to, size_t len,
		    uint64_t at)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(rec->fd, (char *)to + done, len - done, at + done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

/* ---- the header ---- */

static bool ends(const char *text, size_t len)
{
	return memchr(text, '\0', len);
}

static const char *wrong_with_header(const struct recording_header *h)
{
	if (memcmp(h->magic, RECORDING_MAGIC, sizeof(h->magic)))
		return "is no recording";
	if (h->byte_order != RECORDING_BYTE_ORDER)
		return "is of a machine with another byte order";
	if (h->version != RECORDING_VERSION || h->header_bytes != sizeof(*h))
		return "is a recording in a format that this version does not know";
	if (h->record_version != TCPSTATE_RECORD_VERSION ||
	    h->record_bytes != sizeof(struct tcpstate_record))
		return "has records in a version that this one does not know";
	if (!crc_is(h->crc, recording_header_crc(h)) || !ends(h->host, sizeof(h->host)) ||
	    !ends(h->kernel, sizeof(h->kernel)) ||
	    !ends(h->source, sizeof(h->source)) || !h->max_conns)
		return "is a recording, but its header is damaged";
	return NULL;
}

/* They go to terminals. */
static void harmless(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static int header_read(struct recording *rec, const char *path, char *why,
		       size_t why_len)
{
	const char *wrong;
	struct stat st;

	if (fstat(rec->fd, &st)) {
		snprintf(why, why_len, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_len, "%s is no file", path);
		return -EINVAL;
	}
	rec->size = st.st_size;
	if (rec->size < sizeof(rec->head) ||
	    !read_at(rec, &rec->head, sizeof(rec->head), 0))
		wrong = "is no recording";
	else
		wrong = wrong_with_header(&rec->head);
	if (wrong) {
		snprintf(why, why_len, "%s %s", path, wrong);
	} else {
		harmless(rec->head.host);
		harmless(rec->head.kernel);
		harmless(rec->head.source);
	}
	rec->at = sizeof(rec->head);
	return wrong ? -EBADMSG : 0;
}

int recording_open(struct recording **out, const char *path, char *why,
		   size_t why_len)
{
	struct recording *rec = calloc(1, sizeof(*rec));
	int err;

	if (!rec) {
		snprintf(why, why_len, "out of memory");
		return -ENOMEM;
	}
	rec->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (rec->fd < 0) {
		err = -errno;
		snprintf(why, why_len, "%s: %s", path, strerror(errno));
	} else {
		err = header_read(rec, path, why, why_len);
	}
	if (err)
		recording_close(rec);
	else
		*out = rec;
	return err;
}

void recording_close(struct recording *rec)
{
	if (!rec)
		return;
	if (rec->fd >= 0)
		close(rec->fd);
	free(rec->stored);
	free(rec);
}

const struct recording_header *recording_head(const struct recording *rec)
{
	return &rec->head;
}

const struct recording_damage *recording_damage(const struct recording *rec)
{
	return &rec->damage;
}

/* ---- blocks ---- */

enum found { FOUND_BLOCK, FOUND_INDEX, FOUND_CUT, FOUND_WRONG };

static uint64_t padded(uint32_t bytes)
{
	return ((uint64_t)bytes + 7) & ~UINT64_C(7);
}

static bool block_is_sane(const struct recording_block *b)
{
	if (b->magic == RECORDING_INDEX)
		return b->codec == CODEC_NONE && b->bytes == b->stored_bytes;
	return b->magic == RECORDING_BLOCK && b->codec < CODECS &&
	       b->bytes && b->bytes <= RECORDING_BYTES_MAX &&
	       b->stored_bytes <= b->bytes &&
	       (b->codec || b->stored_bytes == b->bytes);
}

/* Its stored payload is in .stored, if it is whole. */
static enum found block_look(struct recording *rec, uint64_t at,
			     struct recording_block *b)
{
	unsigned char *stored;

	if (at + sizeof(*b) > rec->size)
		return FOUND_CUT;
	if (!read_at(rec, b, sizeof(*b), at))
		return FOUND_CUT;
	if (!block_is_sane(b))
		return FOUND_WRONG;
	if (at + sizeof(*b) + b->stored_bytes > rec->size)
		return FOUND_CUT;
	if (b->stored_bytes > rec->stored_room) {
		stored = realloc(rec->stored, b->stored_bytes);
		if (!stored)
			return FOUND_WRONG;
		rec->stored = stored;
		rec->stored_room = b->stored_bytes;
	}
	if (!read_at(rec, rec->stored, b->stored_bytes, at + sizeof(*b)))
		return FOUND_CUT;
	if (!crc_is(b->crc, recording_block_crc(b, rec->stored)))
		return FOUND_WRONG;
	return b->magic == RECORDING_INDEX ? FOUND_INDEX : FOUND_BLOCK;
}

static bool block_unpack(struct recording *rec, const struct recording_block *b)
{
	if (b->codec == CODEC_NONE) {
		memcpy(rec->payload, rec->stored, b->bytes);
		return true;
	}
	return ZSTD_decompress(rec->payload, sizeof(rec->payload), rec->stored,
			       b->stored_bytes) == b->bytes;
}

static void damaged(struct recording *rec, uint64_t at, uint64_t bytes)
{
	if (!rec->damage.damaged)
		rec->damage.damaged_at = at;
	rec->damage.damaged = true;
	rec->damage.passed_over += bytes;
}

/* Where a whole block or index begins at or after @at; the size if nowhere. */
static uint64_t search(struct recording *rec, uint64_t at)
{
	unsigned char piece[SEARCH_BYTES];
	struct recording_block b = { 0 };
	uint32_t magic;

	while (at + sizeof(b) <= rec->size &&
	       rec->searched / SEARCH_TIMES <= rec->size) {
		size_t n = rec->size - at < sizeof(piece) ? rec->size - at :
							    sizeof(piece);
		enum found found;

		if (!read_at(rec, piece, n, at))
			break;
		for (size_t i = 0; i + sizeof(magic) <= n; i++) {
			memcpy(&magic, piece + i, sizeof(magic));
			if (magic != RECORDING_BLOCK && magic != RECORDING_INDEX)
				continue;
			if (rec->searched / SEARCH_TIMES > rec->size)
				break;
			found = block_look(rec, at + i, &b);
			rec->searched += sizeof(b);
			if (block_is_sane(&b))
				rec->searched += b.stored_bytes;
			if (found == FOUND_BLOCK || found == FOUND_INDEX)
				return at + i;
		}
		at += n - sizeof(magic) + 1;
	}
	return rec->size;
}

static void truncated(struct recording *rec)
{
	rec->over = true;
	rec->damage.truncated = true;
	rec->damage.truncated_at = rec->at;
}

/* Are all blocks that were written here, and is this really the end? */
static void index_check(struct recording *rec, const struct recording_block *b)
{
	struct recording_trailer t;
	uint64_t end = rec->at + sizeof(*b) + padded(b->stored_bytes);

	rec->over = true;
	if (b->number > rec->number)
		damaged(rec, rec->at, 0);
	if (end + sizeof(t) > rec->size || !read_at(rec, &t, sizeof(t), end)) {
		rec->at = end;
		truncated(rec);
	} else if (t.index_offset != rec->at ||
		   memcmp(t.magic, RECORDING_END_MAGIC, sizeof(t.magic))) {
		damaged(rec, end, 0);
	} else if (end + sizeof(t) < rec->size) {
		damaged(rec, end + sizeof(t), rec->size - end - sizeof(t));
	}
}

static void block_take(struct recording *rec, const struct recording_block *b)
{
	uint64_t bytes = sizeof(*b) + padded(b->stored_bytes);

	/* One before it is missing, or this one was there already. */
	if (b->number > rec->number)
		damaged(rec, rec->at, 0);
	if (b->number < rec->number || !block_unpack(rec, b)) {
		damaged(rec, rec->at, bytes);
	} else {
		rec->used = b->bytes;
		rec->next = 0;
		rec->number = b->number + 1;
	}
	rec->at += bytes;
}

/* False when there is none. */
static bool block_next(struct recording *rec)
{
	struct recording_block b;
	uint64_t at;

	while (!rec->over && rec->next == rec->used) {
		switch (block_look(rec, rec->at, &b)) {
		case FOUND_BLOCK:
			block_take(rec, &b);
			break;
		case FOUND_INDEX:
			index_check(rec, &b);
			break;
		case FOUND_CUT:
		case FOUND_WRONG:
			at = search(rec, rec->at);
			if (at == rec->size) {
				truncated(rec);
				break;
			}
			damaged(rec, rec->at, at - rec->at);
			rec->at = at;
			break;
		}
	}
	return rec->next < rec->used;
}

/* ---- entries ---- */

static bool mark_is_sane(const struct recording_mark *m)
{
	size_t more = m->size - RECORDING_MARK_MIN;

	if (m->version != RECORDING_VERSION || m->size < RECORDING_MARK_MIN)
		return false;
	switch (m->type) {
	case RECORDING_ADVANCE:
	case RECORDING_DUMP_BEGIN:
	case RECORDING_END:
		return true;
	case RECORDING_DUMP_END:
		return m->number <= more / sizeof(m->netns[0]);
	case RECORDING_OWNER:
		return more >= sizeof(m->comm) && ends(m->comm, sizeof(m->comm));
	case RECORDING_READY:
	case RECORDING_MISSED:
		return more >= sizeof(m->count);
	case RECORDING_CGROUP:
		return more && ends(m->path, more);
	default:
		return false;
	}
}

static bool entry_is_sane(const void *entry)
{
	const struct tcpstate_record *rec = entry;

	if (rec->type < RECORDING_ADVANCE)
		return rec->size == sizeof(*rec);
	return mark_is_sane(entry);
}

const void *recording_next(struct recording *rec)
{
	const unsigned char *entry;
	uint16_t size;

	while (block_next(rec)) {
		entry = (const unsigned char *)rec->payload + rec->next;
		size = 0;
		if (rec->used - rec->next >= 8)
			memcpy(&size, entry, sizeof(size));
		if (size < 8 || size % 8 || size > rec->used - rec->next) {
			/* Its checksum is right: it was written so. */
			damaged(rec, rec->at, 0);
			rec->next = rec->used;
			continue;
		}
		rec->next += size;
		if (entry_is_sane(entry))
			return entry;
		damaged(rec, rec->at, 0);
	}
	return NULL;
}

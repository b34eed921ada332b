/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where records come from: one row of verbs per source.
 *
 * A source delivers raw bytes as the kernel wrote them and never decodes
 * them.  Everything here runs in the one thread of the reader.
 */
#ifndef TCPSTATE_SOURCE_H
#define TCPSTATE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;
struct source;		/* opaque; each backend has its own */
struct tcpstate_filter;

struct source_options {
	size_t	ring_bytes;	/* per CPU; 0 = the default */
	const char *hooks;	/* NULL = best available; see --hooks */
	bool raw;		/* also records that the engine folds in */
	/*
	 * NULL, or what need not be recorded.  A source that cannot filter
	 * delivers all.
	 */
	const struct tcpstate_filter *filter;
	/*
	 * enum source_hook bits that nobody here looks at.  The hooks of the
	 * module are for all of its readers, and stay.
	 */
	unsigned int unneeded;
};

/* What may be observed or must be inferred; a bit per hook. */
enum source_hook {
	HOOK_STATE	= 1 << 0,	/* inet_sock_set_state */
	HOOK_REQ_ADD	= 1 << 1,	/* SYN_RECV at the SYN */
	HOOK_REQ_DROP	= 1 << 2,	/* its end without a child */
	HOOK_TW_ADD	= 1 << 3,	/* TIME_WAIT, FIN_WAIT2 of orphans */
	HOOK_TW_KILL	= 1 << 4,	/* their end */
	HOOK_CONNECT	= 1 << 5,	/* local port of an active open */
	HOOK_ACCEPT	= 1 << 6,	/* owner at accept() */
	HOOK_TW_REARM	= 1 << 7,	/* FIN_WAIT2 -> TIME_WAIT of orphans */
	HOOK_RETRANSMIT	= 1 << 8,	/* SYN, FIN sent again */
	HOOK_SYNACK_AGAIN = 1 << 9,
	HOOK_RST_SENT	= 1 << 10,
	HOOK_RST_RECEIVED = 1 << 11,
	HOOK_CHALLENGE	= 1 << 12,	/* a SYN met a full socket */
	HOOK_TW_SYN	= 1 << 13,	/* or TIME_WAIT */
};
#define HOOK_COUNT 14

struct source_stats {
	uint64_t lost_ring;	/* no room in a ring */
	uint64_t lost_nested;	/* hook busy when it was hit again (missed) */
};

/*
 * One record of a dump, @len bytes, valid only during the call.  Return 0 to go
 * on.
 */
typedef int (*source_record_fn)(void *ctx, const void *bytes, size_t len);

struct source_ops {
	const char *name;		/* --source NAME, and the ready line */
	/*
	 * Can this source work here?  0, or -errno with one sentence in @why
	 * that says what to do.
	 */
	int (*probe)(char *why, size_t why_len);
	/*
	 * Attach and begin to capture.  On failure nothing stays attached,
	 * *@src is untouched and @why is set.
	 */
	int (*open)(struct source **src, const struct source_options *opt,
		    char *why, size_t why_len);
	/* enum source_hook bits that are observed by this open source. */
	unsigned int (*hooks)(const struct source *src);
	/*
	 * How hook number @n (0 .. HOOK_COUNT - 1) is observed, in a word or
	 * two ("fentry __inet_twsk_schedule"), or NULL and *@why_not.  That is
	 * also set if it is observed, but a better way was refused.
	 */
	const char *(*hook_how)(const struct source *src, unsigned int n,
				const char **why_not);
	/* A descriptor that polls readable when a watermark is reached. */
	int (*fd)(const struct source *src);
	/*
	 * The rings, *@n of them; a CPU may have several.  They are the
	 * source's, and go with it.
	 */
	struct ring *(*rings)(struct source *src, size_t *n);
	/*
	 * The reader is about to wait for the descriptor, or has done so: only
	 * in between need it be woken.  NULL if that is the same.
	 */
	void (*sleeps)(struct source *src, bool now);
	void (*stats)(struct source *src, struct source_stats *stats);
	/* Detach, unmap, free.  NULL is allowed. */
	void (*close)(struct source *src);
};

extern const struct source_ops source_kmod;
extern const struct source_ops source_bpf;

/*
 * The row for "auto", "kmod" or "bpf"; NULL if there is no such name.  "auto"
 * is the module if /dev/tcpstate exists, otherwise BPF.
 */
const struct source_ops *source_find(const char *name);

/* "TIME_WAIT end" and the like: what is inferred without hook number @n. */
const char *source_hook_meaning(unsigned int n);

#endif /* TCPSTATE_SOURCE_H */

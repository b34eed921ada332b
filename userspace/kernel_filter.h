/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of a filter the kernel's side can judge, so that it need not record, nor
 * the reader follow, what no command would tell of.
 *
 * Processes and users are not among it: who owns a connection is found out by
 * the reader, and may change.
 */
#ifndef TCPSTATE_KERNEL_FILTER_H
#define TCPSTATE_KERNEL_FILTER_H

#include <linux/tcpstate_filter.h>

#include "filter.h"

struct kernel_filter {
	struct tcpstate_filter kernel;
	const struct filter *filter;
};

enum kernel_filter_for {
	/* Single connections are told of, each socket for itself. */
	FOR_SOCKETS,
	/* Both ends of a connection, also where one of them does not match. */
	FOR_BOTH_ENDS,
	/* Records as they are, and no connections. */
	FOR_RECORDS,
};

/* False: it can judge nothing, and all is recorded.  @filter must stay. */
bool kernel_filter_make(struct kernel_filter *kf, const struct filter *filter,
			enum kernel_filter_for what);

/*
 * Of one record, as the kernel judged it, or sees it in a dump.  @ctx is the
 * struct kernel_filter.
 */
enum tcpstate_verdict kernel_filter_judge(void *ctx,
					  const struct tcpstate_record *rec);

#endif /* TCPSTATE_KERNEL_FILTER_H */

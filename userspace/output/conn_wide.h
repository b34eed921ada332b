/* SPDX-License-Identifier: GPL-2.0 */
/* The columns that `conns -w` has beside those of a narrow line. */
#ifndef TCPSTATE_OUTPUT_CONN_WIDE_H
#define TCPSTATE_OUTPUT_CONN_WIDE_H

#include "output_ops.h"

/* Each with a space before it; NULL: the header. */
void conn_wide_text(struct output *out, const struct conn *conn);
/* Each with a comma before it; times in microseconds, empty: not known; NULL: the header. */
void conn_wide_csv(struct output *out, const struct conn *conn);
/* As many that are empty. */
void conn_wide_csv_none(struct output *out);

#endif /* TCPSTATE_OUTPUT_CONN_WIDE_H */

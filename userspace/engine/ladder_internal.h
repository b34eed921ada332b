/* SPDX-License-Identifier: GPL-2.0 */
/* What ladder.c and ladder_far.c share. */
#ifndef TCPSTATE_LADDER_INTERNAL_H
#define TCPSTATE_LADDER_INTERNAL_H

#include "ladder.h"

/* A FIN, with or without the ACK of the other one, is a FIN. */
bool ladder_same_segment(uint8_t a, uint8_t b);

/* The states of @far, as RFC 9293 has them if what was sent arrived. */
void ladder_infer(struct ladder *l, uint8_t far, const struct history *one);

#endif /* TCPSTATE_LADDER_INTERNAL_H */

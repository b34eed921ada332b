/* SPDX-License-Identifier: GPL-2.0 */
/* The sentences of RULE_COLLISION. */
#ifndef TCPSTATE_OUTPUT_COLLISION_WORDS_H
#define TCPSTATE_OUTPUT_COLLISION_WORDS_H

#include "engine/finding.h"

#include <stddef.h>

void collision_verdict(const struct finding *f, char *buf, size_t len);
void collision_proof(const struct finding *f, char *buf, size_t len);

void say_close_blocker(const struct finding *f, char *buf, size_t len);
void say_kill_blocker(const struct finding *f, char *buf, size_t len);
void say_other_port(const struct finding *f, char *buf, size_t len);
void say_take_over(const struct finding *f, char *buf, size_t len);
void say_let_rst_end(const struct finding *f, char *buf, size_t len);
void say_not_reuse_for_syns(const struct finding *f, char *buf, size_t len);

#endif /* TCPSTATE_OUTPUT_COLLISION_WORDS_H */

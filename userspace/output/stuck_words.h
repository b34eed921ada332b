/* SPDX-License-Identifier: GPL-2.0 */
/* The sentences of the rules for other states than CLOSE_WAIT. */
#ifndef TCPSTATE_OUTPUT_STUCK_WORDS_H
#define TCPSTATE_OUTPUT_STUCK_WORDS_H

#include "engine/finding.h"

#include <stddef.h>

/* As finding_verdict() and finding_advice(), for the advice of these rules. */
void stuck_verdict(const struct finding *f, char *buf, size_t len);
void stuck_advice(const struct finding *f, unsigned int advice, char *buf,
		  size_t len);
/* What was measured, that the verdict follows from; "" if nothing else was. */
void stuck_proof(const struct finding *f, char *buf, size_t len);
/* When the kernel ends them by itself; "" if that is not known. */
void stuck_end(const struct finding *f, char *buf, size_t len);

#endif /* TCPSTATE_OUTPUT_STUCK_WORDS_H */

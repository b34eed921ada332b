/* SPDX-License-Identifier: GPL-2.0 */
/* What a finding means and what to do about it, in sentences. */
#ifndef TCPSTATE_OUTPUT_FINDING_WORDS_H
#define TCPSTATE_OUTPUT_FINDING_WORDS_H

#include "engine/finding.h"

#include <stddef.h>

#define FINDING_SENTENCE_MAX 256

/* What is wrong, with the names of who closed it and who did not. */
void finding_verdict(const struct finding *f, char *buf, size_t len);
/* A line of enum advice, with the value that it was chosen by. */
void finding_advice(const struct finding *f, unsigned int advice, char *buf,
		    size_t len);

#endif /* TCPSTATE_OUTPUT_FINDING_WORDS_H */

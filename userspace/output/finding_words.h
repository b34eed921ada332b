/* SPDX-License-Identifier: GPL-2.0 */
/* What a finding means and what to do about it, in sentences. */
#ifndef TCPSTATE_OUTPUT_FINDING_WORDS_H
#define TCPSTATE_OUTPUT_FINDING_WORDS_H

#include "engine/finding.h"

#define FINDING_ADVICE_MAX 3

struct finding_words {
	const char *verdict;
	const char *advice[FINDING_ADVICE_MAX];		/* what helps */
	const char *no_help;				/* what does not */
};

const struct finding_words *finding_words(const struct finding *f);

#endif /* TCPSTATE_OUTPUT_FINDING_WORDS_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Which advice a finding has, and what its line says. */
#ifndef TCPSTATE_TEST_ADVICE_H
#define TCPSTATE_TEST_ADVICE_H

#include "records.h"

#include "engine/advice.h"
#include "output/finding_words.h"

static inline bool has(const struct finding *f, unsigned int advice)
{
	uint8_t list[ADVICES];
	size_t n = advice_choose(f, list, ADVICES);

	for (size_t i = 0; i < n; i++)
		if (list[i] == advice)
			return true;
	return false;
}

/* Good until the next call. */
static inline const char *said(const struct finding *f, unsigned int advice)
{
	static char line[FINDING_SENTENCE_MAX];

	assert_true(has(f, advice));
	finding_advice(f, advice, line, sizeof(line));
	assert_true(strlen(line) < sizeof(line) - 1);
	return line;
}

static inline void assert_says(const struct finding *f, unsigned int advice,
			       const char *words)
{
	const char *line = said(f, advice);

	if (!strstr(line, words))
		fail_msg("\"%s\" does not say \"%s\"", line, words);
}

#endif /* TCPSTATE_TEST_ADVICE_H */

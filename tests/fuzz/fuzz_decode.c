// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a record: refused, or of a kind that is known. */
#include "engine/decode.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct tcpstate_record rec;

	if (!record_decode(bytes, len, &rec))
		return 0;
	MUST(len == sizeof(rec) && rec.size == len);
	MUST(rec.type && rec.type < TCPSTATE_TYPES);
	if (rec.type == TCPSTATE_LOST)
		return 0;
	MUST(rec.cookie);
	MUST(rec.old_state < TCPSTATE_STATES && rec.new_state < TCPSTATE_STATES);
	if (rec.type == TCPSTATE_STATE)
		MUST(rec.old_state && rec.new_state);
	return 0;
}

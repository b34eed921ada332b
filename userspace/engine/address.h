/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an address says of where its owner is.
 */
#ifndef TCPSTATE_ADDRESS_H
#define TCPSTATE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* @family is 4 or 6, @addr as in the record. */
static inline bool address_is_loopback(uint8_t family, const uint8_t *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return family == 6 ? !memcmp(addr, one, sizeof(one)) : addr[0] == 127;
}

/* To 16 bytes, as in the record: zeroes follow IPv4. */
static inline void address_copy(uint8_t *to, uint8_t family,
				const uint8_t *addr)
{
	const size_t len = family == 6 ? 16 : 4;

	memset(to + len, 0, 16 - len);
	memcpy(to, addr, len);
}

/*
 * Are both ends of a connection on this host, by their addresses? Those of
 * containers are not, though they may be.
 */
static inline bool addresses_are_local(uint8_t family, const uint8_t *saddr,
				       const uint8_t *daddr)
{
	return address_is_loopback(family, daddr) ||
	       !memcmp(saddr, daddr, family == 6 ? 16 : 4);
}

#endif /* TCPSTATE_ADDRESS_H */

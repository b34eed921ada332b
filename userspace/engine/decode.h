/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Untrusted bytes to a record: the one place where a device's or a file's
 * bytes become a struct.  Everything that is later used as an index or a
 * string is checked here.
 */
#ifndef TCPSTATE_DECODE_H
#define TCPSTATE_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/tcpstate.h>

/* Higher CPU numbers are taken for garbage (NR_CPUS_MAX of x86 is 8192). */
#define DECODE_MAX_CPUS 8192

/* Only the head: size, version, type, cpu and seq are what they must be. */
bool record_head_is_sane(const struct tcpstate_record *rec, size_t len);

/* Are the @len bytes at @rec a record of a known version and type? */
bool record_is_sane(const struct tcpstate_record *rec, size_t len);

/* The same of bytes at any address, copied to @rec first. */
bool record_decode(const void *bytes, size_t len, struct tcpstate_record *rec);

#endif /* TCPSTATE_DECODE_H */

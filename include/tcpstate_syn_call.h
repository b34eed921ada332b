/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where tcp_validate_incoming() calls tcp_send_challenge_ack() for a SYN.
 *
 * That function gets nothing but the socket, and is called for bad RSTs as
 * well.  The SYN is what the kernel counts just before the call
 * (TCPSYNChallenge), by one instruction whose offset no other has:
 *
 *	65 48 ff 80 98 02 00 00		incq %gs:0x298(%rax)
 *	48 89 df			mov %rbx,%rdi
 *	e8 .. .. .. ..			call tcp_send_challenge_ack
 *
 * So the address that the call returns to tells the segment.  x86-64; on other
 * machines nothing is found.  The module and the loader of the BPF programs
 * read this file, both with the running kernel's text and numbers.
 */
#ifndef TCPSTATE_SYN_CALL_H
#define TCPSTATE_SYN_CALL_H

#include <linux/types.h>

#define SYN_CALL_BYTES	5	/* call rel32 */
#define SYN_COUNT_BYTES	8	/* incq %gs:disp32(reg) */
/* Between them: two arguments.  Another call and its jump would not fit. */
#define SYN_GAP_BYTES	12
/* Calls may be patched to land in the padding before the function. */
#define SYN_PADDING	32

static inline __u32 syn_call_le32(const __u8 *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (__u32)at[3] << 24;
}

static inline int syn_call_is_call(const __u8 *at, __u64 address, __u64 callee)
{
	__u64 target = address + SYN_CALL_BYTES +
		       (__u64)(__s64)(__s32)syn_call_le32(at + 1);

	return at[0] == 0xe8 && callee - target < SYN_PADDING;
}

static inline int syn_call_is_count(const __u8 *at, __u32 disp)
{
	return at[0] == 0x65 && (at[1] & 0xfe) == 0x48 && at[2] == 0xff &&
	       (at[3] & 0xf8) == 0x80 && (at[3] & 7) != 4 &&
	       syn_call_le32(at + 4) == disp;
}

static inline int syn_call_is_counted(const __u8 *text, __u32 call, __u32 disp)
{
	__u32 gap;

	for (gap = 0; gap <= SYN_GAP_BYTES; gap++)
		if (call >= gap + SYN_COUNT_BYTES &&
		    syn_call_is_count(text + call - gap - SYN_COUNT_BYTES,
				      disp))
			return 1;
	return 0;
}

/*
 * @text: @len bytes of tcp_validate_incoming(), which lies at @start; @disp:
 * the counter's offset.  The address after the one call for SYNs, or 0: none,
 * or the compiler has made one call of that and the one for RSTs.
 */
static inline __u64 syn_call_return(const __u8 *text, __u32 len, __u64 start,
				    __u64 callee, __u32 disp)
{
	__u32 i, calls = 0, syns = 0;
	__u64 found = 0;

	for (i = 0; i + SYN_CALL_BYTES <= len; i++) {
		if (!syn_call_is_call(text + i, start + i, callee))
			continue;
		calls++;
		if (!syn_call_is_counted(text, i, disp))
			continue;
		syns++;
		found = start + i + SYN_CALL_BYTES;
	}
	return calls > 1 && syns == 1 ? found : 0;
}

#endif /* TCPSTATE_SYN_CALL_H */

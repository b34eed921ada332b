// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/kallsyms of a distribution's kernel is 7 MB and 170,000 lines: read in
 * large pieces, and no further than the functions go.
 */
#include "kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYMBOL(name) { name, sizeof(name) - 1, 0, 0 }

static struct symbol {
	const char *name;
	size_t length;
	uint64_t address, end;
} symbols[] = {
	SYMBOL("__inet_twsk_schedule"),
	SYMBOL("inet_twsk_kill"),
	SYMBOL("inet_csk_reqsk_queue_hash_add"),
	SYMBOL("__inet_csk_reqsk_queue_drop"),
	SYMBOL("tw_timer_handler"),
	SYMBOL("reqsk_timer_handler"),
	SYMBOL("tcp_timewait_state_process"),
	SYMBOL("tcp_check_req"),
	SYMBOL("tcp_v4_rcv"),
	SYMBOL("tcp_v6_rcv"),
	SYMBOL("__inet_hash_connect"),
	SYMBOL("tcp_abort"),
	SYMBOL("tcp_req_err"),
	SYMBOL("tcp_validate_incoming"),
	SYMBOL("tcp_rcv_state_process"),
	SYMBOL("tcp_send_challenge_ack"),
};
#define SYMBOLS (sizeof(symbols) / sizeof(symbols[0]))

static struct symbol *symbol_named(const char *name, size_t length)
{
	for (size_t i = 0; i < SYMBOLS; i++)
		if (symbols[i].length == length &&
		    !memcmp(symbols[i].name, name, length))
			return &symbols[i];
	return NULL;
}

/*
 * "ffffffff81000000 T name", without a newline. *@open is the symbol whose end
 * is still sought: the file is sorted by address, so that the next one is it.
 * False after the last function of the kernel; data and modules follow.
 */
static bool take_line(const char *line, size_t length, struct symbol **open)
{
	const char *name = memchr(line, ' ', length), *end = line + length;
	struct symbol *symbol;
	uint64_t address;

	if (!name || end - name <= 3)
		return false;
	name += 3;
	symbol = symbol_named(name, end - name);
	if (symbol || *open) {
		address = strtoull(line, NULL, 16);
		if (*open && address > (*open)->address) {
			(*open)->end = address;
			*open = NULL;
		}
	}
	if (symbol) {
		symbol->address = address;
		*open = symbol;
	}
	return end - name != strlen("_etext") || memcmp(name, "_etext", 6);
}

/* Whole lines of @length bytes; how many bytes were used, -1 to stop. */
static ssize_t take_lines(const char *text, size_t length, struct symbol **open)
{
	const char *at = text, *newline;

	while ((newline = memchr(at, '\n', text + length - at))) {
		if (!take_line(at, newline - at, open))
			return -1;
		at = newline + 1;
	}
	return at - text;
}

static void symbols_read(void)
{
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	struct symbol *open_symbol = NULL;
	static char text[64 << 10];
	size_t kept = 0;
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, text + kept, sizeof(text) - kept)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		ssize_t used;

		kept += n > 0 ? n : 0;
		used = take_lines(text, kept, &open_symbol);
		if (used < 0)
			break;
		kept -= used;
		memmove(text, text + used, kept);
	}
	close(fd);
}

static const struct symbol *symbol_find(const char *name)
{
	static bool read;

	if (!read)
		symbols_read();
	read = true;
	return symbol_named(name, strlen(name));
}

uint64_t kallsyms_address(const char *name)
{
	const struct symbol *symbol = symbol_find(name);

	return symbol ? symbol->address : 0;
}

uint64_t kallsyms_bytes(const char *name)
{
	const struct symbol *symbol = symbol_find(name);

	if (!symbol || !symbol->address || symbol->end < symbol->address)
		return 0;
	return symbol->end - symbol->address;
}

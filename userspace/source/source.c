// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <unistd.h>

#include "source.h"

#define KMOD_DEVICE "/dev/tcpstate"

/* The order of --help; "auto" is the first that is there. */
static const struct source_ops *const sources[] = {
	&source_kmod,
	&source_bpf,
};

/* In the order of the bits of enum source_hook. */
static const char *const hook_meanings[HOOK_COUNT] = {
	"every transition",
	"SYN_RECV",
	"SYN_RECV end",
	"TIME_WAIT",
	"TIME_WAIT end",
	"source port of connect()",
	"owner at accept()",
	"TIME_WAIT of orphans",
	"SYN or FIN sent again",
	"SYN-ACK sent again",
	"RST sent",
	"RST received",
	"SYN to an old socket",
	"SYN to TIME_WAIT",
};

const struct source_ops *source_find(const char *name)
{
	size_t i;

	if (!strcmp(name, "auto"))
		return access(KMOD_DEVICE, F_OK) ? &source_bpf : &source_kmod;
	for (i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (!strcmp(name, sources[i]->name))
			return sources[i];
	return NULL;
}

const char *source_hook_meaning(unsigned int n)
{
	return n < HOOK_COUNT ? hook_meanings[n] : "?";
}

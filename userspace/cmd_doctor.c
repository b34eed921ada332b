// SPDX-License-Identifier: GPL-2.0
/* doctor: which sources and hooks work here, and why not. */
#include <string.h>
#include <sys/utsname.h>

#include "cmd.h"
#include "log.h"
#include "output/jsonw.h"
#include "privilege.h"
#include "run.h"

struct doctor {
	struct run_options run_options;
	unsigned int observed;	/* sources of which every hook works */
	unsigned int working;	/* sources that open at all */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor *d = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &d->run_options;
		return 0;
	case ARGP_KEY_END:
		if (d->run_options.raw)
			usage_error("--raw shows records: use it with events");
		if (d->run_options.format == FORMAT_CSV)
			usage_error("doctor has no CSV: use --format json");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &common_argp, 0, NULL, 0 },
	{}
};

const struct argp doctor_argp = {
	.parser = parse,
	.doc = "Which sources and hooks work on this host, and why others do not.\v"
	       "Exit 0: everything is observed. 1: something is inferred. 3: nothing works.",
	.children = children,
};

/* ---- telling ---- */

static void tell_source(const struct doctor *d, const char *name,
			const char *why)
{
	struct jsonw w;

	if (d->run_options.format != FORMAT_JSON) {
		printf("%-5s %s\n", name, why ? why : "works");
		return;
	}
	jsonw_begin(&w, stdout);
	jsonw_string(&w, "event", "source");
	jsonw_string(&w, "source", name);
	jsonw_bool(&w, "works", !why);
	if (why)
		jsonw_string(&w, "why", why);
	jsonw_end(&w);
}

static void tell_hook(const struct doctor *d, const char *name,
		      unsigned int n, const char *how, const char *why)
{
	struct jsonw w;

	if (d->run_options.format != FORMAT_JSON) {
		printf("  %-9s %-17s %s\n", how ? "observed" : "inferred",
		       source_hook_meaning(n), how ? how : why);
		return;
	}
	jsonw_begin(&w, stdout);
	jsonw_string(&w, "event", "hook");
	jsonw_string(&w, "source", name);
	jsonw_string(&w, "hook", source_hook_meaning(n));
	jsonw_bool(&w, "observed", how);
	if (how)
		jsonw_string(&w, "how", how);
	else
		jsonw_string(&w, "why", why ? why : "unknown");
	jsonw_end(&w);
}

/* ---- examining ---- */

static void examine(struct doctor *d, const struct source_ops *ops)
{
	const struct source_options opt = { .hooks = d->run_options.hooks };
	struct source *src = NULL;
	char why[512] = "";
	bool all = true;

	if (ops->probe(why, sizeof(why)) ||
	    ops->open(&src, &opt, why, sizeof(why))) {
		tell_source(d, ops->name, why[0] ? why : "does not work here");
		return;
	}
	tell_source(d, ops->name, NULL);
	for (unsigned int n = 0; n < HOOK_COUNT; n++) {
		const char *why_not = NULL;
		const char *how = ops->hook_how(src, n, &why_not);

		tell_hook(d, ops->name, n, how, why_not);
		all = all && how;
	}
	ops->close(src);
	d->working++;
	d->observed += all;
}

static int run_doctor(struct doctor *d)
{
	static const char *const names[] = { "kmod", "bpf" };
	const char *asked = d->run_options.source;
	struct utsname u;

	if (!privilege_to_trace()) {
		log_say("must be root, or have CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
		return EXIT_NO_SOURCE;
	}
	if (d->run_options.format != FORMAT_JSON && !uname(&u))
		printf("kernel %s\n", u.release);
	for (size_t i = 0; i < 2; i++)
		if (!strcmp(asked, "auto") || !strcmp(asked, names[i]))
			examine(d, source_find(names[i]));
	if (fflush(stdout)) {
		log_say("cannot write the report");
		return EXIT_FAILED;
	}
	if (!d->working)
		return EXIT_NO_SOURCE;
	return d->observed ? EXIT_DONE : EXIT_FAILED;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = { .run_options = RUN_OPTIONS_DEFAULT };

	cmd_parse(&doctor_argp, argc, argv, &d);
	return run_doctor(&d);
}

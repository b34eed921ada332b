// SPDX-License-Identifier: GPL-2.0
/*
 * doctor: which sources and hooks work here, and why not.  That a hook is
 * attached proves nothing, so each is made to fire.
 */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd.h"
#include "holders.h"
#include "log.h"
#include "output/jsonw.h"
#include "privilege.h"
#include "run.h"
#include "trial.h"

struct doctor {
	struct run_options run_options;
	unsigned int observed;	/* sources of which every hook works */
	unsigned int working;	/* sources that open, and of which none fails */
	unsigned int failed;	/* sources that do not do what they say */
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
	.doc = "Which sources and hooks work on this host, and why others do not.  "
	       "Connections in a network namespace of their own make each hook fire.\v"
	       "Exit 0: everything is observed. 1: something is inferred, or could not be tested. "
	       "3: nothing works, or a source does not show what was made.",
	.children = children,
};

/* ---- words ---- */

/* In the order of enum proof_result. */
static const char *const result_words[PROOF_RESULTS] = {
	"observed", "inferred", "untested", "FAILED",
};

static const char *const result_keys[PROOF_RESULTS] = {
	"observed", "inferred", "untested", "failed",
};

static const char *const verdicts[PROOF_RESULTS] = {
	"every hook fired, and each connection was told as it was",
	"what no hook shows was inferred, and each connection was told as it was",
	"hooks are attached, but nothing could be made for them to see",
	"what was made was not seen as it was: do not rely on this source",
};

/* Without a hook, by number. */
static const char *const instead[HOOK_COUNT] = {
	"nothing works",
	"SYN_RECV is told at the third segment, without its span",
	"a request that dies is never seen",
	"from the socket's flags and the acknowledged FIN",
	"predicted: 61 s",
	"the port is told with ESTABLISHED",
	"from the descriptor tables, or at close()",
	"by sock_diag, up to 0.25 s late",
	"counted when the connection is ESTABLISHED",
	"counted when the connection is ESTABLISHED",
	"from the socket's flags",
	"from the socket's error",
	"counted by the kernel, its socket is not told",
	"not told",
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

/* The descriptor tables of all processes, read once in the way of a run. */
static void tell_owners(const struct doctor *d)
{
	struct holders *h = holders_take(d->run_options.owners, NULL, NULL);
	const char *why = h ? "" : strerror(errno), *how = "unknown";
	struct jsonw w;

	if (h)
		how = holders_way(h, &why) == HOLDERS_PROC ?
		      "/proc" : "iterator task_file";
	if (d->run_options.format != FORMAT_JSON) {
		printf("owners %s%s%s\n", how, *why ? ": " : "", why);
	} else {
		jsonw_begin(&w, stdout);
		jsonw_string(&w, "event", "owners");
		jsonw_string(&w, "how", how);
		if (*why)
			jsonw_string(&w, "refused", why);
		jsonw_end(&w);
	}
	holders_free(h);
}

/* A line that hooks and helpers have in common. */
static void put_row(enum proof_result result, const char *what,
		    const char *how, unsigned int fired, unsigned int expected)
{
	printf("  %-9s %-24s ", result_words[result], what);
	if (result == PROOF_INFERRED)
		printf("%s\n", how);
	else if (result == PROOF_UNTESTED)
		printf("%-37s  -\n", how);
	else if (result == PROOF_FAILED)
		printf("%-37s  %u of %u\n", how, fired, expected);
	else
		printf("%-37s  %u\n", how, fired);
}

struct hook {
	unsigned int n;
	enum proof_result result;
	const char *how, *why;
};

static void tell_hook_text(const struct doctor *d, const struct proof *p,
			   const struct hook *h)
{
	put_row(h->result, source_hook_meaning(h->n),
		h->how ? h->how : instead[h->n], p->fired[h->n],
		proof_expected(h->n));
	if (h->why && (!h->how || d->run_options.verbose))
		printf("  %-9s %-24s (%s)\n", "", "", h->why);
}

static void tell_hook(const struct doctor *d, const char *source,
		      const struct proof *p, const struct hook *h)
{
	struct jsonw w;

	if (d->run_options.format != FORMAT_JSON) {
		tell_hook_text(d, p, h);
		return;
	}
	jsonw_begin(&w, stdout);
	jsonw_string(&w, "event", "hook");
	jsonw_string(&w, "source", source);
	jsonw_string(&w, "hook", source_hook_meaning(h->n));
	jsonw_string(&w, "result", result_keys[h->result]);
	jsonw_bool(&w, "observed", h->result == PROOF_OBSERVED);
	if (h->how) {
		jsonw_string(&w, "how", h->how);
		if (h->why)
			jsonw_string(&w, "refused", h->why);
	} else {
		jsonw_string(&w, "instead", instead[h->n]);
		jsonw_string(&w, "why", h->why ? h->why : "unknown");
	}
	if (h->how && p->traffic) {
		jsonw_number(&w, "fired", p->fired[h->n]);
		jsonw_number(&w, "expected", proof_expected(h->n));
	}
	jsonw_end(&w);
}

static void tell_helper(const struct doctor *d, const char *source,
			const struct proof_helper *h)
{
	struct jsonw w;

	if (d->run_options.format != FORMAT_JSON) {
		put_row(h->result, h->what, h->result == PROOF_INFERRED ?
			"unknown" : h->how, h->shown, h->expected);
		return;
	}
	jsonw_begin(&w, stdout);
	jsonw_string(&w, "event", "helper");
	jsonw_string(&w, "source", source);
	jsonw_string(&w, "helper", h->what);
	jsonw_string(&w, "how", h->how);
	jsonw_string(&w, "result", result_keys[h->result]);
	if (h->result != PROOF_UNTESTED) {
		jsonw_number(&w, "shown", h->shown);
		jsonw_number(&w, "expected", h->expected);
	}
	jsonw_end(&w);
}

static void put_states(const uint8_t *states, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? " " : "", state_name(states[i]));
	puts(n ? "" : "nothing");
}

static void put_states_json(struct jsonw *w, const char *key,
			    const uint8_t *states, size_t n)
{
	jsonw_array(w, key);
	for (size_t i = 0; i < n; i++)
		jsonw_string(w, NULL, state_name(states[i]));
	jsonw_array_end(w);
}

static void tell_path(const struct doctor *d, const char *source,
		      const struct proof_path *path)
{
	struct jsonw w;

	if (d->run_options.format != FORMAT_JSON) {
		printf("  %-9s %-27s %-6s ", result_words[path->result],
		       path->story, path->end);
		put_states(path->seen, path->n_seen);
		if (path->result != PROOF_FAILED)
			return;
		printf("  %-9s %-27s %-6s ", "", path->gap ? "with a gap" : "",
		       "not");
		put_states(path->expected, path->n_expected);
		return;
	}
	jsonw_begin(&w, stdout);
	jsonw_string(&w, "event", "path");
	jsonw_string(&w, "source", source);
	jsonw_string(&w, "connection", path->story);
	jsonw_string(&w, "end", path->end);
	jsonw_string(&w, "result", result_keys[path->result]);
	put_states_json(&w, "seen", path->seen, path->n_seen);
	put_states_json(&w, "expected", path->expected, path->n_expected);
	jsonw_bool(&w, "gap", path->gap);
	jsonw_end(&w);
}

static void tell_verdict(const struct doctor *d, const char *source,
			 enum proof_result result, const struct trial *trial)
{
	struct jsonw w;

	if (d->run_options.format != FORMAT_JSON) {
		printf("  %-9s %s%s%s\n", result_words[result],
		       verdicts[result], trial->why[0] ? ": " : "", trial->why);
		return;
	}
	jsonw_begin(&w, stdout);
	jsonw_string(&w, "event", "verdict");
	jsonw_string(&w, "source", source);
	jsonw_string(&w, "result", result_keys[result]);
	if (trial->why[0])
		jsonw_string(&w, "why", trial->why);
	jsonw_end(&w);
}

/* ---- examining ---- */

static void tell_hooks(const struct doctor *d, const struct trial *trial)
{
	const struct proof *p = &trial->proof;
	struct proof_helper helper;

	if (d->run_options.format != FORMAT_JSON)
		printf("  %-9s %-24s %-37s  %s\n", "RESULT", "HOOK", "HOW",
		       "FIRED");
	for (unsigned int n = 0; n < HOOK_COUNT; n++) {
		struct hook h = { .n = n, .result = proof_hook(p, n) };

		h.how = trial->ops->hook_how(trial->src, n, &h.why);
		tell_hook(d, trial->ops->name, p, &h);
	}
	for (unsigned int n = 0; n < HELPERS; n++) {
		proof_helper(p, n, &helper);
		tell_helper(d, trial->ops->name, &helper);
	}
}

static void tell_paths(const struct doctor *d, const struct trial *trial)
{
	struct proof_path path;

	if (!trial->proof.traffic)
		return;
	if (d->run_options.format != FORMAT_JSON)
		printf("  %-9s %-27s %-6s %s\n", "RESULT", "CONNECTION", "END",
		       "STATES");
	for (unsigned int end = 0; end < TRAFFIC_ENDS; end++) {
		proof_path(&trial->proof, end, &path);
		tell_path(d, trial->ops->name, &path);
	}
}

static void count(struct doctor *d, enum proof_result result)
{
	d->working += result != PROOF_FAILED;
	d->observed += result == PROOF_OBSERVED;
	d->failed += result == PROOF_FAILED;
}

static void examine(struct doctor *d, const struct source_ops *ops)
{
	const struct source_options opt = { .hooks = d->run_options.hooks };
	struct trial trial = {
		.ops = ops,
		.max_conns = d->run_options.max_conns,
	};
	enum proof_result result;
	char why[512] = "";

	if (ops->probe(why, sizeof(why)) ||
	    ops->open(&trial.src, &opt, why, sizeof(why))) {
		tell_source(d, ops->name, why[0] ? why : "does not work here");
		return;
	}
	trial_run(&trial);
	tell_source(d, ops->name, NULL);
	tell_hooks(d, &trial);
	tell_paths(d, &trial);
	result = proof_result(&trial.proof);
	tell_verdict(d, ops->name, result, &trial);
	count(d, result);
	trial_end(&trial);
	ops->close(trial.src);
}

/* What fails must not hide behind a source that works. */
static int verdict(const struct doctor *d)
{
	if (d->failed || !d->working)
		return EXIT_NO_SOURCE;
	return d->observed ? EXIT_DONE : EXIT_FAILED;
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
	tell_owners(d);
	for (size_t i = 0; i < 2; i++)
		if (!strcmp(asked, "auto") || !strcmp(asked, names[i]))
			examine(d, source_find(names[i]));
	if (fflush(stdout)) {
		log_say("cannot write the report");
		return EXIT_FAILED;
	}
	return verdict(d);
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = { .run_options = RUN_OPTIONS_DEFAULT };

	cmd_parse(&doctor_argp, argc, argv, &d);
	cmd_needs_host(&d.run_options, "doctor");
	return run_doctor(&d);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The BPF source: loads the object that is embedded in this program, takes
 * for each hook the first way that this kernel allows, and reads two rings per
 * CPU.  The only file that knows libbpf.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/tcpstate.h>
#include <linux/tcpstate_filter.h>

#include "../privilege.h"
#include "../ring.h"
#include "../rst_reason.h"
#include "kallsyms.h"
#include "kernel_facts.h"
#include "source.h"
#include "source_bpf_kernel.h"
#include "source_bpf_ways.h"
#include "tcpstate_syn_call.h"
#include "tcpstate.skel.h"

/* Mirror those of bpf/ring.bpf.h as far as they are read here. */
struct cpu_state {
	uint64_t seq, lost, untold, last_lost, twins;
};

struct tail {
	uint32_t tail, reserved[15];
};

#define RINGS_OF_CPU	2	/* near and far */

/*
 * Saturated CPUs keep a reader waiting for 0.1 s at times, and a namespace that
 * goes away ends 100,000 TIME_WAITs in that time.
 */
#define RING_DEFAULT	(1U << 17)	/* records */
#define RING_MIN	(1U << 8)
#define RING_MAX	(1U << 20)
/* 768 KiB: what comes in 11 ms of a saturated CPU. */
#define NEAR_MAX	(1U << 12)
#define RINGS_BYTES	(1UL << 27)	/* all far ones */

struct source {
	struct tcpstate_bpf *skel;
	struct btf *btf;	/* of the kernel; read once, it is large */
	struct bpf_link *links[32];
	unsigned int n_links;
	const struct bpf_program *attached[32];
	const struct way *chosen[HOOK_COUNT];
	const struct way **refused;	/* when attached; HOOK_COUNT */
	bool fentry_works;	/* one was attached */
	bool again;		/* to be opened again, without what was refused */
	char how[HOOK_COUNT][64];
	char why_not[HOOK_COUNT][96];
	unsigned int hooks;
	int cgroup_fd;
	struct ring_buffer *wakeups;
	struct ring *rings;	/* of each CPU the near one, then the far one */
	int n_cpu_ids;	/* CPU numbers, which may have holes */
	int n_cpus;
	uint32_t near, far;	/* slots of the two rings of a CPU */
	uint64_t twins_before;	/* while their first programs were not there */
	void *records, *tails;	/* mapped */
};

/* The last line that libbpf said, for the one sentence of a failure. */
static char libbpf_said[160];

static int keep_libbpf_words(enum libbpf_print_level level, const char *fmt,
			     va_list args)
{
	if (level == LIBBPF_WARN) {
		vsnprintf(libbpf_said, sizeof(libbpf_said), fmt, args);
		libbpf_said[strcspn(libbpf_said, "\n")] = '\0';
	}
	return 0;
}

static int bpf_probe(char *why, size_t why_len)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
		snprintf(why, why_len,
			 "this kernel has no BTF (/sys/kernel/btf/vmlinux): "
			 "load the module instead, insmod tcpstate.ko");
		return -ENOENT;
	}
	return 0;
}

/* ---- which ways are open on this kernel ---- */

static struct bpf_program *program(const struct source *src, const char *name)
{
	return bpf_object__find_program_by_name(src->skel->obj, name);
}

static int way_allowed(struct source *src, const struct way *way)
{
	switch (way->method) {
	case BY_TRACEPOINT:
		return bpf_kernel_tracepoint(src->btf, way->fn) < 0 ? -ENOENT : 0;
	case BY_FENTRY:
		return bpf_kernel_fentry(src->btf, way->fn,
					 &src->fentry_works);
	case BY_KPROBE:
		/* Its cookie is made by a program on the cgroup. */
		if (way == &source_bpf_ways[1][1] && src->cgroup_fd < 0)
			return -ENOENT;
		return bpf_kernel_kprobe(way->fn);
	case BY_TIMER:
		return kallsyms_address(way->fn) ? 0 : -ENOENT;
	case BY_SOCKOPS:
		return src->cgroup_fd >= 0 ? 0 : -ENOENT;
	default:
		return -EINVAL;
	}
}

/* Is @method among the words of --hooks? */
static bool method_wanted(const char *hooks, enum method method)
{
	if (!hooks || !strcmp(hooks, "auto") || method == BY_TRACEPOINT)
		return true;
	/* The timers cannot tell a port; sockops goes with them. */
	if (method == BY_SOCKOPS)
		return !strcmp(hooks, "timer") || !strcmp(hooks, "kprobe");
	return !strcmp(hooks, source_bpf_method[method]);
}

static void hook_choose(struct source *src, unsigned int n,
			const struct source_options *opt)
{
	size_t len = sizeof(src->why_not[n]);
	char *why_not = src->why_not[n];

	if (opt->unneeded & 1U << n) {
		snprintf(why_not, len, "not needed");
		return;
	}
	for (int i = 0; i < MAX_WAYS && source_bpf_ways[n][i].fn; i++) {
		const struct way *way = &source_bpf_ways[n][i];
		int err;

		if (!method_wanted(opt->hooks, way->method))
			continue;
		err = way == src->refused[n] ? -EBUSY : way_allowed(src, way);
		if (!err) {
			src->chosen[n] = way;
			snprintf(src->how[n], sizeof(src->how[n]), "%s %s",
				 source_bpf_method[way->method], way->fn);
			return;
		}
		snprintf(why_not, len, "%s %s: %s",
			 source_bpf_method[way->method], way->fn,
			 strerror(-err));
	}
	if (!why_not[0])
		snprintf(why_not, len, "not asked for");
}

static bool program_wanted(const struct source *src, const char *name)
{
	if (!strcmp(name, "read_text"))
		return src->chosen[__builtin_ctz(HOOK_CHALLENGE)];
	for (int n = 0; n < HOOK_COUNT; n++)
		for (int i = 0; src->chosen[n] && i < 3; i++)
			if (src->chosen[n]->programs[i] &&
			    !strcmp(src->chosen[n]->programs[i], name))
				return true;
	return false;
}

static void programs_select(struct source *src)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, src->skel->obj)
		bpf_program__set_autoload(prog,
			program_wanted(src, bpf_program__name(prog)));
}

/* ---- loading ---- */

static uint32_t far_slots(const struct source_options *opt, int rings)
{
	size_t want = opt->ring_bytes / sizeof(struct tcpstate_record);
	uint32_t slots = RING_MIN;

	if (!want)
		want = RINGS_BYTES / sizeof(struct tcpstate_record) / rings;
	if (!opt->ring_bytes && want > RING_DEFAULT)
		want = RING_DEFAULT;
	while (slots * 2 <= want && slots < RING_MAX)
		slots *= 2;
	return slots;
}

static bool is_by(const struct source *src, unsigned int hook,
		  enum method method)
{
	const struct way *way = src->chosen[__builtin_ctz(hook)];

	return way && way->method == method;
}

/*
 * A timer's stop is an end or half of a restart, and only its start tells: a
 * mini-socket is seen by its timer at both ends or at neither.
 */
static void timers_pair(struct source *src, unsigned int add, unsigned int end)
{
	const struct way **first = &src->chosen[__builtin_ctz(add)];
	const struct way **last = &src->chosen[__builtin_ctz(end)];
	unsigned int n = __builtin_ctz(end);

	if (is_by(src, add, BY_TIMER) && !is_by(src, end, BY_TIMER))
		*first = NULL;
	if (is_by(src, end, BY_TIMER) && !is_by(src, add, BY_TIMER)) {
		*last = NULL;
		snprintf(src->why_not[n], sizeof(src->why_not[n]),
			 "only its timer shows it");
	}
}

/* Whose return address tells why a mini-socket ended; see enum tcpstate_cause. */
static const struct {
	const char *fn;
	__u32 cause;
} callers[] = {
	{ "tcp_timewait_state_process", TCPSTATE_CAUSE_RST },
	{ "tcp_check_req", TCPSTATE_CAUSE_RST },
	{ "tcp_v4_rcv", TCPSTATE_CAUSE_INPUT },
	{ "tcp_v6_rcv", TCPSTATE_CAUSE_INPUT },
	{ "__inet_hash_connect", TCPSTATE_CAUSE_CONNECT },
	{ "tcp_abort", TCPSTATE_CAUSE_ABORT },
	{ "tcp_req_err", TCPSTATE_CAUSE_ICMP },
	/* Of full sockets, for TCPSTATE_F_LATE_DATA. */
	{ "tcp_validate_incoming", TCPSTATE_CAUSE_RST },
	{ "tcp_rcv_state_process", TCPSTATE_CAUSE_INPUT },
};

static void callers_find(struct tcpstate_bpf__rodata *ro)
{
	const size_t n = sizeof(callers) / sizeof(callers[0]);

	_Static_assert(sizeof(callers) / sizeof(callers[0]) ==
		       sizeof(ro->caller_cause) / sizeof(__u32),
		       "the BPF programs have another number of them");
	for (size_t i = 0; i < n; i++) {
		ro->caller_start[i] = kallsyms_address(callers[i].fn);
		ro->caller_bytes[i] = kallsyms_bytes(callers[i].fn);
		ro->caller_cause[i] = callers[i].cause;
	}
}

/* The kernel's numbers of its reasons differ; their names do not. */
static void rst_reasons_find(const struct source *src,
			     struct tcpstate_bpf__rodata *ro)
{
	static const char prefix[] = "SK_RST_REASON_";
	int id = btf__find_by_name_kind(src->btf, "sk_rst_reason",
					BTF_KIND_ENUM);
	const struct btf_enum *e;
	const struct btf_type *t;

	if (id < 0)
		return;
	t = btf__type_by_id(src->btf, id);
	e = btf_enum(t);
	for (int i = 0; i < btf_vlen(t); i++) {
		const char *name = btf__name_by_offset(src->btf, e[i].name_off);

		if ((size_t)e[i].val < sizeof(ro->rst_reasons) &&
		    !strncmp(name, prefix, strlen(prefix)))
			ro->rst_reasons[e[i].val] =
				rst_reason_parse(name + strlen(prefix));
	}
}

/* LINUX_MIB_TCPSYNCHALLENGE, of an enum without a name; 0: not known. */
static uint32_t syn_challenge_counter(const struct source *src)
{
	const struct btf_enum *e;
	const struct btf_type *t;

	for (unsigned int id = 1; id < btf__type_cnt(src->btf); id++) {
		t = btf__type_by_id(src->btf, id);
		if (!btf_is_enum(t) || t->name_off)
			continue;
		e = btf_enum(t);
		for (int i = 0; i < btf_vlen(t); i++)
			if (!strcmp(btf__name_by_offset(src->btf, e[i].name_off),
				    "LINUX_MIB_TCPSYNCHALLENGE"))
				return (uint32_t)e[i].val;
	}
	return 0;
}

/*
 * Only where it returns to tells whether tcp_send_challenge_ack() was called
 * for a SYN, and only the kernel's own text tells where that is.
 */
static int syn_return_find(struct source *src)
{
	const struct tcpstate_bpf__rodata *ro = src->skel->rodata;
	struct tcpstate_bpf__bss *bss = src->skel->bss;
	LIBBPF_OPTS(bpf_test_run_opts, run);
	int err;

	err = bpf_prog_test_run_opts(
		bpf_program__fd(src->skel->progs.read_text), &run);
	if (err || run.retval)
		return err ? err : -EFAULT;
	bss->syn_return = syn_call_return(
		bss->text, ro->text_bytes, ro->text_start,
		kallsyms_address("tcp_send_challenge_ack"),
		syn_challenge_counter(src) * sizeof(uint64_t));
	return bss->syn_return ? 0 : -EOPNOTSUPP;
}

static void settings(struct source *src, const struct source_options *opt)
{
	struct tcpstate_bpf__rodata *ro = src->skel->rodata;

	src->far = far_slots(opt, src->n_cpu_ids);
	src->near = src->far / 2 < NEAR_MAX ? src->far / 2 : NEAR_MAX;
	ro->near_shift = __builtin_ctz(src->near);
	ro->far_shift = __builtin_ctz(src->far);
	ro->near_watermark = src->near / 2;
	ro->far_watermark = src->far / 8;
	ro->want_raw = opt->raw;
	if (opt->filter) {
		ro->filtered = true;
		ro->filter = *opt->filter;
	}
	callers_find(ro);
	rst_reasons_find(src, ro);
	ro->retransmit_has_error =
		bpf_kernel_tracepoint(src->btf, "tcp_retransmit_skb") > 2;
	ro->reset_has_reason = bpf_kernel_tracepoint(src->btf, "tcp_send_reset") > 2;
	ro->hash_add_returns = bpf_kernel_returns(src->btf,
					"inet_csk_reqsk_queue_hash_add");
	ro->hz = kernel_hz();
	ro->text_start = kallsyms_address("tcp_validate_incoming");
	ro->text_bytes = kallsyms_bytes("tcp_validate_incoming");
	if (ro->text_bytes > sizeof(src->skel->bss->text))
		ro->text_bytes = sizeof(src->skel->bss->text);
	if (is_by(src, HOOK_TW_ADD, BY_TIMER))
		ro->tw_timer_fn = kallsyms_address("tw_timer_handler");
	if (is_by(src, HOOK_REQ_ADD, BY_TIMER))
		ro->req_timer_fn = kallsyms_address("reqsk_timer_handler");
	ro->connect_by_sockops = is_by(src, HOOK_CONNECT, BY_SOCKOPS);
	bpf_map__set_max_entries(src->skel->maps.records,
				 src->n_cpu_ids * (src->near + src->far));
	bpf_map__set_max_entries(src->skel->maps.tails,
				 src->n_cpu_ids * RINGS_OF_CPU);
}

static size_t records_bytes(const struct source *src)
{
	return (size_t)src->n_cpu_ids * (src->near + src->far) *
	       sizeof(struct tcpstate_record);
}

static size_t tails_bytes(const struct source *src)
{
	return (size_t)src->n_cpu_ids * RINGS_OF_CPU * sizeof(struct tail);
}

static void *map_area(const struct bpf_map *map, size_t bytes, int prot)
{
	void *area = mmap(NULL, bytes, prot, MAP_SHARED, bpf_map__fd(map), 0);

	return area == MAP_FAILED ? NULL : area;
}

static void ring_lay_out(struct source *src, int n)
{
	const int cpu = n / RINGS_OF_CPU, far = n % RINGS_OF_CPU;
	const size_t first = (size_t)cpu * (src->near + src->far) +
			     (far ? src->near : 0);
	struct tail *tails = src->tails;

	src->rings[n] = (struct ring){
		.slots = (unsigned char *)src->records +
			 first * sizeof(struct tcpstate_record),
		.slot_bytes = sizeof(struct tcpstate_record),
		.shift = __builtin_ctz(far ? src->far : src->near),
		.cpu = (uint16_t)cpu,
		.tail = &tails[n].tail,
	};
}

static int rings_open(struct source *src)
{
	const int n_rings = src->n_cpu_ids * RINGS_OF_CPU;

	src->records = map_area(src->skel->maps.records, records_bytes(src),
				PROT_READ);
	if (!src->records)
		return -errno;
	src->tails = map_area(src->skel->maps.tails, tails_bytes(src),
			      PROT_READ | PROT_WRITE);
	if (!src->tails)
		return -errno;
	src->rings = calloc(n_rings, sizeof(*src->rings));
	if (!src->rings)
		return -ENOMEM;
	for (int n = 0; n < n_rings; n++)
		ring_lay_out(src, n);
	return 0;
}

static int on_wakeup(void *ctx, void *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
	return 0;
}

static int wakeups_open(struct source *src)
{
	src->wakeups = ring_buffer__new(bpf_map__fd(src->skel->maps.wakeups),
					on_wakeup, NULL, NULL);
	return src->wakeups ? 0 : -errno;
}

/* ---- attaching ---- */

static bool is_attached(const struct source *src,
			const struct bpf_program *prog)
{
	for (unsigned int i = 0; i < src->n_links; i++)
		if (src->attached[i] == prog)
			return true;
	return false;
}

static int program_attach(struct source *src, const char *name)
{
	struct bpf_program *prog = program(src, name);
	struct bpf_link *link;

	if (!prog)
		return -ENOENT;
	if (is_attached(src, prog))
		return 0;
	if (!strcmp(name, "sock_ops")) {
		if (src->cgroup_fd < 0)
			return -ENOENT;
		link = bpf_program__attach_cgroup(prog, src->cgroup_fd);
	} else {
		link = bpf_program__attach(prog);
	}
	if (!link)
		return -errno;
	src->attached[src->n_links] = prog;
	src->links[src->n_links++] = link;
	return 0;
}

/*
 * The twin has to run second: a tracepoint runs what was attached to it first,
 * a trampoline what was attached last (bpf_trampoline_get_progs()).
 */
static const char *in_order(const struct way *way, int i)
{
	return way->method == BY_FENTRY && way->programs[1] ?
	       way->programs[!i] : way->programs[i];
}

static int hook_attach(struct source *src, unsigned int n)
{
	const struct way *way = src->chosen[n];
	unsigned int before = src->n_links;

	if (!way)
		return -ENOENT;
	for (int i = 0; i < 3 && way->programs[i]; i++) {
		int err = program_attach(src, in_order(way, i));

		if (err) {
			snprintf(src->why_not[n], sizeof(src->why_not[n]),
				 "%s %s: %s", source_bpf_method[way->method],
				 way->fn, strerror(-err));
			src->again |= !src->refused[n];
			src->refused[n] = way;
			src->chosen[n] = NULL;
			while (src->n_links > before)
				bpf_link__destroy(src->links[--src->n_links]);
			return err;
		}
	}
	src->hooks |= 1U << n;
	return 0;
}

static void challenge_check(struct source *src)
{
	const unsigned int n = __builtin_ctz(HOOK_CHALLENGE);
	int err;

	if (!src->chosen[n])
		return;
	err = syn_return_find(src);
	if (!err)
		return;
	snprintf(src->why_not[n], sizeof(src->why_not[n]),
		 "a SYN cannot be told in tcp_validate_incoming: %s",
		 strerror(-err));
	src->chosen[n] = NULL;
}

/*
 * The transitions last: from the first one on, each CLOSE can be told from a
 * TIME_WAIT.
 */
static int hooks_attach(struct source *src)
{
	challenge_check(src);
	for (int n = HOOK_COUNT - 1; n > 0; n--)
		hook_attach(src, n);
	return hook_attach(src, 0);
}

static void bpf_close(struct source *src)
{
	if (!src)
		return;
	for (unsigned int i = src->n_links; i-- > 0;)
		bpf_link__destroy(src->links[i]);
	ring_buffer__free(src->wakeups);
	free(src->rings);
	if (src->records)
		munmap(src->records, records_bytes(src));
	if (src->tails)
		munmap(src->tails, tails_bytes(src));
	if (src->cgroup_fd >= 0)
		close(src->cgroup_fd);
	tcpstate_bpf__destroy(src->skel);
	btf__free(src->btf);
	free(src);
}

static int load(struct source *src, const struct source_options *opt,
		const char **step)
{
	int err;

	src->n_cpus = libbpf_num_possible_cpus();
	if (src->n_cpus <= 0)
		return -EINVAL;
	src->n_cpu_ids = kernel_cpu_ids();
	if (src->n_cpu_ids < src->n_cpus)
		src->n_cpu_ids = src->n_cpus;
	*step = "read the kernel's BTF";
	src->btf = btf__load_vmlinux_btf();
	if (!src->btf)
		return -errno;
	*step = "open the BPF object";
	src->skel = tcpstate_bpf__open();
	if (!src->skel)
		return -errno;
	for (int n = 0; n < HOOK_COUNT; n++)
		hook_choose(src, n, opt);
	timers_pair(src, HOOK_REQ_ADD, HOOK_REQ_DROP);
	timers_pair(src, HOOK_TW_ADD, HOOK_TW_KILL);
	programs_select(src);
	settings(src, opt);
	*step = "load the BPF programs";
	err = tcpstate_bpf__load(src->skel);
	if (err)
		return err;
	*step = "map the rings";
	err = rings_open(src);
	if (!err)
		err = wakeups_open(src);
	if (err)
		return err;
	*step = "attach to inet_sock_set_state";
	return hooks_attach(src);
}

/* Sums over all CPUs; false without memory. */
static bool counters(const struct source *src, uint64_t *lost, uint64_t *twins)
{
	size_t value = bpf_map__value_size(src->skel->maps.cpus);
	size_t stride = (value + 7) / 8 * 8;
	char *values = calloc(src->n_cpus, stride);
	struct cpu_state cpu;
	__u32 zero = 0;
	int err;

	if (!values)
		return false;
	err = bpf_map_lookup_elem(bpf_map__fd(src->skel->maps.cpus), &zero,
				  values);
	*lost = *twins = 0;
	for (int i = 0; !err && i < src->n_cpus; i++) {
		memcpy(&cpu, values + i * stride, sizeof(cpu));
		*lost += cpu.lost;
		*twins += cpu.twins;
	}
	free(values);
	return !err;
}

/*
 * A function that older kernels have not got (bpf_rdonly_cast, 6.2) is looked
 * for in their modules as well, whose types nobody else may read there.
 */
static const char *needs_admin(int err)
{
	return (err == -EINVAL || err == -EPERM) && !privilege_to_administer() ?
	       ": this kernel needs CAP_SYS_ADMIN for that" : "";
}

/* @refused: ways that were refused before, and now. */
static int open_once(struct source **out, const struct source_options *opt,
		     const struct way **refused, char *why, size_t why_len)
{
	struct source *src = calloc(1, sizeof(*src));
	const char *step = "count the CPUs";
	uint64_t lost;
	int err;

	if (!src)
		return -ENOMEM;
	src->refused = refused;
	src->cgroup_fd = kernel_cgroup2_root();
	err = load(src, opt, &step);
	if (err) {
		snprintf(why, why_len, "cannot %s: %s%s%s%s", step,
			 strerror(-err), libbpf_said[0] ? "; " : "",
			 libbpf_said, needs_admin(err));
		bpf_close(src);
		return err;
	}
	if (src->again) {
		bpf_close(src);
		return -EAGAIN;
	}
	counters(src, &lost, &src->twins_before);
	*out = src;
	return 0;
}

/*
 * Another way may be open where one is refused when it is attached: 38 programs
 * are the most that a function can have, two of each reader.
 */
static int bpf_open(struct source **out, const struct source_options *opt,
		    char *why, size_t why_len)
{
	const struct way *refused[HOOK_COUNT] = { NULL };
	int tries = 0, err;

	libbpf_set_print(keep_libbpf_words);
	do {
		err = open_once(out, opt, refused, why, why_len);
	} while (err == -EAGAIN && ++tries < HOOK_COUNT);
	return err;
}

/* ---- running ---- */

static unsigned int bpf_hooks(const struct source *src)
{
	return src->hooks;
}

static const char *bpf_hook_how(const struct source *src, unsigned int n,
				const char **why_not)
{
	*why_not = src->why_not[n][0] ? src->why_not[n] : NULL;
	return src->hooks & (1U << n) ? src->how[n] : NULL;
}

static int bpf_fd(const struct source *src)
{
	return ring_buffer__epoll_fd(src->wakeups);
}

static struct ring *bpf_rings(struct source *src, size_t *n)
{
	*n = (size_t)src->n_cpu_ids * RINGS_OF_CPU;
	return src->rings;
}

static void bpf_sleeps(struct source *src, bool now)
{
	__atomic_store_n(&src->skel->bss->reader_sleeps, now, __ATOMIC_RELAXED);
	if (!now)
		ring_buffer__consume(src->wakeups);
}

static uint64_t misses_of(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return 0;
	return info.recursion_misses;
}

/*
 * A first program's miss is a loss unless its twin recorded it.  Twins miss
 * too, but only what their first program saw.  The misses of the timer
 * programs are those of all timers, nearly none of them ours.
 */
static uint64_t misses(const struct source *src)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < src->n_links; i++) {
		const char *name = bpf_program__name(src->attached[i]);

		if (strstr(name, "_twin") || !strncmp(name, "timer_", 6))
			continue;
		sum += misses_of(src->attached[i]);
	}
	return sum;
}

static void bpf_stats(struct source *src, struct source_stats *stats)
{
	/* In this order: a miss is counted before its twin runs. */
	uint64_t missed = misses(src), lost, twins;

	memset(stats, 0, sizeof(*stats));
	if (!counters(src, &lost, &twins))
		return;
	twins -= src->twins_before;
	stats->lost_ring = lost;
	stats->lost_nested = missed > twins ? missed - twins : 0;
}

const struct source_ops source_bpf = {
	.name = "bpf",
	.probe = bpf_probe,
	.open = bpf_open,
	.hooks = bpf_hooks,
	.hook_how = bpf_hook_how,
	.fd = bpf_fd,
	.rings = bpf_rings,
	.sleeps = bpf_sleeps,
	.stats = bpf_stats,
	.close = bpf_close,
};

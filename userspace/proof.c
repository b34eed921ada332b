// SPDX-License-Identifier: GPL-2.0
#include "proof.h"

/* @needs: the path ends before this state where these hooks are missing. */
struct step {
	uint8_t state;
	unsigned int needs;
};

struct expectation {
	const char *story, *end;
	struct step steps[PROOF_PATH];
};

#define AT(name)	{ TCPSTATE_##name, 0 }
#define IF(hook, name)	{ TCPSTATE_##name, HOOK_##hook }

#define STORY_CLIENT	"client closes first"
#define STORY_ORPHAN	"closed long before its peer"
#define STORY_REPLACED	"server closes first"
#define STORY_ABORT	"a new SYN, then an RST"
#define STORY_REQUEST	"RST to a request"
#define STORY_LOST_SYN	"SYN and SYN-ACK sent again"
#define STORY_LOST_FIN	"FIN sent again"

/*
 * The orphan's TIME_WAIT needs no hook: without one sock_diag shows it, and a
 * TIME_WAIT without a hook is inferred.
 */
static const struct expectation expectations[TRAFFIC_ENDS] = {
	[END_CLIENT] = { STORY_CLIENT, "client", {
		AT(CLOSE), AT(SYN_SENT), AT(ESTABLISHED), AT(FIN_WAIT1),
		AT(FIN_WAIT2), AT(TIME_WAIT) } },
	[END_SERVER] = { STORY_CLIENT, "server", {
		AT(LISTEN), AT(SYN_RECV), AT(ESTABLISHED), AT(CLOSE_WAIT),
		AT(LAST_ACK), AT(CLOSE) } },
	[END_ORPHAN] = { STORY_ORPHAN, "client", {
		AT(CLOSE), AT(SYN_SENT), AT(ESTABLISHED), AT(FIN_WAIT1),
		AT(FIN_WAIT2), AT(TIME_WAIT) } },
	[END_ORPHAN_PEER] = { STORY_ORPHAN, "server", {
		AT(LISTEN), AT(SYN_RECV), AT(ESTABLISHED), AT(CLOSE_WAIT),
		AT(LAST_ACK), AT(CLOSE) } },
	[END_REPLACED] = { STORY_REPLACED, "server", {
		AT(LISTEN), AT(SYN_RECV), AT(ESTABLISHED), AT(FIN_WAIT1),
		AT(FIN_WAIT2), AT(TIME_WAIT), IF(TW_KILL, CLOSE) } },
	[END_REPLACED_PEER] = { STORY_REPLACED, "client", {
		AT(CLOSE), AT(SYN_SENT), AT(ESTABLISHED), AT(CLOSE_WAIT),
		AT(LAST_ACK), AT(CLOSE) } },
	[END_ABORTER] = { STORY_ABORT, "client", {
		AT(CLOSE), AT(SYN_SENT), AT(ESTABLISHED), AT(CLOSE) } },
	[END_ABORTED] = { STORY_ABORT, "server", {
		AT(LISTEN), AT(SYN_RECV), AT(ESTABLISHED), AT(CLOSE) } },
	[END_RESETTER] = { STORY_REQUEST, "client", {
		AT(CLOSE), AT(SYN_SENT), AT(ESTABLISHED), AT(CLOSE) } },
	[END_REQUEST] = { STORY_REQUEST, "server", {
		IF(REQ_ADD, LISTEN), IF(REQ_ADD, SYN_RECV),
		IF(REQ_DROP, CLOSE) } },
	[END_LOST_SYN] = { STORY_LOST_SYN, "client", {
		AT(CLOSE), AT(SYN_SENT) } },
	[END_LOST_SYN_PEER] = { STORY_LOST_SYN, "server", {
		IF(REQ_ADD, LISTEN), IF(REQ_ADD, SYN_RECV) } },
	[END_LOST_FIN] = { STORY_LOST_FIN, "client", {
		AT(CLOSE), AT(SYN_SENT), AT(ESTABLISHED), AT(FIN_WAIT1) } },
	[END_LOST_FIN_PEER] = { STORY_LOST_FIN, "server", {
		AT(LISTEN), AT(SYN_RECV), AT(ESTABLISHED) } },
};

static const struct {
	uint8_t type;		/* of the record that the hook makes */
	unsigned int times;	/* at least */
} hook_records[HOOK_COUNT] = {
	/* Without LISTEN -> SYN_RECV and moves from a state to itself. */
	{ TCPSTATE_STATE, 42 },
	{ TCPSTATE_REQ_ADD, TRAFFIC_CONNECTIONS },
	{ TCPSTATE_REQ_DROP, 1 },
	{ TCPSTATE_TW_ADD, 3 },
	{ TCPSTATE_TW_KILL, 1 },
	{ TCPSTATE_CONNECT, TRAFFIC_CONNECTIONS },
	{ TCPSTATE_ACCEPT, TRAFFIC_ACCEPTED },
	{ TCPSTATE_TW_REARM, 1 },
	{ TCPSTATE_RETRANSMIT, 2 },
	{ TCPSTATE_SYNACK_AGAIN, 1 },
	{ TCPSTATE_RST_SENT, 2 },
	{ TCPSTATE_RST_RECEIVED, 1 },
	{ TCPSTATE_CHALLENGE, 1 },
	{ TCPSTATE_TW_SYN, 1 },
};

/* The child's, which may still be writing. */
static bool is_ours(const struct proof *p, uint32_t netns)
{
	return p->traffic && netns &&
	       __atomic_load_n(&p->traffic->netns, __ATOMIC_ACQUIRE) == netns;
}

void proof_record(struct proof *p, const struct tcpstate_record *rec)
{
	if (!is_ours(p, rec->netns_ino))
		return;
	for (unsigned int n = 0; n < HOOK_COUNT; n++)
		p->fired[n] += hook_records[n].type == rec->type;
}

void proof_transition(struct proof *p, const struct transition *t)
{
	if (!is_ours(p, t->conn->netns) || p->n_moves == PROOF_MOVES)
		return;
	p->moves[p->n_moves++] = (struct proof_move){
		.cookie = t->conn->cookie,
		.sport = t->conn->sport,
		.dport = t->conn->dport,
		.old_state = t->old_state,
		.new_state = t->new_state,
		.basis = t->basis,
		.reason = t->reason,
	};
}

unsigned int proof_expected(unsigned int n)
{
	return n < HOOK_COUNT ? hook_records[n].times : 0;
}

enum proof_result proof_hook(const struct proof *p, unsigned int n)
{
	if (!(p->hooks & (1U << n)))
		return PROOF_INFERRED;
	if (!p->traffic)
		return PROOF_UNTESTED;
	return p->fired[n] < proof_expected(n) ? PROOF_FAILED : PROOF_OBSERVED;
}

/* ---- paths ---- */

static void expect(const struct proof *p, const struct expectation *e,
		   struct proof_path *path)
{
	for (size_t i = 0; i < PROOF_PATH && e->steps[i].state; i++) {
		if ((e->steps[i].needs & p->hooks) != e->steps[i].needs)
			break;
		path->expected[path->n_expected++] = e->steps[i].state;
	}
}

static bool is_of(const struct proof_move *move,
		  const struct traffic_socket *s)
{
	if (s->cookie)
		return move->cookie == s->cookie;
	return s->sport && move->sport == s->sport && move->dport == s->dport;
}

static void append(struct proof_path *path, uint8_t state)
{
	if (path->n_seen < PROOF_PATH)
		path->seen[path->n_seen++] = state;
}

static void see(struct proof_path *path, const struct proof_move *move)
{
	if (!path->n_seen)
		append(path, move->old_state);
	else if (path->seen[path->n_seen - 1] != move->old_state)
		path->gap = true;
	append(path, move->new_state);
	if (move->basis == TCPSTATE_BY_INFERENCE ||
	    move->basis == TCPSTATE_BY_SNAPSHOT)
		path->result = PROOF_INFERRED;
}

static bool is_as_expected(const struct proof_path *path)
{
	if (path->gap || path->n_seen != path->n_expected)
		return false;
	for (size_t i = 0; i < path->n_seen; i++)
		if (path->seen[i] != path->expected[i])
			return false;
	return true;
}

static size_t full_length(const struct expectation *e)
{
	size_t n = 0;

	while (n < PROOF_PATH && e->steps[n].state)
		n++;
	return n;
}

enum proof_result proof_path(const struct proof *p, unsigned int end,
			     struct proof_path *path)
{
	const struct expectation *e = &expectations[end];

	*path = (struct proof_path){ .story = e->story, .end = e->end };
	expect(p, e, path);
	if (!p->traffic) {
		path->result = PROOF_UNTESTED;
		return path->result;
	}
	/* What no hook here can show is left to inference. */
	if (path->n_expected < full_length(e))
		path->result = PROOF_INFERRED;
	for (size_t i = 0; i < p->n_moves; i++)
		if (is_of(&p->moves[i], &p->traffic->ends[end]))
			see(path, &p->moves[i]);
	if (!is_as_expected(path))
		path->result = PROOF_FAILED;
	return path->result;
}

/* ---- helpers ---- */

/* The mini-sockets that end before their time, and why they do. */
static const struct {
	unsigned int end, hook;
	uint8_t reason;
} mini_ends[] = {
	{ END_REPLACED, HOOK_TW_KILL, REASON_TW_REUSED },
	{ END_REQUEST, HOOK_REQ_ADD | HOOK_REQ_DROP, REASON_RST_RECEIVED },
};

static uint8_t last_reason(const struct proof *p, unsigned int end)
{
	uint8_t reason = REASON_NONE;

	for (size_t i = 0; i < p->n_moves; i++)
		if (is_of(&p->moves[i], &p->traffic->ends[end]))
			reason = p->moves[i].reason;
	return reason;
}

/* Without the stack they end all the same, for reasons unknown. */
static void by_stack(const struct proof *p, struct proof_helper *h)
{
	bool wrong = false;

	h->what = "why mini-sockets end";
	h->how = "the stack";
	for (size_t i = 0; i < sizeof(mini_ends) / sizeof(*mini_ends); i++) {
		uint8_t reason;

		if ((p->hooks & mini_ends[i].hook) != mini_ends[i].hook)
			continue;
		h->expected++;
		if (!p->traffic)
			continue;
		reason = last_reason(p, mini_ends[i].end);
		h->shown += reason == mini_ends[i].reason;
		wrong = wrong || (reason != mini_ends[i].reason &&
				  reason != REASON_UNKNOWN);
	}
	h->result = wrong ? PROOF_FAILED :
		    h->shown && h->shown == h->expected ? PROOF_OBSERVED :
							  PROOF_INFERRED;
}

static void by_dump(const struct proof *p, struct proof_helper *h)
{
	h->what = "sockets that exist";
	h->how = "sock_diag";
	h->shown = p->dumped;
	h->expected = TRAFFIC_TIME_WAITS;
	h->result = h->shown < h->expected ? PROOF_FAILED : PROOF_OBSERVED;
}

enum proof_result proof_helper(const struct proof *p, unsigned int n,
			       struct proof_helper *h)
{
	*h = (struct proof_helper){};
	if (n == HELPER_DUMP)
		by_dump(p, h);
	else
		by_stack(p, h);
	if (!p->traffic)
		h->result = PROOF_UNTESTED;
	return h->result;
}

/* ---- all together ---- */

static enum proof_result worse(enum proof_result a, enum proof_result b)
{
	return a < b ? b : a;
}

enum proof_result proof_result(const struct proof *p)
{
	enum proof_result result = PROOF_OBSERVED;
	struct proof_helper helper;
	struct proof_path path;

	for (unsigned int n = 0; n < HELPERS; n++)
		result = worse(result, proof_helper(p, n, &helper));
	for (unsigned int n = 0; n < HOOK_COUNT; n++)
		result = worse(result, proof_hook(p, n));
	for (unsigned int end = 0; end < TRAFFIC_ENDS; end++)
		result = worse(result, proof_path(p, end, &path));
	return result;
}

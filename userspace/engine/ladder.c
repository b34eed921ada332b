// SPDX-License-Identifier: GPL-2.0
#include "fsm.h"
#include "ladder_internal.h"

#include <stdlib.h>
#include <string.h>

enum way { SENT, RECEIVED };

/* What a move says of segments: up to two, the received one first. */
struct meaning {
	uint8_t old_state, new_state;
	struct {
		bool is;
		uint8_t way, kind;
	} seg[2];
};

#define S(a) TCPSTATE_##a
#define GOT(kind) { true, RECEIVED, ROW_##kind }
#define PUT(kind) { true, SENT, ROW_##kind }

/* RFC 9293 figure 5; the moves to CLOSE depend on their reason. */
static const struct meaning meanings[] = {
	{ S(CLOSE), S(SYN_SENT), { PUT(SYN) } },
	{ S(LISTEN), S(SYN_RECV), { GOT(SYN), PUT(SYNACK) } },
	{ S(SYN_SENT), S(SYN_RECV), { GOT(SYN), PUT(SYNACK) } },
	{ S(SYN_SENT), S(ESTABLISHED), { GOT(SYNACK), PUT(ACK_OF_SYN) } },
	{ S(SYN_RECV), S(ESTABLISHED), { GOT(ACK_OF_SYN) } },
	{ S(SYN_RECV), S(FIN_WAIT1), { PUT(FIN) } },
	{ S(ESTABLISHED), S(FIN_WAIT1), { PUT(FIN) } },
	{ S(ESTABLISHED), S(CLOSE_WAIT), { GOT(FIN), PUT(ACK_OF_FIN) } },
	{ S(FIN_WAIT1), S(FIN_WAIT2), { GOT(ACK_OF_FIN) } },
	{ S(FIN_WAIT1), S(CLOSING), { GOT(FIN), PUT(ACK_OF_FIN) } },
	{ S(FIN_WAIT1), S(TIME_WAIT), { GOT(FIN_ACK), PUT(ACK_OF_FIN) } },
	{ S(FIN_WAIT2), S(TIME_WAIT), { GOT(FIN), PUT(ACK_OF_FIN) } },
	{ S(CLOSING), S(TIME_WAIT), { GOT(ACK_OF_FIN) } },
	{ S(CLOSE_WAIT), S(LAST_ACK), { PUT(FIN) } },
};

static const struct meaning *meaning_of(const struct step *step)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].old_state == step->old_state &&
		    meanings[i].new_state == step->new_state)
			return &meanings[i];
	return NULL;
}

static struct ladder_row *add_row(struct ladder *l, uint8_t kind, uint8_t from)
{
	struct ladder_row *row;

	if (l->n == LADDER_ROWS) {
		l->left_out++;
		return NULL;
	}
	row = &l->rows[l->n++];
	*row = (struct ladder_row){ .kind = kind, .from = from };
	return row;
}

/* ---- what each side sent ---- */

static void sent(struct ladder *l, uint8_t kind, uint8_t side,
		 const struct step *step, bool moves)
{
	struct ladder_row *row = add_row(l, kind, side);

	if (!row)
		return;
	row->ns[side] = step->ns;
	row->again = step->kind == STEP_AGAIN ||
		     step->kind == STEP_FIN_RECEIVED;
	if (moves)
		row->state[side] = step->new_state;
}

static bool sends_rst(const struct step *step)
{
	if (step->kind == STEP_RST_SENT)
		return true;
	return step->kind == STEP_MOVE && step->new_state == TCPSTATE_CLOSE &&
	       (step->reason == REASON_ABORT || step->reason == REASON_RST_SENT) &&
	       step->detail != DETAIL_REPAIR;
}

static bool gets_rst(const struct step *step)
{
	if (step->kind == STEP_RST_RECEIVED)
		return true;
	return step->kind == STEP_MOVE && step->new_state == TCPSTATE_CLOSE &&
	       (step->reason == REASON_RST_RECEIVED ||
		step->reason == REASON_REFUSED || step->reason == REASON_TW_RST);
}

static uint8_t kind_again(const struct step *step)
{
	static const uint8_t kinds[SEGMENT_FLAGS] = {
		[SEGMENT_NONE] = ROW_KINDS,
		[SEGMENT_SYN] = ROW_SYN,
		[SEGMENT_SYNACK] = ROW_SYNACK,
		[SEGMENT_FIN] = ROW_FIN,
	};

	return kinds[step->flags];
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

/* Between a RST's own record and the move that it goes with. */
#define RST_NS 200000000ULL

/*
 * A RST that a hook has shown and the move that it made are one row; another
 * one, later, is one of its own.  @seen_by has its time.
 */
static struct ladder_row *rst_of(struct ladder *l, uint8_t from,
				 uint8_t seen_by, uint64_t ns)
{
	for (unsigned int i = l->n; i-- > 0;) {
		struct ladder_row *row = &l->rows[i];
		uint64_t at = row->ns[seen_by] ? row->ns[seen_by] :
						 row->ns[!seen_by];

		if (row->kind == ROW_RST && row->from == from &&
		    distance(at, ns) < RST_NS)
			return row;
	}
	return NULL;
}

static void take_sent(struct ladder *l, const struct history *h, uint8_t side)
{
	for (unsigned int i = 0; i < h->n; i++) {
		const struct step *step = &h->steps[i];
		const struct meaning *m = meaning_of(step);
		struct ladder_row *rst = rst_of(l, side, side, step->ns);

		if (step->kind == STEP_AGAIN && kind_again(step) != ROW_KINDS) {
			sent(l, kind_again(step), side, step, false);
		} else if (step->kind == STEP_FIN_RECEIVED) {
			sent(l, ROW_ACK_OF_FIN, side, step, false);
		} else if (sends_rst(step) && rst) {
			if (step->kind == STEP_MOVE)
				rst->state[side] = TCPSTATE_CLOSE;
		} else if (sends_rst(step)) {
			sent(l, ROW_RST, side, step, step->kind == STEP_MOVE);
		} else if (step->kind == STEP_MOVE && m) {
			for (int k = 0; k < 2; k++)
				if (m->seg[k].is && m->seg[k].way == SENT)
					sent(l, m->seg[k].kind, side, step,
					     k == 0);
		} else if (step->kind == STEP_MOVE && !m &&
			   step->new_state != TCPSTATE_CLOSE) {
			l->unexplained++;
		}
	}
}

/* ---- what each side received ---- */

bool ladder_same_segment(uint8_t a, uint8_t b)
{
	if (a == ROW_FIN_ACK)
		a = ROW_FIN;
	if (b == ROW_FIN_ACK)
		b = ROW_FIN;
	return a == b;
}

/* A dump showed it, or it followed from something else: it may have been before. */
static bool is_bound(const struct step *step)
{
	return step->basis == TCPSTATE_BY_SNAPSHOT ||
	       step->basis == TCPSTATE_BY_INFERENCE;
}

/*
 * The last one that was sent before it came; the first, if its time is a bound.
 * Where a dump showed the move that sent it, the sender's time is a bound, and
 * may be later.
 */
static struct ladder_row *row_received(struct ladder *l, uint8_t kind,
				       uint8_t side, const struct step *step)
{
	struct ladder_row *found = NULL, *late = NULL;
	const uint64_t ns = step->ns;

	for (unsigned int i = 0; i < l->n; i++) {
		struct ladder_row *row = &l->rows[i];

		if (row->from == side || row->ns[side] ||
		    !ladder_same_segment(row->kind, kind))
			continue;
		if (row->ns[!side] > ns)
			late = late ? late : row;
		else if (!found || (!is_bound(step) &&
				    row->ns[!side] > found->ns[!side]))
			found = row;
	}
	if (!found && late)
		late->ns[!side] = 0;
	return found ? found : late;
}

/*
 * The third segment has no timer.  If the SYN-ACK was sent again after it had
 * left, what came is the answer to that one, of which no hook tells.
 */
static struct ladder_row *answered_again(struct ladder *l,
					 struct ladder_row *ack, uint8_t side,
					 const struct step *step)
{
	const uint64_t left = ack->ns[!side];

	for (unsigned int i = 0; left && i < l->n; i++) {
		const struct ladder_row *row = &l->rows[i];

		if (row->kind != ROW_SYNACK || !row->again ||
		    row->from != side || row->ns[side] < left ||
		    row->ns[side] > step->ns)
			continue;
		ack = add_row(l, ROW_ACK_OF_SYN, !side);
		if (ack)
			ack->again = true;
		return ack;
	}
	return ack;
}

static void received(struct ladder *l, uint8_t kind, uint8_t side,
		     const struct step *step)
{
	struct ladder_row *row = row_received(l, kind, side, step);

	if (row && kind == ROW_ACK_OF_SYN)
		row = answered_again(l, row, side, step);
	if (!row) {
		row = add_row(l, kind, !side);
		if (row)
			row->again = step->kind == STEP_FIN_RECEIVED;
	}
	if (!row)
		return;
	if (kind == ROW_FIN_ACK)
		row->kind = kind;
	row->ns[side] = step->ns;
	row->state[side] = step->new_state;
}

static void take_end(struct ladder *l, const struct step *step, uint8_t side)
{
	struct ladder_row *row = add_row(l, ROW_END, side);

	if (!row)
		return;
	row->ns[side] = step->ns;
	row->state[side] = step->new_state;
	row->reason = step->reason;
	row->detail = step->detail;
}

static void take_close(struct ladder *l, const struct step *step, uint8_t side)
{
	struct ladder_row *rst;

	if (sends_rst(step))
		return;
	if (gets_rst(step)) {
		rst = rst_of(l, !side, side, step->ns);
		if (!rst || (rst->ns[side] && step->kind != STEP_MOVE))
			received(l, ROW_RST, side, step);
		else if (!rst->ns[side])
			rst->ns[side] = step->ns;
		rst = rst_of(l, !side, side, step->ns);
		if (rst)
			rst->state[side] = step->kind == STEP_MOVE ?
					   TCPSTATE_CLOSE : rst->state[side];
	} else if (step->old_state == TCPSTATE_LAST_ACK &&
		   step->reason == REASON_FIN) {
		received(l, ROW_ACK_OF_FIN, side, step);
	} else {
		take_end(l, step, side);
	}
}

/* Figure 7: each SYN,ACK is the ACK of the other SYN. */
static bool crossed_open(const struct history *h, const struct step *step)
{
	return h->conn.role == ROLE_CLIENT &&
	       step->old_state == TCPSTATE_SYN_RECV &&
	       step->new_state == TCPSTATE_ESTABLISHED;
}

static void take_received(struct ladder *l, const struct history *h,
			  uint8_t side)
{
	for (unsigned int i = 0; i < h->n; i++) {
		const struct step *step = &h->steps[i];
		const struct meaning *m = meaning_of(step);

		if (step->kind == STEP_RST_RECEIVED ||
		    (step->kind == STEP_MOVE &&
		     step->new_state == TCPSTATE_CLOSE))
			take_close(l, step, side);
		else if (step->kind == STEP_FIN_RECEIVED)
			received(l, ROW_FIN, side, step);
		else if (step->kind == STEP_MOVE && m && m->seg[0].is &&
			 m->seg[0].way == RECEIVED)
			received(l, crossed_open(h, step) ? ROW_SYNACK :
				    m->seg[0].kind, side, step);
	}
}

/* ---- the whole ---- */

static uint64_t time_of(const struct ladder_row *row)
{
	return row->ns[row->from] ? row->ns[row->from] : row->ns[!row->from];
}

/* In a tie what was sent comes before what answers it. */
static int by_time(const void *a, const void *b)
{
	const struct ladder_row *x = a, *y = b;
	uint64_t s = time_of(x), t = time_of(y);

	if (s != t)
		return s < t ? -1 : 1;
	return x->kind != y->kind ? x->kind - y->kind : x->from - y->from;
}

/* The ACK of the first FIN, and the second FIN; NULL: there is none. */
static void find_answer(struct ladder *l, struct ladder_row **ack,
			struct ladder_row **fin)
{
	*ack = *fin = NULL;
	for (unsigned int i = 0; i < l->n; i++) {
		struct ladder_row *row = &l->rows[i];

		if (row->from == l->first)
			continue;
		if (row->kind == ROW_ACK_OF_FIN)
			*ack = row;
		if (row->kind == ROW_FIN && !row->again && !*fin)
			*fin = row;
	}
}

/*
 * One segment was both, as its sender knows, and what came to the other end
 * tells if the sender is not on this host.  If it was sent as two, and one did
 * all, the ACK was lost.
 */
static void join_three(struct ladder *l)
{
	const struct conn *sender = l->conn[!l->first];
	const struct conn *other = l->conn[l->first];
	const bool sent_four = sender && sender->kind == KIND_FOUR_SEGMENT;
	const bool came_three = other && other->kind == KIND_THREE_SEGMENT;
	struct ladder_row *ack, *fin;

	if (!came_three && !(sender && sender->kind == KIND_THREE_SEGMENT))
		return;
	find_answer(l, &ack, &fin);
	if (!ack || !fin)
		return;
	if (sent_four) {
		ack->lost = true;
		ack->ns[l->first] = 0;
		ack->state[l->first] = 0;
		return;
	}
	fin->kind = ROW_FIN_ACK;
	*ack = l->rows[--l->n];
}

/* Less than any timer of TCP's (TCP_RTO_MIN is 200 ms). */
#define TIMER_NS 100000000ULL

static bool was_timer(const struct ladder_row *row,
		      const struct ladder_row *later)
{
	/* Of the answer to an answer no time is known. */
	if (!row->ns[row->from] || !later->ns[row->from])
		return true;
	return distance(row->ns[row->from], later->ns[row->from]) > TIMER_NS;
}

/*
 * One that was sent again arrived, so that this one did not: it was a timer that
 * sent the later one, unless they are so close that either may have arrived.
 */
static bool later_arrived(const struct ladder *l, unsigned int i)
{
	const struct ladder_row *row = &l->rows[i];

	for (unsigned int k = i + 1; k < l->n; k++) {
		const struct ladder_row *next = &l->rows[k];

		/* A SYN that our own RST follows had an answer. */
		if (row->kind == ROW_SYN && next->kind == ROW_RST &&
		    next->from == row->from)
			return false;
		if (next->from == row->from && next->again &&
		    next->ns[!row->from] &&
		    was_timer(row, next) &&
		    ladder_same_segment(next->kind, row->kind))
			return true;
	}
	return false;
}

/* It was the end of its sender, and the other side did not notice. */
static bool was_ignored(const struct ladder *l, const struct ladder_row *row)
{
	const struct conn *own = l->conn[row->from], *far = l->conn[!row->from];
	const uint64_t ns = row->ns[row->from];
	const uint64_t end_ns = own ? conn_end_ns(own) : 0;

	return end_ns && distance(end_ns, ns) < RST_NS &&
	       (!conn_end_ns(far) ||
		far->reason != REASON_RST_RECEIVED);
}

static void find_lost(struct ladder *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		struct ladder_row *row = &l->rows[i];

		if (row->lost || row->ns[!row->from] || !l->conn[!row->from])
			continue;
		if (row->kind <= ROW_ACK_OF_FIN)
			row->lost = later_arrived(l, i);
		else if (row->kind == ROW_RST)
			row->lost = was_ignored(l, row);
	}
}

/* Of @n rows: did the side that it went to do something before it came? */
static bool is_crossed(const struct ladder *l, unsigned int i, unsigned int n)
{
	const struct ladder_row *row = &l->rows[i];
	const uint64_t came = row->ns[!row->from];

	if (!row->ns[row->from] || !came || row->kind == ROW_DATA ||
	    row->kind == ROW_END)
		return false;
	for (unsigned int k = i + 1; k < n; k++) {
		const struct ladder_row *next = &l->rows[k];
		uint64_t ns = next->ns[!row->from];

		if (next->kind != ROW_DATA && ns && ns < came)
			return true;
	}
	return false;
}

static void split_crossing(struct ladder *l)
{
	const unsigned int n = l->n;

	for (unsigned int i = 0; i < n; i++)
		l->rows[i].number = i;
	for (unsigned int i = 0; i < n; i++) {
		struct ladder_row *leaves = &l->rows[i], *arrives;
		const uint8_t to = !leaves->from;

		if (!is_crossed(l, i, n))
			continue;
		arrives = add_row(l, leaves->kind, leaves->from);
		if (!arrives)
			break;
		*arrives = *leaves;
		arrives->part = PART_ARRIVES;
		arrives->ns[leaves->from] = 0;
		arrives->state[leaves->from] = 0;
		leaves->part = PART_LEAVES;
		leaves->ns[to] = 0;
		leaves->state[to] = 0;
	}
	qsort(l->rows, l->n, sizeof(l->rows[0]), by_time);
}

static void find_first(struct ladder *l)
{
	uint8_t side = l->conn[LEFT] ? LEFT : RIGHT;
	const struct conn *c = l->conn[side];

	l->has_fin = false;
	for (unsigned int i = 0; i < l->n; i++)
		if (l->rows[i].kind == ROW_FIN || l->rows[i].kind == ROW_FIN_ACK)
			l->has_fin = true;
	l->first = c->first == FIRST_PEER ? !side : side;
	if (c->first == FIRST_BOTH)
		l->first = LEFT;
}

/*
 * What @from has sent, as far as it is known exactly: bytes_acked counts a
 * client's SYN, and the FIN; bytes_received counts neither.
 */
static uint64_t bytes_from(const struct ladder *l, enum side from)
{
	const struct conn *own = l->conn[from], *far = l->conn[!from];
	uint64_t bytes = own ? own->bytes_out : far->bytes_in;
	uint32_t isn, fin;

	/* The lower half is exact, the upper is the counter's. */
	if (ladder_isn(l, from, &isn) && ladder_fin(l, from, &fin))
		return conn_bytes_between(bytes, isn, fin, &bytes) ? bytes : 0;
	if (!own || own->role == ROLE_SERVER)
		return bytes;
	return own->role == ROLE_CLIENT && bytes ? bytes - 1 : 0;
}

/* Just before the first row of one of @kinds from @from, of any side if BOTH. */
#define BOTH 2
static uint64_t before(const struct ladder *l, unsigned int kinds, int from)
{
	uint64_t ns = 0;

	for (unsigned int i = 0; i < l->n; i++) {
		const struct ladder_row *row = &l->rows[i];

		if ((kinds & 1u << row->kind) &&
		    (from == BOTH || row->from == from) &&
		    (!ns || time_of(row) < ns))
			ns = time_of(row);
	}
	return ns ? ns - 1 : UINT64_MAX;
}

static void add_data_row(struct ladder *l, uint8_t from, uint64_t bytes,
			 uint32_t segments, uint64_t ns)
{
	struct ladder_row *row = add_row(l, ROW_DATA, from);

	if (!row)
		return;
	row->bytes = bytes;
	row->segments = segments;
	/* It has no time of its own. */
	row->ns[from] = ns;
}

#define IS(kind) (1u << ROW_##kind)
#define FINS (IS(FIN) | IS(FIN_ACK))

/* What the side that is closed second sends after the first FIN: w - v. */
static uint64_t add_half_close(struct ladder *l, uint8_t from,
			       uint32_t *segments)
{
	const struct conn *own = l->conn[from];
	uint32_t ack, fin, before_ack = 0;

	*segments = 0;
	if (from == l->first || !ladder_ack(l, &ack) ||
	    !ladder_fin(l, from, &fin) || fin == ack || fin - ack >= 1U << 31)
		return 0;
	if (own && own->first == FIRST_PEER)
		before_ack = conn_closing(own)->segs_before_ack;
	if (own && own->data_segs_out > before_ack)
		*segments = own->data_segs_out - before_ack;
	add_data_row(l, from, fin - ack, *segments, before(l, FINS, from));
	return fin - ack;
}

static void add_data(struct ladder *l)
{
	for (uint8_t from = LEFT; from <= RIGHT; from++) {
		const struct conn *own = l->conn[from], *far = l->conn[!from];
		uint32_t segments = own ? own->data_segs_out : far->data_segs_in;
		uint64_t bytes = bytes_from(l, from);
		uint32_t late_segments;
		uint64_t late;

		if (!bytes || !segments)
			continue;
		late = add_half_close(l, from, &late_segments);
		if (late >= bytes)
			continue;
		/* With what came late and is not counted apart. */
		segments = late && !late_segments ? 0 : segments - late_segments;
		add_data_row(l, from, bytes - late, segments,
			     before(l, FINS | IS(ACK_OF_FIN) | IS(RST) | IS(END),
				    BOTH));
	}
}

/* ---- the whole ---- */

static uint8_t began(const struct history *h)
{
	return h->n ? h->steps[0].old_state : 0;
}

static void take_courses(struct ladder *l, const struct history *h,
			 uint8_t side)
{
	for (unsigned int i = 0; i < h->n; i++) {
		const struct step *step = &h->steps[i];

		if (step->kind != STEP_MOVE)
			continue;
		if (step->course == COURSE_UNUSUAL &&
		    !(l->courses[side] & 1u << COURSE_UNUSUAL)) {
			l->unusual[side].old_state = step->old_state;
			l->unusual[side].new_state = step->new_state;
		}
		l->courses[side] |= 1u << step->course;
	}
}

static uint8_t side_of(const struct history *one, const struct history *mate)
{
	/* Both of a simultaneous open are clients: who began is on the left. */
	if (mate && one->n && mate->n && one->conn.role == mate->conn.role)
		return one->steps[0].ns > mate->steps[0].ns ? RIGHT : LEFT;
	if (one->conn.role == ROLE_SERVER)
		return RIGHT;
	return mate && one->conn.role != ROLE_CLIENT &&
	       mate->conn.role == ROLE_CLIENT ? RIGHT : LEFT;
}

void ladder_build(struct ladder *l, const struct history *one,
		  const struct history *mate)
{
	uint8_t side = side_of(one, mate);
	const struct history *ends[2];

	memset(l, 0, offsetof(struct ladder, rows));
	ends[side] = one;
	ends[!side] = mate;
	for (int i = 0; i < 2; i++) {
		if (!ends[i])
			continue;
		l->conn[i] = &ends[i]->conn;
		l->began[i] = began(ends[i]);
		l->left_out += ends[i]->left_out;
		take_sent(l, ends[i], i);
		take_courses(l, ends[i], i);
	}
	for (int i = 0; i < 2; i++)
		if (ends[i])
			take_received(l, ends[i], i);
	find_first(l);
	join_three(l);
	add_data(l);
	qsort(l->rows, l->n, sizeof(l->rows[0]), by_time);
	l->began_ns = l->n ? time_of(&l->rows[0]) : 0;
	find_lost(l);
	if (mate)
		split_crossing(l);
	else
		ladder_infer(l, !side, one);
}

/* ---- numbers ---- */

bool ladder_isn(const struct ladder *l, enum side side, uint32_t *seq)
{
	const struct conn *here = l->conn[side], *there = l->conn[!side];

	if (here && here->known & CONN_ISN_LOCAL)
		*seq = here->isn_local;
	else if (there && there->known & CONN_ISN_PEER)
		*seq = there->isn_peer;
	else
		return false;
	return true;
}

bool ladder_fin(const struct ladder *l, enum side side, uint32_t *seq)
{
	const struct conn *here = l->conn[side], *there = l->conn[!side];

	if (here && here->known & CONN_FIN_LOCAL)
		*seq = conn_closing(here)->fin_local;
	else if (there && there->known & CONN_FIN_PEER)
		*seq = conn_closing(there)->fin_peer;
	else
		return false;
	return true;
}

bool ladder_ack(const struct ladder *l, uint32_t *seq)
{
	const struct conn *sender = l->conn[!l->first];
	const struct conn *other = l->conn[l->first];

	if (sender && sender->first == FIRST_PEER &&
	    (sender->known & CONN_ACK_SEQ))
		*seq = conn_closing(sender)->ack_seq;
	else if (other && other->first == FIRST_LOCAL &&
		 (other->known & CONN_ACK_SEQ))
		*seq = conn_closing(other)->ack_seq;
	else
		return false;
	return true;
}

uint64_t ladder_closed_ns(const struct ladder *l, enum side side)
{
	const struct conn *c = l->conn[side];

	return c ? conn_end_ns(c) : 0;
}

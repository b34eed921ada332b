// SPDX-License-Identifier: GPL-2.0
/*
 * The lines that users and other programs read, byte by byte: the names and
 * the order of JSON, the columns of text and CSV, and that no process name
 * can break any of them.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/fsm.h"
#include "origin.h"
#include "output/jsonw.h"
#include "output/output.h"
#include "output/output_ops.h"
#include "output/utf8.h"

#define MS UINT64_C(1000000)
#define SEC (1000 * MS)
#define T0 UINT64_C(8716915000)

/* What the output of a test wrote. */
static struct sheet {
	char *text;
	size_t len;
	FILE *file;
	struct output *out;
} sheet;

static bool name_cgroup(void *ctx, uint64_t id, char *unit, size_t unit_len,
			char *container, size_t container_len)
{
	(void)ctx;
	if (id != 1234)
		return false;
	snprintf(unit, unit_len, "orders.service");
	snprintf(container, container_len, "3f2a");
	return true;
}

static struct output *begin(enum output_format format, enum output_kind kind,
			    bool wide)
{
	const struct output_style style = {
		.format = format,
		.kind = kind,
		.wide = wide,
		/* 2026-11-20T21:42:53.123456789Z at T0 */
		.realtime_offset_ns = 1795210973123456789LL - (int64_t)T0,
		.cgroup_name = name_cgroup,
	};

	sheet.file = open_memstream(&sheet.text, &sheet.len);
	assert_non_null(sheet.file);
	sheet.out = output_new(sheet.file, &style);
	assert_non_null(sheet.out);
	return sheet.out;
}

static void expect(const char *text)
{
	fclose(sheet.file);
	assert_string_equal(sheet.text, text);
	free(sheet.text);
	output_free(sheet.out);
}

/* The client of DESIGN's example. */
static struct conn nc(void)
{
	struct conn c = {
		.cookie = 0x1a2b, .life = 1, .netns = 4026531840, .family = 4,
		.v4.saddr = { 127, 0, 0, 1 }, .v4.daddr = { 127, 0, 0, 1 },
		.sport = 46270, .dport = 9999, .role = ROLE_CLIENT,
		.state = TCPSTATE_TIME_WAIT, .basis = TCPSTATE_BY_PROBE,
		.has_uid = true,
		.origin = ORIGIN(.pid = 175, .comm = "nc", .cgroup = 1234),
	};

	return c;
}

static struct transition to_time_wait(const struct conn *c)
{
	return (struct transition){
		.conn = c, .ns = T0, .old_state = TCPSTATE_FIN_WAIT2,
		.new_state = TCPSTATE_TIME_WAIT, .basis = TCPSTATE_BY_PROBE,
		.has_span = true, .span_ns = 181999, .legal = true,
		.course = COURSE_CLIENT,
	};
}

#define HEAD(event) \
	"{\"event\":\"" event "\",\"ts\":\"2026-11-20T21:42:53.123456789Z\"," \
	"\"mono_ns\":8716915000,"
#define WHO "\"conn_id\":\"1a2b\",\"life\":1,\"netns\":4026531840," \
	"\"family\":\"ipv4\",\"saddr\":\"127.0.0.1\",\"sport\":46270," \
	"\"daddr\":\"127.0.0.1\",\"dport\":9999,"
#define OWNER "\"pid\":175,\"comm\":\"nc\",\"uid\":0,\"cgroup\":1234," \
	"\"unit\":\"orders.service\",\"container\":\"3f2a\"}\n"

static void test_json_state(void **state)
{
	struct conn c = nc();
	struct transition t = to_time_wait(&c);

	(void)state;
	output_transition(begin(FORMAT_JSON, OUTPUT_EVENTS, false), &t);
	expect(HEAD("state") WHO
	       "\"old_state\":\"FIN_WAIT2\",\"new_state\":\"TIME_WAIT\","
	       "\"span_us\":181,\"role\":\"client\",\"basis\":\"probe\","
	       "\"course\":\"normal_client\"," OWNER);
}

/* What is not known is not there. */
static void test_json_unknown(void **state)
{
	static struct address_pair any;
	struct conn c = { .cookie = UINT64_MAX, .family = 6, .v6 = &any };
	struct transition t = {
		.conn = &c, .ns = T0 + 1, .old_state = TCPSTATE_SYN_SENT,
		.new_state = TCPSTATE_CLOSE, .basis = TCPSTATE_BY_INFERENCE,
		.reason = REASON_TIMEOUT, .detail = DETAIL_SYN,
		.by_exit = true, .legal = false, .course = COURSE_UNUSUAL,
	};

	(void)state;
	output_transition(begin(FORMAT_JSON, OUTPUT_EVENTS, false), &t);
	expect("{\"event\":\"state\",\"ts\":\"2026-11-20T21:42:53.123456790Z\","
	       "\"mono_ns\":8716915001,\"conn_id\":\"ffffffffffffffff\","
	       "\"family\":\"ipv6\",\"old_state\":\"SYN_SENT\","
	       "\"new_state\":\"CLOSE\",\"role\":\"unknown\","
	       "\"basis\":\"inferred\",\"reason\":\"timeout\","
	       "\"detail\":\"syn\",\"by_exit\":true,"
	       "\"course\":\"unusual\",\"legal\":false}\n");
}

static struct closing closing;

static struct conn closed_nc(void)
{
	struct conn c = nc();

	c.born_ns = T0 - 100 * MS;
	c.established_ns = c.born_ns + 410999;
	c.accept_ns = c.established_ns + 5000;
	closing = (struct closing){
		.fin_ns = T0 - 50 * MS, .peer_fin_ns = T0, .tw_ns = T0,
		.fin_peer = 2882400002U,
	};
	c.closing = &closing;
	c.known = CONN_ISN_LOCAL | CONN_FIN_PEER;
	c.isn_local = 4294967295U;
	c.isn_peer = 7;
	c.syn_retrans = 2;
	c.first = FIRST_LOCAL;
	c.kind = KIND_FOUR_SEGMENT;
	return c;
}

#define CONN_PARTS(tw) \
	"\"duration_us\":100000," \
	"\"handshake\":{\"role\":\"client\",\"syn_us\":410," \
	"\"established_us\":410,\"accept_us\":5,\"isn_local\":4294967295," \
	"\"syn_retrans\":2,\"cookie\":false,\"fastopen\":false}," \
	"\"close\":{\"first\":\"local\",\"kind\":\"four_segment\"," \
	"\"half_close_us\":50000,\"fin_peer\":2882400002," \
	"\"time_wait_us\":" tw "},"

static void test_json_conn(void **state)
{
	struct conn c = closed_nc();

	(void)state;
	output_conn(begin(FORMAT_JSON, OUTPUT_CONNS, false), &c, false);
	expect(HEAD("conn") WHO "\"state\":\"TIME_WAIT\",\"role\":\"client\","
	       "\"basis\":\"probe\"," CONN_PARTS("null") OWNER);

	c.state = TCPSTATE_CLOSE;
	c.reason = REASON_TW_EXPIRED;
	c.state_ns = T0 + 60 * SEC;
	output_conn(begin(FORMAT_JSON, OUTPUT_CONNS, false), &c, true);
	expect("{\"event\":\"conn\",\"ts\":\"2026-11-20T21:43:53.123456789Z\","
	       "\"mono_ns\":68716915000," WHO
	       "\"state\":\"CLOSE\",\"role\":\"client\",\"basis\":\"probe\","
	       "\"reason\":\"tw_expired\"," CONN_PARTS("60000000") OWNER);
}

static void test_json_conn_short(void **state)
{
	struct conn c = nc();

	(void)state;
	c.state = TCPSTATE_CLOSE;
	own_origin(&c)->cgroup = 0;
	c.born_ns = T0 - 200999;
	c.state_ns = T0;
	c.reason = REASON_REFUSED;
	output_conn(begin(FORMAT_JSON, OUTPUT_CONNS, false), &c, true);
	expect(HEAD("conn") WHO "\"state\":\"CLOSE\",\"role\":\"client\","
	       "\"basis\":\"probe\",\"reason\":\"refused\",\"duration_us\":200,"
	       "\"handshake\":{\"role\":\"client\",\"syn_us\":200,"
	       "\"syn_retrans\":0,\"cookie\":false,\"fastopen\":false},"
	       "\"close\":{\"first\":\"none\",\"kind\":null,"
	       "\"time_wait_us\":null},\"pid\":175,\"comm\":\"nc\","
	       "\"uid\":0}\n");
}

static void test_json_open(void **state)
{
	struct conn c = nc();

	(void)state;
	c.snapshot = true;
	c.basis = TCPSTATE_BY_SNAPSHOT;
	c.state_ns = T0 - 5 * SEC;
	output_open(begin(FORMAT_JSON, OUTPUT_OPEN, false), &c, T0);
	expect(HEAD("conn") WHO "\"state\":\"TIME_WAIT\",\"age_us\":5000000,"
	       "\"age_exact\":false,\"role\":\"client\","
	       "\"basis\":\"snapshot\"," OWNER);
}

static void test_json_listener(void **state)
{
	struct conn c = { .cookie = 1, .family = 4, .sport = 80,
			  .role = ROLE_LISTENER, .state = TCPSTATE_LISTEN };

	(void)state;
	output_accept(begin(FORMAT_JSON, OUTPUT_EVENTS, false), &c, T0);
	expect(HEAD("accept") "\"conn_id\":\"1\",\"family\":\"ipv4\","
	       "\"saddr\":\"0.0.0.0\",\"sport\":80,\"state\":\"LISTEN\","
	       "\"role\":\"listener\",\"basis\":\"probe\"}\n");
}

static void test_json_rest(void **state)
{
	const struct output_summary plain = { 128413, 0, 1, 12, 30, 0, 0 };
	const struct output_summary bad = { 1, 2, 3, 4, 5, 6, 7 };
	const struct engine_counts counts = {
		.netns = 7, .states = { [TCPSTATE_CLOSE_WAIT] = 3 },
	};
	struct output *out = begin(FORMAT_JSON, OUTPUT_NO_HEADER, false);

	(void)state;
	output_lost(out, T0, 3, 17);
	output_lost(out, T0, ~0u, 18);
	output_counts(out, T0, &counts, 1);
	output_summary(out, &plain);
	output_summary(out, &bad);
	expect(HEAD("lost") "\"cpu\":3,\"count\":17}\n"
	       HEAD("lost") "\"count\":18}\n"
	       HEAD("counts") "\"netns\":7,\"states\":{\"ESTABLISHED\":0,"
	       "\"SYN_SENT\":0,\"SYN_RECV\":0,\"FIN_WAIT1\":0,\"FIN_WAIT2\":0,"
	       "\"TIME_WAIT\":0,\"CLOSE\":0,\"CLOSE_WAIT\":3,\"LAST_ACK\":0,"
	       "\"LISTEN\":0,\"CLOSING\":0}}\n"
	       "{\"event\":\"summary\",\"captured\":128413,\"lost\":0,"
	       "\"corrected\":1,\"unknown_owner\":12,\"inferred\":30}\n"
	       "{\"event\":\"summary\",\"captured\":1,\"lost\":2,"
	       "\"corrected\":3,\"unknown_owner\":4,\"inferred\":5,"
	       "\"malformed\":6,\"evicted\":7}\n");
}

/* Whoever reads only stdout sees where the gap is. */
static void expect_lost(enum output_format format, enum output_kind kind,
			const char *text)
{
	struct output *out = begin(format, kind, false);
	const char *header_end;

	output_lost(out, T0, 3, 17);
	output_lost(out, T0, ~0u, 18);
	fclose(sheet.file);
	header_end = strchr(sheet.text, '\n');
	assert_string_equal(header_end ? header_end + 1 : "", text);
	free(sheet.text);
	output_free(sheet.out);
}

static void test_lost_in_every_format(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	expect_lost(FORMAT_TEXT, OUTPUT_EVENTS, "-- lost 17 events on CPU 3 --\n"
		    "-- lost 18 events --\n");
	expect_lost(FORMAT_CSV, OUTPUT_EVENTS,
		    "21:42:53,0.000000,,,,,,,,LOST,17,\n"
		    "21:42:53,0.000000,,,,,,,,LOST,18,\n");
	expect_lost(FORMAT_CSV, OUTPUT_RAW,
		    "21:42:53,0.000000,,,,,,,,LOST,17,,lost\n"
		    "21:42:53,0.000000,,,,,,,,LOST,18,,lost\n");
	expect_lost(FORMAT_CSV, OUTPUT_CONNS,
		    ",,,,,,,,,,,,,,,lost 17 events\n"
		    ",,,,,,,,,,,,,,,lost 18 events\n");
	/* The full-screen picture counts them itself. */
	expect_lost(FORMAT_TEXT, OUTPUT_NO_HEADER, "");
}

static void test_json_raw(void **state)
{
	struct tcpstate_record rec = {
		.type = TCPSTATE_REQ_ADD, .cpu = 1, .seq = 9, .mono_ns = T0,
		.cookie = 0xab, .family = 10, .sport = 80, .dport = 40000,
		.old_state = TCPSTATE_LISTEN,
		.new_state = TCPSTATE_NEW_SYN_RECV,
		.basis = TCPSTATE_BY_PROBE,
		.flags = TCPSTATE_F_FASTOPEN | TCPSTATE_F_NO_TASK,
		/* Not terminated: only the engine has checked it. */
		.comm = "0123456789abcdef",
	};

	(void)state;
	inet_pton(AF_INET6, "2001:db8::1", rec.saddr);
	inet_pton(AF_INET6, "2001:db8::2", rec.daddr);
	output_raw(begin(FORMAT_JSON, OUTPUT_RAW, false), &rec);
	expect(HEAD("state") "\"raw\":true,\"type\":\"req_add\",\"cpu\":1,"
	       "\"seq\":9,\"conn_id\":\"ab\",\"family\":\"ipv6\","
	       "\"saddr\":\"2001:db8::1\",\"sport\":80,"
	       "\"daddr\":\"2001:db8::2\",\"dport\":40000,"
	       "\"old_state\":\"LISTEN\",\"new_state\":\"NEW_SYN_RECV\","
	       "\"basis\":\"probe\",\"flags\":[\"fastopen\",\"no_task\"],"
	       "\"uid\":0}\n");
	rec.flags = 0;
	output_raw(begin(FORMAT_TEXT, OUTPUT_RAW, false), &rec);
	expect("C-PID   C-COMM     LADDR           LPORT RADDR           RPORT OLDSTATE     -> NEWSTATE     TYPE\n"
	       "0       0123456789 2001:db8::1     80    2001:db8::2     40000 LISTEN       -> NEW_SYN_RECV req_add\n");
}

/* Escaping */

static const struct {
	const char *bytes, *json, *clean;
} names[] = {
	{ "nc", "\"nc\"", "nc" },
	{ "", "\"\"", "" },
	{ "a\"b\\c/", "\"a\\\"b\\\\c/\"", "a\"b\\c/" },
	{ "\x01\t\n\r\x1f\x7f", "\"\\u0001\\u0009\\u000a\\u000d\\u001f\\u007f\"",
	  "??????" },
	{ "\x1b[31m", "\"\\u001b[31m\"", "?[31m" },
	{ "h\xc3\xa9", "\"h\xc3\xa9\"", "h\xc3\xa9" },
	{ "\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xe2\x82\xac\xf0\x9f\x98\x80\"",
	  "\xe2\x82\xac\xf0\x9f\x98\x80" },
	/* Cut within a character, as the kernel does at 15 bytes. */
	{ "ab\xe2\x82", "\"ab\\ufffd\\ufffd\"", "ab??" },
	{ "\xff\xfe", "\"\\ufffd\\ufffd\"", "??" },
	/* Overlong, a surrogate, beyond U+10FFFF, a lone continuation. */
	{ "\xc0\xaf", "\"\\ufffd\\ufffd\"", "??" },
	{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"", "???" },
	{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"", "????" },
	{ "\x80z", "\"\\ufffdz\"", "?z" },
	/* C1: a terminal may take it for ESC [ */
	{ "\xc2\x9b" "31m", "\"\xc2\x9b" "31m\"", "?31m" },
};

static void test_names(void **state)
{
	struct jsonw w;
	char clean[64], line[128], *text;
	size_t i, len;
	FILE *file;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		file = open_memstream(&text, &len);
		jsonw_begin(&w, file);
		jsonw_string(&w, "n", names[i].bytes);
		jsonw_end(&w);
		fclose(file);
		snprintf(line, sizeof(line), "{\"n\":%s}\n", names[i].json);
		assert_string_equal(text, line);
		free(text);
		utf8_clean(clean, sizeof(clean), names[i].bytes);
		assert_string_equal(clean, names[i].clean);
	}
	utf8_clean(clean, 4, "ab\xe2\x82\xac");
	assert_string_equal(clean, "ab");
	utf8_clean(clean, 1, "ab");
	assert_string_equal(clean, "");
}

/* Values that do not fit the writer's own room come out whole. */
static void test_json_long(void **state)
{
	char value[5000], *text;
	struct jsonw w;
	size_t len, i;
	FILE *file = open_memstream(&text, &len);

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	jsonw_begin(&w, file);
	jsonw_string(&w, "s", value);
	jsonw_array(&w, "a");
	for (i = 0; i < 1000; i++)
		jsonw_number(&w, NULL, 1);
	jsonw_array_end(&w);
	jsonw_end(&w);
	fclose(file);
	assert_int_equal(len, 6 + 4999 + 7 + 1999 + 3);
	assert_memory_equal(text, "{\"s\":\"xxx", 9);
	assert_string_equal(text + len - 7, ",1,1]}\n");
	free(text);
}

static void test_json_writer(void **state)
{
	struct jsonw w;
	char *text;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	(void)state;
	jsonw_begin(&w, file);
	jsonw_array(&w, "a");
	jsonw_number(&w, NULL, UINT64_MAX);
	jsonw_object(&w, NULL);
	jsonw_object_end(&w);
	jsonw_array_end(&w);
	jsonw_real(&w, "r", 41, 1);
	jsonw_real(&w, "n", 0.0 / 0.0, 1);
	jsonw_bool(&w, "b", false);
	jsonw_null(&w, "z");
	jsonw_end(&w);
	fclose(file);
	assert_string_equal(text, "{\"a\":[18446744073709551615,{}],\"r\":41.0,\"n\":null,\"b\":false,\"z\":null}\n");
	free(text);
}

/* Text and CSV */

static void test_text_events(void **state)
{
	struct conn c = nc(), none = { .family = 4, .sport = 80 };
	struct transition t = to_time_wait(&c), u = to_time_wait(&none);
	struct output *out = begin(FORMAT_TEXT, OUTPUT_EVENTS, false);

	(void)state;
	u.has_span = false;
	output_start(out);
	output_start(out);
	output_transition(out, &t);
	output_transition(out, &u);
	expect("C-PID   C-COMM     LADDR           LPORT RADDR           RPORT OLDSTATE    -> NEWSTATE    MS\n"
	       "175     nc         127.0.0.1       46270 127.0.0.1       9999  FIN_WAIT2   -> TIME_WAIT   0.182\n"
	       "-       -          0.0.0.0         80    0.0.0.0         0     FIN_WAIT2   -> TIME_WAIT   -\n");
}

static void test_text_wide(void **state)
{
	static const char long_addr[] =
		"2001:db8:1111:2222:3333:4444:5555:6666";
	struct conn c = nc();
	struct transition t = to_time_wait(&c);
	struct address_pair pair;

	(void)state;
	c.family = 6;
	c.v6 = &pair;
	inet_pton(AF_INET6, long_addr, pair.saddr);
	inet_pton(AF_INET6, "::1", pair.daddr);
	output_transition(begin(FORMAT_TEXT, OUTPUT_EVENTS, true), &t);
	expect("C-PID   C-COMM           IP LADDR                                   LPORT RADDR                                   RPORT OLDSTATE    -> NEWSTATE    MS\n"
	       "175     nc               6  2001:db8:1111:2222:3333:4444:5555:6666  46270 ::1                                     9999  FIN_WAIT2   -> TIME_WAIT   0.182\n");
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* Each line has what the header promises, a loss too. */
static void test_wide_conns(void **state)
{
	struct conn c = closed_nc();
	struct output *out = begin(FORMAT_CSV, OUTPUT_CONNS, true);
	char *line, *rest = NULL;
	size_t fields = 0;

	(void)state;
	c.known = CONN_ISN_LOCAL;
	c.isn_local = 4294967295U;
	c.segs_in = 2;
	c.data_segs_in = 1;
	output_start(out);
	output_conn(out, &c, true);
	output_lost(out, T0, ~0u, 3);
	fclose(sheet.file);
	assert_non_null(strstr(sheet.text, ",HOW,ACCEPT_US,HALF_CLOSE_US,"));
	assert_non_null(strstr(sheet.text, ",4294967295,"));
	for (line = strtok_r(sheet.text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (!fields)
			fields = count(line, ",");
		assert_int_equal(count(line, ","), fields);
	}
	assert_int_equal(fields, 37);
	free(sheet.text);
	output_free(sheet.out);
}

static void test_csv_events(void **state)
{
	struct conn c = nc();
	struct transition t = to_time_wait(&c), u = t;
	struct output *out;

	(void)state;
	setenv("TZ", "UTC", 1);
	memcpy(own_origin(&c)->comm, "a,\"b\"\n", 7);
	u.ns = T0 + 1500 * MS;
	u.has_span = false;
	out = begin(FORMAT_CSV, OUTPUT_EVENTS, false);
	output_transition(out, &t);
	c.origin = NULL;
	output_transition(out, &u);
	expect("TIME,TIME(s),C-PID,C-COMM,IP,LADDR,LPORT,RADDR,RPORT,OLDSTATE,NEWSTATE,MS\n"
	       "21:42:53,0.000000,175,\"a,\"\"b\"\"?\",4,127.0.0.1,46270,127.0.0.1,9999,FIN_WAIT2,TIME_WAIT,0.182\n"
	       "21:42:54,1.500000,,,4,127.0.0.1,46270,127.0.0.1,9999,FIN_WAIT2,TIME_WAIT,\n");
}

static void test_text_conns(void **state)
{
	struct conn c = closed_nc();
	struct output *out = begin(FORMAT_TEXT, OUTPUT_CONNS, false);

	(void)state;
	output_conn(out, &c, false);
	c.first = FIRST_NONE;
	closing.tw_ns = 0;
	c.established_ns = 0;
	c.state = TCPSTATE_CLOSE;
	c.state_ns = c.born_ns + 63 * SEC;
	c.reason = REASON_TIMEOUT;
	c.detail = DETAIL_SYNACK;
	c.syn_retrans = 4;
	c.role = ROLE_SERVER;
	c.origin = NULL;
	output_conn(out, &c, true);
	expect("PID    COMM     R LOCAL            PEER                LIFE      HS FIRST HOW\n"
	       "175    nc       C 127.0.0.1:46270  127.0.0.1:9999     100ms  0.41ms local 4 segments\n"
	       "-      -        S 127.0.0.1:46270  127.0.0.1:9999       63s       - -     timeout, 5 SYN-ACKs sent\n");
}

static void test_csv_conns(void **state)
{
	struct conn c = closed_nc();

	(void)state;
	output_conn(begin(FORMAT_CSV, OUTPUT_CONNS, false), &c, false);
	expect("PID,COMM,ROLE,IP,LADDR,LPORT,RADDR,RPORT,LIFE_US,HANDSHAKE_US,FIRST,KIND,REASON,DETAIL,TIME_WAIT_US,HOW\n"
	       "175,nc,client,4,127.0.0.1,46270,127.0.0.1,9999,100000,410,local,four_segment,,,,4 segments\n");
}

static void test_text_open(void **state)
{
	struct conn c = nc();
	struct output *out = begin(FORMAT_TEXT, OUTPUT_OPEN, false);

	(void)state;
	c.state = TCPSTATE_CLOSE_WAIT;
	c.snapshot = true;
	c.state_ns = 1;
	output_open(out, &c, 1 + 7980 * SEC);
	c.snapshot = false;
	output_open(out, &c, 1 + 88 * MS);
	expect("PID    COMM       R STATE             AGE LOCAL              PEER\n"
	       "175    nc         C CLOSE_WAIT    >=2h13m 127.0.0.1:46270    127.0.0.1:9999\n"
	       "175    nc         C CLOSE_WAIT       88ms 127.0.0.1:46270    127.0.0.1:9999\n");
}

static const struct {
	uint8_t reason, detail, kind;
	uint32_t n;		/* unread, or sent again */
	const char *how;
} hows[] = {
	{ REASON_FIN, 0, KIND_UNKNOWN, 0, "FIN" },
	{ REASON_FIN, 0, KIND_THREE_SEGMENT, 0, "3 segments" },
	{ REASON_NONE, 0, KIND_SIMULTANEOUS, 0, "simultaneous" },
	{ REASON_ABORT, DETAIL_UNREAD_DATA, KIND_RST, 812,
	  "abort, 812 B unread" },
	{ REASON_ABORT, DETAIL_UNREAD_DATA, KIND_RST, 0, "abort, unread data" },
	{ REASON_ABORT, DETAIL_LINGER0, KIND_RST, 0, "abort, linger 0" },
	{ REASON_REFUSED, 0, KIND_REFUSED, 0, "refused" },
	{ REASON_TIMEOUT, DETAIL_SYN, KIND_TIMEOUT, 0, "timeout, 1 SYN sent" },
	{ REASON_TIMEOUT, DETAIL_DATA, KIND_TIMEOUT, 3, "timeout, data" },
	{ REASON_TW_OVERFLOW, 0, KIND_FOUR_SEGMENT, 0,
	  "4 segments, no TIME_WAIT: overflow" },
	{ REASON_RST_SENT, DETAIL_DATA_AFTER_CLOSE, KIND_RST, 0,
	  "RST sent, data after close" },
	/* Out of range, as far as the fields go. */
	{ 31, 15, 0, 0, "FIN" },
};

static void test_how(void **state)
{
	char how[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
		struct conn c = {
			.reason = hows[i].reason, .detail = hows[i].detail,
			.kind = hows[i].kind, .unread = hows[i].n,
			.syn_retrans = hows[i].n,
		};

		conn_how(&c, how, sizeof(how));
		assert_string_equal(how, hows[i].how);
	}
}

static void test_addresses(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0", "1.10.100.255", "255.255.255.255", "99.9.0.199",
	};
	uint8_t addr[16];
	struct cell cell;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		inet_pton(AF_INET, texts[i], addr);
		assert_string_equal(cell_addr(&cell, 4, addr), texts[i]);
	}
	memset(addr, 0xff, sizeof(addr));
	assert_string_equal(cell_end(&cell, 6, addr, 65535),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

static void test_spans(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} spans[] = {
		{ 0, "0.00ms" }, { 410000, "0.41ms" }, { 2100000, "2.10ms" },
		{ 88 * MS, "88ms" }, { 1204 * MS, "1.204s" },
		{ 12010 * MS, "12.010s" }, { 63 * SEC, "63s" },
		{ 1800 * SEC, "30m00s" }, { 7980 * SEC, "2h13m" },
		{ 90000 * SEC, "1d01h" },
		{ UINT64_MAX, "213503d23h" },
	};
	struct cell cell;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(spans) / sizeof(*spans); i++)
		assert_string_equal(cell_span(&cell, spans[i].ns),
				    spans[i].text);
	assert_string_equal(cell_ms(&cell, 0), "0.000");
	assert_string_equal(cell_ms(&cell, 499), "0.000");
	assert_string_equal(cell_ms(&cell, 500), "0.001");
	assert_string_equal(cell_ms(&cell, 999999), "1.000");
	assert_string_equal(cell_ms(&cell, 60 * SEC + 12345678), "60012.346");
	assert_string_equal(cell_ms(&cell, UINT64_MAX), "18446744073709.552");
	assert_string_equal(cell_number(&cell, UINT64_MAX),
			    "18446744073709551615");
	assert_string_equal(cell_thousands(&cell, 7), "7");
	assert_string_equal(cell_thousands(&cell, 1204), "1,204");
	assert_string_equal(cell_thousands(&cell, UINT64_MAX),
			    "18,446,744,073,709,551,615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_state),
		cmocka_unit_test(test_json_unknown),
		cmocka_unit_test(test_json_conn),
		cmocka_unit_test(test_json_conn_short),
		cmocka_unit_test(test_json_open),
		cmocka_unit_test(test_json_listener),
		cmocka_unit_test(test_json_rest),
		cmocka_unit_test(test_json_raw),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_json_long),
		cmocka_unit_test(test_json_writer),
		cmocka_unit_test(test_text_events),
		cmocka_unit_test(test_text_wide),
		cmocka_unit_test(test_wide_conns),
		cmocka_unit_test(test_csv_events),
		cmocka_unit_test(test_lost_in_every_format),
		cmocka_unit_test(test_text_conns),
		cmocka_unit_test(test_csv_conns),
		cmocka_unit_test(test_text_open),
		cmocka_unit_test(test_how),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

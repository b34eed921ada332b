// SPDX-License-Identifier: GPL-2.0
/*
 * Thresholds as words: what is taken, what is refused, and that what is said
 * is taken again.
 */
#include "records.h"

#include "settings.h"

#define NEVER THRESHOLD_NEVER

static const struct {
	const char *name, *text;
	struct threshold t;
} taken[] = {
	{ "close-wait-count", "10,100", { 10, 100 } },
	{ "close-wait-count", "100", { NEVER, 100 } },
	{ "close-wait-count", "7,7", { 7, 7 } },
	{ "close-wait-count", " 10 ,\t100 ", { 10, 100 } },
	{ "close-wait-count", "0", { NEVER, 0 } },
	{ "close-wait-count", "0,18446744073709551615", { 0, NEVER } },
	{ "fds-used", "80,95", { 80, 95 } },
	{ "fds-used", "80%,95%", { 80, 95 } },
	{ "fds-used", "0,100", { 0, 100 } },
	{ "ports-used", "90", { NEVER, 90 } },
	{ "time-wait", "70,95", { 70, 95 } },
	{ "syn-recv", "100", { NEVER, 100 } },
	/* An age alone is that from which one counts. */
	{ "close-wait-age", "60s", { MS(60000), NEVER } },
	{ "close-wait-age", "60", { MS(60000), NEVER } },
	{ "close-wait-age", "0", { 0, NEVER } },
	{ "close-wait-age", "1.5s", { MS(1500), NEVER } },
	{ "close-wait-age", "1m,2h", { MS(60000), MS(7200000) } },
	{ "close-wait-age", "90s,90s", { MS(90000), MS(90000) } },
};

static void test_taken(void **state)
{
	struct parse_error err;
	struct threshold t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(taken); i++) {
		print_message("%s = %s\n", taken[i].name, taken[i].text);
		t = (struct threshold){ 1, 2 };
		assert_int_equal(setting_parse(setting_find(taken[i].name),
					       taken[i].text, &t, &err), 0);
		assert_int_equal(t.warn, taken[i].t.warn);
		assert_int_equal(t.crit, taken[i].t.crit);
	}
}

static const struct {
	const char *name, *text, *why;
} refused[] = {
	{ "close-wait-count", "", "a value is missing" },
	{ "close-wait-count", ",", "a value is missing" },
	{ "close-wait-count", "10,", "a value is missing" },
	{ "close-wait-count", ",10", "a value is missing" },
	{ "close-wait-count", "1,2,3", "two with a comma" },
	{ "close-wait-count", "-1", "not a whole number from 0" },
	{ "close-wait-count", "ten", "not a whole number from 0" },
	{ "close-wait-count", "1.5", "not a whole number from 0" },
	{ "close-wait-count", "10%", "not a whole number from 0" },
	{ "close-wait-count", "1 0", "not a whole number from 0" },
	{ "close-wait-count", "18446744073709551616", "not a whole number" },
	{ "close-wait-count", "100,10",
	  "the first value, 100, is for a warning and must not be above the second, 10" },
	{ "close-wait-count",
	  "0000000000000000000000000000000000000000000000001", "one value" },
	{ "fds-used", "101", "from 0 to 100" },
	{ "fds-used", "80,101", "from 0 to 100" },
	{ "fds-used", "%", "from 0 to 100" },
	{ "fds-used", "80%%", "from 0 to 100" },
	{ "fds-used", "95,80", "must not be above" },
	{ "close-wait-age", "soon", "a duration is a number" },
	{ "close-wait-age", "-1s", "negative" },
	{ "close-wait-age", "2h,1m", "the first value, 2h" },
	{ "close-wait-age", "99999999999999999999", "too long" },
};

static void test_refused(void **state)
{
	struct parse_error err;
	struct threshold t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		print_message("%s = %s\n", refused[i].name, refused[i].text);
		t = (struct threshold){ 1, 2 };
		err.why[0] = '\0';
		assert_true(setting_parse(setting_find(refused[i].name),
					  refused[i].text, &t, &err) < 0);
		assert_non_null(strstr(err.why, refused[i].why));
		assert_null(strchr(err.why, '\n'));
		assert_int_equal(t.warn, 1);
		assert_int_equal(t.crit, 2);
	}
}

/* Of each row, its member is its own, and the default as text is taken. */
static void test_rows(void **state)
{
	struct thresholds defaults = THRESHOLDS_DEFAULT, t = { 0 };
	const struct setting *row;
	struct parse_error err;
	char text[100];

	(void)state;
	for (row = setting_rows; row->name; row++) {
		setting_text(row, setting_of(&defaults, row), text,
			     sizeof(text));
		print_message("%s = %s\n", row->name, text);
		assert_int_equal(setting_of(&t, row)->crit, 0);
		assert_int_equal(setting_parse(row, text, setting_of(&t, row),
					       &err), 0);
		assert_ptr_equal(setting_find(row->name), row);
	}
	assert_memory_equal(&t, &defaults, sizeof(t));
	assert_null(setting_find("close-wait"));
	assert_null(setting_find(""));
}

static void test_text(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "close-wait-age", "60s" },
		{ "close-wait-age", "60s,7200s" },
		{ "close-wait-age", "1.500000000s" },
		{ "close-wait-count", "10,100" },
		{ "fds-used", "95" },
	};
	struct parse_error err;
	struct threshold t;
	char text[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct setting *row = setting_find(rows[i].name);

		assert_int_equal(setting_parse(row, rows[i].text, &t, &err),
				 0);
		setting_text(row, &t, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

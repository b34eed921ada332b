// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration file: what it sets, what it may look like, and which line
 * is named when it is wrong.
 */
#include "records.h"

#include <errno.h>
#include <stdio.h>

#include "config.h"

static struct settings settings;
static struct config_error error;

static int setup(void **state)
{
	(void)state;
	settings = (struct settings)SETTINGS_DEFAULT;
	return 0;
}

static int read_bytes(const char *bytes, size_t len)
{
	FILE *f = tmpfile();
	int ret;

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	rewind(f);
	ret = config_read(f, &settings, &error);
	fclose(f);
	return ret;
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static void assert_count(uint64_t warn, uint64_t crit)
{
	assert_int_equal(settings.thresholds.close_wait_count.warn, warn);
	assert_int_equal(settings.thresholds.close_wait_count.crit, crit);
}

static void test_nothing(void **state)
{
	static const char *const texts[] = {
		"", "\n", "\n\n", "   ", "# a comment", "\t# a comment\n",
		"#\n#close-wait-count = 1\n", "\r\n\r\n",
	};
	const struct thresholds defaults = THRESHOLDS_DEFAULT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(read_text(texts[i]), 0);
		assert_memory_equal(&settings.thresholds, &defaults,
				    sizeof(defaults));
	}
}

static void test_spellings(void **state)
{
	static const char *const texts[] = {
		"close-wait-count = 3,4", "close-wait-count=3,4\n",
		"\tclose-wait-count\t=\t3 , 4\t\n",
		"close-wait-count = 3,4 # why not\n",
		"close-wait-count = 3,4#\n",
		"close-wait-count = 3,4\r\n",
		"# first\n\nclose-wait-count = 3,4\n# last",
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		setup(state);
		print_message("%s\n", texts[i]);
		assert_int_equal(read_text(texts[i]), 0);
		assert_count(3, 4);
	}
}

static void test_several(void **state)
{
	(void)state;
	assert_int_equal(read_text("close-wait-age = 5s,1m\r\n"
				   "fds-used = 50\r\n"
				   "syn-recv = 1,2"), 0);
	assert_int_equal(settings.thresholds.close_wait_age.warn, MS(5000));
	assert_int_equal(settings.thresholds.close_wait_age.crit, MS(60000));
	assert_int_equal(settings.thresholds.fds_used.warn, THRESHOLD_NEVER);
	assert_int_equal(settings.thresholds.fds_used.crit, 50);
	assert_int_equal(settings.thresholds.syn_recv.warn, 1);
	assert_int_equal(settings.thresholds.syn_recv.crit, 2);
	/* What it does not name stays. */
	assert_count(10, 100);
}

static const struct {
	const char *text;
	unsigned long line;
	const char *why;
} wrong[] = {
	{ "nosuch = 1", 1, "unknown key \"nosuch\": the keys are "
	  "close-wait-age, close-wait-count, fds-used, ports-used, time-wait, "
	  "syn-recv" },
	{ "\n# x\n\nClose-Wait-Count = 1\n", 4, "unknown key" },
	{ "close_wait_count = 1", 1, "unknown key" },
	{ "--close-wait-count = 1", 1, "unknown key" },
	{ " = 1", 1, "unknown key \"\"" },
	{ "close-wait-count", 1, "no \"key = value\"" },
	{ "close-wait-count 1", 1, "no \"key = value\"" },
	{ "[check]\n", 1, "no \"key = value\"" },
	{ "fds-used = 1\nclose-wait-count =\n", 2, "a value is missing" },
	{ "close-wait-count = # 1\n", 1, "a value is missing" },
	{ "close-wait-count = 1\r\r2\n", 1, "not a whole number" },
	{ "close-wait-count = \"1\"\n", 1, "not a whole number" },
	{ "close-wait-count = 1 = 2\n", 1, "not a whole number" },
	{ "fds-used = 101\n", 1, "fds-used = 101: not a whole number from 0 to 100" },
	{ "fds-used = 90,80\n", 1, "must not be above" },
	{ "fds-used = 80\n\nfds-used = 80\n", 3,
	  "fds-used is set in line 1 already" },
	{ "close-wait-age = soon", 1, "a duration is" },
};

static void test_wrong(void **state)
{
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		setup(state);
		print_message("%s\n", wrong[i].text);
		assert_int_equal(read_text(wrong[i].text), -EINVAL);
		assert_int_equal(error.line, wrong[i].line);
		assert_non_null(strstr(error.why, wrong[i].why));
		assert_null(strchr(error.why, '\n'));
	}
}

static void test_nul_bytes(void **state)
{
	static const char text[] = "fds-used = 80\nclose-wait-count = 1\0\n";

	(void)state;
	assert_int_equal(read_bytes(text, sizeof(text) - 1), -EINVAL);
	assert_int_equal(error.line, 2);
	assert_non_null(strstr(error.why, "NUL"));
}

static void test_long_lines(void **state)
{
	static char text[100000];
	size_t len;

	/* The longest that is taken, and one more. */
	for (len = 511; len <= 512; len++) {
		setup(state);
		memset(text, ' ', sizeof(text));
		memcpy(text, "close-wait-count = 3,4", 22);
		text[len] = '\n';
		assert_int_equal(read_bytes(text, len + 1),
				 len == 511 ? 0 : -EINVAL);
	}
	assert_int_equal(error.line, 1);
	assert_non_null(strstr(error.why, "longer than 511 bytes"));
	/* A comment too: what is no text need not be read to its end. */
	memset(text, '#', sizeof(text));
	assert_int_equal(read_bytes(text, sizeof(text)), -EINVAL);
}

static void test_no_file(void **state)
{
	FILE *f = fopen("/", "r");

	(void)state;
	assert_non_null(f);
	assert_int_equal(config_read(f, &settings, &error), -EISDIR);
	fclose(f);
	assert_int_equal(error.line, 0);
	assert_string_equal(error.why, "Is a directory");
}

/* Whatever the order, and what the file says is looked at all the same. */
static void test_options_win(void **state)
{
	const struct setting *count = setting_find("close-wait-count");

	(void)state;
	settings_by_option(&settings, count, "--close-wait-count", "3,4");
	assert_int_equal(read_text("close-wait-count = 5,6\nfds-used = 7\n"),
			 0);
	assert_count(3, 4);
	assert_int_equal(settings.thresholds.fds_used.crit, 7);
	assert_int_equal(read_text("close-wait-count = x\n"), -EINVAL);
	assert_int_equal(read_text("close-wait-count = 1\n"
				   "close-wait-count = 1\n"), -EINVAL);
}

/* It has every key once, and its values are the defaults. */
static void test_example(void **state)
{
	const struct thresholds defaults = THRESHOLDS_DEFAULT;
	FILE *f = fopen("packaging/watch.conf", "r");

	(void)state;
	assert_non_null(f);
	memset(&settings.thresholds, 0xee, sizeof(settings.thresholds));
	assert_int_equal(config_read(f, &settings, &error), 0);
	fclose(f);
	assert_memory_equal(&settings.thresholds, &defaults, sizeof(defaults));
}

#define WITH_DEFAULTS(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEFAULTS(test_nothing),
		WITH_DEFAULTS(test_spellings),
		WITH_DEFAULTS(test_several),
		WITH_DEFAULTS(test_wrong),
		WITH_DEFAULTS(test_nul_bytes),
		WITH_DEFAULTS(test_long_lines),
		WITH_DEFAULTS(test_no_file),
		WITH_DEFAULTS(test_options_win),
		WITH_DEFAULTS(test_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

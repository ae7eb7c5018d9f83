// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/conversion.h"

static char *guard; /* a page that faults; what ends at it cannot be read beyond */

static int map_guard(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (pages == MAP_FAILED)
		return -1;
	guard = pages + page;
	return mprotect(guard, (size_t)page, PROT_NONE);
}

static const char *at_guard(const char *format, size_t size)
{
	return memcpy(guard - size, format, size);
}

static enum format_result plan_of(const char *format, struct format_plan *plan)
{
	size_t size = strlen(format);

	return format_plan(at_guard(format, size), size, plan);
}

static struct format_conversion one(const char *format)
{
	struct format_conversion conversion, end;
	struct format_parser parser;
	size_t size = strlen(format);

	format_begin(&parser, at_guard(format, size), size);
	assert_int_equal(format_next(&parser, &conversion), FORMAT_OK);
	assert_int_equal(format_next(&parser, &end), FORMAT_END);
	return conversion;
}

static void splits_text_and_conversions(void **state)
{
	static const char format[] = "got %d%% of %-8s\n";
	static const char *const expected[] = {"got ", "%d", "%", " of ", "%-8s", "\n"};
	static const char kind[] = {0, 'd', 0, 0, 's', 0};
	struct format_conversion conversion;
	struct format_parser parser;
	size_t n = 0;

	(void)state;
	format_begin(&parser, at_guard(format, sizeof(format) - 1), sizeof(format) - 1);
	while (format_next(&parser, &conversion) == FORMAT_OK) {
		assert_in_range(n, 0, 5);
		assert_int_equal(conversion.size, strlen(expected[n]));
		assert_memory_equal(conversion.text, expected[n], conversion.size);
		assert_int_equal(conversion.conversion, kind[n]);
		n++;
	}
	assert_int_equal(n, 6);
	format_begin(&parser, "", 0);
	assert_int_equal(format_next(&parser, &conversion), FORMAT_END);
}

static void reads_every_field(void **state)
{
	struct format_conversion c = one("%-+ #0'I12.34lld");

	(void)state;
	assert_int_equal(c.flags, FORMAT_LEFT | FORMAT_PLUS | FORMAT_SPACE | FORMAT_ALT |
					  FORMAT_ZERO | FORMAT_GROUP);
	assert_int_equal(c.width, 12);
	assert_int_equal(c.precision, 34);
	assert_int_equal(c.length, FORMAT_LONG_LONG);
	assert_int_equal(c.conversion, 'd');
	assert_int_equal(c.arg, 0);

	c = one("%*.*f");
	assert_int_equal(c.width_arg, 0);
	assert_int_equal(c.precision_arg, 1);
	assert_int_equal(c.arg, 2);
	assert_int_equal(c.width, FORMAT_NO_NUMBER);

	c = one("%3$*1$.*2$f");
	assert_int_equal(c.width_arg, 0);
	assert_int_equal(c.precision_arg, 1);
	assert_int_equal(c.arg, 2);

	c = one("%.s");
	assert_int_equal(c.precision, 0);
	assert_int_equal(c.width, FORMAT_NO_NUMBER);
	c = one("%5%");
	assert_int_equal(c.conversion, 0);
	assert_int_equal(c.size, 1);
	assert_int_equal(*c.text, '%');
	c = one("%2147483648d");
	assert_int_equal(c.width, INT_MAX);
	c = one("%.99999999999999999999999s");
	assert_int_equal(c.precision, INT_MAX);
}

static void knows_every_kind(void **state)
{
	static const struct {
		const char *formats;
		enum format_kind kind;
	} tests[] = {
		{"%d %i %o %u %x %X %hd %hhd %hu %hhX %c %lc %C %hc", FORMAT_INT32},
		{"%b %B %hb %hhB %w8d %w16x %w32d %w32u %wf8d", FORMAT_INT32},
		{"%lb %zB %w64d %w64b %wf64u", FORMAT_INT64},
		{"%ld %li %lo %lu %lx %lX %lld %llu %qd %Ld %zd %zu %jd %tx %p", FORMAT_INT64},
		{"%f %F %e %E %g %G %a %A %lf %la %hf %zg", FORMAT_DOUBLE},
		{"%Lf %LF %Le %LE %Lg %LG %La %LA %llf %qf", FORMAT_LONG_DOUBLE},
		{"%s %hs %hhs", FORMAT_STRING},
		{"%ls %S %lS", FORMAT_WIDE_STRING},
		{"%m %-5m %.3m %#m", FORMAT_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		char formats[128], *at = formats, *format;

		strcpy(formats, tests[i].formats);
		while ((format = strsep(&at, " "))) {
			if (one(format).kind != tests[i].kind)
				fail_msg("%s: kind %d, not %d", format, one(format).kind,
					 tests[i].kind);
		}
	}
}

static void refuses_what_it_must(void **state)
{
	static const struct {
		const char *format;
		enum format_result result;
	} tests[] = {
		{"%n", FORMAT_REFUSED},
		{"%d %hhn", FORMAT_REFUSED},
		{"%1$n", FORMAT_REFUSED},
		{"%*n", FORMAT_REFUSED},
		{"%", FORMAT_TRUNCATED},
		{"50%", FORMAT_TRUNCATED},
		{"%5", FORMAT_TRUNCATED},
		{"%1$", FORMAT_TRUNCATED},
		{"%-", FORMAT_TRUNCATED},
		{"%.", FORMAT_TRUNCATED},
		{"%.*", FORMAT_TRUNCATED},
		{"%1$*1", FORMAT_TRUNCATED},
		{"%ll", FORMAT_TRUNCATED},
		{"%w3", FORMAT_TRUNCATED},
		{"%wf", FORMAT_TRUNCATED},
		{"%y", FORMAT_MALFORMED},
		{"%wd", FORMAT_MALFORMED},
		{"%w24d", FORMAT_MALFORMED},
		{"%w4294967304d", FORMAT_MALFORMED},
		{"%w32ld", FORMAT_MALFORMED},
		{"%w64s", FORMAT_MALFORMED},
		{"%hld", FORMAT_MALFORMED},
		{"%llld", FORMAT_MALFORMED},
		{"%lls", FORMAT_MALFORMED},
		{"%zs", FORMAT_MALFORMED},
		{"%Lc", FORMAT_MALFORMED},
		{"%.-5d", FORMAT_MALFORMED},
		{"%*5d", FORMAT_MALFORMED},
		{"%0$d", FORMAT_MALFORMED},
		{"%d %1$d", FORMAT_MALFORMED},
		{"%1$d %d", FORMAT_MALFORMED},
		{"%1$*d", FORMAT_MALFORMED},
		{"%*1$d", FORMAT_MALFORMED},
		{"%1$d %1$s", FORMAT_MALFORMED},
		{"%1$d %1$ld", FORMAT_MALFORMED},
		{"%1$f %1$Lf", FORMAT_MALFORMED},
		{"%1$s %2$*1$d", FORMAT_MALFORMED},
		{"%1$.*2$s %1$.*3$s", FORMAT_MALFORMED},
		{"%2$d", FORMAT_GAP},
		{"%1$d %3$d", FORMAT_GAP},
		{"%65$d", FORMAT_TOO_MANY},
		{"%4294967297$d", FORMAT_TOO_MANY},
		{"%18446744073709551617$d", FORMAT_TOO_MANY},
	};
	struct format_plan plan;

	(void)state;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		enum format_result result = plan_of(tests[i].format, &plan);

		if (result != tests[i].result)
			fail_msg("%s: %d, not %d", tests[i].format, result, tests[i].result);
	}
}

static void plans_in_argument_order(void **state)
{
	struct format_plan plan;

	(void)state;
	assert_int_equal(plan_of("%2$s %1$d %m %3$Lf", &plan), FORMAT_OK);
	assert_int_equal(plan.n, 3);
	assert_true(plan.has_errno);
	assert_int_equal(plan.arg[0].kind, FORMAT_INT32);
	assert_int_equal(plan.arg[1].kind, FORMAT_STRING);
	assert_int_equal(plan.arg[2].kind, FORMAT_LONG_DOUBLE);

	assert_int_equal(plan_of("%*d %ls", &plan), FORMAT_OK);
	assert_int_equal(plan.n, 3);
	assert_false(plan.has_errno);
	assert_int_equal(plan.arg[2].kind, FORMAT_WIDE_STRING);

	/* Arguments of the same kind may be used twice, as different things. */
	assert_int_equal(plan_of("%1$d %1$c %1$*1$x %2$p %2$ld", &plan), FORMAT_OK);
	assert_int_equal(plan.n, 2);

	assert_int_equal(plan_of("%*%|%d", &plan), FORMAT_OK);
	assert_int_equal(plan.n, 2);
	assert_int_equal(plan_of("no arguments, 100%%", &plan), FORMAT_OK);
	assert_int_equal(plan.n, 0);
}

static void limits_strings(void **state)
{
	static const struct {
		const char *format;
		unsigned int arg;
		uint32_t limit;
		uint8_t limit_arg;
	} tests[] = {
		{"%s", 0, FORMAT_UNLIMITED, FORMAT_NO_ARG},
		{"%20s", 0, FORMAT_UNLIMITED, FORMAT_NO_ARG},
		{"%.7s", 0, 7, FORMAT_NO_ARG},
		{"%.s", 0, 0, FORMAT_NO_ARG},
		{"%.*s", 1, 0, 0},
		{"%*.*ls", 2, 0, 1},
		{"%1$.*2$s", 0, 0, 1},
		{"%1$.3s %1$.5s %1$.4s", 0, 5, FORMAT_NO_ARG},
		{"%1$.3s %1$s %1$.4s", 0, FORMAT_UNLIMITED, FORMAT_NO_ARG},
		{"%1$.3s %1$.*2$s", 0, 3, 1},
		{"%1$.*2$s %1$.3s", 0, 3, 1},
		{"%1$.*2$s %1$s", 0, FORMAT_UNLIMITED, FORMAT_NO_ARG},
	};
	struct format_plan plan;

	(void)state;
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		const struct format_arg *arg = &plan.arg[tests[i].arg];

		assert_int_equal(plan_of(tests[i].format, &plan), FORMAT_OK);
		if (arg->limit != tests[i].limit || arg->limit_arg != tests[i].limit_arg)
			fail_msg("%s: limit %u, argument %u", tests[i].format, arg->limit,
				 arg->limit_arg);
	}
}

static void counts_arguments(void **state)
{
	char format[2 * FORMAT_ARGS_MAX + 3] = "";
	struct format_plan plan;

	(void)state;
	for (int i = 0; i < FORMAT_ARGS_MAX; i++)
		strcat(format, "%d");
	assert_int_equal(plan_of(format, &plan), FORMAT_OK);
	assert_int_equal(plan.n, FORMAT_ARGS_MAX);
	strcat(format, "%d");
	assert_int_equal(plan_of(format, &plan), FORMAT_TOO_MANY);
	assert_int_equal(plan_of("%64$d", &plan), FORMAT_GAP);
}

static void survives_anything(void **state)
{
	static const char alphabet[] =
		"%%%%%%123456789$$$**..-+ #0'IhlLqzjtwdiouxXbBcspfFeEgGaACSmn\0y";
	const char *seed_text = getenv("FLIGHTREC_TEST_SEED");
	unsigned int seed = seed_text ? (unsigned int)atoi(seed_text) : 1;
	size_t well_formed = 0;

	(void)state;
	srandom(seed);
	for (int i = 0; i < 200000; i++) {
		char format[24];
		size_t size = (size_t)random() % sizeof(format), taken = 0;
		struct format_conversion c;
		struct format_parser parser;
		struct format_plan plan;
		enum format_result result, planned;
		const char *at;

		for (size_t j = 0; j < size; j++)
			format[j] = i % 4 ? alphabet[(size_t)random() % sizeof(alphabet)]
					  : (char)random();
		at = at_guard(format, size);
		planned = format_plan(at, size, &plan);
		format_begin(&parser, at, size);
		while ((result = format_next(&parser, &c)) == FORMAT_OK) {
			/* Always forward, and never beyond the end. */
			if (c.size == 0 || c.text < at + taken || c.text + c.size > at + size)
				fail_msg("seed %u, case %d", seed, i);
			taken = (size_t)(parser.at - at);
		}
		if ((planned == FORMAT_OK && result != FORMAT_END) ||
		    (planned == FORMAT_OK && plan.n > FORMAT_ARGS_MAX))
			fail_msg("seed %u, case %d: %d", seed, i, planned);
		well_formed += planned == FORMAT_OK;
	}
	assert_true(well_formed > 1000);
}

static void handles_utf8(void **state)
{
	static const uint32_t characters[] = {0x24, 0xa2, 0x20ac, 0x10348, 0xd800, 0x110000};
	static const char *const expected[] = {
		"$", "\xc2\xa2", "\xe2\x82\xac", "\xf0\x90\x8d\x88", "\xef\xbf\xbd", "\xef\xbf\xbd",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		char out[5] = "";

		out[format_utf8(characters[i], out)] = '\0';
		assert_string_equal(out, expected[i]);
	}
	assert_int_equal(format_whole_characters("a\xe2\x82\xac!", 4), 4);
	assert_int_equal(format_whole_characters("a\xe2\x82\xac!", 3), 1);
	assert_int_equal(format_whole_characters("a\xe2\x82\xac!", 2), 1);
	assert_int_equal(format_whole_characters("a\xe2\x82\xac!", 1), 1);
	assert_int_equal(format_whole_characters("\x80\x80\x80\x80\x80", 4), 4);
	assert_int_equal(format_whole_characters("%d\x80", 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_text_and_conversions),
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(knows_every_kind),
		cmocka_unit_test(refuses_what_it_must),
		cmocka_unit_test(plans_in_argument_order),
		cmocka_unit_test(limits_strings),
		cmocka_unit_test(counts_arguments),
		cmocka_unit_test(survives_anything),
		cmocka_unit_test(handles_utf8),
	};

	return cmocka_run_group_tests(tests, map_guard, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c user/collector/report/render.c */
/* What is cut, refused, huge or garbage; and context. */
#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/report/render.h"
#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/pack.h"
#include "rendering.h"

static void shows_what_was_cut(void **state)
{
	static const char format[] = "%s and %d and %s";
	unsigned char data[64] = {3, 0, 'a', 'b', 'c', 42, 0, 0, 0, 1, 0x80, 'x'};
	char out[64];

	(void)state;
	assert_string_equal(rendered(16, "got %s, %d", "something long", 5),
			    "got something , 5 [cut]");
	assert_string_equal(rendered(8, "%d %ld %s %d", 1, 2L, "three", 4), "1 ... ... ... [cut]");
	assert_string_equal(rendered(0, "%*d %m %5s", 1, 2, "x"), "... ... ... [cut]");
	/* As with the flag, so with a string's own mark, or an end within a string. */
	render_message(format, sizeof(format), data, 12, 0, out, sizeof(out));
	assert_string_equal(out, "abc and 42 and x [cut]");
	render_message(format, sizeof(format), data, 9, 0, out, sizeof(out));
	assert_string_equal(out, "abc and 42 and ...");
	render_message(format, sizeof(format), data, 4, 0, out, sizeof(out));
	assert_string_equal(out, "ab and ... and ... [cut]");
	/* Output that has no room ends in the mark as well, between characters. */
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 11), 10);
	assert_string_equal(out, "0123456789");
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 10), 9);
	assert_string_equal(out, "012 [cut]");
	assert_int_equal(render_message("01\xe2\x82\xac"
					"345678",
					11, NULL, 0, 0, out, 11),
			 8);
	assert_string_equal(out, "01 [cut]");
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 4), 3);
	assert_string_equal(out, "012");
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 1), 0);
	assert_string_equal(out, "");
	out[0] = 'x';
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 0), 0);
	assert_int_equal(out[0], 'x');
}

static void shows_what_was_refused(void **state)
{
	char out[64];
	int n = 5;

	(void)state;
	assert_string_equal(rendered(64, "%d%n", 1, &n), "%d%n [format refused]");
	assert_string_equal(rendered(64, "%d %", 1), "%d % [format refused]");
	assert_int_equal(n, 5);
	/* Also where only this side refuses, or only the other. */
	render_message("%n", 2, NULL, 0, 0, out, sizeof(out));
	assert_string_equal(out, "%n [format refused]");
	render_message("%d", 2, (const unsigned char *)"\1\0\0\0", 4, FLIGHTREC_HOW_REFUSED, out,
		       sizeof(out));
	assert_string_equal(out, "%d [format refused]");
	render_message("%n in a format that is long", 27, NULL, 0, 0, out, 32);
	assert_string_equal(out, "%n in a  [format refused] [cut]");
}

static void shows_steps(void **state)
{
	char out[64];

	(void)state;
	render_message("get(%s)", 7, (const unsigned char *)"\2\0ab", 4, FLIGHTREC_HOW_STEP_IN, out,
		       sizeof(out));
	assert_string_equal(out, "+get(ab)");
	render_message("get(%s)", 7, (const unsigned char *)"\2\0ab", 4, FLIGHTREC_HOW_STEP_OUT,
		       out, sizeof(out));
	assert_string_equal(out, "-get(ab)");
}

static void leaves_nul_out(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(rendered(64, "a%cb%3cd", 0, 0), "ab  d");
	assert_int_equal(render_message("%s|", 3, (const unsigned char *)"\3\0a\0b", 5, 0, out, 64),
			 3);
	assert_string_equal(out, "ab|");
	/* A format ends at a NUL. */
	assert_int_equal(render_message("a\0%n", 4, NULL, 0, 0, out, sizeof(out)), 1);
}

static void bounds_huge_widths(void **state)
{
	static const char *const formats[] = {
		"%2147483647d",           "%.2147483647d", "%-2147483647d", "%02147483647d",
		"%99999999999999999999d", "%1$*1$d",       "%1$.*1$d",      "%#.2147483647x",
	};
	static const char *const reals[] = {
		"%2147483647f",
		"%.2147483647f",
		"%.2147483647e",
		"%.2147483647g",
		"%#.2147483647g",
		"%.2147483647a",
		"%02147483647.2147483647f",
		"%-2147483647.2147483647e",
	};
	char out[300], expected[300];

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		int32_t value = INT_MAX - (int)i;

		assert_int_equal(render_message(formats[i], strlen(formats[i]),
						(unsigned char *)&value, 4, 0, out, sizeof(out)),
				 sizeof(out) - 1);
		assert_string_equal(out + sizeof(out) - 7, " [cut]");
	}
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		double value = M_PI;
		size_t length = render_message(reals[i], strlen(reals[i]), (unsigned char *)&value,
					       8, 0, out, sizeof(out));

		assert_true(length == sizeof(out) - 1 || i == 3);
	}
	/* What is in front of the cut is what it would be without one. */
	snprintf(expected, sizeof(expected), "%.291f [cut]", M_PI);
	assert_string_equal(rendered(64, "%.20000a", 0.5) + OUT_MAX - 7, " [cut]");
	render_message("%.17000f", 8, (const unsigned char *)&(double){M_PI}, 8, 0, out,
		       sizeof(out));
	assert_string_equal(out, expected);
}

static void pads_precisions_beyond_all_digits(void **state)
{
	static const char *const formats[] = {
		"%.20000Lf",  "%.20000Le",      "%.20000La",       "%.20000Lg",       "%#.20000Lg",
		"%#.20000LG", "%30000.20000Lf", "%-30000.20000Le", "%030000.20000LA", "%.16501Le"};
	static const long double values[] = {0.1L, LDBL_MAX, LDBL_TRUE_MIN, 0.0L, INFINITY, 1e-9L};
	static char expected[32768], got[32768];

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			snprintf(expected, sizeof(expected), formats[i], values[j]);
			render_message(formats[i], strlen(formats[i]),
				       (const unsigned char *)&values[j], 16, 0, got, sizeof(got));
			if (strcmp(got, expected))
				fail_msg("%s of %La", formats[i], values[j]);
		}
	}
}

static void survives_odd_long_doubles(void **state)
{
	unsigned char data[16];
	char out[256], expected[64] = "";

	(void)state;
	(void)expected;
	for (unsigned int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < sizeof(data); j++)
			data[j] = below(3) ? (unsigned char)random() : below(2) ? 0 : 0xff;
		if (below(2))
			data[9] = data[8] = 0;
		assert_true(render_message("%Lf", 3, data, 16, 0, out, sizeof(out)) > 0);
		assert_true(render_message("%La", 3, data, 16, 0, out, sizeof(out)) > 0);
	}
#if defined(__x86_64__)
	/* An exponent without the significand's top bit; and that bit without an exponent. */
	memcpy(data, "\1\0\0\0\0\0\0\0\0\x40", 10);
	render_message("%Lf|%5La", 8, data, 16, 0, out, sizeof(out));
	assert_string_equal(out, "nan|...");
	memcpy(data, "\0\0\0\0\0\0\0\x80\0\0", 10);
	render_message("%La", 3, data, 16, 0, out, sizeof(out));
	snprintf(expected, sizeof(expected), "%La", LDBL_MIN);
	assert_string_equal(out, expected);
#endif
}

/* Whatever it is given, the result is a string within its bounds. */
static void survives_anything(void **state)
{
	static const char alphabet[] = "%%%%%%%%%123$$**..-+ #0'I99hlLqzjtdiouxXcspfFeEgGaACSm\0y";

	(void)state;
	for (test_case = 0; test_case < 100000; test_case++) {
		size_t format_size = below(24), size = below(80), capacity = below(200);
		char *format = malloc(format_size + 1), *out = malloc(capacity + 1);
		unsigned char *data = malloc(size + 1);
		uint32_t how = below(4) ? below(4) << 8 : (uint32_t)random();
		size_t length;

		/* A byte in front that is not given away: sizes of 0 have an address, too. */
		for (size_t i = 0; i < format_size; i++)
			format[i + 1] = alphabet[below(sizeof(alphabet))];
		for (size_t i = 0; i < size; i++)
			data[i + 1] = below(2) ? (unsigned char)random()
					       : (unsigned char)alphabet[below(sizeof(alphabet))];
		if (below(2) && size > 2) {
			data[1] = (unsigned char)below((unsigned int)size);
			data[2] = 0;
		}
		length = render_message(format + 1, format_size, data + 1, size, how, out + 1,
					capacity);
		if (capacity && (length >= capacity || strlen(out + 1) != length))
			fail_msg("seed %u, case %u: length %zu", seed, test_case, length);
		free(format);
		free(data);
		free(out);
	}
}

static size_t add_item(unsigned char *at, const char *key, const char *format, ...)
{
	uint16_t key_size = (uint16_t)strlen(key), length;
	uint32_t how = 0;
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_inline(format, 0, at + 4 + key_size, 64, &how, args);
	va_end(args);
	length = (uint16_t)(2 + key_size + size);
	memcpy(at, &length, 2);
	memcpy(at + 2, &key_size, 2);
	memcpy(at + 4, key, key_size);
	return 2 + (size_t)length;
}

static void iterates_context(void **state)
{
	char key[8], value[16];
	unsigned char data[256];
	size_t size, at = 0;

	(void)state;
	size = add_item(data, "user", "%d", 42);
	size += add_item(data + size, "a long key", "%s and %s", "first", "second");
	size += add_item(data + size, "", "");
	assert_true(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	assert_string_equal(key, "user");
	assert_string_equal(value, "42");
	assert_true(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	assert_string_equal(key, "a long ");
	assert_string_equal(value, "first and [cut]");
	assert_true(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	assert_string_equal(key, "");
	assert_string_equal(value, "");
	assert_int_equal(at, size);
	assert_false(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	/* An item that says it is longer than the data is none. */
	at = 0;
	assert_false(render_context_item(data, 5, &at, key, sizeof(key), value, sizeof(value)));
	at = SIZE_MAX;
	assert_false(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
}

static void survives_garbage_context(void **state)
{
	(void)state;
	for (test_case = 0; test_case < 100000; test_case++) {
		size_t size = below(64), at = 0, before;
		unsigned char *data = malloc(size + 1);
		char key[16], value[16];

		for (size_t i = 0; i <= size; i++)
			data[i] = below(2) ? (unsigned char)below(12) : (unsigned char)random();
		for (before = 0; render_context_item(data + 1, size, &at, key, sizeof(key), value,
						     sizeof(value));
		     before = at) {
			if (at <= before || at > size)
				fail_msg("seed %u, case %u", seed, test_case);
		}
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_what_was_cut),
		cmocka_unit_test(shows_what_was_refused),
		cmocka_unit_test(shows_steps),
		cmocka_unit_test(leaves_nul_out),
		cmocka_unit_test(bounds_huge_widths),
		cmocka_unit_test(pads_precisions_beyond_all_digits),
		cmocka_unit_test(survives_odd_long_doubles),
		cmocka_unit_test(survives_anything),
		cmocka_unit_test(iterates_context),
		cmocka_unit_test(survives_garbage_context),
	};

	return cmocka_run_group_tests(tests, seed_random, NULL);
}

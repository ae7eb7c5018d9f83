// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c user/collector/report/render.c */
/* link: user/collector/report/render_number.c user/collector/report/render_out.c */
/* Huge numbers, and NaNs; widths and precisions beyond all digits. */
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

		assert_int_equal(
			render_message(&(struct render_input){formats[i], strlen(formats[i]),
							      (unsigned char *)&value, 4, 0},
				       out, sizeof(out)),
			sizeof(out) - 1);
		assert_string_equal(out + sizeof(out) - 7, " [cut]");
	}
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		double value = M_PI;
		size_t length =
			render_message(&(struct render_input){reals[i], strlen(reals[i]),
							      (unsigned char *)&value, 8, 0},
				       out, sizeof(out));

		assert_true(length == sizeof(out) - 1 || i == 3);
	}
	/* Up to the cut it is the same as without one. */
	snprintf(expected, sizeof(expected), "%.291f [cut]", M_PI);
	assert_string_equal(rendered(64, "%.20000a", 0.5) + OUT_MAX - 7, " [cut]");
	render_message(
		&(struct render_input){"%.17000f", 8, (const unsigned char *)&(double){M_PI}, 8, 0},
		out, sizeof(out));
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
			render_message(&(struct render_input){formats[i], strlen(formats[i]),
							      (const unsigned char *)&values[j], 16,
							      0},
				       got, sizeof(got));
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
		assert_true(render_message(&(struct render_input){"%Lf", 3, data, 16, 0}, out,
					   sizeof(out)) > 0);
		assert_true(render_message(&(struct render_input){"%La", 3, data, 16, 0}, out,
					   sizeof(out)) > 0);
	}
#if defined(__x86_64__)
	/* An exponent without the significand's top bit; and that bit without an exponent. */
	memcpy(data, "\1\0\0\0\0\0\0\0\0\x40", 10);
	render_message(&(struct render_input){"%Lf|%5La", 8, data, 16, 0}, out, sizeof(out));
	assert_string_equal(out, "nan|...");
	memcpy(data, "\0\0\0\0\0\0\0\x80\0\0", 10);
	render_message(&(struct render_input){"%La", 3, data, 16, 0}, out, sizeof(out));
	snprintf(expected, sizeof(expected), "%La", LDBL_MIN);
	assert_string_equal(out, expected);
#endif
}

/* Of any size, with about as many digits as the number has: where exactly the zeros begin matters.
 */
static void shows_all_digits(void **state)
{
	static char expected[32768], got[32768];

	(void)state;
	for (test_case = 0; test_case < 4000; test_case++) {
		int exponent = below(4) ? (int)below(140) - 70 : (int)below(32000) - 16000;
		long double value =
			ldexpl((long double)random() * (below(2) ? 1 : 0x1p33L) + 1, exponent);
		int precision = (int)below(below(4) ? 160 : 17000);
		char format[32];

		snprintf(format, sizeof(format), "%%%s.%dL%c", below(2) ? "#" : "", precision,
			 "fFeEgGaA"[below(8)]);
		snprintf(expected, sizeof(expected), format, value);
		render_message(&(struct render_input){format, strlen(format),
						      (const unsigned char *)&value, 16, 0},
			       got, sizeof(got));
		if (strcmp(got, expected))
			fail_msg("%s of %La (seed %u, case %u)", format, value, seed, test_case);
	}
}

/*
 * libc takes 10 us for each of these, however little is shown of it, so only some are rendered.
 * There is no such limit for doubles.
 */
static void bounds_work(void **state)
{
	char format[1021] = "", out[8192];
	long double wide = LDBL_MAX;
	double narrow = DBL_TRUE_MIN;
	size_t length;

	(void)state;
	for (size_t i = 0; i < 170; i++)
		strcat(format, "%1$.Le");
	length = render_message(&(struct render_input){format, 1020, (unsigned char *)&wide, 16, 0},
				out, sizeof(out));
	assert_int_equal(length, 32 * strlen("1e+4932") + strlen(" [cut]"));
	assert_string_equal(out + length - 13, "1e+4932 [cut]");
	for (char *at = format; (at = strstr(at, "Le")); at++)
		memcpy(at, "0e", 2);
	length =
		render_message(&(struct render_input){format, 1020, (unsigned char *)&narrow, 8, 0},
			       out, sizeof(out));
	assert_int_equal(length, 170 * strlen("5e-324"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_huge_widths),
		cmocka_unit_test(pads_precisions_beyond_all_digits),
		cmocka_unit_test(shows_all_digits),
		cmocka_unit_test(bounds_work),
		cmocka_unit_test(survives_odd_long_doubles),
	};

	return cmocka_run_group_tests(tests, seed_random, NULL);
}

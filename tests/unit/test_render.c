// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c user/collector/report/render.c */
/* link: user/collector/report/render_number.c user/collector/report/render_out.c */
/* tests: user/collector/report/render_out.c */
/* Entries that are cut, refused or garbage; and context. */
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
	/* The same with the flag, with a string's own mark, or if the data ends inside a string. */
	render_message(&(struct render_input){format, sizeof(format), data, 12, 0}, out,
		       sizeof(out));
	assert_string_equal(out, "abc and 42 and x [cut]");
	render_message(&(struct render_input){format, sizeof(format), data, 9, 0}, out,
		       sizeof(out));
	assert_string_equal(out, "abc and 42 and ...");
	render_message(&(struct render_input){format, sizeof(format), data, 4, 0}, out,
		       sizeof(out));
	assert_string_equal(out, "ab and ... and ... [cut]");
	/* Output without enough room also ends with the mark, between two characters. */
	assert_int_equal(
		render_message(&(struct render_input){"0123456789", 10, NULL, 0, 0}, out, 11), 10);
	assert_string_equal(out, "0123456789");
	assert_int_equal(
		render_message(&(struct render_input){"0123456789", 10, NULL, 0, 0}, out, 10), 9);
	assert_string_equal(out, "012 [cut]");
	assert_int_equal(render_message(&(struct render_input){"01\xe2\x82\xac"
							       "345678",
							       11, NULL, 0, 0},
					out, 11),
			 8);
	assert_string_equal(out, "01 [cut]");
	assert_int_equal(
		render_message(&(struct render_input){"0123456789", 10, NULL, 0, 0}, out, 4), 3);
	assert_string_equal(out, "012");
	assert_int_equal(
		render_message(&(struct render_input){"0123456789", 10, NULL, 0, 0}, out, 1), 0);
	assert_string_equal(out, "");
	out[0] = 'x';
	assert_int_equal(
		render_message(&(struct render_input){"0123456789", 10, NULL, 0, 0}, out, 0), 0);
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
	/* Also if only this side refuses it, or only the other. */
	render_message(&(struct render_input){"%n", 2, NULL, 0, 0}, out, sizeof(out));
	assert_string_equal(out, "%n [format refused]");
	render_message(&(struct render_input){"%d", 2, (const unsigned char *)"\1\0\0\0", 4,
					      FLIGHTREC_HOW_REFUSED},
		       out, sizeof(out));
	assert_string_equal(out, "%d [format refused]");
	render_message(&(struct render_input){"%n in a format that is long", 27, NULL, 0, 0}, out,
		       32);
	assert_string_equal(out, "%n in a  [format refused] [cut]");
}

static void shows_steps(void **state)
{
	char out[64];

	(void)state;
	render_message(&(struct render_input){"get(%s)", 7, (const unsigned char *)"\2\0ab", 4,
					      FLIGHTREC_HOW_STEP_IN},
		       out, sizeof(out));
	assert_string_equal(out, "+get(ab)");
	render_message(&(struct render_input){"get(%s)", 7, (const unsigned char *)"\2\0ab", 4,
					      FLIGHTREC_HOW_STEP_OUT},
		       out, sizeof(out));
	assert_string_equal(out, "-get(ab)");
}

static void leaves_nul_out(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(rendered(64, "a%cb%3cd", 0, 0), "ab  d");
	assert_int_equal(
		render_message(
			&(struct render_input){"%s|", 3, (const unsigned char *)"\3\0a\0b", 5, 0},
			out, 64),
		3);
	assert_string_equal(out, "ab|");
	/* A format ends at a NUL. */
	assert_int_equal(
		render_message(&(struct render_input){"a\0%n", 4, NULL, 0, 0}, out, sizeof(out)),
		1);
}

/* Whatever the input, the result is a string within its bounds. */
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
		length = render_message(
			&(struct render_input){format + 1, format_size, data + 1, size, how},
			out + 1, capacity);
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
	struct pack_source value = {.format = format};
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_inline(&value, at + 4 + key_size, 64, args);
	va_end(args);
	length = (uint16_t)(2 + key_size + size);
	memcpy(at, &length, 2);
	memcpy(at + 2, &key_size, 2);
	memcpy(at + 4, key, key_size);
	return 2 + (size_t)length;
}

static char item_key[8], item_value[16];

static bool next_item(struct render_context *context)
{
	return render_context_item(context, (struct render_text){item_key, sizeof(item_key)},
				   (struct render_text){item_value, sizeof(item_value)});
}

static void iterates_context(void **state)
{
	unsigned char data[256];
	struct render_context context = {.data = data};

	(void)state;
	context.size = add_item(data, "user", "%d", 42);
	context.size += add_item(data + context.size, "a long key", "%s and %s", "first", "second");
	context.size += add_item(data + context.size, "", "");
	assert_true(next_item(&context));
	assert_string_equal(item_key, "user");
	assert_string_equal(item_value, "42");
	assert_true(next_item(&context));
	assert_string_equal(item_key, "a long ");
	assert_string_equal(item_value, "first and [cut]");
	assert_true(next_item(&context));
	assert_string_equal(item_key, "");
	assert_string_equal(item_value, "");
	assert_int_equal(context.at, context.size);
	assert_false(next_item(&context));
	/* An item that claims to be longer than the data does not count. */
	assert_false(next_item(&(struct render_context){data, 5, 0}));
	assert_false(next_item(&(struct render_context){data, context.size, SIZE_MAX}));
}

static void survives_garbage_context(void **state)
{
	(void)state;
	for (test_case = 0; test_case < 100000; test_case++) {
		size_t size = below(64), before = 0;
		unsigned char *data = malloc(size + 1);
		struct render_context context = {data + 1, size, 0};

		for (size_t i = 0; i <= size; i++)
			data[i] = below(2) ? (unsigned char)below(12) : (unsigned char)random();
		for (; next_item(&context); before = context.at) {
			if (context.at <= before || context.at > size)
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
		cmocka_unit_test(survives_anything),
		cmocka_unit_test(iterates_context),
		cmocka_unit_test(survives_garbage_context),
	};

	return cmocka_run_group_tests(tests, seed_random, NULL);
}

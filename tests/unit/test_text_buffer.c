/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "collector/base/text_buffer.h"

static struct text_buffer text;

static void assert_text(const char *expected)
{
	assert_false(text.failed);
	assert_int_equal(text.size, strlen(expected));
	assert_memory_equal(text.data, expected, text.size);
	text_buffer_cut(&text, 0);
}

static int tear_down(void **state)
{
	(void)state;
	text_buffer_free(&text);
	return 0;
}

static void test_numbers(void **state)
{
	static const uint64_t numbers[] = {0, 7, 10, 99, 100, 12345, UINT32_MAX, UINT64_MAX};
	char expected[64];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (int digits = 0; digits <= 20; digits++) {
			snprintf(expected, sizeof(expected), "%0*" PRIu64, digits, numbers[i]);
			text_number(&text, numbers[i], (unsigned int)digits);
			assert_text(expected);
		}
	}
	/* No more zeros than the longest number has digits. */
	text_number(&text, 1, 1000);
	assert_text("00000000000000000001");
	text_integer(&text, INT64_MIN);
	text_integer(&text, -1);
	text_integer(&text, INT64_MAX);
	assert_text("-9223372036854775808-19223372036854775807");
}

static void test_hex(void **state)
{
	(void)state;
	text_hex(&text, "\\x", 0x1b, 2);
	text_hex(&text, "\\u", 0x202e, 4);
	text_hex(&text, "", 0xabcd, 2);
	assert_text("\\x1b\\u202ecd");
}

static void test_fractions(void **state)
{
	(void)state;
	text_fraction(&text, 120, 3, 0);
	assert_text("12");
	text_fraction(&text, 1, 3, 0);
	assert_text("001");
	text_fraction(&text, 0, 3, 0);
	assert_text("");
	text_fraction(&text, 0, 4, 1);
	assert_text("0");
	text_fraction(&text, 500, 4, 1);
	assert_text("05");
}

static void test_growth(void **state)
{
	char expected[5001] = "";

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		expected[i] = (char)('a' + i % 26);
		text_char(&text, expected[i]);
	}
	assert_text(expected);
	text_put(&text, NULL, 0);
	text_string(&text, "");
	assert_text("");
}

/* What did not fit is known to be missing, and nothing comes after the gap. */
static void test_no_memory(void **state)
{
	(void)state;
	text_string(&text, "before");
	assert_false(text_buffer_grow(&text, SIZE_MAX - 3));
	assert_true(text.failed);
	text_string(&text, "after");
	assert_int_equal(text.size, 6);
	text_buffer_cut(&text, 3);
	text_string(&text, "!");
	assert_text("bef!");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),   cmocka_unit_test(test_hex),
		cmocka_unit_test(test_fractions), cmocka_unit_test(test_growth),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("text_buffer", tests, NULL, tear_down);
}

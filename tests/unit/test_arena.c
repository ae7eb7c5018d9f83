// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/arena.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "collector/base/arena.h"

static void test_many_sizes(void **state)
{
	struct arena arena = {0};
	char *taken[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		taken[i] = arena_take(&arena, i * 100);
		assert_non_null(taken[i]);
		assert_int_equal((uintptr_t)taken[i] % 16, 0);
		for (size_t k = 0; k < i * 100; k++)
			assert_int_equal(taken[i][k], 0);
		memset(taken[i], (int)i, i * 100);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < i * 100; k++)
			assert_int_equal((unsigned char)taken[i][k], i);
	assert_true(arena.size >= 199 * 100 * 100);
	arena_free(&arena);
	assert_int_equal(arena.size, 0);
	assert_null(arena_take(&arena, SIZE_MAX));
	arena_free(&arena);
}

static void test_strings(void **state)
{
	struct arena arena = {0};

	(void)state;
	assert_string_equal(arena_string(&arena, "abc", 10), "abc");
	assert_string_equal(arena_string(&arena, "abc", 3), "ab");
	assert_string_equal(arena_string(&arena, "", 1), "");
	assert_null(arena_string(&arena, NULL, 10));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_sizes),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

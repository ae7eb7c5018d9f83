/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/base/array.h"

struct element {
	uint64_t number;
	char padding[40];
};

static void test_grows(void **state)
{
	struct element *elements = NULL;
	size_t room = 0, n = 0, moves = 0, before;

	(void)state;
	assert_int_equal(array_reserve(elements, room, 0), 0);
	assert_null(elements);
	while (n < 10000) {
		before = room;
		assert_int_equal(array_reserve(elements, room, n + 1), 0);
		assert_true(room > n);
		moves += room != before;
		elements[n] = (struct element){.number = n};
		n++;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(elements[i].number, i);
	/* It doubles. */
	assert_int_equal(moves, 11);
	free(elements);
}

/* Many at once; and nothing happens if there is room already. */
static void test_many_at_once(void **state)
{
	int *numbers = NULL;
	size_t room = 0;

	(void)state;
	assert_int_equal(array_reserve(numbers, room, 1000), 0);
	assert_int_equal(room, 1024);
	numbers[999] = 5;
	assert_int_equal(array_reserve(numbers, room, 10), 0);
	assert_int_equal(room, 1024);
	assert_int_equal(numbers[999], 5);
	free(numbers);
}

/* If there is no memory the array stays as it was. */
static void test_too_many(void **state)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2 + 2, SIZE_MAX / sizeof(int) + 1,
				       SIZE_MAX / 64};
	int *numbers = NULL, *before;
	size_t room = 0;

	(void)state;
	assert_int_equal(array_reserve(numbers, room, 1), 0);
	numbers[0] = 7;
	before = numbers;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(array_reserve(numbers, room, sizes[i]), -ENOMEM);
		assert_ptr_equal(numbers, before);
		assert_int_equal(room, ARRAY_ROOM_MIN);
		assert_int_equal(numbers[0], 7);
	}
	free(numbers);
}

/* Arguments are expressions, evaluated only once where it matters. */
static void test_needed_is_evaluated_once(void **state)
{
	struct {
		char *items;
		size_t room;
	} list = {NULL, 0};
	size_t n = 0;

	(void)state;
	assert_int_equal(array_reserve(list.items, list.room, ++n), 0);
	assert_int_equal(n, 1);
	free(list.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_needed_is_evaluated_once),
	};

	return cmocka_run_group_tests_name("array", tests, NULL, NULL);
}

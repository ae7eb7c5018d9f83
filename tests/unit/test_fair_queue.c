/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/fair_queue.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "collector/base/fair_queue.h"

#define MEMBERS 50
#define GROUPS 4

static struct fair_queue queue;
static uint64_t charged[MEMBERS];

static int set_up(void **state)
{
	(void)state;
	memset(charged, 0, sizeof(charged));
	return fair_queue_init(&queue, MEMBERS, GROUPS);
}

static int tear_down(void **state)
{
	(void)state;
	fair_queue_free(&queue);
	fair_queue_free(&queue);
	return 0;
}

static uint32_t turn(uint64_t cost, bool again)
{
	uint32_t member = fair_queue_take(&queue);

	assert_true(fair_queue_check(&queue));
	if (member == FAIR_QUEUE_NONE)
		return member;
	charged[member] += cost;
	fair_queue_charge(&queue, cost, again);
	assert_true(fair_queue_check(&queue));
	return member;
}

static void test_in_the_order_in_which_they_came(void **state)
{
	(void)state;
	assert_true(fair_queue_is_empty(&queue));
	assert_int_equal(turn(1, false), FAIR_QUEUE_NONE);
	for (uint32_t i = 10; i > 0; i--)
		fair_queue_add(&queue, i, 0);
	fair_queue_add(&queue, 10, 0);
	assert_false(fair_queue_is_empty(&queue));
	for (uint32_t i = 10; i > 0; i--)
		assert_int_equal(turn(100, false), i);
	assert_true(fair_queue_is_empty(&queue));
}

static void test_by_what_turns_cost(void **state)
{
	uint32_t turns[2] = {0};

	(void)state;
	fair_queue_add(&queue, 0, 0);
	fair_queue_add(&queue, 1, 0);
	for (int i = 0; i < 1100; i++) {
		uint32_t member = fair_queue_take(&queue);

		turns[member]++;
		fair_queue_charge(&queue, member ? 10 : 100, true);
	}
	assert_int_equal(turns[0], 100);
	assert_int_equal(turns[1], 1000);
}

/* It does not matter how long others have been busy, or how long this one was away. */
static void test_who_comes_now_and_then_waits_for_a_turn(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		fair_queue_add(&queue, i, 0);
	for (int round = 0; round < 20; round++) {
		uint32_t waited = 0;

		for (int i = 0; i < 500; i++)
			turn(100, true);
		fair_queue_add(&queue, 9, 0);
		while (turn(100, true) != 9)
			waited++;
		assert_true(waited <= 5);
		/* Having been away does not put it ahead of the others. */
		while (turn(100, true) != 9)
			waited++;
		assert_true(waited >= 4);
		while (turn(100, false) != 9)
			;
		for (uint32_t i = 0; i < 5; i++)
			fair_queue_add(&queue, i, 0);
	}
}

/* However many members a group has, it gets as much as another group. */
static void test_groups(void **state)
{
	uint64_t of_many = 0;

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		fair_queue_add(&queue, i, 1);
	fair_queue_add(&queue, 45, 2);
	for (int i = 0; i < 800; i++)
		turn(10, true);
	for (uint32_t i = 0; i < 40; i++) {
		assert_int_equal(charged[i], 100);
		of_many += charged[i];
	}
	assert_int_equal(charged[45], of_many);
}

static void test_added_during_its_turn(void **state)
{
	(void)state;
	fair_queue_add(&queue, 3, 1);
	assert_int_equal(fair_queue_take(&queue), 3);
	fair_queue_add(&queue, 3, 1);
	fair_queue_add(&queue, 4, 1);
	assert_true(fair_queue_check(&queue));
	fair_queue_charge(&queue, 10, true);
	assert_true(fair_queue_check(&queue));
	assert_int_equal(turn(1, false), 4);
	assert_int_equal(turn(1, false), 3);
	assert_true(fair_queue_is_empty(&queue));
}

static void test_another_one_with_the_number(void **state)
{
	(void)state;
	fair_queue_add(&queue, 1, 0);
	fair_queue_add(&queue, 2, 0);
	turn(1000, false);
	fair_queue_forget(&queue, 1);
	fair_queue_add(&queue, 1, 0);
	turn(10, true);
	assert_int_equal(turn(10, true), 1);
	assert_int_equal(turn(10, true), 2);
}

static void test_any_order(void **state)
{
	bool there[MEMBERS] = {false};
	uint32_t n = 0;

	(void)state;
	srand48(1);
	for (int i = 0; i < 20000; i++) {
		uint32_t member = (uint32_t)lrand48() % MEMBERS;

		if (lrand48() % 3) {
			fair_queue_add(&queue, member, member % GROUPS);
			n += !there[member];
			there[member] = true;
		} else if (n) {
			bool again = lrand48() % 2;

			member = turn((uint64_t)lrand48() % 1000, again);
			assert_true(there[member]);
			there[member] = again;
			n -= !again;
		}
		assert_int_equal(fair_queue_is_empty(&queue), n == 0);
	}
	while (turn(1, false) != FAIR_QUEUE_NONE)
		n--;
	assert_int_equal(n, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_in_the_order_in_which_they_came),
		TEST(test_by_what_turns_cost),
		TEST(test_who_comes_now_and_then_waits_for_a_turn),
		TEST(test_groups),
		TEST(test_added_during_its_turn),
		TEST(test_another_one_with_the_number),
		TEST(test_any_order),
	};

	return cmocka_run_group_tests_name("fair_queue", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/due_queue.c user/collector/base/fair_queue.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/base/due_queue.h"

#define MEMBERS 64

static struct due_queue queue;

static int set_up(void **state)
{
	(void)state;
	return due_queue_init(&queue, MEMBERS);
}

static int tear_down(void **state)
{
	(void)state;
	due_queue_free(&queue);
	return 0;
}

/* Takes @member, which wants no other turn. */
static void expect(uint32_t member, uint64_t now, uint64_t cost)
{
	assert_int_equal(due_queue_take(&queue, now), member);
	if (member != FAIR_QUEUE_NONE)
		due_queue_charge(&queue, cost);
	assert_true(due_queue_check(&queue));
}

static void begin(uint32_t member, uint32_t group, uint64_t due)
{
	due_queue_begin(&queue, member, group);
	due_queue_set(&queue, member, due);
	assert_true(due_queue_check(&queue));
}

static void test_by_time(void **state)
{
	(void)state;
	assert_int_equal(due_queue_next(&queue), DUE_NEVER);
	expect(FAIR_QUEUE_NONE, UINT64_MAX - 1, 0);
	begin(3, 0, 30);
	begin(1, 0, 10);
	begin(2, 0, 20);
	begin(4, 0, DUE_NEVER);
	assert_int_equal(due_queue_next(&queue), 10);
	expect(FAIR_QUEUE_NONE, 9, 0);
	expect(1, 10, 1);
	expect(FAIR_QUEUE_NONE, 19, 0);
	due_queue_set(&queue, 3, 15);
	assert_int_equal(due_queue_next(&queue), 15);
	expect(3, 25, 1);
	assert_int_equal(due_queue_next(&queue), 0);
	expect(2, 25, 1);
	expect(FAIR_QUEUE_NONE, UINT64_MAX - 1, 0);
	assert_int_equal(due_queue_next(&queue), DUE_NEVER);
}

static void test_the_next_turn(void **state)
{
	(void)state;
	begin(1, 0, 1);
	assert_int_equal(due_queue_take(&queue, 5), 1);
	due_queue_set(&queue, 1, 7);
	due_queue_charge(&queue, 1);
	assert_int_equal(due_queue_next(&queue), 7);
	expect(1, 8, 1);
	/* It said nothing. */
	assert_int_equal(due_queue_next(&queue), DUE_NEVER);
}

/* Group 0 has nine with much to do, group 1 has one with little. */
static void test_turns(void **state)
{
	uint64_t now = 100;
	unsigned int of_one = 0;

	(void)state;
	for (uint32_t i = 0; i < 9; i++)
		begin(i, 0, i);
	begin(10, 1, 50);
	for (int i = 0; i < 20; i++, now++) {
		uint32_t member = due_queue_take(&queue, now);

		assert_int_not_equal(member, FAIR_QUEUE_NONE);
		of_one += member == 10;
		due_queue_set(&queue, member, now);
		due_queue_charge(&queue, 10);
	}
	assert_int_equal(of_one, 10);
}

/* While they wait for their turn. */
static void test_time_is_changed_or_taken_back(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < 5; i++)
		begin(i, 0, i);
	expect(1, 10, 1);
	due_queue_end(&queue, 2);
	due_queue_set(&queue, 3, 20);
	assert_true(due_queue_check(&queue));
	expect(4, 11, 1);
	assert_int_equal(due_queue_next(&queue), 20);
	expect(FAIR_QUEUE_NONE, 19, 0);
	expect(3, 20, 1);
	/* Another one has its number before its turn would have come. */
	begin(5, 0, 1);
	begin(6, 0, 1);
	expect(5, 30, 1);
	begin(6, 7, 40);
	expect(FAIR_QUEUE_NONE, 39, 0);
	expect(6, 40, 1);
	/* Ended while it has its turn. */
	begin(7, 0, 1);
	assert_int_equal(due_queue_take(&queue, 50), 7);
	due_queue_set(&queue, 7, 51);
	due_queue_end(&queue, 7);
	due_queue_charge(&queue, 1);
	assert_int_equal(due_queue_next(&queue), DUE_NEVER);
	assert_true(due_queue_check(&queue));
}

static void test_at_random(void **state)
{
	uint64_t due[MEMBERS], now = 0;

	(void)state;
	srand(1);
	for (uint32_t i = 0; i < MEMBERS; i++)
		begin(i, i % 3, due[i] = (uint64_t)rand() % 1000);
	for (int i = 0; i < 20000; i++) {
		uint32_t member = (uint32_t)rand() % MEMBERS;

		if (rand() % 2) {
			due[member] = rand() % 8 ? now + (uint64_t)rand() % 1000 : DUE_NEVER;
			due_queue_set(&queue, member, due[member]);
		} else {
			member = due_queue_take(&queue, ++now);
			if (member == FAIR_QUEUE_NONE) {
				for (uint32_t j = 0; j < MEMBERS; j++)
					assert_true(due[j] > now);
				continue;
			}
			assert_true(due[member] <= now);
			due[member] = now + (uint64_t)rand() % 100;
			due_queue_set(&queue, member, due[member]);
			due_queue_charge(&queue, (uint64_t)rand() % 100);
		}
		if (i % 64 == 0)
			assert_true(due_queue_check(&queue));
	}
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_by_time),   CASE(test_the_next_turn),
		CASE(test_turns),     CASE(test_time_is_changed_or_taken_back),
		CASE(test_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

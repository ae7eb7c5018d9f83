/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/recorder/agenda.c user/collector/base/fair_queue.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/kernel/tracker.h"
#include "collector/recorder/agenda.h"

#define SLOTS 100
#define PROCESSES 8

static struct agenda agenda;

static int set_up(void **state)
{
	(void)state;
	return agenda_init(&agenda, SLOTS, PROCESSES);
}

static int tear_down(void **state)
{
	(void)state;
	agenda_free(&agenda);
	agenda_free(&agenda);
	return 0;
}

static void expect_taken(uint32_t expected_slot, uint8_t expected_what)
{
	uint32_t slot;
	uint8_t what;

	assert_true(agenda_take(&agenda, &slot, &what));
	assert_int_equal(slot, expected_slot);
	assert_int_equal(what, expected_what);
	assert_true(agenda_check(&agenda));
}

static void end_turn(void)
{
	uint32_t slot;
	uint8_t what;

	assert_false(agenda_take(&agenda, &slot, &what));
	agenda_end_turn(&agenda, 10);
	assert_true(agenda_check(&agenda));
}

static void test_slots_in_their_order(void **state)
{
	(void)state;
	assert_int_equal(agenda_begin_turn(&agenda), FAIR_QUEUE_NONE);
	agenda_add_slot(&agenda, 3, 0, 7, AGENDA_SETTLE);
	agenda_add_slot(&agenda, 3, 0, 99, AGENDA_REPLAY);
	agenda_add_slot(&agenda, 3, 0, 2, AGENDA_SETTLE);
	/* Only once, however often it is added. */
	for (int i = 0; i < 10; i++)
		agenda_add_slot(&agenda, 3, 0, 7, AGENDA_REPLAY);
	assert_int_equal(agenda.wanted, 3);
	assert_true(agenda_check(&agenda));
	assert_int_equal(agenda_begin_turn(&agenda), 3);
	expect_taken(7, AGENDA_SETTLE | AGENDA_REPLAY);
	expect_taken(99, AGENDA_REPLAY);
	/* Once more, since it was taken. */
	agenda_add_slot(&agenda, 3, 0, 7, AGENDA_SETTLE);
	expect_taken(2, AGENDA_SETTLE);
	expect_taken(7, AGENDA_SETTLE);
	end_turn();
	assert_int_equal(agenda.wanted, 0);
	assert_int_equal(agenda_begin_turn(&agenda), FAIR_QUEUE_NONE);
}

static void test_the_process_after_its_slots(void **state)
{
	(void)state;
	agenda_add_process(&agenda, 1, 5);
	agenda_add_process(&agenda, 1, 5);
	agenda_add_slot(&agenda, 1, 5, 8, AGENDA_SETTLE);
	assert_int_equal(agenda.wanted, 2);
	assert_int_equal(agenda_begin_turn(&agenda), 1);
	expect_taken(8, AGENDA_SETTLE);
	expect_taken(FR_NONE, 0);
	/* In pieces. */
	*agenda_progress(&agenda, 1) = 20;
	agenda_add_process(&agenda, 1, 5);
	agenda_end_turn(&agenda, 10);
	assert_int_equal(agenda_begin_turn(&agenda), 1);
	expect_taken(FR_NONE, 0);
	assert_int_equal(*agenda_progress(&agenda, 1), 20);
	end_turn();
	agenda_forget(&agenda, 1);
	assert_int_equal(*agenda_progress(&agenda, 1), 0);
}

/* A process has fifty due, and another one comes: that one is next. */
static void test_turns(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		agenda_add_slot(&agenda, 0, 7, i, AGENDA_SETTLE);
	assert_int_equal(agenda_begin_turn(&agenda), 0);
	expect_taken(0, AGENDA_SETTLE);
	agenda_add_slot(&agenda, 6, 7, 90, AGENDA_SETTLE);
	agenda_end_turn(&agenda, 100);
	assert_int_equal(agenda_begin_turn(&agenda), 6);
	expect_taken(90, AGENDA_SETTLE);
	end_turn();
	assert_int_equal(agenda_begin_turn(&agenda), 0);
	expect_taken(1, AGENDA_SETTLE);
	agenda_end_turn(&agenda, 100);
}

/* Many processes of one user count as much as a single one of another. */
static void test_users(void **state)
{
	uint32_t slot = 0, turns = 0;
	uint8_t what;

	(void)state;
	for (uint32_t i = 0; i < 60; i++)
		agenda_add_slot(&agenda, i % 6, 1000, i, AGENDA_SETTLE);
	for (uint32_t i = 60; i < 70; i++)
		agenda_add_slot(&agenda, 7, 1001, i, AGENDA_SETTLE);
	while (agenda.what[69]) {
		agenda_begin_turn(&agenda);
		assert_true(agenda_take(&agenda, &slot, &what));
		agenda_end_turn(&agenda, 100);
		turns++;
	}
	assert_in_range(turns, 19, 20);
}

/* Numbers from BPF are checked elsewhere; here they do no harm in any case. */
static void test_of_no_slot(void **state)
{
	(void)state;
	agenda_add_slot(&agenda, PROCESSES, 0, 1, AGENDA_SETTLE);
	agenda_add_slot(&agenda, 1, 0, SLOTS, AGENDA_SETTLE);
	agenda_add_process(&agenda, PROCESSES, 0);
	assert_int_equal(agenda.wanted, 0);
	assert_int_equal(agenda_begin_turn(&agenda), FAIR_QUEUE_NONE);
}

static void test_check_finds_damage(void **state)
{
	(void)state;
	agenda_add_slot(&agenda, 1, 0, 5, AGENDA_SETTLE);
	agenda_add_slot(&agenda, 1, 0, 6, AGENDA_SETTLE);
	assert_true(agenda_check(&agenda));
	agenda.what[6] = 0;
	assert_false(agenda_check(&agenda));
	agenda.what[6] = AGENDA_SETTLE;
	agenda.what[7] = AGENDA_SETTLE;
	assert_false(agenda_check(&agenda));
	agenda.what[7] = 0;
	agenda.next[5] = 0;
	assert_false(agenda_check(&agenda));
	agenda.next[5] = 7;
	agenda.wanted++;
	assert_false(agenda_check(&agenda));
	agenda.wanted--;
	assert_true(agenda_check(&agenda));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_slots_in_their_order),
		TEST(test_the_process_after_its_slots),
		TEST(test_turns),
		TEST(test_users),
		TEST(test_of_no_slot),
		TEST(test_check_finds_damage),
	};

	return cmocka_run_group_tests_name("agenda", tests, NULL, NULL);
}

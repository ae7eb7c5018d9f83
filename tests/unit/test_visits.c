/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/visits.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "collector/kernel/visits.h"

#define SLOTS 200

static struct visits visits;

static int set_up(void **state)
{
	(void)state;
	return visits_init(&visits, SLOTS);
}

static int tear_down(void **state)
{
	(void)state;
	visits_free(&visits);
	visits_free(&visits);
	return 0;
}

static void test_earliest_first(void **state)
{
	uint32_t slots[4];

	(void)state;
	assert_int_equal(visits_next(&visits), UINT64_MAX);
	visits_add(&visits, 7, 300);
	visits_add(&visits, 8, 100);
	visits_add(&visits, 9, 200);
	/* An earlier time counts. A later one need not be kept: the visit at 100 finds out. */
	visits_add(&visits, 7, 50);
	visits_add(&visits, 8, 400);
	/* There is no such slot. */
	visits_add(&visits, SLOTS, 1);
	assert_int_equal(visits_next(&visits), 50);
	assert_int_equal(visits_take(&visits, 49, slots, 4), 0);
	assert_int_equal(visits_take(&visits, 100, slots, 4), 2);
	assert_int_equal(slots[0], 7);
	assert_int_equal(slots[1], 8);
	assert_int_equal(visits_take(&visits, 1000, slots, 4), 1);
	assert_int_equal(slots[0], 9);
	assert_true(visits_check(&visits));
}

static void test_any_order(void **state)
{
	uint64_t due[SLOTS], last = 0;
	uint32_t slot;

	(void)state;
	srand48(1);
	for (uint32_t i = 0; i < SLOTS; i++)
		due[i] = UINT64_MAX;
	for (int i = 0; i < 5000; i++) {
		uint64_t when = (uint64_t)lrand48() % 100000 + 1;

		slot = (uint32_t)lrand48() % SLOTS;
		visits_add(&visits, slot, when);
		if (when < due[slot])
			due[slot] = when;
		assert_true(visits_check(&visits));
	}
	while (visits_take(&visits, UINT64_MAX - 1, &slot, 1)) {
		assert_true(due[slot] >= last);
		last = due[slot];
		due[slot] = UINT64_MAX;
		assert_true(visits_check(&visits));
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(due[i], UINT64_MAX);
}

static void test_check_finds_damage(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		visits_add(&visits, i, i);
	assert_true(visits_check(&visits));
	visits.heap[0].when_ns = 100;
	assert_false(visits_check(&visits));
	visits.heap[0].when_ns = 0;
	visits.place[3]++;
	assert_false(visits_check(&visits));
	visits.place[3]--;
	visits.place[20] = 5;
	assert_false(visits_check(&visits));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_earliest_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_any_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_check_finds_damage, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("visits", tests, NULL, NULL);
}

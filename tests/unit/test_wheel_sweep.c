/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/visits.c */
/* When a slot has used up its nodes, the collector steps in until a sweep has freed them. */
#include "wheel_fixture.h"

/* Halved again and again, a timeout needs more nodes than a slot has. */
static void test_all_nodes_far_away(void **state)
{
	(void)state;
	open_one(1, 1ULL << 54);
	for (int bit = 53; bit >= 35; bit--)
		set_deadline(1, 1ULL << bit);
	assert_int_equal(nodes_in_use(1), FR_WHEEL_NODES);
	assert_null(wheel_check());
	close_one(1);
	/* The slot's next recorder has no node, but is still noticed in time. */
	open_one(1, 100 * MS);
	assert_true(FR_IS_QUEUED_BY_COLLECTOR(slot[1].queued_ns));
	assert_int_equal(visits_next(&visits), slot[1].queued_ns & ~1ULL);
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 1);
	/* Far nodes are out of the wheel by now. */
	assert_int_equal(wheel_epoch, 2);
	assert_int_equal(nodes_in_use(1), 0);
	assert_null(wheel_check());
	visited = 0;
	open_one(1, 100 * MS);
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 2);
	assert_int_equal(visited, 0);
}

/* After a sweep each open recorder has one node, and there is no heartbeat. */
static void test_swept_while_open(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RECORDERS; i++) {
		open_one(i, DAY);
		set_deadline(i, 3600 * SECOND);
		set_deadline(i, 60 * SECOND);
	}
	sweep_wanted = 1;
	request_timer(0);
	run_until(host_now_ns + SECOND);
	assert_int_equal(wheel_epoch, 2);
	assert_null(wheel_check());
	for (uint32_t i = 0; i < RECORDERS; i++)
		assert_int_equal(nodes_in_use(i), 1);
	assert_int_equal(fired, 0);
	run_until(host_now_ns + 60 * SECOND + RECORDERS / STEPS_MAX * TIMER_LATE_MAX);
	assert_int_equal(fired, RECORDERS);
	assert_int_equal(host_timer_ns, NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_nodes_far_away, set_up),
		cmocka_unit_test_setup(test_swept_while_open, set_up),
	};

	return cmocka_run_group_tests_name("wheel_sweep", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/visits.c */
/*
 * The timing wheel over days and years: each deadline is noticed once, never early, and late by at
 * most the wheel's narrowest bucket plus the lateness of the timer.
 */
#include "wheel_fixture.h"

static void test_one_deadline(void **state)
{
	static const uint64_t timeouts[] = {
		0,   1,        1000, MS,        2 * MS, 10 * MS, SECOND, 10 * SECOND, 3600 * SECOND,
		DAY, 30 * DAY, YEAR, 30 * YEAR,
	};

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		set_up(state);
		open_one(7, timeouts[i]);
		/* Just before it: nothing. */
		if (timeouts[i]) {
			run_until(slot[7].deadline_ns - 1);
			assert_int_equal(fired, 0);
		}
		run_until(slot[7].deadline_ns + LATE_MAX);
		assert_int_equal(fired, 1);
		assert_int_equal(FR_WORD_STATE(slot[7].word), RECORDER_TIMED_OUT);
		/* It is looked at half way, and then once a level: there is no heartbeat. */
		assert_true(ticks() < 64 + timeouts[i] / (300 * DAY) * 2);
		/* After that the timer rests. */
		run_until(host_now_ns + YEAR);
		assert_int_equal(host_timer_ns, NEVER);
		assert_int_equal(fired, 1);
	}
}

static void test_nothing_open(void **state)
{
	(void)state;
	run_until(host_now_ns + YEAR);
	assert_int_equal(ticks(), 0);
}

static void test_earlier_one_rearms(void **state)
{
	(void)state;
	open_one(1, 30 * DAY);
	run_until(host_now_ns + SECOND);
	open_one(2, 5 * MS);
	run_until(slot[2].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 1);
	assert_true(is_open(1));
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 2);
}

static void test_extended(void **state)
{
	(void)state;
	/* Extended again and again at the last moment. */
	open_one(1, 10 * MS);
	for (int i = 0; i < 1000; i++) {
		run_until(slot[1].deadline_ns - MS);
		set_deadline(1, 10 * MS);
	}
	assert_int_equal(fired, 0);
	/* From thirty days to a millisecond, and back. */
	set_deadline(1, 30 * DAY);
	run_until(host_now_ns + DAY);
	set_deadline(1, MS);
	set_deadline(1, 30 * DAY);
	run_until(host_now_ns + 29 * DAY);
	assert_int_equal(fired, 0);
	set_deadline(1, MS);
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 1);
}

/* A closed recorder leaves a node behind for the next one in its slot. */
static void test_bounded_by_the_peak(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		open_one(3, 10 * SECOND);
		run_until(host_now_ns + MS);
		close_one(3);
	}
	assert_int_equal(fired, 0);
	assert_true(nodes_in_use(3) <= 2);
	/* About two looks in ten seconds, not one for each opening. */
	assert_true(ticks() < 200000 / 100);
	/* With timeouts of all lengths, the cost is the logarithm of their ratio. */
	for (int i = 0; i < 200000; i++) {
		open_one(3, 2 * MS << any(31));
		run_until(host_now_ns + any(MS));
		close_one(3);
	}
	assert_int_equal(fired, 0);
	run_until(host_now_ns + 30 * YEAR);
	assert_int_equal(fired, 0);
	assert_int_equal(host_timer_ns, NEVER);
}

/*
 * After a long rest the timer takes some buckets too early, as bucket numbers repeat. Another node
 * relies on one of those taken.
 */
static void test_after_a_long_rest(void **state)
{
	for (int i = 0; i < 40; i++) {
		uint64_t timeout_ns = 40 * MS << i % 20;

		set_up(state);
		run_until(host_now_ns + YEAR + any(DAY));
		open_one(1, timeout_ns);
		set_deadline(1, 2 * MS);
		run_until(slot[1].deadline_ns + LATE_MAX);
		assert_int_equal(fired, 1);
		open_one(1, timeout_ns - 3 * MS);
		run_until(slot[1].deadline_ns + LATE_MAX);
		assert_int_equal(fired, 2);
		assert_true(nodes_in_use(1) <= 3);
	}
}

static void test_many_at_once(void **state)
{
	uint64_t first;

	(void)state;
	for (uint32_t i = 0; i < RECORDERS; i++)
		open_one(i, SECOND - i);
	first = slot[RECORDERS - 1].deadline_ns;
	run_until(first - 1);
	assert_int_equal(fired, 0);
	/* In steps, so that others get their turn in between. */
	run_until(first + LATE_MAX + RECORDERS / STEPS_MAX * TIMER_LATE_MAX);
	assert_int_equal(fired, RECORDERS);
}

/* Between two of these steps the collector re-arms the timer for an earlier notice. */
static void test_rearmed_between_steps(void **state)
{
	uint64_t first;

	(void)state;
	open_one(0, 30 * DAY);
	for (uint32_t i = 1; i < RECORDERS; i++)
		open_one(i, SECOND - i);
	first = slot[RECORDERS - 1].deadline_ns;
	while (!fired)
		run_until(host_now_ns + 1000);
	assert_true(taken_nodes);
	rearm_timer(NULL);
	run_until(first + LATE_MAX + RECORDERS / STEPS_MAX * TIMER_LATE_MAX);
	assert_int_equal(fired, RECORDERS - 1);
}

static void test_anything(void **state)
{
	uint64_t opened = 0, closed = 0;

	(void)state;
	for (int i = 0; i < 400000; i++) {
		uint32_t index = (uint32_t)any(RECORDERS / 4);

		/* From a millisecond to thirty days, each magnitude equally likely. */
		uint64_t timeout_ns = (MS << any(31)) + any(MS);

		if (FR_WORD_STATE(slot[index].word) == RECORDER_TIMED_OUT) {
			close_one(index);
		} else if (!is_open(index)) {
			open_one(index, timeout_ns);
			opened++;
		} else if (any(2)) {
			set_deadline(index, timeout_ns);
		} else {
			close_one(index);
			closed++;
		}
		run_until(host_now_ns + (any(100) ? any(2 * MS) : any(DAY)));
		if (i % 1000 == 0 && !taken_nodes && !(wheel_epoch & 1))
			assert_null(wheel_check());
	}
	/* Recorders that are still open time out when they are due; the others never do. */
	run_until(host_now_ns + 100 * DAY);
	assert_true(fired > 10000);
	assert_int_equal(fired, opened - closed);
	assert_true(latest_ns <= LATE_MAX);
	assert_int_equal(host_timer_ns, NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_deadline, set_up),
		cmocka_unit_test_setup(test_nothing_open, set_up),
		cmocka_unit_test_setup(test_earlier_one_rearms, set_up),
		cmocka_unit_test_setup(test_extended, set_up),
		cmocka_unit_test_setup(test_bounded_by_the_peak, set_up),
		cmocka_unit_test_setup(test_after_a_long_rest, set_up),
		cmocka_unit_test_setup(test_many_at_once, set_up),
		cmocka_unit_test_setup(test_rearmed_between_steps, set_up),
		cmocka_unit_test_setup(test_anything, set_up),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}

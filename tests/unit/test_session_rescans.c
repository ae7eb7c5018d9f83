// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/session_rescans.c */
/* Which processes are scanned again, and when calls of execve() that were missed are looked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "collector/kernel/tracker.h"
#include "collector/session_rescans.h"
#include "own_clock.h"

#define SECOND_NS UINT64_C(1000000000)

static struct rescans rescans;
static uint64_t missed;

void tracker_missed(const struct tracker *tracker, uint64_t *execs, uint64_t *exits)
{
	assert_null(tracker);
	*execs = missed;
	*exits = 77;
}

/* Two are watched. */
int tracker_processes(struct tracker *tracker,
		      void (*fn)(void *arg, const struct process_found *found), void *arg)
{
	assert_null(tracker);
	for (uint32_t pid = 10; pid < 12; pid++)
		fn(arg, &(struct process_found){.key = {.pid = pid}});
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	missed = 0;
	now_ns = SECOND_NS;
	rescans_init(&rescans, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rescans_free(&rescans);
	rescans_free(&rescans);
	return 0;
}

static void expect_taken(pid_t expected)
{
	pid_t pid;

	assert_true(rescans_pending(&rescans));
	assert_true(rescans_take(&rescans, &pid));
	assert_int_equal(pid, expected);
}

static void expect_none(void)
{
	pid_t pid;

	assert_false(rescans_pending(&rescans));
	assert_false(rescans_take(&rescans, &pid));
}

static void test_each_once(void **state)
{
	(void)state;
	rescans_add(&rescans, 11);
	rescans_add(&rescans, 5);
	rescans_add(&rescans, 11);
	rescans_want_all(&rescans);
	rescans_look_for_missed(&rescans);
	expect_taken(11);
	/* While it is being scanned it changes again. */
	rescans_add(&rescans, 11);
	expect_taken(5);
	expect_taken(10);
	expect_taken(11);
	expect_none();
}

/* However often it is asked for. */
static void test_all_once_a_second(void **state)
{
	(void)state;
	rescans_want_all(&rescans);
	assert_true(rescans_next(&rescans) == now_ns);
	rescans_look_for_missed(&rescans);
	expect_taken(10);
	expect_taken(11);
	now_ns += 5 * MS_NS;
	rescans_want_all(&rescans);
	rescans_want_all(&rescans);
	assert_true(rescans_next(&rescans) == 2 * SECOND_NS);
	now_ns = 2 * SECOND_NS;
	rescans_look_for_missed(&rescans);
	expect_taken(10);
	expect_taken(11);
	expect_none();
}

static void test_none_were_missed(void **state)
{
	(void)state;
	assert_true(rescans_next(&rescans) == UINT64_MAX);
	rescans_expect_missed(&rescans);
	assert_true(rescans_next(&rescans) == SECOND_NS + 20 * MS_NS);
	/* One look is enough for all that is told until then. */
	now_ns += 5 * MS_NS;
	rescans_expect_missed(&rescans);
	assert_true(rescans_next(&rescans) == SECOND_NS + 20 * MS_NS);
	rescans_look_for_missed(&rescans);
	expect_none();
	assert_true(rescans_next(&rescans) == UINT64_MAX);
}

static void test_some_were_missed(void **state)
{
	(void)state;
	missed = 3;
	rescans_expect_missed(&rescans);
	rescans_look_for_missed(&rescans);
	expect_taken(10);
	expect_taken(11);
	expect_none();
	/* There may be more, but all processes are not scanned all the time. */
	assert_true(rescans_next(&rescans) == now_ns + SECOND_NS);
	now_ns += SECOND_NS;
	rescans_look_for_missed(&rescans);
	expect_none();
	assert_true(rescans_next(&rescans) == UINT64_MAX);
	/* Later, it is soon again. */
	now_ns += SECOND_NS;
	rescans_expect_missed(&rescans);
	assert_true(rescans_next(&rescans) == now_ns + 20 * MS_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_once_a_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none_were_missed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_some_were_missed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

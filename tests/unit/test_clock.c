/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/base/clock.h"

static void test_nanoseconds(void **state)
{
	struct timespec before, after;
	uint64_t between;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &before);
	between = clock_ns(CLOCK_MONOTONIC);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(between >= (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec);
	assert_true(between <= (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
}

/* A monotonic time plus the offset is real time. */
static void test_real_offset(void **state)
{
	uint64_t before = clock_ns(CLOCK_REALTIME);
	uint64_t between = clock_ns(CLOCK_MONOTONIC) + clock_real_offset();

	(void)state;
	/* The clock may be set meanwhile, but not by a whole minute. */
	assert_true(between + 60000000000 > before);
	assert_true(between < clock_ns(CLOCK_REALTIME) + 60000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nanoseconds),
		cmocka_unit_test(test_real_offset),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

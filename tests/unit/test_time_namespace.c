// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/time_namespace.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/time_namespace.h"

static void test_offsets(void **state)
{
	(void)state;
	assert_int_equal(time_namespace_parse("monotonic           0         0\n"
					      "boottime            0         0\n"),
			 0);
	assert_int_equal(time_namespace_parse("monotonic        5000        17\n"
					      "boottime           -7         0\n"),
			 5000000000017);
	assert_int_equal(time_namespace_parse("boottime            7         0\n"
					      "monotonic        -100 500000000\n"),
			 -99500000000);
}

/* It comes from the kernel, but still. */
static void test_no_offsets(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"monotonic",
		"monotonic x",
		"monotonic 1",
		"monotonic 9999999999 0",
		"monotonic 1 -1\n",
		"monotonic 1 1000000000",
		"boottime 1 1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(time_namespace_parse(texts[i]), 0);
}

static void test_times(void **state)
{
	(void)state;
	assert_int_equal(time_namespace_to_ours(100, 0), 100);
	assert_int_equal(time_namespace_to_ours(100, 30), 70);
	assert_int_equal(time_namespace_to_ours(100, -30), 130);
	assert_int_equal(time_namespace_to_ours(100, 101), 0);
	assert_int_equal(time_namespace_to_ours(UINT64_MAX - 1, -2), UINT64_MAX);
	assert_int_equal(time_namespace_to_ours(0, INT64_MIN), UINT64_C(1) << 63);
}

static void test_ours(void **state)
{
	(void)state;
	assert_int_equal(time_namespace_ahead_ns(getpid()), 0);
	assert_int_equal(time_namespace_ahead_ns(1 << 30), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_no_offsets),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

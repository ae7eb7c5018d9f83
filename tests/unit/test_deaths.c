// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/deaths.c */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/report/deaths.h"

#define EXITED(status) ((status) << 8)
#define CORE_DUMPED 0x80

static void test_words(void **state)
{
	size_t n = 0;

	(void)state;
	for (; deaths_word(n); n++)
		assert_int_equal(deaths_parse(deaths_word(n)), n);
	assert_int_equal(n, 3);
	assert_int_equal(deaths_parse("crash"), DEATHS_CRASH);
	assert_int_equal(deaths_parse("Crash"), -EINVAL);
	assert_int_equal(deaths_parse(""), -EINVAL);
}

static void test_which(void **state)
{
	static const int others[] = {EXITED(0), EXITED(1), SIGTERM, SIGINT, SIGHUP, SIGPIPE, 64};
	static const int crashes[] = {SIGKILL, SIGSEGV, SIGABRT, SIGSEGV | CORE_DUMPED, SIGSYS};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(deaths_include(DEATHS_NONE, others[i]));
		assert_false(deaths_include(DEATHS_CRASH, others[i]));
		assert_true(deaths_include(DEATHS_ALL, others[i]));
	}
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		assert_false(deaths_include(DEATHS_NONE, crashes[i]));
		assert_true(deaths_include(DEATHS_CRASH, crashes[i]));
		assert_true(deaths_include(DEATHS_ALL, crashes[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

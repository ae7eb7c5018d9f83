// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/proc_file.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/proc_file.h"

static void test_file(void **state)
{
	char text[64];

	(void)state;
	prctl(PR_SET_NAME, "a name");
	assert_int_equal(proc_file_read(getpid(), gettid(), "comm", text, sizeof(text)), 7);
	assert_string_equal(text, "a name\n");
	assert_int_equal(proc_file_read(getpid(), gettid(), "comm", text, 4), 3);
	assert_string_equal(text, "a n");
}

static void test_no_file(void **state)
{
	char text[8] = "before";

	(void)state;
	assert_int_equal(proc_file_read(getpid(), gettid(), "no such file", text, sizeof(text)),
			 -ENOENT);
	assert_string_equal(text, "");
	assert_int_equal(proc_file_read(1 << 30, 1, "comm", text, sizeof(text)), -ENOENT);
	assert_true(proc_file_read(getpid(), gettid(), "attr", text, sizeof(text)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/proc_file.c */
/* link: user/collector/target/proc_names.c */
/* The names of this process, of its threads, and of processes that are no more. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/proc_names.h"

static void test_comm(void **state)
{
	char comm[PROC_COMM_SIZE] = "as it is";

	(void)state;
	assert_false(proc_comm(INT_MAX, INT_MAX, comm));
	assert_string_equal(comm, "as it is");
	prctl(PR_SET_NAME, "a b");
	assert_true(proc_comm(getpid(), getpid(), comm));
	assert_string_equal(comm, "a b");
	prctl(PR_SET_NAME, "fifteen chars..");
	assert_true(proc_comm(getpid(), getpid(), comm));
	assert_string_equal(comm, "fifteen chars..");
	prctl(PR_SET_NAME, "");
	assert_true(proc_comm(getpid(), getpid(), comm));
	assert_string_equal(comm, "");
}

static void test_exe(void **state)
{
	char path[PATH_MAX], cut[8], *here = realpath("/proc/self/exe", NULL);

	(void)state;
	assert_true(proc_exe(getpid(), path, sizeof(path)));
	assert_string_equal(path, here);
	assert_true(proc_exe(getpid(), cut, sizeof(cut)));
	assert_int_equal(strlen(cut), 7);
	assert_memory_equal(cut, here, 7);
	assert_false(proc_exe(INT_MAX, path, sizeof(path)));
	assert_string_equal(path, "");
	free(here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comm),
		cmocka_unit_test(test_exe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/usual_files.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/usual_files.h"

static char passed[16384];

static void note(void *arg, const char *path)
{
	size_t length = strlen(passed);

	assert_ptr_equal(arg, passed);
	snprintf(passed + length, sizeof(passed) - length, "%s\n", path);
}

static void test_paths(void **state)
{
	static const char usual[] = "/usr/local/lib/libflightrec.so.0\n"
				    "/usr/lib/libflightrec.so.0\n"
				    "/usr/lib64/libflightrec.so.0\n"
				    "/usr/lib/x86_64-linux-gnu/libflightrec.so.0\n"
				    "/usr/lib/aarch64-linux-gnu/libflightrec.so.0\n";
	char self[4096], expected[16384];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	assert_true(length > 0);
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	unsetenv("LD_LIBRARY_PATH");
	usual_files_each(note, passed);
	snprintf(expected, sizeof(expected),
		 "%s/libflightrec.so.0\n%s/../lib/libflightrec.so.0\n%s", self, self, usual);
	assert_string_equal(passed, expected);
	/* The dynamic linker takes both separators, and empty parts are nobody's. */
	setenv("LD_LIBRARY_PATH", "/a:/b;:/c/", 1);
	passed[0] = '\0';
	usual_files_each(note, passed);
	snprintf(expected, sizeof(expected),
		 "%s/libflightrec.so.0\n%s/../lib/libflightrec.so.0\n/a/libflightrec.so.0\n"
		 "/b/libflightrec.so.0\n/c//libflightrec.so.0\n%s",
		 self, self, usual);
	assert_string_equal(passed, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/proc_names.c user/collector/target/proc_file.c */
/* link: user/collector/attachment/descriptor_share.c */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/attached_files.h"
#include "collector/attachment/descriptor_share.h"

static struct attached_file file[3];

struct attached_file *attached_files_next(const struct attached_files *files,
					  const struct attached_file *before)
{
	size_t next = before ? (size_t)(before - file) + 1 : 0;

	return next < 3 ? &file[next] : NULL;
}

/* So many are left. */
static void leave(rlim_t count)
{
	int next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	struct rlimit limit;

	assert_true(next > 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next + count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void test_half_of_what_is_left(void **state)
{
	(void)state;
	file[0] = (struct attached_file){.uid = 5, .links.count = 3, .lease = 7};
	file[1] = (struct attached_file){.uid = 6, .links.count = 9, .lease = -1};
	file[2] = (struct attached_file){.uid = 5, .links.count = 1, .lease = -1};
	leave(6);
	assert_true(descriptor_share_left(NULL, 5));
	assert_false(descriptor_share_left(NULL, 6));
	assert_true(descriptor_share_left(NULL, 7));
	leave(5);
	assert_false(descriptor_share_left(NULL, 5));
	assert_true(descriptor_share_left(NULL, 7));
	leave(1);
	assert_true(descriptor_share_left(NULL, 7));
	leave(100);
}

static void test_users(void **state)
{
	(void)state;
	assert_int_equal(descriptor_share_user(getpid()), geteuid());
	assert_int_equal(descriptor_share_user(0), 0);
	assert_int_equal(descriptor_share_user(0x7fffffff), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_of_what_is_left),
		cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

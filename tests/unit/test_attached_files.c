// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/attached_files.c user/collector/attachment/file_identity.c */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/attachment/attached_files.h"

static struct attached_files files;

static struct attached_key key(uint64_t inode, int64_t changed_ns)
{
	struct attached_key made;

	memset(&made, 0, sizeof(made));
	made.file = (struct file_identity){1, inode, 10, changed_ns};
	return made;
}

static struct attached_file *find(struct attached_key wanted)
{
	return attached_files_find(&files, &wanted);
}

static struct attached_file *add(struct attached_key wanted, bool held)
{
	struct attached_file *file = attached_files_add(&files, &wanted);

	assert_non_null(file);
	file->links.count = held;
	attached_files_hold(&files, file);
	return file;
}

static int clean(void **state)
{
	struct attached_file *file;

	(void)state;
	while ((file = attached_files_next(&files, NULL)))
		attached_files_remove(&files, file);
	attached_files_forget_plain(&files);
	return 0;
}

static void test_finds(void **state)
{
	struct attached_key other_pid = key(5, 100), other_way = key(5, 100);
	struct attached_file *plain, *held;

	(void)state;
	assert_null(find(key(5, 100)));
	plain = add(key(5, 100), false);
	held = add(key(6, 100), true);
	assert_ptr_equal(find(key(5, 100)), plain);
	assert_ptr_equal(find(key(6, 100)), held);
	/* What was changed is looked at again, unless it is held. */
	assert_null(find(key(5, 101)));
	assert_ptr_equal(find(key(6, 101)), held);
	other_pid.pid = 77;
	other_way.all_probes = 1;
	assert_null(find(other_pid));
	assert_null(find(other_way));
	attached_files_remove(&files, held);
	assert_null(find(key(6, 100)));
}

/* The links came later, and once more. */
static void test_held_later(void **state)
{
	struct attached_file *file = add(key(5, 100), false);

	(void)state;
	assert_null(attached_files_next(&files, NULL));
	file->links.count = 1;
	attached_files_hold(&files, file);
	attached_files_hold(&files, file);
	assert_ptr_equal(attached_files_next(&files, NULL), file);
	assert_ptr_equal(find(key(5, 200)), file);
}

static void test_plain_ones_are_bounded(void **state)
{
	struct attached_file *held = add(key(1, 1), true);
	size_t count = 0;

	(void)state;
	for (uint64_t i = 0; i < ATTACHED_FILES_PLAIN_MAX; i++)
		add(key(100 + i, 1), false);
	assert_non_null(find(key(100, 1)));
	add(key(99, 1), false);
	assert_null(find(key(100, 1)));
	assert_non_null(find(key(99, 1)));
	assert_ptr_equal(find(key(1, 1)), held);
	for (struct attached_file *file = NULL; (file = attached_files_next(&files, file));)
		count++;
	assert_int_equal(count, 1);
	assert_int_equal(HASH_COUNT(files.plain), 1);
}

static void test_gives_back_the_lease(void **state)
{
	struct attached_file *file = add(key(1, 1), true);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(file->lease, -1);
	file->lease = fd;
	attached_files_remove(&files, file);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_finds, clean),
		cmocka_unit_test_teardown(test_held_later, clean),
		cmocka_unit_test_teardown(test_gives_back_the_lease, clean),
		cmocka_unit_test_teardown(test_plain_ones_are_bounded, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

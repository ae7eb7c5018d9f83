// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/file_identity.c */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/file_identity.h"

static char path[] = "/tmp/flightrec-identity.XXXXXX";

static struct file_identity identity_of(int fd)
{
	struct file_identity identity;

	assert_int_equal(file_identity_read(fd, &identity), 0);
	return identity;
}

static bool same(struct file_identity a, struct file_identity b)
{
	return a.device == b.device && a.inode == b.inode && a.size == b.size &&
	       a.changed_ns == b.changed_ns;
}

static void test_file_and_its_changes(void **state)
{
	int fd = mkstemp(path), again = open(path, O_RDONLY | O_CLOEXEC);
	struct file_identity before = identity_of(fd), held = file_identity_held(&before), after;
	const struct timespec tick = {.tv_nsec = 1000000};

	(void)state;
	assert_true(same(before, identity_of(again)));
	/* Other contents: another file, unless its inode is held. */
	assert_int_equal(write(fd, "x", 1), 1);
	after = identity_of(again);
	assert_false(same(before, after));
	if (before.device)
		assert_true(same(held, file_identity_held(&after)));
	/* Changed without another size, at another time of the kernel's clock. */
	before = after;
	do {
		nanosleep(&tick, NULL);
		assert_int_equal(fchmod(fd, 0600), 0);
		after = identity_of(again);
	} while (after.changed_ns == before.changed_ns);
	assert_int_equal(after.size, before.size);
	assert_int_equal(after.inode, before.inode);
	close(again);
	close(fd);
	unlink(path);
}

/* An overlay's number may become another inode's: there its size and time always count. */
static void test_overlay_is_not_held(void **state)
{
	const struct file_identity overlay = {.inode = 5, .size = 3, .changed_ns = 7};

	(void)state;
	assert_true(same(file_identity_held(&overlay), overlay));
}

static void test_no_file(void **state)
{
	struct file_identity identity;

	(void)state;
	assert_int_equal(file_identity_read(-1, &identity), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_and_its_changes),
		cmocka_unit_test(test_overlay_is_not_held),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/file_users.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/attached_files.h"
#include "collector/attachment/file_users.h"

static struct elf_probes probes;
static struct attached_file a, b, linker;
static struct file_users users;
static pid_t told[8];
static size_t tellings;

static int set_up(void **state)
{
	(void)state;
	a = (struct attached_file){.probes = &probes};
	b = (struct attached_file){.probes = &probes, .key.all_probes = 1};
	linker = (struct attached_file){.is_linker = true};
	users = (struct file_users){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	tellings = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	file_users_drop_all(&users);
	assert_int_equal(a.users + b.users + linker.users, 0);
	return close(users.epoll_fd);
}

static void tell(void *arg, pid_t pid)
{
	assert_ptr_equal(arg, &users);
	told[tellings++] = pid;
}

static struct file_user *set(pid_t pid, struct attached_file *first, struct attached_file *second)
{
	struct attached_file *file[] = {first, second};
	const struct file_user_scan scan = {.pid = pid,
					    .file = file,
					    .files = second  ? 2
						     : first ? 1
							     : 0};
	struct file_user *user = file_users_set(&users, &scan);

	assert_non_null(user);
	return user;
}

static void test_counts(void **state)
{
	(void)state;
	set(1, &a, &linker);
	set(2, &a, NULL);
	assert_int_equal(a.users, 2);
	assert_int_equal(linker.users, 1);
	assert_false(users.left);
	/* Again, and without one of them. */
	set(1, &a, &linker);
	set(1, &a, NULL);
	assert_int_equal(a.users, 2);
	assert_int_equal(linker.users, 0);
	assert_true(users.left);
	assert_true(linker.unused_ns > 0);
	users.left = false;
	file_users_drop(&users, file_users_find(&users, 2));
	assert_null(file_users_find(&users, 2));
	assert_int_equal(a.users, 1);
	assert_int_equal(a.unused_ns, 0);
	assert_false(users.left);
}

/* What one that is watched by probes maps in that way is not gone when it is scanned in the other.
 */
static void test_two_ways(void **state)
{
	struct attached_file *file[] = {&b};
	const struct file_user_scan by_probes = {
		.pid = 1, .all_probes = true, .file = file, .files = 1};

	(void)state;
	assert_non_null(file_users_set(&users, &by_probes));
	set(1, &a, NULL);
	set(1, &a, &linker);
	assert_int_equal(a.users, 1);
	assert_int_equal(b.users, 1);
	assert_int_equal(linker.users, 1);
	set(1, NULL, NULL);
	assert_int_equal(a.users, 0);
	assert_int_equal(b.users, 1);
}

static void test_file_leaves(void **state)
{
	(void)state;
	set(1, &a, &linker);
	set(2, &linker, NULL);
	set(3, &a, NULL);
	file_users_each(&users, &a, tell, &users);
	assert_int_equal(tellings, 2);
	assert_int_equal(told[0] + told[1], 4);
	file_users_leave(&users, &a, tell, &users);
	assert_int_equal(tellings, 4);
	assert_int_equal(a.users, 0);
	assert_int_equal(linker.users, 2);
	file_users_each(&users, &a, tell, &users);
	assert_int_equal(tellings, 4);
	/* Known, although there is nothing to know. */
	assert_int_equal(file_users_find(&users, 3)->files, 0);
}

static void test_listing(void **state)
{
	(void)state;
	set(1, &linker, NULL);
	set(2, &linker, NULL);
	file_users_begin_listing(&users);
	assert_true(file_users_list(&users, 2));
	assert_false(file_users_list(&users, 3));
	file_users_end_listing(&users);
	assert_null(file_users_find(&users, 1));
	assert_non_null(file_users_find(&users, 2));
	assert_int_equal(linker.users, 1);
}

/* Those that are gone do not add up. */
static void test_many(void **state)
{
	(void)state;
	set(getpid(), &linker, NULL);
	for (pid_t pid = 0x7f000000; pid < 0x7f000000 + 5000; pid++)
		set(pid, &linker, NULL);
	assert_true(HASH_COUNT(users.table) <= 1024);
	assert_int_equal(linker.users, HASH_COUNT(users.table));
	assert_non_null(file_users_find(&users, getpid()));
}

static void test_end_is_told(void **state)
{
	struct epoll_event event;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	/* Not of one that has only a dynamic linker: that is every process of the host. */
	assert_int_equal(set(child, &linker, NULL)->pidfd, -1);
	assert_true(set(child, &linker, &a)->pidfd >= 0);
	set(child, &linker, &a);
	assert_int_equal(epoll_wait(users.epoll_fd, &event, 1, 0), 0);
	kill(child, SIGKILL);
	assert_int_equal(epoll_wait(users.epoll_fd, &event, 1, 20000), 1);
	assert_int_equal(event.data.u64, child);
	file_users_drop(&users, file_users_find(&users, child));
	assert_int_equal(epoll_wait(users.epoll_fd, &event, 1, 0), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	/* There is no such process any more. */
	assert_int_equal(set(child, &a, NULL)->pidfd, -1);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_counts),  CASE(test_two_ways),    CASE(test_file_leaves),
		CASE(test_listing), CASE(test_end_is_told), CASE(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

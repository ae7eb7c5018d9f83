// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/attachment/liveness.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/attachment/attachments.h"
#include "collector/attachment/departures.h"
#include "collector/attachment/liveness.h"
#include "own_clock.h"

static struct attachments attachments;
static struct attached_file file;
static char calls[512];
static pid_t told_blind;

void departures_scan_later(struct attachments *a, pid_t pid, uint64_t at_ns)
{
	snprintf(calls, sizeof(calls), "scan %d in %ju ms", pid,
		 (uintmax_t)(at_ns - now_ns) / 1000000);
}

void departures_leave(struct attachments *a, struct attached_file *left)
{
	assert_ptr_equal(left, &file);
	strcpy(calls, "leave");
}

bool message_limited(struct message_limit *limit, const char *format, ...)
{
	va_list args;

	assert_ptr_equal(limit, &attachments.not_seen);
	va_start(args, format);
	vsnprintf(calls, sizeof(calls), format, args);
	va_end(args);
	return true;
}

static int set_up(void **state)
{
	(void)state;
	memset(&attachments, 0, sizeof(attachments));
	file.state = FILE_ATTACHED;
	told_blind = 0;
	now_ns += 10 * UINT64_C(1000000000);
	return 0;
}

static void found(struct file_user *user, const struct liveness *blind, const char *expected)
{
	calls[0] = '\0';
	now_ns += 60 * MS_NS;
	liveness_found(&attachments, user, blind);
	assert_string_equal(calls, expected);
}

static void test_blind(void **state)
{
	const struct liveness blind = {.file = &file, .path = "/lib/x"}, sees = {0};
	struct file_user user = {.pid = 5};

	(void)state;
	found(&user, &sees, "");
	found(&user, &blind, "scan 5 in 50 ms");
	found(&user, &blind, "leave");
	found(&user, &blind,
	      "process 5 does not see that it is watched (a semaphore in /lib/x is 0): it is "
	      "not watched");
	/* Once. */
	found(&user, &blind, "");
	found(&user, &sees, "");
	found(&user, &blind, "scan 5 in 50 ms");
}

static void note_blind(void *arg, pid_t pid)
{
	assert_ptr_equal(arg, &attachments);
	told_blind = pid;
}

/* What it loads meanwhile, and is scanned for, hurries nothing. */
static void test_scanned_at_once(void **state)
{
	const struct liveness blind = {.file = &file, .path = "/lib/x"};
	struct file_user user = {.pid = 5};

	(void)state;
	found(&user, &blind, "scan 5 in 50 ms");
	calls[0] = '\0';
	now_ns += 49 * MS_NS;
	liveness_found(&attachments, &user, &blind);
	assert_string_equal(calls, "");
	now_ns += 1 * MS_NS;
	liveness_found(&attachments, &user, &blind);
	assert_string_equal(calls, "leave");
}

/* It is told when it lasts. */
static void test_open_for_writing(void **state)
{
	const struct liveness blind = {.file = &file, .path = "/lib/x"};
	struct file_user user = {.pid = 5};

	(void)state;
	file.state = FILE_WAITING;
	attachments.options = (struct attachments_options){
		.by_memory = true, .blind = note_blind, .arg = &attachments};
	found(&user, &blind, "scan 5 in 50 ms");
	/* It is looked at meanwhile. */
	assert_int_equal(told_blind, 5);
	found(&user, &blind, "scan 5 in 1000 ms");
	found(&user, &blind, "");
	now_ns += 1000 * MS_NS;
	found(&user, &blind,
	      "process 5 is not watched in /lib/x, which is open for writing: until that is over "
	      "it is looked at every 0.1 s");
	told_blind = 0;
	found(&user, &blind, "");
	assert_int_equal(told_blind, 5);
}

/* The rest of it was mapped meanwhile. */
static void test_sees_later(void **state)
{
	const struct liveness blind = {.file = &file, .path = "/lib/x"}, sees = {0};
	struct file_user user = {.pid = 5};

	(void)state;
	found(&user, &blind, "scan 5 in 50 ms");
	found(&user, &sees, "");
	assert_int_equal(attachments.attached_again_ns, 0);
}

/* Who is blind on purpose does not get a file attached to anew that others use, again and again. */
static void test_others_have_the_file(void **state)
{
	const struct liveness blind = {.file = &file, .path = "/lib/x"};
	struct file_user first = {.pid = 5}, second = {.pid = 6}, third = {.pid = 7};

	(void)state;
	found(&first, &blind, "scan 5 in 50 ms");
	found(&first, &blind, "leave");
	found(&second, &blind, "scan 6 in 50 ms");
	found(&second, &blind,
	      "process 6 does not see that it is watched (a semaphore in /lib/x is 0): it is "
	      "not watched");
	now_ns += 1000000000;
	found(&third, &blind, "scan 7 in 50 ms");
	found(&third, &blind, "leave");
}

/* Its log can be read all the same. */
static void test_by_memory(void **state)
{
	const struct liveness blind = {.file = &file, .path = "/lib/x", .twice = true};
	struct file_user user = {.pid = 5};

	(void)state;
	attachments.options = (struct attachments_options){
		.by_memory = true, .blind = note_blind, .arg = &attachments};
	found(&user, &blind, "scan 5 in 50 ms");
	assert_int_equal(told_blind, 0);
	found(&user, &blind,
	      "process 5 has mapped /lib/x more than once, and the kernel lets only one of these "
	      "see that it is watched: the others are looked at every 0.1 s");
	assert_int_equal(told_blind, 5);
}

static void test_mapped_twice(void **state)
{
	const struct liveness blind = {.file = &file, .path = "/lib/x", .twice = true};
	struct file_user user = {.pid = 5};

	(void)state;
	found(&user, &blind, "scan 5 in 50 ms");
	found(&user, &blind,
	      "process 5 has mapped /lib/x more than once, and the kernel lets only one of these "
	      "see that it is watched: the others are not watched");
	found(&user, &blind, "");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
	const struct CMUnitTest tests[] = {
		CASE(test_blind),
		CASE(test_scanned_at_once),
		CASE(test_open_for_writing),
		CASE(test_sees_later),
		CASE(test_others_have_the_file),
		CASE(test_by_memory),
		CASE(test_mapped_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

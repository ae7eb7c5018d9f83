/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/message.c user/collector/base/escape.c */
/* link: user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/message.h"

#define SECOND UINT64_C(1000000000)

static int pipe_fd[2], real_error;

/* Standard error is a pipe with room for a page. */
static int set_up(void **state)
{
	(void)state;
	assert_int_equal(pipe2(pipe_fd, O_NONBLOCK), 0);
	real_error = dup(STDERR_FILENO);
	fcntl(pipe_fd[1], F_SETPIPE_SZ, 4096);
	dup2(pipe_fd[1], STDERR_FILENO);
	fcntl(STDERR_FILENO, F_SETFL, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dup2(real_error, STDERR_FILENO);
	close(real_error);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

static void expect_read(const char *expected)
{
	char data[8192] = "";

	assert_int_equal(read(pipe_fd[0], data, sizeof(data) - 1), strlen(expected));
	assert_string_equal(data, expected);
}

static void test_one_line(void **state)
{
	(void)state;
	message("cannot write to %s: %s", "a\nb\x1b", "why");
	expect_read("flightrec: cannot write to a\\nb\\x1b: why\n");
	message_from("run", "unknown option '%s'", "\t");
	expect_read("flightrec run: unknown option '\\t'\n");
	message_from("", "1 %%");
	expect_read("flightrec: 1 %\n");
}

/* It never waits, and says what was left out. */
static void test_nobody_reads(void **state)
{
	static char data[8192];
	char page[4096];

	(void)state;
	memset(page, 'x', sizeof(page));
	assert_int_equal(write(pipe_fd[1], page, sizeof(page)), sizeof(page));
	assert_false(message_possible());
	message("one");
	message("two");
	assert_int_equal(read(pipe_fd[0], data, sizeof(data)), sizeof(page));
	assert_true(message_possible());
	message("three");
	expect_read("flightrec: 2 messages were not written, as standard error was not read\n"
		    "flightrec: three\n");
	message("four");
	expect_read("flightrec: four\n");
}

static void test_limited(void **state)
{
	struct message_limit once = {.lines = 1}, limit = {.lines = 2, .window_ns = SECOND};
	uint64_t held_back;

	(void)state;
	assert_true(message_limited(&once, "process %d", 1));
	assert_false(message_limited(&once, "process %d", 2));
	expect_read("flightrec: process 1\n");

	assert_true(message_limit_admit(&limit, 100 * SECOND, &held_back));
	assert_true(message_limit_admit(&limit, 100 * SECOND + 5, &held_back));
	assert_false(message_limit_admit(&limit, 101 * SECOND - 1, &held_back));
	assert_false(message_limit_admit(&limit, 101 * SECOND - 1, &held_back));
	assert_int_equal(held_back, 0);
	assert_true(message_limit_admit(&limit, 101 * SECOND, &held_back));
	assert_int_equal(held_back, 2);
	assert_true(message_limit_admit(&limit, 101 * SECOND, &held_back));
	assert_int_equal(held_back, 0);

	limit = (struct message_limit){.lines = 1, .window_ns = SECOND, .held_back = 3};
	assert_true(message_limited(&limit, "late"));
	expect_read("flightrec: late (3 more like this were held back)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_reads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limited, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}

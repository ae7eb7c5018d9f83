/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/write_queue.c user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/write_queue.h"

#define LIMIT 65536
#define PATIENT 60000

static struct write_queue *queue;
static int pipe_fd[2];

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(pipe_fd), 0);
	/* Much less than may wait. */
	assert_true(fcntl(pipe_fd[1], F_SETPIPE_SZ, 4096) > 0);
	assert_int_equal(write_queue_open(&queue, pipe_fd[1], LIMIT), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(pipe_fd[0]);
	write_queue_close(queue);
	return 0;
}

static void add(const char *text)
{
	text_string(write_queue_text(queue), text);
	assert_int_equal(write_queue_end_piece(queue), 0);
}

static struct write_queue_state state_of(void)
{
	struct write_queue_state state;

	write_queue_state(queue, &state);
	return state;
}

static void expect_read(const char *expected)
{
	char data[256] = "";
	size_t size = 0;

	while (size < strlen(expected)) {
		ssize_t n = read(pipe_fd[0], data + size, strlen(expected) - size);

		assert_true(n > 0);
		size += (size_t)n;
	}
	assert_string_equal(data, expected);
}

static void test_in_order(void **state)
{
	(void)state;
	add("one\n");
	add("two\n");
	assert_int_equal(write_queue_gathered(queue), 8);
	assert_true(write_queue_flush(queue));
	assert_int_equal(write_queue_gathered(queue), 0);
	add("three\n");
	assert_true(write_queue_finish(queue, PATIENT));
	expect_read("one\ntwo\nthree\n");
	assert_int_equal(state_of().lost, 0);
	/* It goes on after that. */
	add("four\n");
	assert_true(write_queue_finish(queue, PATIENT));
	expect_read("four\n");
	/* An empty piece is none. */
	assert_int_equal(write_queue_end_piece(queue), 0);
	assert_true(write_queue_flush(queue));
}

/* More than a pipe holds plus what may wait: the owner goes on, and everything is counted. */
static void fill(void)
{
	char text[1001];
	size_t refused = 0;

	memset(text, 'x', sizeof(text));
	text[999] = '\n';
	text[1000] = '\0';
	while (refused < 3) {
		add(text);
		refused += !write_queue_flush(queue);
	}
}

static void test_nobody_reads(void **state)
{
	(void)state;
	fill();
	assert_int_equal(state_of().refused, 3);
	assert_int_equal(state_of().lost, 3);
	assert_int_equal(state_of().error, -EAGAIN);
	assert_false(write_queue_has_room(queue));
	/* Nobody waits at the end either, and what is waiting is lost as well. */
	assert_false(write_queue_finish(queue, 1));
	assert_true(state_of().lost > 10);
	add("too late\n");
	assert_false(write_queue_flush(queue));
	assert_false(write_queue_finish(queue, PATIENT));
}

/* A reader that comes back finds all that was accepted, and the owner learns of the room. */
static void test_reader_comes_back(void **state)
{
	struct pollfd event = {.fd = write_queue_event_fd(queue), .events = POLLIN};
	static char data[65536];
	struct pollfd in = {.fd = pipe_fd[0], .events = POLLIN};

	(void)state;
	fill();
	while (poll(&event, 1, 0) == 0) {
		assert_int_equal(poll(&in, 1, PATIENT), 1);
		assert_true(read(pipe_fd[0], data, 1000) > 0);
	}
	assert_true(write_queue_has_room(queue));
	assert_int_equal(state_of().lost, 3);
	add("last\n");
	assert_true(write_queue_flush(queue));
}

static void test_reader_leaves(void **state)
{
	struct pollfd event = {.fd = write_queue_event_fd(queue), .events = POLLIN};

	(void)state;
	close(pipe_fd[0]);
	pipe_fd[0] = -1;
	add("one\n");
	add("two\n");
	assert_true(write_queue_finish(queue, PATIENT));
	assert_int_equal(poll(&event, 1, PATIENT), 1);
	assert_true(state_of().broken);
	assert_int_equal(state_of().error, -EPIPE);
	assert_int_equal(state_of().lost, 2);
	assert_int_equal(state_of().refused, 0);
}

/* A piece larger than what may wait is accepted if it is alone. */
static void test_large_piece(void **state)
{
	size_t size = 3 * LIMIT, got = 0;
	static char data[65536];
	char *text = malloc(size + 1);

	(void)state;
	memset(text, 'y', size);
	text[size] = '\0';
	add(text);
	assert_true(write_queue_flush(queue));
	while (got < size)
		got += (size_t)read(pipe_fd[0], data, sizeof(data));
	assert_true(write_queue_finish(queue, PATIENT));
	assert_int_equal(got, size);
	free(text);
}

static void test_lose(void **state)
{
	(void)state;
	write_queue_lose(queue, -ENOMEM);
	assert_int_equal(state_of().lost, 1);
	assert_int_equal(state_of().error, -ENOMEM);
	assert_true(write_queue_finish(queue, PATIENT));
	assert_true(write_queue_close(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nobody_reads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reader_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reader_leaves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_large_piece, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lose, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("write_queue", tests, NULL, NULL);
}

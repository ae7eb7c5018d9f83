// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/fd_message.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/base/fd_message.h"

static int a, b;

static int open_pair(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		return -1;
	a = pair[0];
	b = pair[1];
	return 0;
}

static int close_pair(void **state)
{
	(void)state;
	close(a);
	close(b);
	return 0;
}

static void test_data_and_descriptors(void **state)
{
	struct fd_message out = {.data = "hello", .size = 5}, in;
	char text[16] = "", through[2] = "";
	int pipe_fd[2];

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	while (out.n_fds < FD_MESSAGE_FDS_MAX)
		out.fd[out.n_fds++] = pipe_fd[1];
	assert_int_equal(fd_message_send(a, &out), 0);
	in = (struct fd_message){.data = text, .size = sizeof(text)};
	assert_int_equal(fd_message_receive(b, &in), 1);
	assert_int_equal(in.size, 5);
	assert_string_equal(text, "hello");
	assert_int_equal(in.n_fds, FD_MESSAGE_FDS_MAX);
	assert_int_equal(fcntl(in.fd[7], F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(in.fd[FD_MESSAGE_FDS_MAX - 1], "x", 1), 1);
	assert_int_equal(read(pipe_fd[0], through, 1), 1);
	close(pipe_fd[1]);
	fd_message_close_fds(&in);
	/* All of them are closed. */
	assert_int_equal(read(pipe_fd[0], through, 1), 0);
	close(pipe_fd[0]);
}

static void test_without_descriptors(void **state)
{
	struct fd_message out = {.data = "", .size = 1}, in;
	char text[16];

	(void)state;
	in = (struct fd_message){.data = text, .size = sizeof(text)};
	assert_int_equal(fd_message_receive(b, &in), -EAGAIN);
	assert_int_equal(fd_message_send(a, &out), 0);
	in = (struct fd_message){.data = text, .size = sizeof(text), .n_fds = 3};
	assert_int_equal(fd_message_receive(b, &in), 1);
	assert_int_equal(in.n_fds, 0);
}

static void test_too_long(void **state)
{
	struct fd_message out = {.data = "too long", .size = 8}, in;
	int pipe_fd[2];
	char text[4];

	(void)state;
	assert_int_equal(pipe(pipe_fd), 0);
	out.fd[out.n_fds++] = pipe_fd[1];
	assert_int_equal(fd_message_send(a, &out), 0);
	in = (struct fd_message){.data = text, .size = sizeof(text)};
	assert_int_equal(fd_message_receive(b, &in), -EMSGSIZE);
	assert_int_equal(in.n_fds, 0);
	close(pipe_fd[1]);
	assert_int_equal(read(pipe_fd[0], text, 1), 0);
	close(pipe_fd[0]);
}

static void test_the_other_end_is_gone(void **state)
{
	struct fd_message out = {.data = "x", .size = 1}, in;
	char text[4];

	(void)state;
	shutdown(b, SHUT_RDWR);
	in = (struct fd_message){.data = text, .size = sizeof(text)};
	assert_int_equal(fd_message_receive(a, &in), 0);
	assert_int_equal(fd_message_send(a, &out), -EPIPE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
	const struct CMUnitTest tests[] = {
		TEST(test_data_and_descriptors),
		TEST(test_without_descriptors),
		TEST(test_too_long),
		TEST(test_the_other_end_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/base/helper.c user/collector/base/fd_message.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/fd_message.h"
#include "collector/base/helper.h"

extern char **environ;

/* This program, as a helper: says what it was given, then waits for its end. */
static int help(void)
{
	char text[256];
	struct fd_message message = {.data = text};
	sigset_t blocked;
	int n_fds = 0;
	DIR *fds = opendir("/proc/self/fd");

	while (readdir(fds))
		n_fds++;
	closedir(fds);
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	/* 0 to 3, the folder's own, "." and "..". */
	snprintf(text, sizeof(text), "fds %d, first variable %s, SIGUSR1 %s", n_fds - 7, environ[0],
		 sigismember(&blocked, SIGUSR1) ? "blocked" : "free");
	message.size = strlen(text) + 1;
	if (fd_message_send(HELPER_SOCKET, &message))
		return 1;
	message.size = sizeof(text);
	return fd_message_receive(HELPER_SOCKET, &message);
}

static int receive(struct helper *helper, char *text, size_t size)
{
	struct pollfd fd = {.fd = helper->socket, .events = POLLIN};
	struct fd_message message = {.data = text, .size = size};

	assert_int_equal(poll(&fd, 1, 20000), 1);
	return fd_message_receive(helper->socket, &message);
}

static void test_what_it_gets(void **state)
{
	struct helper helper = HELPER_INIT;
	char text[256];
	sigset_t some;

	(void)state;
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigprocmask(SIG_BLOCK, &some, NULL);
	assert_int_equal(helper_start(&helper, "help"), 0);
	assert_int_equal(receive(&helper, text, sizeof(text)), 1);
	assert_string_equal(text, "fds 0, first variable LC_ALL=C, SIGUSR1 free");
	helper_stop(&helper);
	assert_int_equal(helper.socket, -1);
	assert_int_equal(kill(helper.pid, 0), -1);
	helper_stop(&helper);
}

static void test_it_ends(void **state)
{
	struct helper helper = HELPER_INIT;
	char text[256];

	(void)state;
	assert_int_equal(helper_start(&helper, "end"), 0);
	assert_int_equal(receive(&helper, text, sizeof(text)), 0);
	helper_stop(&helper);
	assert_int_equal(kill(helper.pid, 0), -1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_it_gets),
		cmocka_unit_test(test_it_ends),
	};

	if (argc == 2)
		return strcmp(argv[1], "help") == 0 ? help() : 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

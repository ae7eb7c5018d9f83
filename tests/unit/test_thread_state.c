/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/target/proc_file.c user/collector/target/thread_state.c */
/* What a thread does, or that it has ended, while its process lives and afterwards. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/target/thread_state.h"

static char text[256], expected[256];

static void test_one_that_sleeps(void **state)
{
	int ends[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		close(ends[1]);
		_exit((int)read(ends[0], &byte, 1));
	}
	snprintf(expected, sizeof(expected), "thread %d is sleeping", pid);
	do
		assert_int_equal(thread_state(pid, pid, text, sizeof(text)), 0);
	while (strncmp(text, expected, strlen(expected)) != 0);
	close(ends[0]);
	close(ends[1]);
	waitpid(pid, NULL, 0);
}

static void *number(void *arg)
{
	*(pid_t *)arg = (pid_t)syscall(SYS_gettid);
	return NULL;
}

static void test_one_that_has_ended(void **state)
{
	pthread_t thread;
	pid_t tid;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, number, &tid), 0);
	pthread_join(thread, NULL);
	snprintf(expected, sizeof(expected), "thread %d has ended", tid);
	/* The kernel wakes the joining thread a moment before the other one is gone. */
	do
		assert_int_equal(thread_state(getpid(), tid, text, sizeof(text)), 0);
	while (strcmp(text, expected) != 0);
}

static void *wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* The first thread stays in /proc, as a zombie, until the others have ended. */
static void test_first_thread_that_has_ended(void **state)
{
	pthread_t thread;
	siginfo_t info;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		if (pthread_create(&thread, NULL, wait_for_ever, NULL))
			_exit(1);
		syscall(SYS_exit, 0);
	}
	snprintf(expected, sizeof(expected), "thread %d has ended", pid);
	do
		assert_int_equal(thread_state(pid, pid, text, sizeof(text)), 0);
	while (strcmp(text, expected) != 0);
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	/* The whole process has ended, which is reported otherwise. */
	assert_int_equal(thread_state(pid, pid, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
	assert_int_equal(thread_state(pid, pid + 1, text, sizeof(text)), -ENOENT);
	waitpid(pid, NULL, 0);
	assert_int_equal(thread_state(pid, pid, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
}

static void test_lately(void **state)
{
	pid_t pid = getpid();

	(void)state;
	snprintf(expected, sizeof(expected), "thread %d is running", pid);
	assert_string_equal(thread_state_lately(pid, pid), expected);
	/* Another thread has another answer. */
	assert_null(thread_state_lately(INT_MAX, INT_MAX));
	assert_string_equal(thread_state_lately(pid, pid), expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_that_sleeps),
		cmocka_unit_test(test_one_that_has_ended),
		cmocka_unit_test(test_first_thread_that_has_ended),
		cmocka_unit_test(test_lately),
	};

	return cmocka_run_group_tests_name("thread_state", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/process_number.c */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/process_number.h"

/* A process with a thread, whose number it tells. */
static void *tell_number(void *arg)
{
	pid_t number = (pid_t)syscall(SYS_gettid);

	if (write(*(int *)arg, &number, sizeof(number)) == sizeof(number))
		pause();
	return NULL;
}

static pid_t start(const char *name, pid_t *thread)
{
	int pipe_fds[2];
	pthread_t other;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		pthread_create(&other, NULL, tell_number, &pipe_fds[1]);
		pause();
	}
	assert_int_equal(read(pipe_fds[0], thread, sizeof(*thread)), sizeof(*thread));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return pid;
}

static void test_process_and_thread(void **state)
{
	static const char *const names[] = {"plain", ") Z 1 (", "a\nTgid:\t1", "x) X 1 1"};
	pid_t process, thread, pid;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		pid = start(names[i], &thread);
		assert_int_equal(process_number_look_up(pid, &process), NUMBER_OF_PROCESS);
		assert_int_equal(process, pid);
		assert_int_not_equal(thread, pid);
		assert_int_equal(process_number_look_up(thread, &process), NUMBER_OF_PROCESS);
		assert_int_equal(process, pid);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void test_what_has_ended(void **state)
{
	siginfo_t info;
	pid_t process, pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_number_look_up(pid, &process), NUMBER_OF_ZOMBIE);
	waitpid(pid, NULL, 0);
	assert_int_equal(process_number_look_up(pid, &process), NUMBER_OF_NONE);
	assert_int_equal(process, pid);
}

static void test_others(void **state)
{
	pid_t process;

	(void)state;
	assert_int_equal(process_number_look_up(getpid(), &process), NUMBER_OF_US);
	assert_int_equal(process, getpid());
	/* kthreadd, where the pid namespace is the kernel's. */
	if (access("/proc/2/exe", F_OK) == 0 || access("/proc/2", F_OK))
		skip();
	assert_int_equal(process_number_look_up(2, &process), NUMBER_OF_KERNEL_THREAD);
}

static void test_problems(void **state)
{
	(void)state;
	assert_null(process_number_problem(NUMBER_OF_PROCESS));
	for (int i = NUMBER_OF_NONE; i <= NUMBER_OF_US; i++)
		assert_non_null(process_number_problem((enum process_number)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_and_thread),
		cmocka_unit_test(test_what_has_ended),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

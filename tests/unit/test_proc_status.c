// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/proc_status.c */
/* Of this process, whose numbers and names are known. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/proc_status.h"

static char value[64];

static void expect_number(pid_t pid, pid_t tid, const char *key, int number)
{
	char line[32];

	snprintf(line, sizeof(line), "\t%d\n", number);
	assert_true(proc_status_read(pid, tid, key, value, sizeof(value)));
	assert_string_equal(value, line);
}

static void test_fields(void **state)
{
	(void)state;
	expect_number(getpid(), getpid(), "Pid:", getpid());
	/* "PPid:" is another line, whose end is the same. */
	expect_number(getpid(), getpid(), "PPid:", getppid());
	expect_number(getpid(), getpid(), "Tgid:", getpid());
}

static void test_no_such_field(void **state)
{
	(void)state;
	strcpy(value, "as it was");
	assert_false(proc_status_read(getpid(), getpid(), "id:", value, sizeof(value)));
	assert_false(proc_status_read(getpid(), getpid(), "Nonsense:", value, sizeof(value)));
	assert_string_equal(value, "as it was");
}

static void test_cut_to_size(void **state)
{
	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "long-name"), 0);
	assert_true(proc_status_read(getpid(), getpid(), "Name:", value, sizeof(value)));
	assert_string_equal(value, "\tlong-name\n");
	memset(value, 'x', sizeof(value));
	assert_true(proc_status_read(getpid(), getpid(), "Name:", value, 6));
	assert_string_equal(value, "\tlong");
	assert_int_equal(value[6], 'x');
}

static void *in_thread(void *arg)
{
	pid_t tid = gettid();

	(void)arg;
	prctl(PR_SET_NAME, "thread");
	expect_number(getpid(), tid, "Pid:", tid);
	expect_number(getpid(), tid, "Tgid:", getpid());
	/* A thread's number names its process. */
	expect_number(tid, getpid(), "Pid:", getpid());
	assert_true(proc_status_read(getpid(), tid, "Name:", value, sizeof(value)));
	assert_string_equal(value, "\tthread\n");
	return NULL;
}

static void test_thread(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_gone(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(proc_status_read(pid, pid, "Pid:", value, sizeof(value)));
	/* Our process, but none of its threads. */
	assert_false(proc_status_read(getpid(), getppid(), "Pid:", value, sizeof(value)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),      cmocka_unit_test(test_no_such_field),
		cmocka_unit_test(test_cut_to_size), cmocka_unit_test(test_thread),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/host_tid.c */
/*
 * The threads are those of this process, so that /proc/PID/task lists them, but the test says which
 * ids they have in their namespaces: a thread's id here, plus IN_CONTAINER.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/target/proc_status.h"
#include "collector/target/host_tid.h"

#define THREADS 3
#define IN_CONTAINER 5000000 /* above any thread id: PID_MAX_LIMIT */

static pid_t tid[THREADS];
static pthread_barrier_t started, over;

/* ---- what /proc says ---- */

static const char *numbers; /* a format for: here, in between, in the container */
static pid_t gone;          /* a thread that is listed, and then no more */
static unsigned int reads;

bool proc_status_read(pid_t pid, pid_t thread, const char *key, char *value, size_t size)
{
	assert_int_equal(pid, getpid());
	assert_string_equal(key, "NSpid:");
	reads++;
	if (!numbers || thread == gone)
		return false;
	snprintf(value, size, numbers, thread, 1, thread + IN_CONTAINER);
	return true;
}

/* ---- */

static int set_up(void **state)
{
	(void)state;
	numbers = "\t%1$d\t%3$d\n";
	gone = 0;
	reads = 0;
	return 0;
}

static void test_same_namespace(void **state)
{
	(void)state;
	numbers = "\t%1$d\n";
	assert_int_equal(host_tid(getpid(), tid[1]), tid[1]);
	/* That was all there was to read. */
	assert_int_equal(reads, 1);
}

static void test_main_thread_in_container(void **state)
{
	(void)state;
	assert_int_equal(host_tid(getpid(), getpid() + IN_CONTAINER), getpid());
	assert_int_equal(reads, 1);
}

static void test_other_threads_in_container(void **state)
{
	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(host_tid(getpid(), tid[i] + IN_CONTAINER), tid[i]);
}

static void test_container_in_container(void **state)
{
	(void)state;
	numbers = "\t%1$d\t%2$d\t%3$d\n";
	assert_int_equal(host_tid(getpid(), tid[2] + IN_CONTAINER), tid[2]);
	/* No thread calls itself by the number in between. */
	assert_int_equal(host_tid(getpid(), 1), 1);
}

static void test_no_such_thread(void **state)
{
	(void)state;
	assert_int_equal(host_tid(getpid(), IN_CONTAINER), IN_CONTAINER);
	gone = tid[1];
	assert_int_equal(host_tid(getpid(), tid[1] + IN_CONTAINER), tid[1] + IN_CONTAINER);
	/* The others are still found. */
	assert_int_equal(host_tid(getpid(), tid[2] + IN_CONTAINER), tid[2]);
}

static void test_process_is_gone(void **state)
{
	(void)state;
	numbers = NULL;
	assert_int_equal(host_tid(getpid(), 7), 7);
	assert_int_equal(reads, 1);
}

static void *wait_for_end(void *arg)
{
	*(pid_t *)arg = gettid();
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&over);
	return NULL;
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
	const struct CMUnitTest tests[] = {
		CASE(test_same_namespace),
		CASE(test_main_thread_in_container),
		CASE(test_other_threads_in_container),
		CASE(test_container_in_container),
		CASE(test_no_such_thread),
		CASE(test_process_is_gone),
	};
	pthread_t thread[THREADS];
	int failed;

	pthread_barrier_init(&started, NULL, THREADS + 1);
	pthread_barrier_init(&over, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&thread[i], NULL, wait_for_end, &tid[i]))
			return 1;
	}
	pthread_barrier_wait(&started);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pthread_barrier_wait(&over);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return failed;
}

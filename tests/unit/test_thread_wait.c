// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/proc_file.c */
/* link: user/collector/target/thread_wait.c user/collector/blocked.c */
/* link: user/collector/target/proc_names.c user/collector/target/thread_state.c */
/* link: user/collector/span/syscall_names.c */
/* tests: user/collector/blocked.c */
/* A thread of this process that waits, and what is seen of it. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/blocked.h"
#include "collector/span/syscall_names.h"
#include "collector/target/thread_wait.h"

static int pipes[2], started[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static pid_t tid;

static void begin(void)
{
	tid = (pid_t)syscall(SYS_gettid);
	assert_int_equal(write(started[1], "x", 1), 1);
}

static void *reads(void *arg)
{
	char byte;

	(void)arg;
	begin();
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	return NULL;
}

static void *locks(void *arg)
{
	(void)arg;
	begin();
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void *waits(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&mutex);
	begin();
	pthread_cond_wait(&condition, &mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

/* Starts a thread, and waits until it is in system call @number. */
static void start(void *(*run)(void *), int number, struct thread_wait *wait)
{
	char byte;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(pipe(started), 0);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	assert_int_equal(read(started[0], &byte, 1), 1);
	while (thread_wait_read(getpid(), tid, wait) || wait->syscall != number ||
	       wait->state != 'S')
		;
}

static void end(void)
{
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++) {
		close(pipes[i]);
		close(started[i]);
	}
}

static bool idle(const struct thread_wait *wait)
{
	return thread_wait_is_idle(getpid(), wait, syscall_name(wait->syscall));
}

static void test_system_call(void **state)
{
	struct thread_wait before, now;

	(void)state;
	start(reads, SYS_read, &before);
	assert_int_equal(before.arg[0], pipes[0]);
	assert_int_equal(before.arg[2], 1);
	assert_true(before.switches > 0);
	assert_int_equal(thread_wait_read(getpid(), tid, &now), 0);
	assert_true(thread_wait_same(&before, &now));
	now.switches++;
	assert_false(thread_wait_same(&before, &now));
	now = before;
	now.arg[5]++;
	assert_false(thread_wait_same(&before, &now));
	/* Of a pipe, not of a terminal. */
	assert_false(idle(&before));
	assert_int_equal(write(pipes[1], "x", 1), 1);
	end();
	while (thread_wait_read(getpid(), tid, &now) != -ENOENT)
		;
}

static void test_oneself(void **state)
{
	struct thread_wait wait;

	(void)state;
	assert_int_equal(thread_wait_read(getpid(), getpid(), &wait), -EAGAIN);
	assert_int_equal(thread_wait_read(2, 2, &wait), -ENOENT);
}

/* Who waits for a mutex does not wait for work. */
static void test_futexes(void **state)
{
	struct thread_wait wait;

	(void)state;
	pthread_mutex_lock(&mutex);
	start(locks, SYS_futex, &wait);
	assert_false(idle(&wait));
	pthread_mutex_unlock(&mutex);
	end();
	start(waits, SYS_futex, &wait);
	assert_true(idle(&wait));
	pthread_mutex_lock(&mutex);
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
	end();
}

static void test_idle(void **state)
{
	struct thread_wait wait = {.state = 'S'};

	(void)state;
	assert_true(thread_wait_is_idle(getpid(), &wait, "epoll_wait"));
	assert_false(thread_wait_is_idle(getpid(), &wait, "flock"));
	assert_true(thread_wait_is_idle(getpid(), &wait, NULL));
	wait.state = 'D';
	assert_false(thread_wait_is_idle(getpid(), &wait, NULL));
	assert_false(thread_wait_is_idle(getpid(), &wait, "epoll_wait"));
}

/* ---- blocked threads ---- */

static char said[256];

static void emit(void *arg, const struct report *report)
{
	size_t length = strlen(said);
	struct report_entry entry = {.message = ""};

	(void)arg;
	if (report->recorder.tid != tid)
		return;
	if (report->n_entries)
		report->entry(report, 0, &entry);
	assert_int_equal(report->recorder.pid, getpid());
	assert_true(report->event == REPORT_FINISHED ||
		    report->recorder.age_ns >= report->recorder.timeout_ns);
	snprintf(said + length, sizeof(said) - length, "%s %s %.5s\n",
		 report->event == REPORT_TIMEOUT ? "timeout" : "finished", report->recorder.name,
		 entry.message);
}

static void look(struct blocked *b)
{
	blocked_begin(b);
	blocked_look(b, getpid());
	blocked_end(b);
}

static void test_blocked_is_told_once(void **state)
{
	const struct blocked_options options = {.limit_ns = 2000000, .emit = emit};
	struct blocked *b = blocked_new(&options);
	struct thread_wait wait;

	(void)state;
	said[0] = '\0';
	start(reads, SYS_read, &wait);
	look(b);
	assert_string_equal(said, "");
	while (!said[0])
		look(b);
	look(b);
	assert_string_equal(said, "timeout read read(\n");
	assert_int_equal(write(pipes[1], "x", 1), 1);
	end();
	while (thread_wait_read(getpid(), tid, &wait) != -ENOENT)
		;
	look(b);
	assert_string_equal(said, "timeout read read(\nfinished read \n");
	blocked_free(b);
}

static void test_idle_is_not_told(void **state)
{
	struct blocked_options options = {.limit_ns = 1, .emit = emit};
	struct blocked *b = blocked_new(&options);
	struct thread_wait wait;

	(void)state;
	said[0] = '\0';
	start(waits, SYS_futex, &wait);
	for (int i = 0; i < 3; i++)
		look(b);
	assert_string_equal(said, "");
	blocked_free(b);
	options.idle = true;
	b = blocked_new(&options);
	for (int i = 0; i < 3; i++)
		look(b);
	assert_string_equal(said, "timeout futex futex\n");
	blocked_free(b);
	pthread_mutex_lock(&mutex);
	pthread_cond_signal(&condition);
	pthread_mutex_unlock(&mutex);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_call),
		cmocka_unit_test(test_oneself),
		cmocka_unit_test(test_futexes),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_blocked_is_told_once),
		cmocka_unit_test(test_idle_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/kernel/thread_sample.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collector/kernel/thread_sample.h"
#include "unsanitized.h"

static atomic_int tid, stop;
static volatile uint64_t *mark;

/* Stands near the end of what is copied. */
__attribute__((noinline)) static void spin(void)
{
	volatile uint64_t marked = 0x1122334455667788;

	mark = &marked;
	tid = (int)syscall(SYS_gettid);
	while (!stop)
		;
}

static void *run(void *arg)
{
	spin();
	return arg;
}

static void test_a_thread_that_runs(void **state)
{
	struct thread_record record = {.tid = 7};
	struct thread_sample sample;
	struct pollfd fd = {.events = POLLIN};
	unsigned char *stack;
	size_t size;
	pthread_t thread;
	uint64_t word;
	int err;

	(void)state;
	SKIP_SANITIZED();
	pthread_create(&thread, NULL, run, NULL);
	while (!tid)
		;
	err = thread_sample_open(&sample, tid);
	if (err) {
		stop = 1;
		pthread_join(thread, NULL);
		/* perf_event_paranoid */
		assert_true(err == -EACCES || err == -EPERM);
		skip();
	}
	fd.fd = sample.fd;
	assert_int_equal(poll(&fd, 1, 20000), 1);
	assert_int_equal(thread_sample_take(&sample, &record, &stack, &size), 0);
	assert_in_range(record.pc, (uintptr_t)spin, (uintptr_t)spin + 512);
	assert_true(record.sp <= (uintptr_t)mark && (uintptr_t)mark + 8 <= record.sp + size);
	memcpy(&word, stack + ((uintptr_t)mark - record.sp), sizeof(word));
	assert_int_equal(word, 0x1122334455667788);
	assert_int_equal(record.syscall, THREAD_NO_SYSCALL);
	free(stack);
	thread_sample_close(&sample);
	stop = 1;
	pthread_join(thread, NULL);
}

static void test_none(void **state)
{
	struct thread_sample sample;

	(void)state;
	assert_int_equal(thread_sample_open(&sample, 0x3fffffff), -ESRCH);
	assert_int_equal(sample.fd, -1);
	thread_sample_close(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_thread_that_runs),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

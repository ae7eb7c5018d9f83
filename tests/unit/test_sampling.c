// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/where/sampling.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "own_clock.h"

#include "collector/where/sampling.h"

static int opened, open_result, take_result, files_result, open_now;

int thread_sample_open(struct thread_sample *sample, pid_t tid)
{
	assert_int_equal(tid, 5);
	opened++;
	if (open_result)
		return open_result;
	open_now++;
	sample->fd = eventfd(1, 0);
	return 0;
}

void thread_sample_close(struct thread_sample *sample)
{
	close(sample->fd);
	open_now--;
}

int thread_sample_take(struct thread_sample *sample, struct thread_record *record,
		       unsigned char **stack, size_t *stack_size)
{
	(void)sample;
	if (take_result)
		return take_result;
	record->pc = 99;
	*stack = calloc(1, 8);
	*stack_size = 8;
	return 0;
}

int thread_look_add_files(struct thread_look *look)
{
	assert_int_equal(look->record.pc, 99);
	return files_result;
}

static const struct thread_record record = {.tid = 5};

static int begin(void **state)
{
	(void)state;
	opened = open_result = take_result = files_result = open_now = 0;
	now_ns = 1000000000;
	return 0;
}

static void test_a_sample(void **state)
{
	int epoll = epoll_create1(0);
	struct pollfd fd = {.fd = epoll, .events = POLLIN};
	struct sampling sampling = {0};

	(void)state;
	take_result = -EAGAIN;
	assert_true(sampling_start(&sampling, &record, epoll));
	assert_int_equal(poll(&fd, 1, 0), 1);
	assert_false(sampling_work(&sampling));
	assert_true(sampling.active);
	take_result = 0;
	assert_true(sampling_work(&sampling));
	assert_false(sampling.active);
	assert_null(sampling.look.problem);
	assert_int_equal(sampling.look.stack_size, 8);
	assert_int_equal(open_now, 0);
	free(sampling.look.stack);
	sampling_end(&sampling);
	close(epoll);
}

static void test_comes_to_nothing(void **state)
{
	int epoll = epoll_create1(0);
	struct sampling sampling = {0};

	(void)state;
	open_result = -EACCES;
	assert_false(sampling_start(&sampling, &record, epoll));
	open_result = 0;
	assert_false(sampling_start(&sampling, &record, -1));
	assert_int_equal(open_now, 0);
	/* Not in time. */
	take_result = -EAGAIN;
	assert_true(sampling_start(&sampling, &record, epoll));
	now_ns = sampling.until_ns - 1;
	assert_false(sampling_work(&sampling));
	now_ns++;
	assert_true(sampling_work(&sampling));
	assert_string_equal(sampling.look.problem, "it is running");
	/* The process is gone. */
	take_result = 0;
	files_result = -ESRCH;
	assert_true(sampling_start(&sampling, &record, epoll));
	assert_true(sampling_work(&sampling));
	assert_string_equal(sampling.look.problem, "it is running");
	free(sampling.look.stack);
	assert_true(sampling_start(&sampling, &record, epoll));
	sampling_end(&sampling);
	assert_int_equal(open_now, 0);
	close(epoll);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_sample, begin),
		cmocka_unit_test_setup(test_comes_to_nothing, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/recorder.c user/lib/process.c user/lib/numbers.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/lib/thread.c user/lib/log.c user/lib/pack.c user/format/conversion.c */
/* clang-format on */
/* Forks, threads and signal handlers. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_probes.h"
#include "flightrec.h"
#include "flightrec/probes.h"

/* In the child: returns 0, or the number of what is wrong. */
static int check_child(flightrec *rec, uint64_t parents_id)
{
	flightrec own = FLIGHTREC_INIT;

	if (flightrec_current())
		return 1;
	if (flightrec_extend(rec, HOUR) != -ENOENT || flightrec_replay(rec) != -ENOENT ||
	    flightrec_context(rec, "k", "v") != -ENOENT)
		return 2;
	memset(&probed, 0, sizeof(probed));
	flightrec_end(rec);
	if (count(FLIGHTREC_PROBE_END))
		return 3;
	flightrec_info(rec, "to a copy");
	if (probed.id)
		return 4;
	if (flightrec_begin(&own, "own", HOUR) || probed.id != 1 || probed.parent_id)
		return 5;
	if (flightrec_current() != &own || open_slots() != 1)
		return 6;
	flightrec_end(&own);
	/* The child can use the copy's memory for a recorder of its own. */
	if (flightrec_begin(rec, "copy", HOUR) || probed.id != 2)
		return 7;
	flightrec_end(rec);
	return parents_id && open_slots() == 0 ? 0 : 8;
}

static void test_fork(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	int status;
	pid_t pid;

	(void)state;
	flightrec_begin(&rec, "parent's", HOUR);
	uint64_t id = probed.id;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check_child(&rec, id));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_ptr_equal(flightrec_current(), &rec);
	assert_int_equal(flightrec_extend(&rec, HOUR), 0);
	flightrec_end(&rec);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
}

/* In a grandchild nothing is open of what any ancestor had open. */
static void test_fork_of_a_fork(void **state)
{
	flightrec rec = FLIGHTREC_INIT, childs = FLIGHTREC_INIT;
	int status;
	pid_t pid;

	(void)state;
	flightrec_begin(&rec, "parent's", HOUR);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		flightrec_begin(&childs, "child's", HOUR);
		pid = fork();
		if (pid == 0)
			_exit(flightrec_replay(&rec) != -ENOENT ||
			      flightrec_replay(&childs) != -ENOENT || check_child(&childs, 1) != 0);
		waitpid(pid, &status, 0);
		_exit(status != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	flightrec_end(&rec);
}

struct race {
	pthread_barrier_t *barrier;
	flightrec *rec;
};

#define ROUNDS 2000

static void *close_it(void *arg)
{
	struct race *race = arg;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(race->barrier);
		flightrec_end(race->rec);
		pthread_barrier_wait(race->barrier);
	}
	return NULL;
}

/* If two threads close a recorder, one of them does. */
static void test_two_threads_close_one(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	pthread_barrier_t barrier;
	struct race race = {&barrier, &rec};
	pthread_t thread[2];

	(void)state;
	pthread_barrier_init(&barrier, NULL, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, close_it, &race), 0);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(flightrec_begin(&rec, "raced", HOUR), 0);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		assert_int_equal(count(FLIGHTREC_PROBE_END), i + 1);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(open_slots(), 0);
}

static void *open_and_close(void *arg)
{
	flightrec rec[3] = {FLIGHTREC_INIT};

	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < 3; k++) {
			if (flightrec_begin(&rec[k], "own", HOUR) || flightrec_current() != &rec[k])
				return (void *)"begin";
		}
		flightrec_end(&rec[1]);
		flightrec_end(&rec[2]);
		if (flightrec_current() != &rec[0])
			return (void *)"current";
		flightrec_end(&rec[0]);
	}
	return arg;
}

static void test_threads_open_and_close(void **state)
{
	pthread_t thread[4];
	void *wrong;

	(void)state;
	watch(0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, open_and_close, NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
}

static flightrec *volatile interrupted;
static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	flightrec rec = FLIGHTREC_INIT;
	flightrec *before = flightrec_current();

	handled++;
	flightrec_info(interrupted, "signal %d", number);
	if (flightrec_begin(&rec, "handler", HOUR) || flightrec_current() != &rec)
		abort();
	flightrec_context(&rec, "signal", "%d", number);
	flightrec_end(&rec);
	if (flightrec_current() != before)
		abort();
}

/* A handler that logs, opens and closes, whatever it interrupts in the library. */
static void test_signal_handler(void **state)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct itimerspec often = {{0, 50000}, {0, 50000}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	static flightrec rec;
	timer_t timer;

	(void)state;
	interrupted = &rec;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	for (int i = 0; handled < 2000; i++) {
		errno = EXDEV;
		assert_int_equal(flightrec_begin(&rec, "interrupted", HOUR), 0);
		flightrec_info(&rec, "entry %d %s", i, "text");
		flightrec_context(&rec, "k", "%d", i);
		assert_ptr_equal(flightrec_current(), &rec);
		flightrec_end(&rec);
		assert_int_equal(errno, EXDEV);
	}
	timer_delete(timer);
	signal(SIGUSR1, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fork),
		TEST(test_fork_of_a_fork),
		TEST(test_two_threads_close_one),
		TEST(test_threads_open_and_close),
		TEST(test_signal_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/where/annotator.c user/collector/where/where.c */
/* link: user/collector/report/report_copy.c user/collector/base/arena.c */
/* In what order reports come out, and what they wait for. Looking and unwinding are played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "own_clock.h"

#include "collector/kernel/threads.h"
#include "collector/where/annotator.h"
#include "collector/where/sampling.h"
#include "collector/where/thread_look.h"
#include "collector/where/unwinder.h"
#include "collector/where/waits.h"
#include "collector/where/where.h"

#define SECOND UINT64_C(1000000000)

static struct annotator *annotator;
/* What came out: "EVENT PID-ID[ STACK_END];" each. */
static char out[65536];
static int looks, look_result;
static const char *problem;
static unsigned int on_cpu;
static bool sampled;
/* Of each unwinder, by its number. */
static struct where *asked[2];
static bool answered;
static int events[2], n_unwinders;

int threads_open(struct threads **threads, char *error, size_t error_size)
{
	(void)error;
	(void)error_size;
	*threads = NULL;
	return 0;
}

void threads_close(struct threads *threads)
{
	(void)threads;
}

void threads_verified(struct threads *threads, void (*fn)(const char *program, uint32_t count))
{
	(void)threads;
	fn("read_thread", 1);
}

int thread_look_take(struct thread_look *look, struct threads *threads, pid_t tid,
		     const struct thread_record *known)
{
	(void)threads;
	looks++;
	look->record.tid = (uint32_t)tid;
	look->record.pid = (uint32_t)tid / 100;
	look->problem = problem;
	look->record.on_cpu = on_cpu;
	return known ? 1 : look_result;
}

void thread_look_free(struct thread_look *look)
{
	(void)look;
}

bool sampling_start(struct sampling *sampling, const struct thread_record *record, int epoll_fd)
{
	(void)epoll_fd;
	assert_false(sampling->active);
	sampling->look = (struct thread_look){.record = *record};
	sampling->until_ns = now_ns + SECOND / 10;
	sampling->active = true;
	return true;
}

bool sampling_work(struct sampling *sampling)
{
	sampling->active = !sampled;
	return sampled;
}

void sampling_end(struct sampling *sampling)
{
	sampling->active = false;
}

/* Asked when all else is known of a thread. */
void waits_find(struct where *where, struct threads *threads)
{
	static const struct report_waits waits;

	(void)threads;
	assert_false(where->ready);
	assert_null(where->thread.waits);
	where->thread.waits = &waits;
}

struct unwinder {
	int number;
};

struct unwinder *unwinder_new(bool now)
{
	struct unwinder *unwinder = calloc(1, sizeof(*unwinder));

	assert_int_equal(now, n_unwinders == 0);
	unwinder->number = n_unwinders++;
	events[unwinder->number] = eventfd(0, 0);
	return unwinder;
}

void unwinder_free(struct unwinder *unwinder)
{
	close(events[unwinder->number]);
	where_put(asked[unwinder->number]);
	asked[unwinder->number] = NULL;
	free(unwinder);
}

int unwinder_fd(const struct unwinder *unwinder)
{
	return events[unwinder->number];
}

uint64_t unwinder_next(const struct unwinder *unwinder)
{
	(void)unwinder;
	return UINT64_MAX;
}

bool unwinder_is_busy(const struct unwinder *unwinder)
{
	return asked[unwinder->number];
}

int unwinder_ask(struct unwinder *unwinder, const struct thread_look *look, struct where *where)
{
	(void)look;
	assert_null(asked[unwinder->number]);
	where->thread.stack_end = "not read in time";
	asked[unwinder->number] = where;
	return 0;
}

struct where *unwinder_work(struct unwinder *unwinder)
{
	struct where *where = asked[unwinder->number];

	if (!answered || !where)
		return NULL;
	where->thread.stack_end = "complete";
	asked[unwinder->number] = NULL;
	return where;
}

static void take(void *arg, const struct report *report)
{
	size_t at = strlen(out);

	(void)arg;
	snprintf(out + at, sizeof(out) - at, "%d %d-%d%s%s;", report->event,
		 report->has_recorder ? report->recorder.pid : report->pid,
		 (int)report->recorder.id, report->thread ? " " : "",
		 report->thread ? report->thread->stack_end : "");
}

static void no_entry(const struct report *report, size_t index, struct report_entry *entry)
{
	(void)report;
	(void)index;
	*entry = (struct report_entry){.message = "m"};
}

static void add(enum report_event what, pid_t pid, int id)
{
	struct report report = {
		.event = what,
		.has_recorder = id,
		.pid = pid,
		.entry = no_entry,
		.state = what == REPORT_TIMEOUT ? "thread is sleeping" : NULL,
		.recorder = {.id = (uint64_t)id, .pid = pid, .tid = pid * 100 + id}};

	annotator_add(annotator, &report);
}

static void expect(const char *expected)
{
	assert_string_equal(out, expected);
	out[0] = '\0';
}

static void work(void)
{
	annotator_work(annotator, SECOND);
}

static int begin(void **state)
{
	const struct annotator_options options = {.emit = take};
	char error[64];

	(void)state;
	out[0] = '\0';
	looks = look_result = n_unwinders = 0;
	problem = NULL;
	on_cpu = 0;
	sampled = false;
	answered = false;
	now_ns = 1000 * SECOND;
	return annotator_new(&annotator, &options, error, sizeof(error));
}

static int end(void **state)
{
	(void)state;
	annotator_free(annotator);
	return 0;
}

static void test_waits_for_its_stack(void **state)
{
	(void)state;
	add(REPORT_TIMEOUT, 1, 1);
	assert_int_equal(annotator_next(annotator), 0);
	work();
	expect("");
	assert_int_equal(looks, 1);
	assert_int_equal(annotator_next(annotator), 1001 * SECOND);
	answered = true;
	work();
	expect("0 1-1 complete;");
	assert_int_equal(annotator_next(annotator), UINT64_MAX);
}

/* What comes later of its process does not pass it; what is of others does. */
static void test_order(void **state)
{
	(void)state;
	add(REPORT_FINISHED, 1, 9);
	expect("3 1-9;");
	add(REPORT_TIMEOUT, 1, 1);
	add(REPORT_ENTRY, 1, 1);
	add(REPORT_ENTRY, 1, 0);
	add(REPORT_FINISHED, 1, 1);
	add(REPORT_FINISHED, 2, 1);
	expect("3 2-1;");
	work();
	expect("");
	answered = true;
	work();
	expect("0 1-1 complete;2 1-1;2 1-0;3 1-1;");
	add(REPORT_ENTRY, 1, 1);
	expect("2 1-1;");
}

static void test_not_in_time(void **state)
{
	(void)state;
	add(REPORT_TIMEOUT, 1, 1);
	add(REPORT_TIMEOUT, 1, 2);
	add(REPORT_ENTRY, 1, 1);
	work();
	now_ns = 1001 * SECOND - 1;
	work();
	expect("");
	now_ns = 1001 * SECOND;
	work();
	/* The second was not even looked at. */
	expect("0 1-1 not read in time;0 1-2;2 1-1;");
	/* The answer comes too late, which does no harm. */
	answered = true;
	work();
	expect("");
}

static void test_nothing_to_see(void **state)
{
	(void)state;
	problem = "it is running";
	add(REPORT_TIMEOUT, 1, 1);
	work();
	expect("0 1-1 it is running;");
	look_result = -ESRCH;
	add(REPORT_TIMEOUT, 1, 2);
	work();
	expect("0 1-2;");
}

/* A thread that has not moved since is not unwound again. */
static void test_same_thread(void **state)
{
	(void)state;
	add(REPORT_TIMEOUT, 1, 1);
	add(REPORT_TIMEOUT, 1, 1);
	work();
	answered = true;
	work();
	expect("0 1-1 complete;0 1-1 complete;");
	add(REPORT_TIMEOUT, 1, 1);
	work();
	expect("0 1-1 complete;");
	assert_int_equal(looks, 3);
}

/* A thread that runs: it is sampled, and others meanwhile looked at. */
static void test_runs(void **state)
{
	(void)state;
	problem = "it is running";
	on_cpu = 1;
	add(REPORT_TIMEOUT, 1, 1);
	add(REPORT_FINISHED, 1, 1);
	work();
	expect("");
	assert_int_equal(annotator_next(annotator), 1000 * SECOND + SECOND / 10);
	/* There is one sample at a time. */
	add(REPORT_TIMEOUT, 2, 1);
	work();
	expect("0 2-1 it is running;");
	answered = sampled = true;
	work();
	work();
	expect("0 1-1 complete;3 1-1;");
	/* One that comes too late is thrown away. */
	sampled = false;
	add(REPORT_TIMEOUT, 1, 2);
	work();
	now_ns += SECOND;
	work();
	expect("0 1-2;");
	sampled = true;
	work();
	expect("");
	sampled = false;
	add(REPORT_TIMEOUT, 1, 3);
	work();
	expect("");
}

/* Two processes are worked on at once, and one has no more than one of the helpers. */
static void test_two_helpers(void **state)
{
	(void)state;
	add(REPORT_TIMEOUT, 1, 1);
	add(REPORT_TIMEOUT, 1, 2);
	add(REPORT_TIMEOUT, 2, 1);
	add(REPORT_TIMEOUT, 3, 1);
	work();
	assert_int_equal(looks, 2);
	assert_int_equal(asked[0]->record.pid, 1);
	assert_int_equal(asked[1]->record.pid, 2);
	/* Nothing to do until one of them answers. */
	assert_int_equal(annotator_next(annotator), 1001 * SECOND);
	answered = true;
	work();
	expect("0 1-1 complete;0 1-2 complete;0 2-1 complete;0 3-1 complete;");
}

/* Beyond some, a process's reports come without; but never what is said of one recorder. */
static void test_many(void **state)
{
	(void)state;
	for (int i = 1; i <= 64; i++)
		add(REPORT_TIMEOUT, 1, i);
	expect("");
	add(REPORT_TIMEOUT, 1, 65);
	expect("0 1-65;");
	add(REPORT_ENTRY, 1, 65);
	expect("2 1-65;");
	add(REPORT_ENTRY, 1, 64);
	assert_non_null(strstr(out, "0 1-1;0 1-2;"));
	assert_non_null(strstr(out, "0 1-64;2 1-64;"));
	out[0] = '\0';
	work();
	expect("");
	assert_int_equal(looks, 0);
}

static void test_finish(void **state)
{
	(void)state;
	add(REPORT_TIMEOUT, 1, 1);
	add(REPORT_FINISHED, 1, 1);
	answered = true;
	annotator_finish(annotator, UINT64_MAX);
	expect("0 1-1 complete;3 1-1;");
	/* It has an end. */
	answered = false;
	add(REPORT_TIMEOUT, 3, 1);
	work();
	annotator_finish(annotator, now_ns);
	expect("0 3-1 not read in time;");
	answered = true;
	work();
	/* What is left is lost with it, and leaks nothing. */
	answered = false;
	add(REPORT_TIMEOUT, 1, 2);
	add(REPORT_TIMEOUT, 2, 2);
	work();
	expect("");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_waits_for_its_stack), TEST(test_order),       TEST(test_not_in_time),
		TEST(test_nothing_to_see),      TEST(test_same_thread), TEST(test_runs),
		TEST(test_two_helpers),         TEST(test_many),        TEST(test_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

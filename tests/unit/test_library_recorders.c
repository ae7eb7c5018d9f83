// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/recorder.c user/lib/process.c user/lib/numbers.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/lib/thread.c user/lib/log.c user/lib/pack.c user/format/conversion.c */
/* clang-format on */
/* Opening and closing, and which recorder is the current one. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_probes.h"
#include "flightrec.h"
#include "flightrec/probes.h"

#define MANY 10000

/* ---- opening and closing ---- */

static void test_begin_and_end(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_null(flightrec_current());
	assert_int_equal(flightrec_begin(&rec, "task", 12345), 0);
	assert_ptr_equal(flightrec_current(), &rec);
	assert_int_equal(count(FLIGHTREC_PROBE_BEGIN), 1);
	assert_ptr_equal(probed.rec, &rec);
	assert_int_equal(probed.timeout_ns, 12345);
	assert_int_equal(probed.parent_id, 0);
	assert_string_equal(probed.name, "task");
	uint64_t id = probed.id;

	assert_int_not_equal(id, 0);
	assert_int_equal(open_slots(), 1);
	flightrec_end(&rec);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
	assert_int_equal(probed.id, id);
	assert_null(flightrec_current());
	/* It is closed already: nothing happens. */
	flightrec_end(&rec);
	flightrec_end(NULL);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
	/* Again, with the next number. */
	assert_int_equal(flightrec_begin(&rec, "again", HOUR), 0);
	assert_int_equal(probed.id, id + 1);
	flightrec_end(&rec);
}

static void test_bad_arguments(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(flightrec_begin(NULL, "task", HOUR), -EINVAL);
	assert_int_equal(flightrec_begin(&rec, "task", 0), -EINVAL);
	assert_int_equal(flightrec_extend(NULL, HOUR), -EINVAL);
	assert_int_equal(flightrec_extend(&rec, 0), -EINVAL);
	assert_int_equal(flightrec_extend(&rec, HOUR), -ENOENT);
	assert_int_equal(flightrec_replay(NULL), -EINVAL);
	assert_int_equal(flightrec_replay(&rec), -ENOENT);
	assert_int_equal(flightrec_context(NULL, "k", "v"), -EINVAL);
	assert_int_equal(flightrec_context(&rec, "k", "v"), -ENOENT);
	for (int i = 0; i < FLIGHTREC_PROBES; i++)
		assert_int_equal(count((enum flightrec_probe)i), 0);
}

static void test_busy_stays_as_it_is(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	uint64_t id;

	(void)state;
	assert_int_equal(flightrec_begin(&rec, "first", HOUR), 0);
	id = probed.id;
	assert_int_equal(flightrec_begin(&rec, "second", 1), -EBUSY);
	assert_int_equal(count(FLIGHTREC_PROBE_BEGIN), 1);
	assert_string_equal(rec.name_, "first");
	assert_int_equal(rec.timeout_ns_, HOUR);
	assert_int_equal(open_slots(), 1);
	flightrec_end(&rec);
	assert_int_equal(probed.id, id);
}

static void test_names(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	char name[200];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(flightrec_begin(&rec, name, HOUR), 0);
	memset(name, 'x', 3);
	assert_int_equal(strlen(probed.name), FLIGHTREC_NAME_MAX - 1);
	assert_int_equal(probed.name[0], 'n');
	flightrec_end(&rec);
	assert_int_equal(flightrec_begin(&rec, NULL, HOUR), 0);
	assert_string_equal(probed.name, "");
	flightrec_end(&rec);
}

static void test_unwatched_tells_nobody(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	int evaluated = 0;

	(void)state;
	watch(0);
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), 0);
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), -EBUSY);
	flightrec_info(&rec, "%d", ++evaluated);
	assert_int_equal(flightrec_extend(&rec, 1), 0);
	assert_int_equal(flightrec_replay(&rec), 0);
	assert_int_equal(flightrec_context(&rec, "k", "%d", 1), 0);
	FLIGHTREC_STEP(&rec, "%d", ++evaluated)
		assert_ptr_equal(flightrec_current(), &rec);
	flightrec_end(&rec);
	assert_int_equal(evaluated, 2); /* for the memory log */
	for (int i = 0; i < FLIGHTREC_PROBES; i++)
		assert_int_equal(count((enum flightrec_probe)i), 0);
}

/* Opened before somebody watches, closed after: only the end is told; and the reverse. */
static void test_watched_in_the_middle(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	watch(0);
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), 0);
	watch(1);
	flightrec_info(&rec, "one");
	assert_int_not_equal(probed.id, 0);
	flightrec_end(&rec);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 1);
}

static void test_extend_keeps_the_timeout_as_from_the_opening(void **state)
{
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(flightrec_begin(&rec, "task", HOUR), 0);
	assert_int_equal(flightrec_extend(&rec, 2 * HOUR), 0);
	assert_int_equal(probed.timeout_ns, 2 * HOUR);
	assert_true(rec.timeout_ns_ >= 2 * HOUR);
	assert_int_equal(flightrec_extend(&rec, 5), 0);
	assert_int_equal(probed.timeout_ns, 5);
	assert_true(rec.timeout_ns_ < HOUR);
	flightrec_end(&rec);
	assert_int_equal(flightrec_extend(&rec, HOUR), -ENOENT);
}

/* Times that overflow are later than anything, not in the past. */
static void test_times_saturate(void **state)
{
	static const uint64_t constant = FLIGHTREC_SEC(1e12);
	volatile double days = 300000; /* of 86,400 s */
	flightrec rec = FLIGHTREC_INIT;

	(void)state;
	assert_int_equal(flightrec_begin(&rec, "task", UINT64_MAX), 0);
	assert_true(rec.timeout_ns_ == UINT64_MAX);
	for (uint64_t less = 0; less < 3; less++) {
		assert_int_equal(flightrec_extend(&rec, UINT64_MAX - less), 0);
		assert_true(probed.timeout_ns == UINT64_MAX - less);
		assert_true(rec.timeout_ns_ == UINT64_MAX);
	}
	flightrec_end(&rec);
	assert_true(constant == UINT64_MAX);
	assert_true(FLIGHTREC_SEC(days * 86400) == UINT64_MAX);
	assert_true(FLIGHTREC_MSEC(days) == 300000000000);
	assert_true(FLIGHTREC_USEC(-days) == 0);
	assert_true(FLIGHTREC_MSEC(-1) == 0);
}

static void test_many_at_once(void **state)
{
	flightrec *many = calloc(MANY, sizeof(*many));
	uint64_t first;

	(void)state;
	assert_non_null(many);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			assert_int_equal(flightrec_begin(&many[i], "one of many", HOUR), 0);
			if (i == 0)
				first = probed.id;
			assert_int_equal(probed.id, first + (uint64_t)i);
		}
		assert_int_equal(open_slots(), MANY);
		/* From both ends, so that the free slots are in disorder in the next round. */
		for (int i = 0; i < MANY / 2; i++) {
			flightrec_end(&many[i]);
			flightrec_end(&many[MANY - 1 - i]);
		}
		assert_int_equal(open_slots(), 0);
	}
	/* The second round used the slots of the first. */
	struct flightrec_process *process = (void *)(uintptr_t)flightrec_state_.process;

	assert_true(process->used <= MANY + 64);
	free(many);
}

/* ---- nesting ---- */

static void test_current_follows_nesting(void **state)
{
	flightrec a = FLIGHTREC_INIT, b = FLIGHTREC_INIT, c = FLIGHTREC_INIT;

	(void)state;
	flightrec_begin(&a, "a", HOUR);
	uint64_t a_id = probed.id;

	flightrec_begin(&b, "b", HOUR);
	assert_int_equal(probed.parent_id, a_id);
	flightrec_begin(&c, "c", HOUR);
	assert_ptr_equal(flightrec_current(), &c);
	/* If it is not the innermost one, the inner one stays current. */
	flightrec_end(&b);
	assert_ptr_equal(flightrec_current(), &c);
	flightrec_end(&c);
	assert_ptr_equal(flightrec_current(), &a);
	flightrec_end(&a);
	assert_null(flightrec_current());
}

static void test_nesting_deeper_than_is_remembered(void **state)
{
	static flightrec deep[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(flightrec_begin(&deep[i], "deep", HOUR), 0);
	assert_ptr_equal(flightrec_current(), &deep[31]);
	for (int i = 99; i >= 0; i--)
		flightrec_end(&deep[i]);
	assert_null(flightrec_current());
	assert_int_equal(flightrec_begin(&deep[0], "flat", HOUR), 0);
	assert_ptr_equal(flightrec_current(), &deep[0]);
	flightrec_end(&deep[0]);
}

/* A recorder that another thread closed is not looked at: its memory may be gone. */
static void *end_and_free(void *rec)
{
	flightrec_end(rec);
	free(rec);
	return NULL;
}

static void test_current_after_another_thread_closed_it(void **state)
{
	flightrec outer = FLIGHTREC_INIT, *inner = calloc(1, sizeof(*inner));
	pthread_t thread;

	(void)state;
	flightrec_begin(&outer, "outer", HOUR);
	flightrec_begin(inner, "inner", HOUR);
	assert_ptr_equal(flightrec_current(), inner);
	assert_int_equal(pthread_create(&thread, NULL, end_and_free, inner), 0);
	pthread_join(thread, NULL);
	assert_ptr_equal(flightrec_current(), &outer);
	flightrec_end(&outer);
}

/* However many of a thread's recorders others close, it knows the one it opened last. */
static void test_current_after_others_closed_many(void **state)
{
	flightrec rec = FLIGHTREC_INIT, inner = FLIGHTREC_INIT;
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 100; i++) {
		flightrec *given = calloc(1, sizeof(*given));

		flightrec_begin(given, "given away", HOUR);
		assert_ptr_equal(flightrec_current(), given);
		assert_int_equal(pthread_create(&thread, NULL, end_and_free, given), 0);
		pthread_join(thread, NULL);
	}
	flightrec_begin(&rec, "kept", HOUR);
	uint64_t id = probed.id;

	assert_ptr_equal(flightrec_current(), &rec);
	flightrec_begin(&inner, "within", HOUR);
	assert_int_equal(probed.parent_id, id);
	flightrec_end(&inner);
	flightrec_end(&rec);
}

static void *current_of_a_thread(void *arg)
{
	(void)arg;
	return flightrec_current();
}

static void test_current_is_a_threads_own(void **state)
{
	flightrec rec = FLIGHTREC_INIT;
	void *theirs = &rec;
	pthread_t thread;

	(void)state;
	flightrec_begin(&rec, "mine", HOUR);
	pthread_create(&thread, NULL, current_of_a_thread, NULL);
	pthread_join(thread, &theirs);
	assert_null(theirs);
	flightrec_end(&rec);
}

/* ---- scopes ---- */

static int leave_by_return(void)
{
	FLIGHTREC_SCOPE(rec, "returned", HOUR) {
		assert_ptr_equal(flightrec_current(), rec);
		return 7;
	}
	return 0;
}

static void test_scope_is_closed_however_it_is_left(void **state)
{
	int runs = 0;

	(void)state;
	FLIGHTREC_SCOPE(rec, "to its end", HOUR) {
		assert_ptr_equal(flightrec_current(), rec);
		runs++;
	}
	assert_int_equal(runs, 1);
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE(rec, "broken", HOUR) {
		runs++;
		if (rec)
			break;
		runs += 100;
	}
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE(rec, "continued", HOUR) {
		runs++;
		if (rec)
			continue;
		runs += 100;
	}
	assert_int_equal(runs, 3);
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE(rec, "gone to", HOUR) {
		flightrec_info(rec, "leaving");
		goto out;
	}
out:
	assert_null(flightrec_current());
	assert_int_equal(leave_by_return(), 7);
	assert_null(flightrec_current());
	FLIGHTREC_SCOPE(outer, "outer", HOUR)
		FLIGHTREC_SCOPE(inner, "inner", HOUR) {
			assert_ptr_equal(flightrec_current(), inner);
			assert_ptr_not_equal(outer, inner);
		}
	assert_int_equal(count(FLIGHTREC_PROBE_BEGIN), 7);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 7);
}

/* If it cannot be opened, the braces still run. */
static void test_scope_that_is_not_open(void **state)
{
	int runs = 0;

	(void)state;
	FLIGHTREC_SCOPE(rec, "never", 0) {
		runs++;
		flightrec_info(rec, "printed at once");
		assert_int_equal(probed.id, 0);
	}
	assert_int_equal(runs, 1);
	assert_int_equal(count(FLIGHTREC_PROBE_ENTRY), 1);
	assert_int_equal(count(FLIGHTREC_PROBE_END), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_begin_and_end),
		TEST(test_bad_arguments),
		TEST(test_busy_stays_as_it_is),
		TEST(test_names),
		TEST(test_unwatched_tells_nobody),
		TEST(test_watched_in_the_middle),
		TEST(test_extend_keeps_the_timeout_as_from_the_opening),
		TEST(test_times_saturate),
		TEST(test_many_at_once),
		TEST(test_current_follows_nesting),
		TEST(test_nesting_deeper_than_is_remembered),
		TEST(test_current_after_another_thread_closed_it),
		TEST(test_current_after_others_closed_many),
		TEST(test_current_is_a_threads_own),
		TEST(test_scope_is_closed_however_it_is_left),
		TEST(test_scope_that_is_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/session_refusals.c */
/* When we look at processes whose recorders have no slots, and what comes of it. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/base/message.h"
#include "collector/session_refusals.h"
#include "fake_target.h"

#define PID 77
#define SLOTS 64

/* ---- the kernel's side ---- */

struct tracker {
	bool refused;       /* something was, to every process */
	uint32_t answer;    /* to an adoption; 0: gives a slot */
	uint64_t until_ns;  /* the last word on when to look; 0: none */
	unsigned int ended; /* processes that are no more */
	struct adopt_args adopted[SLOTS];
	uint32_t n_adopted;
	char looks[256]; /* at which processes, in order: "77 " */
};

static struct tracker tracker;
static struct refusals refusals;

int tracker_refused_look(struct tracker *t, pid_t pid, struct refusal *refusal)
{
	size_t length = strlen(t->looks);

	snprintf(t->looks + length, sizeof(t->looks) - length, "%d ", pid);
	if (!t->refused)
		return -ENOENT;
	*refusal = (struct refusal){.key = {(uint32_t)pid, 3, 12345}, .uid = 7, .comm = "comm"};
	return 0;
}

void tracker_refused_until(struct tracker *t, pid_t pid, uint64_t look_ns)
{
	(void)pid;
	t->until_ns = look_ns;
}

void tracker_refused_end(struct tracker *t, pid_t pid)
{
	(void)pid;
	t->ended++;
}

void tracker_refused_each(struct tracker *t, void (*fn)(void *arg, pid_t pid, uint64_t look_ns),
			  void *arg)
{
	(void)t;
	fn(arg, PID, 5);
	fn(arg, PID + 1, UINT64_MAX);
}

uint32_t tracker_adopt(struct tracker *t, struct adopt_args *args)
{
	assert_true(t->n_adopted < SLOTS);
	t->adopted[t->n_adopted] = *args;
	return t->answer ? t->answer : t->n_adopted++;
}

/* ---- processes, and what is said ---- */

static size_t copies;
static unsigned int scans;
static char said[256];

int attachments_scan(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	(void)a;
	scans++;
	for (size_t i = 1; i <= copies; i++)
		fn(arg, pid, i * FAKE_STATE);
	return (int)copies;
}

/* Odd ones live. */
int kill(pid_t pid, int signal)
{
	assert_int_equal(signal, 0);
	errno = ESRCH;
	return pid % 2 ? 0 : -1;
}

void message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

/* ---- the test's ---- */

static int set_up(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	memory.pid = PID;
	tracker = (struct tracker){.refused = true};
	copies = 1;
	scans = 0;
	said[0] = '\0';
	now_ns = 1000 * MS_NS;
	refusals_init(&refusals, &tracker, NULL, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	refusals_free(&refusals);
	return 0;
}

/* A call that runs out of time does not find out what is due next; the following one does. */
static uint64_t next_look(void)
{
	if (refusals_next(&refusals) <= now_ns)
		refusals_look(&refusals);
	return refusals_next(&refusals);
}

static void look_when_due(void)
{
	now_ns = next_look();
	refusals_look(&refusals);
}

static void test_first_look_is_at_once(void **state)
{
	(void)state;
	assert_true(refusals_next(&refusals) == UINT64_MAX);
	memory_add(1, now_ns, 50 * MS_NS);
	memory_add(2, now_ns - 10 * MS_NS, 40 * MS_NS);
	refusals_add(&refusals, PID, now_ns + 500 * MS_NS);
	assert_true(refusals_next(&refusals) <= now_ns);
	refusals_look(&refusals);
	assert_string_equal(said, "process 77 (comm) has more recorders open than there is room "
				  "for: the others are reported late and without entries (see "
				  "--max-recorders)");
	assert_int_equal(memory.state, FAKE_STATE);
	assert_int_equal(tracker.n_adopted, 0);
	/* The next one that is due is known to both sides. */
	assert_int_equal(refusals_next(&refusals), 1030 * MS_NS);
	assert_int_equal(tracker.until_ns, 1030 * MS_NS);
}

static void test_said_and_scanned_once(void **state)
{
	(void)state;
	memory_add(1, now_ns, 50 * MS_NS);
	refusals_add(&refusals, PID, 0);
	refusals_look(&refusals);
	said[0] = '\0';
	look_when_due();
	assert_int_equal(memory.walks, 2);
	assert_string_equal(said, "");
	assert_int_equal(scans, 1);
}

static void test_overdue_is_tracked(void **state)
{
	flightrec *rec = memory_add(5, now_ns - 30 * MS_NS, 30 * MS_NS);
	const struct adopt_args *args = &tracker.adopted[0];

	(void)state;
	rec->parent_id_ = 4;
	rec->tid_ = 9;
	strcpy(rec->name_, "checkout");
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_int_equal(tracker.n_adopted, 1);
	assert_int_equal(args->key.pid, PID);
	assert_int_equal(args->key.exec_id, 3);
	assert_int_equal(args->key.start_ns, 12345);
	assert_int_equal(args->rec, FAKE_ADDRESS);
	assert_int_equal(args->id, 5);
	assert_int_equal(args->started_ns, now_ns - 30 * MS_NS);
	assert_int_equal(args->timeout_ns, 30 * MS_NS);
	assert_int_equal(args->parent_id, 4);
	assert_int_equal(args->uid, 7);
	assert_int_equal(args->tid, 1009);
	assert_int_equal(args->overdue, 1);
	assert_string_equal(args->comm, "comm");
	assert_string_equal(args->name, "checkout");
	/* Nothing else is due until BPF says so. */
	assert_true(refusals_next(&refusals) == UINT64_MAX);
	assert_true(tracker.until_ns == UINT64_MAX);
	refusals_add(&refusals, PID, now_ns + 70 * MS_NS);
	assert_int_equal(refusals_next(&refusals), now_ns + 70 * MS_NS);
}

static void test_timeout_in_place_of_its_own(void **state)
{
	(void)state;
	refusals_init(&refusals, &tracker, NULL, 20 * MS_NS);
	memory_add(1, now_ns - 20 * MS_NS, 900 * MS_NS);
	memory_add(2, now_ns, 1);
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_int_equal(tracker.n_adopted, 1);
	assert_int_equal(tracker.adopted[0].id, 1);
	assert_int_equal(tracker.until_ns, now_ns + 20 * MS_NS);
}

/* A process may lie about times. */
static void test_times_are_bounded(void **state)
{
	(void)state;
	memory_add(1, UINT64_MAX, 1);
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_int_equal(tracker.until_ns, now_ns + 1);
	memory.rec[0].started_ns_ = now_ns;
	memory.rec[0].timeout_ns_ = UINT64_MAX;
	look_when_due();
	assert_int_equal(tracker.until_ns, 1000 * MS_NS + (UINT64_C(1) << 60));
	assert_int_equal(tracker.n_adopted, 0);
}

static void test_no_room_is_tried_again(void **state)
{
	(void)state;
	tracker.answer = FR_REFUSED;
	memory_add(1, now_ns - MS_NS, 1);
	memory_add(2, now_ns, 500 * MS_NS);
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_int_equal(refusals_next(&refusals), now_ns + 100 * MS_NS);
	/* It is known already, which does not mean that there is no room. */
	tracker.answer = FR_NONE;
	look_when_due();
	assert_int_equal(refusals_next(&refusals), 1500 * MS_NS);
}

static void test_nothing_refused_any_more(void **state)
{
	(void)state;
	tracker.refused = false;
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_true(refusals_next(&refusals) == UINT64_MAX);
	assert_null(refusals.processes);
	assert_int_equal(memory.walks, 0);
	assert_string_equal(said, "");
}

static void test_process_is_gone(void **state)
{
	(void)state;
	memory.error = -ESRCH;
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_int_equal(tracker.ended, 1);
	assert_null(refusals.processes);
	assert_true(refusals_next(&refusals) == UINT64_MAX);
}

static void test_each_copy_is_looked_at(void **state)
{
	(void)state;
	copies = 10;
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_int_equal(memory.walks, 8);
	assert_int_equal(memory.state, 8 * FAKE_STATE);
	/* The others are not left out because one cannot be read. */
	memory.error = -EFAULT;
	refusals_add(&refusals, PID, now_ns);
	look_when_due();
	assert_int_equal(memory.walks, 16);
}

/* At least eight, and then until the time is up; the next look goes on there. */
static void test_long_look_is_continued(void **state)
{
	(void)state;
	memory.ns_each = MS_NS;
	for (unsigned int i = 0; i < 20; i++)
		memory_add(i + 1, now_ns, i ? 900 * MS_NS : 700 * MS_NS);
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	assert_int_equal(now_ns, 1008 * MS_NS);
	/* Not all were looked at, so it is unknown when to look next. */
	assert_int_equal(tracker.until_ns, 0);
	/* After a look of 8 ms the next one waits for twenty times that. */
	assert_int_equal(next_look(), 1168 * MS_NS);
	look_when_due();
	assert_int_equal(memory.skipped, 8);
	assert_int_equal(tracker.until_ns, 0);
	look_when_due();
	assert_int_equal(memory.skipped, 16);
	/* The earliest was one of the first look's. */
	assert_int_equal(tracker.until_ns, 1700 * MS_NS);
	assert_int_equal(next_look(), 1700 * MS_NS);
	look_when_due();
	assert_int_equal(memory.skipped, 0);
}

static void test_refused_during_a_long_look(void **state)
{
	(void)state;
	memory.ns_each = MS_NS;
	for (unsigned int i = 0; i < 12; i++)
		memory_add(i + 1, now_ns, 900 * MS_NS);
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	/* The look may be past it and not see it. */
	refusals_add(&refusals, PID, now_ns + 400 * MS_NS);
	look_when_due();
	assert_int_equal(memory.skipped, 8);
	assert_int_equal(tracker.until_ns, 1408 * MS_NS);
}

static void test_looks_are_apart(void **state)
{
	(void)state;
	refusals_add(&refusals, PID, now_ns);
	refusals_look(&refusals);
	refusals_add(&refusals, PID, now_ns);
	assert_true(refusals_next(&refusals) <= now_ns);
	refusals_look(&refusals);
	assert_string_equal(tracker.looks, "77 ");
	assert_int_equal(refusals_next(&refusals), now_ns + 2 * MS_NS);
	look_when_due();
	assert_string_equal(tracker.looks, "77 77 ");
}

/* The process that has waited longest goes first. Others sometimes have to wait. */
static void test_turns(void **state)
{
	(void)state;
	memory.ns_each = 5 * MS_NS; /* more than all looks together may take */
	memory_add(1, 0, 1);
	tracker.answer = FR_NONE;
	for (pid_t pid = PID; pid < PID + 3; pid++) {
		memory.pid = pid;
		refusals_add(&refusals, pid, now_ns);
		refusals_look(&refusals);
	}
	assert_string_equal(tracker.looks, "77 78 79 ");
	now_ns += 1000 * MS_NS;
	for (pid_t pid = PID; pid < PID + 3; pid++)
		refusals_add(&refusals, pid, now_ns);
	for (pid_t pid = PID; pid < PID + 3; pid++) {
		memory.pid = pid;
		assert_true(refusals_next(&refusals) <= now_ns);
		refusals_look(&refusals);
	}
	assert_string_equal(tracker.looks, "77 78 79 77 78 79 ");
}

static void test_rebuild(void **state)
{
	(void)state;
	refusals_rebuild(&refusals);
	refusals_look(&refusals);
	assert_string_equal(tracker.looks, "77 78 ");
}

static void test_the_dead_are_forgotten(void **state)
{
	(void)state;
	for (pid_t pid = 1; pid <= 256; pid++)
		refusals_add(&refusals, pid, UINT64_MAX);
	assert_int_equal(tracker.ended, 0);
	refusals_add(&refusals, 1001, UINT64_MAX);
	assert_int_equal(tracker.ended, 128);
	/* Not before there are twice as many as were left, or as many as at first. */
	for (pid_t pid = 1002; pid <= 1128; pid++)
		refusals_add(&refusals, pid, UINT64_MAX);
	assert_int_equal(tracker.ended, 128);
	refusals_add(&refusals, 1129, UINT64_MAX);
	assert_int_equal(tracker.ended, 128 + 64);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_first_look_is_at_once),
		CASE(test_said_and_scanned_once),
		CASE(test_overdue_is_tracked),
		CASE(test_timeout_in_place_of_its_own),
		CASE(test_times_are_bounded),
		CASE(test_no_room_is_tried_again),
		CASE(test_nothing_refused_any_more),
		CASE(test_process_is_gone),
		CASE(test_each_copy_is_looked_at),
		CASE(test_long_look_is_continued),
		CASE(test_refused_during_a_long_look),
		CASE(test_looks_are_apart),
		CASE(test_turns),
		CASE(test_rebuild),
		CASE(test_the_dead_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/session_state.c */
/* The state of a session is put together from BPF, the recorders and the sink. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/recorder/looks.h"
#include "collector/session_private.h"

#define SLOTS 8
#define PROCESSES 4

/* ---- the parts ---- */

struct tracker {
	uint64_t slot_word[SLOTS];
	uint32_t slot_process[SLOTS];
	uint32_t slots_used;
	struct process_slot process[PROCESSES];
	bool restless[PROCESSES]; /* it keeps changing while it is copied */
	struct process_found found[3];
	size_t n_found;
	int error;
};

static struct tracker tracker;
static struct sink sink;
static struct session session;

struct tracker_limits tracker_limits(const struct tracker *t)
{
	(void)t;
	return (struct tracker_limits){.recorders = 5,
				       .slots = SLOTS,
				       .processes = PROCESSES,
				       .rings = 2,
				       .ring_bytes = 4096};
}

void tracker_ring_layout(uint64_t wanted, uint32_t *rings, uint32_t *ring_bytes)
{
	*rings = 3;
	*ring_bytes = (uint32_t)wanted / 3;
}

/* Powers of two: each sum tells what was added up. */
void tracker_count(const struct tracker *t, uint64_t count[FR_COUNTERS])
{
	(void)t;
	for (unsigned int i = 0; i < FR_COUNTERS; i++)
		count[i] = UINT64_C(1) << i;
}

void tracker_missed(const struct tracker *t, uint64_t *execs, uint64_t *exits)
{
	(void)t;
	*execs = 5;
	*exits = 6;
}

struct recorders_counts recorders_count(const struct recorders *r)
{
	(void)r;
	return (struct recorders_counts){.timed_out = 1 << 20, .buffer_lost = 1 << 21};
}

static char some_looks;

struct looks_counts looks_count(const struct looks *l)
{
	assert_ptr_equal(l, &some_looks);
	return (struct looks_counts){.opened = UINT64_C(1) << 22,
				     .entries = UINT64_C(1) << 23,
				     .timed_out = UINT64_C(1) << 24,
				     .lost = UINT64_C(1) << 25};
}

uint32_t looks_open(const struct looks *l, pid_t pid)
{
	assert_ptr_equal(l, &some_looks);
	return pid == 30 ? 7 : 0;
}

uint32_t tracker_slots_used(const struct tracker *t)
{
	return t->slots_used;
}

uint64_t tracker_slot_word(const struct tracker *t, uint32_t index)
{
	return t->slot_word[index];
}

uint32_t tracker_slot_process(const struct tracker *t, uint32_t index)
{
	return t->slot_process[index];
}

uint64_t tracker_process_word(const struct tracker *t, uint32_t index)
{
	return t->process[index].word;
}

bool tracker_process_copy(const struct tracker *t, uint32_t index, struct process_slot *copy)
{
	*copy = t->process[index];
	return !t->restless[index];
}

int tracker_processes(struct tracker *t, void (*fn)(void *arg, const struct process_found *found),
		      void *arg)
{
	for (size_t i = 0; i < t->n_found; i++)
		fn(arg, &t->found[i]);
	return t->error;
}

/* ---- the test's ---- */

static char listed[256];

static void list(void *arg, pid_t pid, const char *comm, uint32_t open)
{
	size_t length = strlen(listed);

	assert_ptr_equal(arg, &session);
	snprintf(listed + length, sizeof(listed) - length, "%d %s %u\n", pid, comm, open);
}

static void add_slot(uint32_t process, enum recorder_state state)
{
	tracker.slot_word[tracker.slots_used] = FR_WORD(3, state);
	tracker.slot_process[tracker.slots_used++] = process;
}

/* Process slots: 0: pid 10; 1: free; 2: pid 20; 3: pid 30, which ended. */
static int set_up(void **state)
{
	(void)state;
	tracker = (struct tracker){.n_found = 3};
	tracker.process[0].word = FR_WORD(1, PROCESS_ALIVE);
	tracker.process[0].key.pid = 10;
	strcpy(tracker.process[0].comm, "ten");
	tracker.process[2].word = FR_WORD(1, PROCESS_ALIVE);
	tracker.process[2].key.pid = 20;
	memcpy(tracker.process[2].comm, "sixteen letters!", FR_COMM_SIZE);
	tracker.process[3].word = FR_WORD(1, PROCESS_ENDED);
	tracker.process[3].key.pid = 30;
	tracker.found[0] = (struct process_found){.key.pid = 10, .comm = "now"};
	tracker.found[1] = (struct process_found){.key.pid = 20};
	memcpy(tracker.found[1].comm, "sixteen letters!", FR_COMM_SIZE);
	tracker.found[2] = (struct process_found){.key.pid = 40, .comm = "opened none"};
	sink = (struct sink){.lost = 9};
	session = (struct session){.tracker = &tracker, .sink = &sink};
	listed[0] = '\0';
	return 0;
}

static void test_setup(void **state)
{
	struct session_setup setup;
	uint32_t rings, ring_bytes;

	(void)state;
	session.attachments.copies = 2;
	session.library_seen = true;
	setup = session_setup(&session);
	assert_int_equal(setup.copies, 2);
	assert_true(setup.library_seen);
	session.library_seen = false;
	assert_false(session_setup(&session).library_seen);
	session.attachments.stripped = true;
	assert_true(session_setup(&session).library_seen);
	assert_int_equal(setup.rings, 2);
	assert_int_equal(setup.ring_bytes, 4096);
	assert_int_equal(setup.max_recorders, 5);
	assert_int_equal(setup.max_processes, PROCESSES);
	session_ring_layout(300, &rings, &ring_bytes);
	assert_int_equal(rings, 3);
	assert_int_equal(ring_bytes, 100);
}

static void test_totals(void **state)
{
#define COUNT(counter) (1u << COUNT_##counter)
	struct report_totals totals;

	(void)state;
	session_totals(&session, &totals);
	assert_int_equal(totals.opened, COUNT(OPENED) + COUNT(UNTRACKED));
	assert_int_equal(totals.timed_out, COUNT(TIMED_OUT) + (1 << 20));
	assert_int_equal(totals.entries, COUNT(ENTRIES) + COUNT(UNTRACKED_ENTRIES));
	assert_int_equal(totals.losses.ring, COUNT(REFUSED_RING));
	assert_int_equal(totals.losses.share, COUNT(REFUSED_SHARE));
	assert_int_equal(totals.losses.unreadable, COUNT(REFUSED_READ));
	assert_int_equal(totals.losses.untracked, COUNT(UNTRACKED_ENTRIES));
	assert_int_equal(totals.losses.buffer, 1 << 21);
	assert_int_equal(totals.lost, COUNT(REFUSED_RING) + COUNT(REFUSED_SHARE) +
					      COUNT(REFUSED_READ) + COUNT(UNTRACKED_ENTRIES) +
					      (1 << 21));
	assert_int_equal(totals.untracked, COUNT(UNTRACKED));
	assert_int_equal(totals.reports_lost, 9);
	/* And those that are watched by memory. */
	session.looks = (struct looks *)&some_looks;
	session_totals(&session, &totals);
	assert_int_equal(totals.opened, COUNT(OPENED) + COUNT(UNTRACKED) + (1 << 22));
	assert_int_equal(totals.entries, COUNT(ENTRIES) + COUNT(UNTRACKED_ENTRIES) + (1 << 23));
	assert_int_equal(totals.timed_out, COUNT(TIMED_OUT) + (1 << 20) + (1 << 24));
	assert_int_equal(totals.losses.buffer, (1 << 21) + (1 << 25));
}

static void test_work(void **state)
{
	struct session_work work = session_work(&session);

	(void)state;
	assert_int_equal(work.ticks, COUNT(TICKS));
	assert_int_equal(work.wakeups, COUNT(WAKEUPS));
	assert_int_equal(work.notices_lost, COUNT(NOTICES_LOST));
	assert_int_equal(work.execs_missed, 5);
	assert_int_equal(work.exits_missed, 6);
}

static void test_processes(void **state)
{
	(void)state;
	add_slot(0, RECORDER_OPEN);
	add_slot(2, RECORDER_OPEN);
	add_slot(0, RECORDER_TIMED_OUT);
	/* Recorders that are closed do not count, even if they are still to be reported. */
	add_slot(0, RECORDER_FREE);
	add_slot(0, RECORDER_LATE);
	add_slot(0, RECORDER_FINISHED);
	add_slot(0, RECORDER_REPLAYED);
	/* A slot changes while it is read; it belongs to no process. */
	add_slot(PROCESSES, RECORDER_OPEN);
	assert_int_equal(session_processes(&session, list, &session), 0);
	assert_string_equal(listed, "10 now 2\n20 sixteen letters! 1\n40 opened none 0\n");
}

/* Recorders in slots that are not in use yet do not count. */
static void test_slots_in_use(void **state)
{
	(void)state;
	add_slot(0, RECORDER_OPEN);
	add_slot(0, RECORDER_OPEN);
	tracker.slots_used = 1;
	assert_int_equal(session_processes(&session, list, &session), 0);
	assert_string_equal(listed, "10 now 1\n20 sixteen letters! 0\n40 opened none 0\n");
}

/* A process may have two slots for a moment: before and after an execve(). */
static void test_two_slots_of_a_process(void **state)
{
	(void)state;
	tracker.process[2].key.pid = 10;
	tracker.n_found = 1;
	add_slot(0, RECORDER_OPEN);
	add_slot(2, RECORDER_OPEN);
	assert_int_equal(session_processes(&session, list, &session), 0);
	assert_string_equal(listed, "10 now 2\n");
}

static void test_all_processes(void **state)
{
	(void)state;
	session.options.watch_all = true;
	add_slot(2, RECORDER_OPEN);
	assert_int_equal(session_processes(&session, list, &session), 0);
	assert_string_equal(listed, "10 ten 0\n20 sixteen letters! 1\n");
	listed[0] = '\0';
	tracker.restless[0] = true;
	assert_int_equal(session_processes(&session, list, &session), 0);
	assert_string_equal(listed, "20 sixteen letters! 1\n");
}

static void test_error(void **state)
{
	(void)state;
	tracker.n_found = 0;
	tracker.error = -EPERM;
	assert_int_equal(session_processes(&session, list, &session), -EPERM);
	assert_string_equal(listed, "");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
	const struct CMUnitTest tests[] = {
		CASE(test_setup),         CASE(test_totals),
		CASE(test_work),          CASE(test_processes),
		CASE(test_slots_in_use),  CASE(test_two_slots_of_a_process),
		CASE(test_all_processes), CASE(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

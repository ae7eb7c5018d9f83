// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: user/collector/recorder/adoption.c user/collector/recorder/recorder_table.c user/collector/recorder/entry_buffer.c */
/* clang-format on */
/* Which of the recorders in a process's memory are handed to BPF, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/recorder/adoption.h"
#include "collector/recorder/recorders_private.h"
#include "fake_target.h"

#define SLOTS 16
#define PID 77
#define LIVE_NS (1000 * MS_NS) /* when the probes went live */
#define OLD_NS (500 * MS_NS)   /* when most were opened: long before */

/* ---- the kernel's side ---- */

struct tracker {
	struct process_found process[3];
	size_t processes;
	struct adopt_args adopted[SLOTS];
	uint32_t n_adopted;
	uint32_t answer;            /* in place of a slot; 0: gives one */
	uint32_t state[SLOTS];      /* 0: open */
	uint32_t process_of[SLOTS]; /* of a slot */
	uint32_t released;          /* slots, a bit each */
};

static struct tracker tracker;
static struct recorders recorders;

struct tracker_limits tracker_limits(const struct tracker *t)
{
	(void)t;
	return (struct tracker_limits){.recorders = SLOTS, .slots = SLOTS, .processes = 4};
}

uint64_t tracker_slot_word(const struct tracker *t, uint32_t index)
{
	return FR_WORD(index + 100, t->state[index] ? t->state[index] : RECORDER_OPEN);
}

uint32_t tracker_slot_process(const struct tracker *t, uint32_t index)
{
	return t->process_of[index];
}

uint32_t tracker_slots_used(const struct tracker *t)
{
	(void)t;
	return 6;
}

/* May pass others' slots as well. */
uint32_t tracker_next_slot_of(const struct tracker *t, uint32_t process, uint32_t from)
{
	(void)t;
	(void)process;
	return from;
}

uint64_t tracker_process_word(const struct tracker *t, uint32_t index)
{
	(void)t;
	return FR_WORD(1, index == 3 ? PROCESS_ENDED : PROCESS_ALIVE);
}

/* Of the watched process, another one, and one that had its pid before. */
bool tracker_process_copy(const struct tracker *t, uint32_t index, struct process_slot *copy)
{
	(void)t;
	*copy = (struct process_slot){.key.pid = index == 2 ? PID + 1 : PID};
	return index != 0;
}

void tracker_release(struct tracker *t, const uint32_t *slots, const uint32_t *generations,
		     size_t count, uint32_t process)
{
	assert_int_equal(count, 1);
	assert_int_equal(*generations, *slots + 100);
	assert_int_equal(process, FR_NONE);
	t->released |= 1u << *slots;
}

int tracker_processes(struct tracker *t, void (*fn)(void *arg, const struct process_found *found),
		      void *arg)
{
	for (size_t i = 0; i < t->processes; i++)
		fn(arg, &t->process[i]);
	return 0;
}

uint32_t tracker_adopt(struct tracker *t, struct adopt_args *args)
{
	assert_true(t->n_adopted < SLOTS);
	t->adopted[t->n_adopted] = *args;
	return t->answer ? t->answer : t->n_adopted++;
}

static uint32_t told;

void message(const char *format, ...)
{
	(void)format;
	told++;
}

/* ---- the test's ---- */

static int set_up(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	memory.pid = PID;
	tracker = (struct tracker){.processes = 1};
	tracker.process[0] = (struct process_found){.key = {PID, 3, 12345}, .uid = 7};
	memcpy(tracker.process[0].comm, "comm", 5);
	now_ns = LIVE_NS;
	recorders = (struct recorders){.tracker = &tracker};
	return recorder_table_init(&recorders.table, &tracker, 1 << 20);
}

static int tear_down(void **state)
{
	(void)state;
	recorder_table_free(&recorders.table);
	free(recorders.adoptions);
	return 0;
}

static void test_all_that_is_known_is_handed_over(void **state)
{
	flightrec *rec = memory_add(5, OLD_NS, 20 * MS_NS);
	const struct adopt_args *args = &tracker.adopted[0];

	(void)state;
	rec->parent_id_ = 4;
	rec->tid_ = 9;
	strcpy(rec->name_, "checkout");
	adoption_add(&recorders, PID, FAKE_STATE);
	adoption_run(&recorders);
	assert_int_equal(memory.state, FAKE_STATE);
	assert_int_equal(memory.slots_max, SLOTS);
	assert_int_equal(tracker.n_adopted, 1);
	assert_memory_equal(&args->key, &tracker.process[0].key, sizeof(args->key));
	assert_int_equal(args->rec, FAKE_ADDRESS);
	assert_int_equal(args->id, 5);
	assert_int_equal(args->started_ns, OLD_NS);
	assert_int_equal(args->timeout_ns, 20 * MS_NS);
	assert_int_equal(args->parent_id, 4);
	assert_int_equal(args->uid, 7);
	assert_int_equal(args->tid, 1009);
	assert_int_equal(args->overdue, 0);
	assert_string_equal(args->comm, "comm");
	assert_string_equal(args->name, "checkout");
	/* Without a context there is nothing to keep. */
	assert_int_equal(recorders.table.listed, 0);
}

static void test_once(void **state)
{
	(void)state;
	memory_add(1, OLD_NS, MS_NS);
	adoption_run(&recorders);
	assert_int_equal(memory.walks, 0);
	adoption_add(&recorders, PID, FAKE_STATE);
	adoption_run(&recorders);
	assert_false(adoption_is_due(&recorders));
	adoption_run(&recorders);
	assert_int_equal(memory.walks, 1);
	assert_int_equal(tracker.n_adopted, 1);
}

static void test_seen_to_open(void **state)
{
	(void)state;
	memory_add(1, LIVE_NS, MS_NS);
	memory_add(2, LIVE_NS + 1, MS_NS);
	adoption_add(&recorders, PID, FAKE_STATE);
	now_ns += MS_NS;
	adoption_run(&recorders);
	assert_int_equal(tracker.n_adopted, 0);
	assert_false(adoption_is_due(&recorders));
	now_ns += 1000 * MS_NS;
	assert_false(adoption_is_due(&recorders));
}

static void test_young_ones_wait_for_a_second_walk(void **state)
{
	(void)state;
	memory_add(1, LIVE_NS - 10 * MS_NS, MS_NS); /* just not young */
	memory_add(2, LIVE_NS - 10 * MS_NS + 1, MS_NS);
	memory_add(3, LIVE_NS - 1, MS_NS);
	memory_add(4, LIVE_NS, MS_NS);
	adoption_add(&recorders, PID, FAKE_STATE);
	adoption_run(&recorders);
	assert_int_equal(tracker.n_adopted, 1);
	assert_int_equal(tracker.adopted[0].id, 1);
	now_ns = LIVE_NS + 20 * MS_NS - 1;
	assert_false(adoption_is_due(&recorders));
	now_ns++;
	assert_true(adoption_is_due(&recorders));
	memory.rec[0].id_ = 0; /* it was closed */
	tracker.n_adopted = 0;
	adoption_run(&recorders);
	assert_int_equal(tracker.n_adopted, 2);
	assert_int_equal(tracker.adopted[0].id, 2);
	assert_int_equal(tracker.adopted[1].id, 3);
	assert_false(adoption_is_due(&recorders));
}

/* By another clock than the kernel's, so its opening was not seen. */
static void test_opened_in_the_future(void **state)
{
	(void)state;
	told = 0;
	memory_add(1, LIVE_NS + 3600000 * MS_NS, MS_NS);
	memory_add(2, LIVE_NS + 7200000 * MS_NS, MS_NS);
	adoption_add(&recorders, PID, FAKE_STATE);
	adoption_run(&recorders);
	assert_int_equal(tracker.n_adopted, 2);
	assert_int_equal(told, 1);
	assert_false(adoption_is_due(&recorders));
}

static void test_context_is_held(void **state)
{
	flightrec *rec = memory_add(1, OLD_NS, MS_NS);
	const struct held_recorder *held;

	(void)state;
	memory_add(2, OLD_NS, MS_NS);
	memcpy(rec->context_, "abc", 3);
	rec->context_size_ = 3;
	adoption_add(&recorders, PID, FAKE_STATE);
	adoption_run(&recorders);
	assert_int_equal(recorders.table.listed, 1);
	held = recorder_table_find(&recorders.table, 0, 100);
	assert_non_null(held);
	assert_int_equal(held->context_size, 3);
	assert_memory_equal(held->context, "abc", 3);
}

/* BPF knows it already, or has no room for it. */
static void test_not_adopted(void **state)
{
	static const uint32_t answers[] = {FR_NONE, FR_REFUSED};

	(void)state;
	memory_add(1, OLD_NS, MS_NS)->context_size_ = 3;
	for (size_t i = 0; i < 2; i++) {
		tracker.answer = answers[i];
		adoption_add(&recorders, PID, FAKE_STATE);
		adoption_run(&recorders);
		assert_int_equal(tracker.adopted[0].id, 1);
		tracker.adopted[0].id = 0;
		assert_int_equal(recorders.table.listed, 0);
	}
}

static void test_several_processes_and_copies(void **state)
{
	(void)state;
	memory_add(1, OLD_NS, MS_NS);
	tracker.processes = 3;
	tracker.process[1] = tracker.process[0];
	tracker.process[1].key.pid = PID + 1; /* has nothing open */
	tracker.process[2] = tracker.process[0];
	tracker.process[2].key.pid = PID + 2; /* was not added */
	adoption_add(&recorders, PID, FAKE_STATE);
	adoption_add(&recorders, PID, 2 * FAKE_STATE);
	adoption_add(&recorders, PID + 1, FAKE_STATE);
	adoption_add(&recorders, PID + 3, FAKE_STATE); /* is not watched any more */
	adoption_run(&recorders);
	assert_int_equal(memory.walks, 3);
	assert_int_equal(tracker.n_adopted, 2);
}

static void test_thread_is_asked_for_once_in_a_row(void **state)
{
	static const unsigned int tid[] = {1, 1, 1, 2, 2, 1};
	static const uint32_t here[] = {1001, 1001, 1001, 1002, 1002, 1001};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		memory_add(i + 1, OLD_NS, MS_NS)->tid_ = tid[i];
	adoption_add(&recorders, PID, FAKE_STATE);
	adoption_run(&recorders);
	assert_int_equal(tracker.n_adopted, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(tracker.adopted[i].tid, here[i]);
	assert_int_equal(memory.host_tids, 3);
}

/* Those of the process, while it lives, that are open and of which nothing was said yet. */
static void test_forgets(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 6; i++)
		tracker.process_of[i] = 1;
	tracker.state[1] = RECORDER_TIMED_OUT;
	tracker.process_of[2] = 2;
	tracker.process_of[3] = 3;
	tracker.state[4] = RECORDER_LATE;
	adoption_forget(&recorders, PID);
	assert_int_equal(tracker.released, 1u << 0 | 1u << 5);
	adoption_forget(&recorders, PID + 1);
	assert_int_equal(tracker.released, 1u << 0 | 1u << 5 | 1u << 2);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_all_that_is_known_is_handed_over),
		CASE(test_once),
		CASE(test_seen_to_open),
		CASE(test_young_ones_wait_for_a_second_walk),
		CASE(test_opened_in_the_future),
		CASE(test_context_is_held),
		CASE(test_not_adopted),
		CASE(test_several_processes_and_copies),
		CASE(test_thread_is_asked_for_once_in_a_row),
		CASE(test_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

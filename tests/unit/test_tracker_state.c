/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/tracker_state.c user/collector/kernel/tracker_check.c */
/* tests: user/collector/kernel/tracker_check.c */
/* link: user/collector/kernel/ring_reader.c */
/* Reading maps, with maps in plain memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "collector/kernel/tracker_private.h"

#define SLOTS 64
#define PROCESSES 4
#define RINGS 2

static struct recorder_slot slot[SLOTS];
static struct slot_owners owners[SLOTS / FR_OWNERS];
static struct process_slot process[PROCESSES];
static struct ring_share share[PROCESSES * RINGS];
static struct counters counter[2];
static uint32_t fresh_slots, scan_slots;
static uint64_t position[2];
static unsigned char data[64];
static struct tracker tracker;

static int set_up(void **state)
{
	(void)state;
	memset(slot, 0, sizeof(slot));
	memset(owners, 0, sizeof(owners));
	memset(process, 0, sizeof(process));
	memset(share, 0, sizeof(share));
	memset(counter, 0, sizeof(counter));
	fresh_slots = scan_slots = 0;
	tracker = (struct tracker){.rings = RINGS,
				   .ring_bytes = 4096,
				   .max_recorders = 40,
				   .max_slots = SLOTS,
				   .max_processes = PROCESSES,
				   .cpus = 2,
				   .slots = slot,
				   .owners = owners,
				   .processes = process,
				   .shares = share,
				   .counters = counter,
				   .fresh_slots = &fresh_slots,
				   .scan_slots = &scan_slots};
	for (int i = 0; i < RINGS; i++)
		ring_reader_open_memory(&tracker.ring[i].reader, &position[0], &position[1], data,
					sizeof(data) / 2);
	ring_reader_open_memory(&tracker.notices.reader, &position[0], &position[1], data,
				sizeof(data) / 2);
	return 0;
}

static void use(uint32_t index, uint16_t number)
{
	slot[index].word = FR_WORD(1, RECORDER_OPEN);
	slot[index].process = number;
	owners[index / FR_OWNERS].process[index % FR_OWNERS] = (uint16_t)(number + 1);
	if (fresh_slots <= index)
		fresh_slots = index + 1;
}

static void test_slots_of_a_process(void **state)
{
	(void)state;
	assert_int_equal(tracker_next_slot_of(&tracker, 0, 0), 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		use(i, 3);
	use(5, 0);
	use(40, 0);
	assert_int_equal(tracker_next_slot_of(&tracker, 0, 0), 5);
	assert_int_equal(tracker_next_slot_of(&tracker, 0, 6), 40);
	assert_int_equal(tracker_next_slot_of(&tracker, 0, 41), SLOTS);
	assert_int_equal(tracker_next_slot_of(&tracker, 3, 5), 6);
	/* A number that BPF has taken and is about to give back. */
	fresh_slots = SLOTS + 1;
	assert_int_equal(tracker_slots_used(&tracker), SLOTS);
}

static void test_copies(void **state)
{
	struct recorder_slot copy;
	struct process_slot of;

	(void)state;
	use(1, 2);
	memset(slot[1].name, 'x', sizeof(slot[1].name));
	memset(slot[1].comm, 'x', sizeof(slot[1].comm));
	assert_true(tracker_slot_copy(&tracker, 1, &copy));
	assert_int_equal(copy.word, slot[1].word);
	assert_int_equal(strlen(copy.name), FR_NAME_SIZE - 1);
	assert_int_equal(strlen(copy.comm), FR_COMM_SIZE - 1);
	memset(process[2].comm, 'x', sizeof(process[2].comm));
	process[2].word = FR_WORD(7, PROCESS_ALIVE);
	assert_true(tracker_process_copy(&tracker, 2, &of));
	assert_int_equal(of.word, process[2].word);
	assert_int_equal(strlen(of.comm), FR_COMM_SIZE - 1);
}

static void test_counts(void **state)
{
	uint64_t count[FR_COUNTERS];

	(void)state;
	counter[0].count[COUNT_OPENED] = 3;
	counter[1].count[COUNT_OPENED] = 4;
	/* One CPU gave back what another one had counted. */
	counter[0].count[COUNT_UNTRACKED] = 2;
	counter[1].count[COUNT_UNTRACKED] = -1ULL;
	tracker_count(&tracker, count);
	assert_int_equal(count[COUNT_OPENED], 7);
	assert_int_equal(count[COUNT_UNTRACKED], 1);
	assert_false(tracker_must_scan(&tracker));
	scan_slots = 1;
	assert_true(tracker_must_scan(&tracker));
	assert_false(tracker_must_scan(&tracker));
}

static void test_check_finds_damage(void **state)
{
	(void)state;
	use(0, 1);
	use(1, 2);
	share[3].produced = 100;
	assert_null(tracker_check(&tracker));
	slot[1].word = FR_WORD(1, RECORDER_REPLAYED + 1);
	assert_string_equal(tracker_check(&tracker), "a recorder slot is in no state");
	slot[1].word = FR_WORD(1, RECORDER_OPEN);
	slot[1].process = PROCESSES;
	assert_string_equal(tracker_check(&tracker), "a recorder slot is of no process");
	slot[1].process = 1;
	assert_string_equal(tracker_check(&tracker),
			    "the owner of a recorder slot is another process");
	slot[1].process = 2;
	slot[1].next_free = SLOTS + 1;
	assert_string_equal(tracker_check(&tracker), "a recorder slot leads to no slot");
	slot[1].next_free = 0;
	process[3].word = PROCESS_EXECED + 1;
	assert_string_equal(tracker_check(&tracker), "a process slot is in no state");
	process[3].word = 0;
	share[3].consumed = 101;
	assert_string_equal(tracker_check(&tracker),
			    "more was taken out of a ring than a process put into it");
	share[3].consumed = 0;
	share[3].produced = 8193;
	assert_string_equal(tracker_check(&tracker), "a process holds more than a ring");
	share[3].produced = 0;
	tracker.ring[1].reader.position = 8;
	assert_string_equal(tracker_check(&tracker),
			    "the positions in an entry ring are out of order");
	tracker.ring[1].reader.position = 0;
	tracker.notices.reader.position = 8;
	assert_string_equal(tracker_check(&tracker),
			    "the positions in the notices' ring are out of order");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_slots_of_a_process, set_up),
		cmocka_unit_test_setup(test_copies, set_up),
		cmocka_unit_test_setup(test_counts, set_up),
		cmocka_unit_test_setup(test_check_finds_damage, set_up),
	};

	return cmocka_run_group_tests_name("tracker_state", tests, NULL, NULL);
}

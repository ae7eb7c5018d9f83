/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/visits.c */
/* What bpf_check.h finds in a damaged wheel, and in damaged free lists. */
#include "wheel_fixture.h"

/* Each kind of damage is found. */
static void test_check_finds_damage(void **state)
{
	uint64_t saved;
	u64 *head;
	int at;

	(void)state;
	fresh_slots = 2;
	list_push(&slot[0], offsetof(struct recorder_slot, next_free), 0, &list[0].head);
	open_one(1, SECOND);
	open_one(2, SECOND);
	fresh_slots = 3;
	assert_null(wheel_check());
	assert_null(free_slots_check());
	for (at = 0; !bucket[at]; at++)
		;
	head = &bucket[at];
	saved = *head;
	*head = NODES + 1;
	assert_string_equal(wheel_check(), "a bucket leads to a node that is none");
	*head = 0;
	assert_string_equal(wheel_check(), "a node is taken, and not in the wheel");
	*head = saved;
	bucket[at + 1] = saved;
	assert_string_equal(wheel_check(), "a node is in the wheel twice");
	*head = 0;
	assert_string_equal(wheel_check(), "a node is in a bucket that is not its time's");
	*head = saved;
	bucket[at + 1] = 0;
	level[at / FR_WHEEL_BUCKETS].occupied[at % FR_WHEEL_BUCKETS / 64] = 0;
	assert_string_equal(wheel_check(), "a bucket with nodes is not marked as occupied");
	level[at / FR_WHEEL_BUCKETS].occupied[at % FR_WHEEL_BUCKETS / 64] = NEVER;
	saved = slot[1].queued_ns;
	slot[1].queued_ns = NEVER;
	assert_string_equal(wheel_check(), "an open recorder is not looked at in time");
	slot[1].queued_ns = saved - WHEEL_WIDTH(0);
	assert_string_equal(wheel_check(), "a slot relies on a node that is not in the wheel");
	slot[1].queued_ns = saved;
	node[FR_WHEEL_NODES].state ^= 1 << 8;
	assert_string_equal(wheel_check(), "a node is in a level that is not its own");
	node[FR_WHEEL_NODES].state = 0;
	assert_string_equal(wheel_check(), "a free node is in the wheel");
	slot[0].next_free = 1;
	assert_string_equal(free_slots_check(), "a slot is in the free lists twice");
	slot[0].next_free = 2;
	assert_string_equal(free_slots_check(), "a slot in use is in a free list");
	slot[0].next_free = RECORDERS + 1;
	assert_string_equal(free_slots_check(), "a free list leads to a slot that is none");
	slot[0].next_free = 0;
	slot[0].home = 1;
	assert_string_equal(free_slots_check(), "a slot is in a free list that is not its own");
	slot[0].home = 0;
	list[0].head = 0;
	assert_string_equal(free_slots_check(), "a free slot is in no free list");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_check_finds_damage, set_up),
	};

	return cmocka_run_group_tests_name("wheel_check", tests, NULL, NULL);
}

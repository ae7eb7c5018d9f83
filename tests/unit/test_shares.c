/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many recorder slots and process slots each may have; and that opening and closing leaves
 * index, free lists, wheel and counts as they should be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "bpf_on_host.h"

/* Instead of probe_arguments.bpf.h: there are no probes here. */
#define FLIGHTREC_PROBE_ARGUMENTS_BPF_H
struct pt_regs;
#define PT_REGS_WORD_4(ctx) 0ULL
#define WORDS_SIZE 40
#define copy_words(to, room, ctx) ((void)0)
/* As much of it as makes up a process's key. */
struct task_struct {
	int tgid;
	u64 self_exec_id;
	struct task_struct *group_leader;
	u64 start_boottime;
};
static struct task_struct host_task;
#define bpf_get_current_task_btf() (&host_task)

#define const
#include "bpf/maps.bpf.h"
#undef const
#include "bpf/recorder.bpf.h"

#include "bpf_check.h"

#define RECORDERS 300
#define POOL (RECORDERS + RECORDERS / 4 + 1)
#define PROCESSES (300 + FR_RESERVE)
#define SLOTS (POOL + FR_RESERVE + PROCESSES * FR_GUARANTEED)
#define BUCKETS 512
#define HASHED 1024
#define SECOND UINT64_C(1000000000)

static struct recorder_slot slot[SLOTS];
static struct slot_owners owners[SLOTS / FR_OWNERS + 1];
static struct process_slot process[PROCESSES];
static struct wheel_node node[SLOTS * FR_WHEEL_NODES];
static u64 wheel_bucket[FR_WHEEL_LEVELS * FR_WHEEL_BUCKETS];
static struct wheel_level level[FR_WHEEL_LEVELS];
static struct free_list list[FREE_KINDS * FR_SHARDS_MAX];
static struct index_bucket index_bucket[BUCKETS];
static struct counters counter;
static u64 notices_of[NOTICE_UNQUEUED + 1];
static uint32_t fresh_pid;

/* All hash maps in one table. */
static struct hashed {
	const void *map;
	unsigned char key[sizeof(struct recorder_key)];
	_Alignas(8) unsigned char value[sizeof(struct refusal)];
} hashed[HASHED];
static size_t n_hashed;

static void *host_element(const void *map, uint32_t index)
{
	const struct {
		const void *map;
		void *first;
		size_t size;
		uint32_t n;
	} arrays[] = {
		{&slots, slot, sizeof(*slot), SLOTS},
		{&slot_owners, owners, sizeof(*owners), SLOTS / FR_OWNERS + 1},
		{&processes, process, sizeof(*process), PROCESSES},
		{&nodes, node, sizeof(*node), SLOTS * FR_WHEEL_NODES},
		{&buckets, wheel_bucket, sizeof(u64), FR_WHEEL_LEVELS * FR_WHEEL_BUCKETS},
		{&wheel, level, sizeof(*level), FR_WHEEL_LEVELS},
		{&free_lists, list, sizeof(*list), FREE_KINDS * FR_SHARDS_MAX},
		{&recorder_index, index_bucket, sizeof(*index_bucket), BUCKETS},
		{&counters, &counter, sizeof(counter), 1},
	};

	for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
		if (arrays[i].map == map)
			return index < arrays[i].n
				       ? (char *)arrays[i].first + index * arrays[i].size
				       : NULL;
	}
	return NULL;
}

static size_t key_size(const void *map)
{
	if (map == &process_index)
		return sizeof(struct process_key);
	if (map == &adopting)
		return sizeof(struct recorder_key);
	return map == &users || map == &refused || map == &watched ? sizeof(u32) : 0;
}

static void *host_value(const void *map, const void *key, bool make)
{
	size_t size = key_size(map);

	if (!size)
		return NULL;
	for (size_t i = 0; i < n_hashed; i++) {
		if (hashed[i].map == map && !memcmp(hashed[i].key, key, size))
			return hashed[i].value;
	}
	if (!make || n_hashed == HASHED)
		return NULL;
	memset(&hashed[n_hashed], 0, sizeof(hashed[0]));
	hashed[n_hashed].map = map;
	memcpy(hashed[n_hashed].key, key, size);
	return hashed[n_hashed++].value;
}

static void host_delete(const void *map, const void *key)
{
	void *value = host_value(map, key, false);
	struct hashed *found =
		value ? (void *)((char *)value - offsetof(struct hashed, value)) : NULL;

	if (found)
		*found = hashed[--n_hashed];
}

static void host_notice(const struct notice *notice)
{
	notices_of[notice->type]++;
}

static int set_up(void **state)
{
	(void)state;
	memset(slot, 0, sizeof(slot));
	memset(owners, 0, sizeof(owners));
	memset(process, 0, sizeof(process));
	memset(node, 0, sizeof(node));
	memset(wheel_bucket, 0, sizeof(wheel_bucket));
	memset(level, 0, sizeof(level));
	memset(list, 0, sizeof(list));
	memset(index_bucket, 0, sizeof(index_bucket));
	memset(&counter, 0, sizeof(counter));
	memset(notices_of, 0, sizeof(notices_of));
	n_hashed = 0;
	fresh_pid = 100;
	max_recorders = RECORDERS;
	max_slots = SLOTS;
	max_processes = PROCESSES;
	index_mask = BUCKETS - 1;
	pool_slots = POOL;
	pool_batch = 1;
	pool_in_use = 0;
	processes_in_use = 0;
	fresh_slots = fresh_processes = 0;
	host_now_ns = 1000 * SECOND;
	return 0;
}

/* Returns its slot, or FR_NONE. */
static u32 new_process(u32 uid, bool overdue)
{
	struct registration registration = {.uid = uid, .overdue = overdue};

	fresh_pid++;
	registration.key.pid = fresh_pid;
	registration.key.start_ns = fresh_pid;
	return register_process(&registration);
}

static struct recorder_key key_of(u32 number, u64 id)
{
	return (struct recorder_key){.process = process[number].key, .rec = id * 512, .id = id};
}

static u32 open_one(u32 number, u64 id, bool overdue)
{
	static const char name[FR_NAME_SIZE] = "name";
	const struct recorder_key key = key_of(number, id);
	const struct opening opening = {.started_ns = host_now_ns,
					.timeout_ns = SECOND,
					.name = name,
					.comm = name,
					.overdue = overdue};

	return open_recorder(&key, number, &opening, host_now_ns);
}

static void close_one(u32 number, u64 id)
{
	const struct recorder_key key = key_of(number, id);
	u32 index;
	struct recorder_slot *found = index_find(&key, &index);

	assert_non_null(found);
	close_recorder(&key, index, found);
}

/* Opens as many as it can. */
static u64 open_all(u32 number)
{
	u64 n = 0;

	while (open_one(number, n + 1, false) < FR_REFUSED)
		n++;
	return n;
}

static void all_is_well(void)
{
	assert_null(wheel_check());
	assert_null(free_slots_check());
	assert_null(index_check());
}

static void test_one_has_what_was_asked_for(void **state)
{
	u32 greedy = new_process(1, false), modest = new_process(1, false);
	u64 n;

	(void)state;
	assert_int_equal(open_all(greedy), RECORDERS);
	assert_int_equal(open_one(greedy, RECORDERS + 1, false), FR_REFUSED);
	/* And it leaves room for another process. */
	n = open_all(modest);
	assert_in_range(n, RECORDERS / 10, RECORDERS / 4);
	all_is_well();
	/* Everything is given back when its owner ends. */
	for (u64 id = 1; id <= RECORDERS; id++)
		close_one(greedy, id);
	for (u64 id = 1; id <= n; id++)
		close_one(modest, id);
	assert_int_equal(pool_in_use, 0);
	assert_int_equal(process[greedy].held, 0);
	assert_int_equal(process[modest].held, 0);
	all_is_well();
	assert_int_equal(open_all(modest), RECORDERS);
}

/* However many processes take all they can and keep it, a modest one gets what it needs. */
static void test_many_who_want_all(void **state)
{
	u32 number;
	u64 n = 0;

	(void)state;
	assert_int_equal(open_all(new_process(1, false)), RECORDERS);
	for (u32 uid = 2; (number = new_process(uid, false)) != FR_NONE; uid++, n++)
		assert_true(open_all(number) >= FR_GUARANTEED);
	assert_int_equal(n + 1, PROCESSES - FR_RESERVE);
	assert_true(pool_in_use <= POOL);
	/* Overdue recorders get some of the reserve, but not all of it. */
	n = 0;
	while (open_one(5, 1000 + n, true) < FR_REFUSED)
		n++;
	assert_in_range(n, FR_RESERVE / 2, FR_RESERVE * 3 / 4 + 10);
	assert_true(open_one(6, 1000, true) < FR_REFUSED);
	all_is_well();
}

static void test_processes_of_a_user(void **state)
{
	u32 n = 0;

	(void)state;
	while (new_process(1, false) != FR_NONE)
		n++;
	assert_int_equal(n, (PROCESSES - FR_RESERVE) * 2 / 3);
	/* There is room for another user, and for overdue recorders. */
	assert_int_not_equal(new_process(2, false), FR_NONE);
	assert_int_not_equal(new_process(3, true), FR_NONE);
	assert_int_equal(new_process(1, false), FR_NONE);
}

/* The collector is told once for each earlier deadline, not for each recorder. */
static void test_refusals(void **state)
{
	struct process_key key = {.pid = 7, .start_ns = 7};
	struct refusal *refusal;

	(void)state;
	for (u64 i = 0; i < 100; i++)
		refuse_recorder(&key, 10 * SECOND + i);
	assert_int_equal(notices_of[NOTICE_REFUSED], 1);
	refuse_recorder(&key, 5 * SECOND);
	assert_int_equal(notices_of[NOTICE_REFUSED], 2);
	refusal = bpf_map_lookup_elem(&refused, &key.pid);
	assert_int_equal(refusal->look_ns, 5 * SECOND);
	assert_int_equal(refusal->count, 101);
	/* One is tracked after all, and no longer counts as untracked. */
	assert_true(take_refusal(&key));
	assert_int_equal(refusal->count, 100);
	/* The pid belongs to another process by now. */
	key.start_ns = 8;
	assert_false(take_refusal(&key));
	refuse_recorder(&key, 9 * SECOND);
	refusal = bpf_map_lookup_elem(&refused, &key.pid);
	assert_int_equal(refusal->count, 1);
	assert_int_equal(notices_of[NOTICE_REFUSED], 3);
}

/* A recorder without a wheel node is not untracked: it counts as opened, once. */
static void test_no_node(void **state)
{
	u32 number = new_process(1, false), index;

	(void)state;
	for (u32 i = 0; i < SLOTS * FR_WHEEL_NODES; i++)
		node[i].state = NODE_STATE(0, 0);
	index = open_one(number, 1, false);
	assert_true(index < FR_REFUSED);
	assert_int_equal(counter.count[COUNT_OPENED], 1);
	assert_int_equal(counter.count[COUNT_UNTRACKED], 0);
	assert_true(FR_IS_QUEUED_BY_COLLECTOR(slot[index].queued_ns));
	assert_int_equal(notices_of[NOTICE_UNQUEUED], 1);
}

/* Times that overflow saturate: later than anything, not in the past. */
static void test_times_saturate(void **state)
{
	u32 number = new_process(1, false), index = open_one(number, 1, false);

	(void)state;
	extend_recorder(index, &slot[index], UINT64_MAX);
	assert_true(slot[index].deadline_ns >= host_now_ns + FR_TIMEOUT_MAX);
	extend_recorder(index, &slot[index], UINT64_MAX - host_now_ns + 1);
	assert_true(slot[index].deadline_ns >= host_now_ns + FR_TIMEOUT_MAX);
	assert_int_equal(FR_WORD_STATE(slot[index].word), RECORDER_OPEN);
	assert_null(wheel_check());
}

static void test_check_finds_damage(void **state)
{
	u32 number = new_process(1, false), index = open_one(number, 1, false);
	struct recorder_key key = key_of(number, 1);
	struct index_bucket *bucket = index_bucket_of(key_hash(&key));
	int way = 0;

	(void)state;
	all_is_well();
	while (!bucket->way[way])
		way++;
	bucket->way[way + 1] = bucket->way[way];
	assert_string_equal(index_check(), "a slot is in the index twice");
	bucket->way[way] = bucket->way[way + 1] = 0;
	assert_string_equal(index_check(), "an open recorder is not in the index");
	bucket->way[way] = SLOTS + 1;
	assert_string_equal(index_check(), "the index leads to a slot that is not open");
	bucket->way[way] = index_entry(key_hash(&key), index);
	all_is_well();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_has_what_was_asked_for, set_up),
		cmocka_unit_test_setup(test_many_who_want_all, set_up),
		cmocka_unit_test_setup(test_processes_of_a_user, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
		cmocka_unit_test_setup(test_no_node, set_up),
		cmocka_unit_test_setup(test_times_saturate, set_up),
		cmocka_unit_test_setup(test_check_finds_damage, set_up),
	};

	return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}

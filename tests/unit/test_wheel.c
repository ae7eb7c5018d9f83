/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/visits.c */
/*
 * The timing wheel over days and years, in a time of the test's own: each deadline is seen once,
 * not early, and late by no more than the wheel's finest bucket and what the timer itself was late.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bpf_on_host.h"

/* What the collector sets before loading is constant in BPF alone. */
#define const
#include "bpf/maps.bpf.h"
#undef const
#include "bpf/timer.bpf.h"
#include "collector/kernel/visits.h"

#include "bpf_check.h"

#define RECORDERS 4096
#define NODES (RECORDERS * FR_WHEEL_NODES)
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define DAY (86400 * SECOND)
#define YEAR (365 * DAY)
/* How late timers and collectors are here. */
#define TIMER_LATE_MAX (100 * 1000)
#define REARM_LATE_MAX (200 * 1000)
#define VISIT_LATE_MAX (200 * 1000)
#define LATE_MAX (2 * WHEEL_WIDTH(0) + TIMER_LATE_MAX + REARM_LATE_MAX)

static struct recorder_slot slot[RECORDERS];
static struct wheel_node node[NODES];
static u64 bucket[FR_WHEEL_LEVELS * FR_WHEEL_BUCKETS];
static struct wheel_level level[FR_WHEEL_LEVELS];
static struct free_list list[FREE_KINDS * FR_SHARDS_MAX];
static struct counters counter;
static struct timer_holder holder;

static struct visits visits;
static uint64_t visit_ns; /* when the collector looks at its visits; NEVER: there is none */
static uint64_t visited;
static uint64_t rearm_ns; /* when the collector does what a notice asked of it */
static uint64_t fired, latest_ns;
static uint64_t chance;

static void *host_element(const void *map, uint32_t index)
{
	if (map == &slots)
		return index < RECORDERS ? &slot[index] : NULL;
	if (map == &nodes)
		return index < NODES ? &node[index] : NULL;
	if (map == &buckets)
		return index < FR_WHEEL_LEVELS * FR_WHEEL_BUCKETS ? &bucket[index] : NULL;
	if (map == &wheel)
		return index < FR_WHEEL_LEVELS ? &level[index] : NULL;
	if (map == &free_lists)
		return index < FREE_KINDS * FR_SHARDS_MAX ? &list[index] : NULL;
	if (map == &counters)
		return index ? NULL : &counter;
	return map == &timers && !index ? &holder : NULL;
}

static void *host_value(const void *map, const void *key, bool make)
{
	(void)map, (void)key, (void)make;
	return NULL;
}

static void host_delete(const void *map, const void *key)
{
	(void)map, (void)key;
}

static uint64_t any(uint64_t below)
{
	chance ^= chance << 13;
	chance ^= chance >> 7;
	chance ^= chance << 17;
	return chance % below;
}

static void host_notice(const struct notice *notice)
{
	const struct recorder_slot *of = &slot[notice->index];

	if (notice->type == NOTICE_REARM) {
		if (rearm_ns == NEVER)
			rearm_ns = host_now_ns + any(REARM_LATE_MAX);
		return;
	}
	if (notice->type == NOTICE_UNQUEUED) {
		visits_add(&visits, notice->index, notice->time_ns);
		visit_ns = visits_next(&visits) + any(VISIT_LATE_MAX);
		return;
	}
	assert_int_equal(notice->type, NOTICE_RECORDER);
	assert_int_equal(of->word, FR_WORD(notice->generation, RECORDER_TIMED_OUT));
	assert_true(host_now_ns >= of->deadline_ns);
	if (host_now_ns - of->deadline_ns > latest_ns)
		latest_ns = host_now_ns - of->deadline_ns;
	fired++;
}

static int set_up(void **state)
{
	(void)state;
	memset(slot, 0, sizeof(slot));
	memset(node, 0, sizeof(node));
	memset(bucket, 0, sizeof(bucket));
	memset(level, 0, sizeof(level));
	memset(list, 0, sizeof(list));
	memset(&counter, 0, sizeof(counter));
	for (int i = 0; i < RECORDERS; i++)
		slot[i].queued_ns = NEVER;
	max_recorders = max_slots = fresh_slots = RECORDERS;
	visits_free(&visits);
	assert_int_equal(visits_init(&visits, RECORDERS), 0);
	visited = 0;
	wheel_epoch = sweep_wanted = 0;
	next_sweep_ns = swept_nodes = 0;
	notices_woken = 0;
	taken_nodes = 0;
	armed_ns = requested_ns = NEVER;
	host_timer_ns = rearm_ns = visit_ns = NEVER;
	host_now_ns = 12345 * SECOND + 678;
	fired = latest_ns = 0;
	chance = 88172645463325252u;
	assert_int_equal(start_timer(NULL), 0);
	return 0;
}

static void set_deadline(uint32_t index, uint64_t timeout_ns)
{
	slot[index].deadline_ns = host_now_ns + timeout_ns;
	wheel_schedule(index, &slot[index], host_now_ns);
}

static void open_one(uint32_t index, uint64_t timeout_ns)
{
	slot[index].word = FR_WORD(FR_WORD_GENERATION(slot[index].word) + 1, RECORDER_OPEN);
	set_deadline(index, timeout_ns);
}

static void close_one(uint32_t index)
{
	slot[index].word = FR_WORD(FR_WORD_GENERATION(slot[index].word), RECORDER_FREE);
}

static bool is_open(uint32_t index)
{
	return FR_WORD_STATE(slot[index].word) == RECORDER_OPEN;
}

/* Lets the timer fire and the collector re-arm it, until @end_ns. */
static void run_until(uint64_t end_ns)
{
	u32 key = 0;

	for (;;) {
		uint64_t timer_ns = host_timer_ns;

		if (visit_ns <= timer_ns && visit_ns <= rearm_ns && visit_ns <= end_ns) {
			uint32_t due[8];
			size_t n;

			host_now_ns = visit_ns > host_now_ns ? visit_ns : host_now_ns;
			visit_ns = NEVER;
			n = visits_take(&visits, host_now_ns, due, 8);
			visited += n;
			for (size_t i = 0; i < n; i++)
				visit_slot(due[i]);
			if (visits_next(&visits) != NEVER)
				visit_ns = visits_next(&visits) + any(VISIT_LATE_MAX);
		} else if (rearm_ns <= timer_ns && rearm_ns <= end_ns) {
			host_now_ns = rearm_ns > host_now_ns ? rearm_ns : host_now_ns;
			rearm_ns = NEVER;
			rearm_timer(NULL);
		} else if (timer_ns <= end_ns) {
			host_now_ns = timer_ns > host_now_ns ? timer_ns : host_now_ns;
			host_now_ns += any(TIMER_LATE_MAX);
			host_timer_ns = NEVER;
			on_timer(NULL, &key, &holder.timer);
		} else {
			break;
		}
	}
	if (host_now_ns < end_ns)
		host_now_ns = end_ns;
}

static uint32_t nodes_in_use(uint32_t index)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FR_WHEEL_NODES; i++)
		n += node[index * FR_WHEEL_NODES + i].state != 0;
	return n;
}

static uint64_t ticks(void)
{
	return counter.count[COUNT_TICKS];
}

static void test_one_deadline(void **state)
{
	static const uint64_t timeouts[] = {
		0,   1,        1000, MS,        2 * MS, 10 * MS, SECOND, 10 * SECOND, 3600 * SECOND,
		DAY, 30 * DAY, YEAR, 30 * YEAR,
	};

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		set_up(state);
		open_one(7, timeouts[i]);
		/* Just before it: nothing. */
		if (timeouts[i]) {
			run_until(slot[7].deadline_ns - 1);
			assert_int_equal(fired, 0);
		}
		run_until(slot[7].deadline_ns + LATE_MAX);
		assert_int_equal(fired, 1);
		assert_int_equal(FR_WORD_STATE(slot[7].word), RECORDER_TIMED_OUT);
		/* It is looked at half way, and then level by level: no heartbeat. */
		assert_true(ticks() < 64 + timeouts[i] / (300 * DAY) * 2);
		/* And then the timer rests. */
		run_until(host_now_ns + YEAR);
		assert_int_equal(host_timer_ns, NEVER);
		assert_int_equal(fired, 1);
	}
}

static void test_nothing_open(void **state)
{
	(void)state;
	run_until(host_now_ns + YEAR);
	assert_int_equal(ticks(), 0);
}

static void test_earlier_one_rearms(void **state)
{
	(void)state;
	open_one(1, 30 * DAY);
	run_until(host_now_ns + SECOND);
	open_one(2, 5 * MS);
	run_until(slot[2].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 1);
	assert_true(is_open(1));
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 2);
}

static void test_extended(void **state)
{
	(void)state;
	/* Later, again and again, at the last moment. */
	open_one(1, 10 * MS);
	for (int i = 0; i < 1000; i++) {
		run_until(slot[1].deadline_ns - MS);
		set_deadline(1, 10 * MS);
	}
	assert_int_equal(fired, 0);
	/* From thirty days to a millisecond, and back. */
	set_deadline(1, 30 * DAY);
	run_until(host_now_ns + DAY);
	set_deadline(1, MS);
	set_deadline(1, 30 * DAY);
	run_until(host_now_ns + 29 * DAY);
	assert_int_equal(fired, 0);
	set_deadline(1, MS);
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 1);
}

/* Closed ones leave a node behind, which serves the slot's next recorder. */
static void test_bounded_by_the_peak(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		open_one(3, 10 * SECOND);
		run_until(host_now_ns + MS);
		close_one(3);
	}
	assert_int_equal(fired, 0);
	assert_true(nodes_in_use(3) <= 2);
	/* Looked at twice or so in each ten seconds, not at each opening. */
	assert_true(ticks() < 200000 / 100);
	/* Timeouts of all lengths: the logarithm of their ratio. */
	for (int i = 0; i < 200000; i++) {
		open_one(3, 2 * MS << any(31));
		run_until(host_now_ns + any(MS));
		close_one(3);
	}
	assert_int_equal(fired, 0);
	run_until(host_now_ns + 30 * YEAR);
	assert_int_equal(fired, 0);
	assert_int_equal(host_timer_ns, NEVER);
}

/*
 * After a long rest the timer finds buckets by what is left of their numbers, and takes some before
 * their time. A node that is taken so is relied on by another one.
 */
static void test_after_a_long_rest(void **state)
{
	for (int i = 0; i < 40; i++) {
		uint64_t timeout_ns = 40 * MS << i % 20;

		set_up(state);
		run_until(host_now_ns + YEAR + any(DAY));
		open_one(1, timeout_ns);
		set_deadline(1, 2 * MS);
		run_until(slot[1].deadline_ns + LATE_MAX);
		assert_int_equal(fired, 1);
		open_one(1, timeout_ns - 3 * MS);
		run_until(slot[1].deadline_ns + LATE_MAX);
		assert_int_equal(fired, 2);
		assert_true(nodes_in_use(1) <= 3);
	}
}

static void test_many_at_once(void **state)
{
	uint64_t first;

	(void)state;
	for (uint32_t i = 0; i < RECORDERS; i++)
		open_one(i, SECOND - i);
	first = slot[RECORDERS - 1].deadline_ns;
	run_until(first - 1);
	assert_int_equal(fired, 0);
	/* In steps, between which others have their turn. */
	run_until(first + LATE_MAX + RECORDERS / STEPS_MAX * TIMER_LATE_MAX);
	assert_int_equal(fired, RECORDERS);
}

/* The collector re-arms the timer, for a notice of before, between two of those steps. */
static void test_rearmed_between_steps(void **state)
{
	uint64_t first;

	(void)state;
	open_one(0, 30 * DAY);
	for (uint32_t i = 1; i < RECORDERS; i++)
		open_one(i, SECOND - i);
	first = slot[RECORDERS - 1].deadline_ns;
	while (!fired)
		run_until(host_now_ns + 1000);
	assert_true(taken_nodes);
	rearm_timer(NULL);
	run_until(first + LATE_MAX + RECORDERS / STEPS_MAX * TIMER_LATE_MAX);
	assert_int_equal(fired, RECORDERS - 1);
}

/* Halved again and again: more nodes than a slot has. The collector steps in, then a sweep. */
static void test_all_nodes_far_away(void **state)
{
	(void)state;
	open_one(1, 1ULL << 54);
	for (int bit = 53; bit >= 35; bit--)
		set_deadline(1, 1ULL << bit);
	assert_int_equal(nodes_in_use(1), FR_WHEEL_NODES);
	assert_null(wheel_check());
	close_one(1);
	/* The slot's next recorder has no node, and is told of in time all the same. */
	open_one(1, 100 * MS);
	assert_true(FR_IS_QUEUED_BY_COLLECTOR(slot[1].queued_ns));
	assert_int_equal(visits_next(&visits), slot[1].queued_ns & ~1ULL);
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 1);
	/* What was far away is out of the wheel by now. */
	assert_int_equal(wheel_epoch, 2);
	assert_int_equal(nodes_in_use(1), 0);
	assert_null(wheel_check());
	visited = 0;
	open_one(1, 100 * MS);
	run_until(slot[1].deadline_ns + LATE_MAX);
	assert_int_equal(fired, 2);
	assert_int_equal(visited, 0);
}

/* A sweep leaves those that are open with a node each, and asks for no heartbeat. */
static void test_swept_while_open(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < RECORDERS; i++) {
		open_one(i, DAY);
		set_deadline(i, 3600 * SECOND);
		set_deadline(i, 60 * SECOND);
	}
	sweep_wanted = 1;
	request_timer(0);
	run_until(host_now_ns + SECOND);
	assert_int_equal(wheel_epoch, 2);
	assert_null(wheel_check());
	for (uint32_t i = 0; i < RECORDERS; i++)
		assert_int_equal(nodes_in_use(i), 1);
	assert_int_equal(fired, 0);
	run_until(host_now_ns + 60 * SECOND + RECORDERS / STEPS_MAX * TIMER_LATE_MAX);
	assert_int_equal(fired, RECORDERS);
	assert_int_equal(host_timer_ns, NEVER);
}

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

static void test_anything(void **state)
{
	uint64_t opened = 0, closed = 0;

	(void)state;
	for (int i = 0; i < 400000; i++) {
		uint32_t index = (uint32_t)any(RECORDERS / 4);

		/* From a millisecond to thirty days, each length as likely. */
		uint64_t timeout_ns = (MS << any(31)) + any(MS);

		if (FR_WORD_STATE(slot[index].word) == RECORDER_TIMED_OUT) {
			close_one(index);
		} else if (!is_open(index)) {
			open_one(index, timeout_ns);
			opened++;
		} else if (any(2)) {
			set_deadline(index, timeout_ns);
		} else {
			close_one(index);
			closed++;
		}
		run_until(host_now_ns + (any(100) ? any(2 * MS) : any(DAY)));
		if (i % 1000 == 0 && !taken_nodes && !(wheel_epoch & 1))
			assert_null(wheel_check());
	}
	/* Those that are still open pass in their time, the others do not. */
	run_until(host_now_ns + 100 * DAY);
	assert_true(fired > 10000);
	assert_int_equal(fired, opened - closed);
	assert_true(latest_ns <= LATE_MAX);
	assert_int_equal(host_timer_ns, NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_deadline, set_up),
		cmocka_unit_test_setup(test_nothing_open, set_up),
		cmocka_unit_test_setup(test_earlier_one_rearms, set_up),
		cmocka_unit_test_setup(test_extended, set_up),
		cmocka_unit_test_setup(test_bounded_by_the_peak, set_up),
		cmocka_unit_test_setup(test_after_a_long_rest, set_up),
		cmocka_unit_test_setup(test_many_at_once, set_up),
		cmocka_unit_test_setup(test_rearmed_between_steps, set_up),
		cmocka_unit_test_setup(test_all_nodes_far_away, set_up),
		cmocka_unit_test_setup(test_swept_while_open, set_up),
		cmocka_unit_test_setup(test_check_finds_damage, set_up),
		cmocka_unit_test_setup(test_anything, set_up),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}

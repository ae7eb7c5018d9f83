/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timing wheel of bpf/ with a clock that the test sets, and with a timer and a collector that
 * may be late, within limits.
 */
#ifndef FLIGHTREC_UNIT_WHEEL_FIXTURE_H
#define FLIGHTREC_UNIT_WHEEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bpf_on_host.h"

/* The collector sets these before loading; only in BPF they are constant. */
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
/* How late the timer and the collector may be. */
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
static uint64_t visit_ns; /* when the collector makes its next visit; NEVER: none is due */
static uint64_t visited;
static uint64_t rearm_ns; /* when the collector does what a notice asks */
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

static inline uint64_t any(uint64_t below)
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

static inline int set_up(void **state)
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

static inline void set_deadline(uint32_t index, uint64_t timeout_ns)
{
	slot[index].deadline_ns = host_now_ns + timeout_ns;
	wheel_schedule(index, &slot[index], host_now_ns);
}

static inline void open_one(uint32_t index, uint64_t timeout_ns)
{
	slot[index].word = FR_WORD(FR_WORD_GENERATION(slot[index].word) + 1, RECORDER_OPEN);
	set_deadline(index, timeout_ns);
}

static inline void close_one(uint32_t index)
{
	slot[index].word = FR_WORD(FR_WORD_GENERATION(slot[index].word), RECORDER_FREE);
}

static inline bool is_open(uint32_t index)
{
	return FR_WORD_STATE(slot[index].word) == RECORDER_OPEN;
}

/* Lets the timer fire and the collector re-arm it until @end_ns. */
static inline void run_until(uint64_t end_ns)
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

static inline uint32_t nodes_in_use(uint32_t index)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < FR_WHEEL_NODES; i++)
		n += node[index * FR_WHEEL_NODES + i].state != 0;
	return n;
}

static inline uint64_t ticks(void)
{
	return counter.count[COUNT_TICKS];
}

#endif /* FLIGHTREC_UNIT_WHEEL_FIXTURE_H */

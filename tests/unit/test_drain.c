/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/kernel/drain.c user/collector/kernel/ring_reader.c */
/* Draining several rings: merged by time, in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/base/clock.h"
#include "collector/kernel/tracker_private.h"
#include "fake_ring.h"

#define RINGS 3
#define SEEN_MAX 4096
#define LONG_NS 20000000

static struct fake_ring ring[RINGS], notice_ring;
static struct tracker tracker;
static struct ring_share share[2 * RINGS];
static uint32_t ring_woken[RINGS], notices_woken;
static uint64_t seen[SEEN_MAX]; /* times of entries; of notices, with the top bit */
static size_t n_seen;
static void (*on_next)(void); /* called once, in the middle of a drain */

static void see(uint64_t what)
{
	void (*fn)(void) = on_next;

	assert_true(n_seen < SEEN_MAX);
	seen[n_seen++] = what;
	on_next = NULL;
	if (fn)
		fn();
}

static void on_record(void *arg, uint32_t number, const void *data, size_t size)
{
	const struct entry_record *entry = data;

	(void)arg;
	see(entry->type == RECORD_SITE ? 0 : entry->time_ns);
	tracker_consumed(&tracker, number, entry->process, size);
}

static void on_notice(void *arg, const void *data, size_t size)
{
	const struct notice *notice = data;

	(void)arg;
	assert_int_equal(size, sizeof(*notice));
	see(notice->time_ns | 1ULL << 63);
}

static int set_up(void **state)
{
	(void)state;
	memset(ring, 0, sizeof(ring));
	memset(&notice_ring, 0, sizeof(notice_ring));
	memset(share, 0, sizeof(share));
	memset(ring_woken, 0, sizeof(ring_woken));
	notices_woken = 0;
	n_seen = 0;
	on_next = NULL;
	tracker = (struct tracker){.rings = RINGS,
				   .ring_bytes = FAKE_RING_BYTES,
				   .shares = share,
				   .ring_woken = ring_woken,
				   .notices_woken = &notices_woken,
				   .callbacks = {on_record, on_notice, NULL}};
	for (uint32_t i = 0; i < RINGS; i++) {
		tracker.ring[i].tracker = &tracker;
		tracker.ring[i].number = i;
		ring_reader_open_memory(&tracker.ring[i].reader, &ring[i].consumer,
					&ring[i].producer, ring[i].data, FAKE_RING_BYTES);
	}
	tracker.notices.tracker = &tracker;
	ring_reader_open_memory(&tracker.notices.reader, &notice_ring.consumer,
				&notice_ring.producer, notice_ring.data, FAKE_RING_BYTES);
	return 0;
}

static void put_entry(uint32_t number, uint16_t process, uint64_t time_ns)
{
	struct entry_record entry = {.type = RECORD_ENTRY, .process = process, .time_ns = time_ns};

	share[process * RINGS + number].produced += ring_reader_bytes(sizeof(entry));
	fake_ring_put(&ring[number], &entry, sizeof(entry));
}

static void put_notice(uint64_t time_ns)
{
	struct notice notice = {.type = NOTICE_RECORDER, .time_ns = time_ns};

	fake_ring_put(&notice_ring, &notice, sizeof(notice));
}

static void expect_seen(const uint64_t *times, size_t n)
{
	assert_int_equal(n_seen, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seen[i], times[i]);
}

static void test_merged_by_time(void **state)
{
	const uint64_t times[] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	put_entry(0, 0, 2);
	put_entry(0, 1, 3);
	put_entry(0, 0, 7);
	put_entry(1, 0, 1);
	put_entry(1, 0, 8);
	put_entry(2, 0, 4);
	put_entry(2, 1, 5);
	put_entry(2, 0, 6);
	assert_false(tracker_drain_entries(&tracker, LONG_NS));
	expect_seen(times, 8);
	/* All room is given back, and each process's share. */
	for (int i = 0; i < RINGS; i++)
		assert_int_equal(ring[i].consumer, ring[i].producer);
	for (int i = 0; i < 2 * RINGS; i++)
		assert_int_equal(share[i].consumed, share[i].produced);
}

/* A call site comes before the entries that refer to it, wherever it is. */
static void test_sites_first(void **state)
{
	static struct site_record site = {.type = RECORD_SITE};
	const uint64_t times[] = {0, 4, 5};

	(void)state;
	put_entry(0, 0, 4);
	fake_ring_put(&ring[1], &site, sizeof(site));
	put_entry(1, 0, 5);
	assert_false(tracker_drain_entries(&tracker, LONG_NS));
	expect_seen(times, 3);
}

/* A notice does not have to wait for the entries that others log. */
static void test_notices_by_themselves(void **state)
{
	const uint64_t times[] = {9 | 1ULL << 63, 1, 2};

	(void)state;
	put_notice(9);
	put_entry(2, 0, 2);
	put_entry(1, 0, 1);
	assert_false(tracker_drain_notices(&tracker, LONG_NS));
	assert_false(tracker_drain_entries(&tracker, LONG_NS));
	expect_seen(times, 3);
}

static void wake_again(void)
{
	put_entry(0, 0, 100);
	ring_woken[0] = 1;
}

/* A wake-up during a drain finds the ring empty afterwards, so nothing waits for it. */
static void test_woken_meanwhile(void **state)
{
	const uint64_t times[] = {1, 100};

	(void)state;
	put_entry(1, 0, 1);
	on_next = wake_again;
	assert_false(tracker_drain_entries(&tracker, LONG_NS));
	expect_seen(times, 2);
	assert_int_equal(ring_woken[0], 0);
}

static void wake_always(void)
{
	wake_again();
	on_next = wake_always;
}

/* However fast the ring fills, a drain ends, and says that there is more. */
static void test_endless(void **state)
{
	(void)state;
	put_entry(1, 0, 1);
	on_next = wake_always;
	assert_true(tracker_drain_entries(&tracker, LONG_NS));
	assert_true(n_seen < 100);
}

static void take_long(void)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + 30000000;

	while (clock_ns(CLOCK_MONOTONIC) < until_ns)
		;
}

/* After a notice that takes long the others wait, so that other things get their turn. */
static void test_bounded_in_time(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 3; i++)
		put_notice(i);
	on_next = take_long;
	assert_true(tracker_drain_notices(&tracker, LONG_NS));
	assert_int_equal(n_seen, 1);
	assert_false(tracker_drain_notices(&tracker, LONG_NS));
	assert_int_equal(n_seen, 3);
}

static void put_more(void)
{
	put_entry(1, 0, 1000);
}

/* Everything that was there at the beginning is taken, in pieces; then it says so. */
static void test_goes_on_to_the_end_it_began_with(void **state)
{
	uint64_t wanted;
	int rounds = 0;

	(void)state;
	for (uint64_t i = 1; i <= 64; i++)
		put_entry(0, 0, i);
	wanted = tracker_drained_next(&tracker);
	assert_true(tracker_drained(&tracker) < wanted);
	while (tracker_drain_entries(&tracker, 0)) {
		rounds++;
		/* What is there now is not all there when the first 64 are taken. */
		assert_int_equal(tracker_drained_next(&tracker), wanted + 1);
		put_more();
	}
	assert_int_equal(rounds, 4);
	assert_int_equal(tracker_drained(&tracker), wanted);
	assert_int_equal(n_seen, 64);
	assert_false(tracker_drain_entries(&tracker, LONG_NS));
	assert_int_equal(n_seen, 64 + 4);
}

/* A thread that is held up while it writes an entry or a notice does not hold up others. */
static void test_being_written(void **state)
{
	const uint64_t times[] = {5, 6, 7 | 1ULL << 63};

	(void)state;
	fake_ring_reserve(&ring[0], 64);
	put_entry(0, 0, 5);
	put_entry(1, 0, 6);
	fake_ring_reserve(&notice_ring, sizeof(struct notice));
	put_notice(7);
	assert_false(tracker_drain_entries(&tracker, LONG_NS));
	assert_false(tracker_drain_notices(&tracker, LONG_NS));
	expect_seen(times, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_merged_by_time, set_up),
		cmocka_unit_test_setup(test_sites_first, set_up),
		cmocka_unit_test_setup(test_notices_by_themselves, set_up),
		cmocka_unit_test_setup(test_woken_meanwhile, set_up),
		cmocka_unit_test_setup(test_endless, set_up),
		cmocka_unit_test_setup(test_bounded_in_time, set_up),
		cmocka_unit_test_setup(test_goes_on_to_the_end_it_began_with, set_up),
		cmocka_unit_test_setup(test_being_written, set_up),
	};

	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}

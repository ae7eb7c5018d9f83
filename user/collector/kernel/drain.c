// SPDX-License-Identifier: BSD-2-Clause
/*
 * Draining the rings. Entry rings are merged by time, so that the entries of a recorder come in
 * order even if its threads, or its one thread, ran on several CPUs.
 */
#include "collector/kernel/tracker_private.h"

#include "collector/base/clock.h"

/* A drain ends after this many turns, however fast the rings fill. */
#define TURNS_MAX 4
/*
 * The clock is read once per this many records, since a record that is reported at once takes a
 * while.
 */
#define RECORDS_A_LOOK 16

static void give_back(struct tracker_ring *ring)
{
	struct tracker *t = ring->tracker;

	if (ring->consumed)
		t->shares[ring->consumer_process * t->rings + ring->number].consumed +=
			ring->consumed;
	ring->consumed = 0;
}

void tracker_consumed(struct tracker *t, uint32_t ring, uint32_t process, size_t size)
{
	struct tracker_ring *from = &t->ring[ring];

	/*
	 * Given back in large amounts: for each entry BPF writes next to this counter, on another
	 * CPU. A cache line that moves back and forth would cost the observed process more than the
	 * entry itself.
	 */
	if (from->consumer_process != process || from->consumed >= t->ring_bytes / 16)
		give_back(from);
	from->consumer_process = process;
	from->consumed += ring_reader_bytes(size);
}

/* Call sites come before all entries, because entries refer to them. */
static uint64_t time_of(const void *data, size_t size)
{
	const struct entry_record *entry = data;

	return size >= sizeof(*entry) && entry->type != RECORD_SITE ? entry->time_ns : 0;
}

static bool show_next(struct tracker_ring *ring)
{
	ring->next = ring_reader_peek(&ring->reader, ring->end, &ring->next_size);
	if (ring->next)
		ring->next_ns = time_of(ring->next, ring->next_size);
	return ring->next;
}

/* A heap of the rings that have a next record, with the earliest on top. */
static void sift(struct tracker_ring **heap, uint32_t n, uint32_t at)
{
	for (;;) {
		uint32_t child = 2 * at + 1;
		struct tracker_ring *ring = heap[at];

		if (child >= n)
			return;
		if (child + 1 < n && heap[child + 1]->next_ns < heap[child]->next_ns)
			child++;
		if (heap[child]->next_ns >= ring->next_ns)
			return;
		heap[at] = heap[child];
		heap[child] = ring;
		at = child;
	}
}

static bool is_over(uint64_t end_ns, uint32_t *records)
{
	return ++*records % RECORDS_A_LOOK == 0 && clock_ns(CLOCK_MONOTONIC) >= end_ns;
}

/*
 * Returns whether it reached the end of what was there before @end_ns. If not, the next merge
 * continues to that same end, so that it is reached however fast the rings fill.
 */
static bool merge(struct tracker *t, uint64_t end_ns)
{
	struct tracker_ring *heap[FR_RINGS_MAX];
	uint32_t n = 0, records = 0;

	for (uint32_t i = 0; i < t->rings; i++) {
		if (!t->merging)
			t->ring[i].end = ring_reader_end(&t->ring[i].reader);
		if (show_next(&t->ring[i]))
			heap[n++] = &t->ring[i];
	}
	for (uint32_t i = n / 2; i-- > 0;)
		sift(heap, n, i);
	while (n && !is_over(end_ns, &records)) {
		struct tracker_ring *ring = heap[0];

		t->callbacks.record(t->callbacks.arg, ring->number, ring->next, ring->next_size);
		ring_reader_take(&ring->reader, ring->next_size);
		if (!show_next(ring))
			heap[0] = heap[--n];
		sift(heap, n, 0);
	}
	for (uint32_t i = 0; i < t->rings; i++) {
		ring_reader_publish(&t->ring[i].reader);
		give_back(&t->ring[i]);
	}
	t->merging = n;
	t->merges += !n;
	return !n;
}

/*
 * Clears the marks of pending wake-ups before each turn. A wake-up during a drain finds the ring
 * empty afterwards, and epoll then drops it: its mark must not outlive the drain.
 */
static void take_marks(volatile uint32_t *woken, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		__atomic_store_n(&woken[i], 0, __ATOMIC_SEQ_CST);
}

static bool any_mark(const volatile uint32_t *woken, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (__atomic_load_n(&woken[i], __ATOMIC_SEQ_CST))
			return true;
	}
	return false;
}

bool tracker_drain_entries(struct tracker *t, uint64_t max_ns)
{
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + max_ns;

	for (int turn = 0; turn < TURNS_MAX; turn++) {
		take_marks(t->ring_woken, t->rings);
		if (!merge(t, end_ns))
			return true;
		if (!any_mark(t->ring_woken, t->rings))
			return false;
	}
	return true;
}

/* Returns whether it reached the end of what was there before @end_ns. */
static bool take_notices(struct tracker *t, uint64_t end_ns)
{
	struct tracker_ring *ring = &t->notices;
	bool all = true;

	ring->end = ring_reader_end(&ring->reader);
	while (all && show_next(ring)) {
		t->callbacks.notice(t->callbacks.arg, ring->next, ring->next_size);
		ring_reader_take(&ring->reader, ring->next_size);
		all = clock_ns(CLOCK_MONOTONIC) < end_ns;
	}
	ring_reader_publish(&ring->reader);
	return all;
}

bool tracker_drain_notices(struct tracker *t, uint64_t max_ns)
{
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + max_ns;

	for (int turn = 0; turn < TURNS_MAX; turn++) {
		take_marks(t->notices_woken, 1);
		if (!take_notices(t, end_ns))
			return true;
		if (!any_mark(t->notices_woken, 1))
			return false;
	}
	return true;
}

uint64_t tracker_drained(const struct tracker *t)
{
	return t->merges;
}

uint64_t tracker_drained_next(const struct tracker *t)
{
	return t->merges + 1 + t->merging;
}

// SPDX-License-Identifier: BSD-2-Clause
/* Reads what the BPF programs wrote. */
#include "collector/kernel/tracker_private.h"
#include "collector/kernel/tracker_spans.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* A slot that changes this often while it is being copied has been reused. */
#define COPY_TRIES 8

struct tracker_limits tracker_limits(const struct tracker *t)
{
	return (struct tracker_limits){
		.recorders = t->max_recorders,
		.slots = t->max_slots,
		.processes = t->max_processes,
		.rings = t->rings,
		.ring_bytes = t->ring_bytes,
	};
}

uint64_t tracker_slot_word(const struct tracker *t, uint32_t index)
{
	return __atomic_load_n(&t->slots[index].word, __ATOMIC_ACQUIRE);
}

uint32_t tracker_slot_process(const struct tracker *t, uint32_t index)
{
	return t->slots[index].process;
}

uint32_t tracker_slot_replays(const struct tracker *t, uint32_t index)
{
	return t->slots[index].replays;
}

bool tracker_slot_arrived(const struct tracker *t, uint32_t index, uint64_t received)
{
	/* In this order: an entry is counted before it can be refused. */
	uint64_t refused = t->slots[index].refused;

	return received + refused >= t->slots[index].entries;
}

uint64_t tracker_slot_queued(const struct tracker *t, uint32_t index)
{
	return t->slots[index].queued_ns;
}

uint32_t tracker_next_slot_of(const struct tracker *t, uint32_t process, uint32_t from)
{
	const uint16_t *owner = (const uint16_t *)t->owners;
	uint32_t used = tracker_slots_used(t);
	uint16_t wanted = (uint16_t)(process + 1);

	while (from < used && owner[from] != wanted)
		from++;
	return from < used ? from : used;
}

bool tracker_slot_copy(const struct tracker *t, uint32_t index, struct recorder_slot *copy)
{
	const volatile struct recorder_slot *slot = &t->slots[index];

	for (int i = 0; i < COPY_TRIES; i++) {
		uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);

		memcpy(copy, (const void *)slot, sizeof(*copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&slot->word, __ATOMIC_RELAXED) == word) {
			copy->word = word;
			copy->name[FR_NAME_SIZE - 1] = '\0';
			copy->comm[FR_COMM_SIZE - 1] = '\0';
			return true;
		}
	}
	return false;
}

bool tracker_span_copy(const struct tracker *t, uint32_t index, uint32_t generation,
		       struct span_slot *copy)
{
	if (!t->span_slots || index >= t->max_slots)
		return false;
	memcpy(copy, (const void *)&t->span_slots[index], sizeof(*copy));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return FR_WORD_GENERATION(tracker_slot_word(t, index)) == generation;
}

uint64_t tracker_process_word(const struct tracker *t, uint32_t index)
{
	return __atomic_load_n(&t->processes[index].word, __ATOMIC_ACQUIRE);
}

uint32_t tracker_process_uid(const struct tracker *t, uint32_t index)
{
	return t->processes[index].uid;
}

bool tracker_process_copy(const struct tracker *t, uint32_t index, struct process_slot *copy)
{
	const volatile struct process_slot *process = &t->processes[index];

	for (int i = 0; i < COPY_TRIES; i++) {
		uint64_t word = __atomic_load_n(&process->word, __ATOMIC_ACQUIRE);

		memcpy(copy, (const void *)process, sizeof(*copy));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&process->word, __ATOMIC_RELAXED) == word) {
			copy->word = word;
			copy->comm[FR_COMM_SIZE - 1] = '\0';
			return true;
		}
	}
	return false;
}

int tracker_add_to_epoll(const struct tracker *t, int epoll_fd, uint64_t token)
{
	/* Edge-triggered: a ring is rarely empty, and we should wake only when BPF says so. */
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = token};

	for (uint32_t i = 0; i < t->rings; i++) {
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, t->ring[i].fd, &event))
			return -errno;
	}
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, t->notices.fd, &event) ? -errno : 0;
}

uint32_t tracker_slots_used(const struct tracker *t)
{
	uint32_t used = *t->fresh_slots;

	return used < t->max_slots ? used : t->max_slots;
}

bool tracker_must_scan(struct tracker *t)
{
	return __atomic_exchange_n(t->scan_slots, 0, __ATOMIC_ACQ_REL) != 0;
}

void tracker_count(const struct tracker *t, uint64_t count[FR_COUNTERS])
{
	memset(count, 0, FR_COUNTERS * sizeof(*count));
	for (uint32_t cpu = 0; cpu < t->cpus; cpu++)
		for (int i = 0; i < FR_COUNTERS; i++)
			count[i] += t->counters[cpu].count[i];
}

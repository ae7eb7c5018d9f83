/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Last-in first-out lists of free slots. They need no locks, since uprobe programs may preempt one
 * another and the deadline timer may interrupt them. A list's head counts its changes, so a pop
 * that was overtaken fails and is tried again. Each CPU has its own list, and a slot always goes
 * back to the list it was taken from.
 */
#ifndef FLIGHTREC_FREE_LIST_BPF_H
#define FLIGHTREC_FREE_LIST_BPF_H

#include "maps.bpf.h"

#define TRIES 64

static __always_inline u64 *free_list_head(u32 kind, u32 shard)
{
	u32 index = kind * FR_SHARDS_MAX + (shard & (FR_SHARDS_MAX - 1));
	struct free_list *list = bpf_map_lookup_elem(&free_lists, &index);

	return list ? &list->head : NULL;
}

/* @next is the offset at which elements of @map store the number of the next one, plus 1. */
static __always_inline u32 list_pop(void *map, u32 next, u64 *head)
{
	for (int i = 0; i < TRIES; i++) {
		u64 seen = READ_ONCE(*head);
		u32 index = (u32)seen - 1;
		void *element;
		u64 new_head;

		if (!(u32)seen)
			return FR_NONE;
		element = bpf_map_lookup_elem(map, &index);
		if (!element)
			return FR_NONE;
		new_head = ((seen >> 32) + 1) << 32 | READ_ONCE(*(u32 *)(element + next));
		if (__sync_val_compare_and_swap(head, seen, new_head) == seen)
			return index;
	}
	return FR_NONE;
}

/*
 * Returns false if others were faster every time. That loses the element: it is never free again.
 */
static __always_inline bool list_push(void *element, u32 next, u32 index, u64 *head)
{
	for (int i = 0; i < TRIES; i++) {
		u64 seen = READ_ONCE(*head);
		u64 new_head = ((seen >> 32) + 1) << 32 | (u64)(index + 1);

		WRITE_ONCE(*(u32 *)(element + next), (u32)seen);
		if (__sync_val_compare_and_swap(head, seen, new_head) == seen)
			return true;
	}
	return false;
}

/*
 * Global functions: the verifier checks them once, not for each path that leads to them. They
 * return a number or FR_NONE.
 */
__noinline u32 pop_slot(u32 shard)
{
	u64 *head = free_list_head(FREE_SLOTS, shard);

	return head ? list_pop(&slots, offsetof(struct recorder_slot, next_free), head) : FR_NONE;
}

__noinline u32 push_slot(u32 index)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	u64 *head;

	if (!slot)
		return FR_NONE;
	head = free_list_head(FREE_SLOTS, slot->home);
	if (!head)
		return FR_NONE;
	list_push(slot, offsetof(struct recorder_slot, next_free), index, head);
	return 0;
}

__noinline u32 pop_process(u32 shard)
{
	u64 *head = free_list_head(FREE_PROCESSES, shard);

	return head ? list_pop(&processes, offsetof(struct process_slot, next_free), head)
		    : FR_NONE;
}

__noinline u32 push_process(u32 index)
{
	struct process_slot *process = bpf_map_lookup_elem(&processes, &index);
	u64 *head = free_list_head(FREE_PROCESSES, 0);

	if (!process || !head)
		return FR_NONE;
	list_push(process, offsetof(struct process_slot, next_free), index, head);
	return 0;
}

static __always_inline u32 take_fresh(volatile u32 *fresh, u32 limit)
{
	u32 index;

	if (*fresh >= limit)
		return FR_NONE;
	index = __sync_fetch_and_add(fresh, 1);
	if (index < limit)
		return index;
	__sync_fetch_and_sub(fresh, 1);
	return FR_NONE;
}

/* Takes a recorder slot: this CPU's most recently freed one, a fresh one, or another CPU's. */
static __always_inline u32 take_slot(void)
{
	u32 shard = bpf_get_smp_processor_id() % shards;
	struct recorder_slot *slot;
	u32 index = pop_slot(shard);

	if (index != FR_NONE)
		return index;
	index = take_fresh(&fresh_slots, max_slots);
	if (index != FR_NONE) {
		slot = bpf_map_lookup_elem(&slots, &index);
		if (slot) {
			slot->home = shard;
			slot->queued_ns = ~0ULL;
		}
		return index;
	}
	for (u32 i = 0; i < FR_SHARDS_MAX; i++) {
		if (i >= shards)
			break;
		index = pop_slot(i);
		if (index != FR_NONE)
			return index;
	}
	return FR_NONE;
}

#endif /* FLIGHTREC_FREE_LIST_BPF_H */

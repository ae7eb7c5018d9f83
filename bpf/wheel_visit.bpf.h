/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Looking at a slot when a node's time has come, or when the collector says so. */
#ifndef FLIGHTREC_WHEEL_VISIT_BPF_H
#define FLIGHTREC_WHEEL_VISIT_BPF_H

#include "wheel.bpf.h"

static __always_inline void fire(u32 index, struct recorder_slot *slot, u64 word, u64 now_ns)
{
	u64 fired = FR_WORD(FR_WORD_GENERATION(word), RECORDER_TIMED_OUT);

	if (__sync_val_compare_and_swap(&slot->word, word, fired) != word)
		return; /* closed at this very moment, and reported by whoever did so */
	count(COUNT_TIMED_OUT);
	notify(NOTICE_RECORDER, index, FR_WORD_GENERATION(word), now_ns);
}

/* Looks at a slot that is not queued: fires it, or queues it for its current deadline. */
__noinline u32 look_at_slot(u32 index, u64 now_ns)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	u64 word, deadline_ns;

	if (!slot)
		return FR_NONE;
	word = READ_ONCE(slot->word);
	if (FR_WORD_STATE(word) != RECORDER_OPEN)
		return 0;
	deadline_ns = READ_ONCE(slot->deadline_ns);
	if (deadline_ns <= now_ns)
		fire(index, slot, word, now_ns);
	else
		wheel_queue(index, deadline_ns, now_ns);
	return 0;
}

/* Looks at a slot because the collector says it is time to. */
__noinline u32 visit_slot(u32 index)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	u64 queued_ns;

	if (!slot)
		return FR_NONE;
	queued_ns = READ_ONCE(slot->queued_ns);
	/* Before reading its deadline, as for a node. */
	if (!FR_IS_QUEUED_BY_COLLECTOR(queued_ns) ||
	    __sync_val_compare_and_swap(&slot->queued_ns, queued_ns, NEVER) != queued_ns)
		return FR_NONE;
	return look_at_slot(index, bpf_ktime_get_ns());
}

/* Looks at the slot of the first taken node. Returns 0 if no node is left. */
__noinline u32 wheel_visit(u64 now_ns)
{
	u64 taken = taken_nodes;
	u32 number = (u32)taken - 1;
	u32 index = number / FR_WHEEL_NODES;
	struct wheel_node *node;
	struct recorder_slot *slot;
	u64 when_ns, later_ns;
	u32 state, level;

	if (!taken)
		return 0;
	node = bpf_map_lookup_elem(&nodes, &number);
	if (!node) {
		taken_nodes = 0;
		return 0;
	}
	taken_nodes = node->next;
	state = node->state;
	level = NODE_LEVEL(state);
	when_ns = node->when_ns;
	/* Do not rely on a node that should have come by now: it may have. */
	later_ns = node->later_ns > now_ns ? node->later_ns : NEVER;
	if (wheel_epoch & 1 || NODE_EPOCH(state) != (wheel_epoch & 0xffff))
		later_ns = NEVER;
	/* Taken too early, with a bucket of the turn before. Another node may rely on it. */
	if (when_ns > now_ns) {
		if (!wheel_insert(number, level, when_ns >> (WHEEL_SHIFT_OF(level) & 63)))
			return 1;
	} else {
		free_node(node);
	}
	slot = bpf_map_lookup_elem(&slots, &index);
	if (!slot)
		return 1;
	/*
	 * Before reading its deadline: whoever sets one later finds the slot not queued, or queued
	 * for a later time.
	 */
	__sync_val_compare_and_swap(&slot->queued_ns, when_ns, later_ns);
	look_at_slot(index, now_ns);
	return 1;
}

#endif /* FLIGHTREC_WHEEL_VISIT_BPF_H */

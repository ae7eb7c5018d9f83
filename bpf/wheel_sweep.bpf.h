/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Removes nodes from the wheel before their time.
 *
 * A node stays in the wheel until its bucket's turn, whatever became of its recorder. So a process
 * may leave nodes behind for times months ahead, in slots that others use by then. A sweep goes
 * once through all buckets except those of the narrowest level, whose turn comes in a moment
 * anyway. It frees the nodes that it finds, and queues those slots again that are open and relied
 * on one of them; they then have one node. A sweep is requested when a slot has no node left, at
 * most once a second. The timer does it beside its other work, after everything that is due.
 */
#ifndef FLIGHTREC_WHEEL_SWEEP_BPF_H
#define FLIGHTREC_WHEEL_SWEEP_BPF_H

#include "wheel_visit.bpf.h"

#define SWEEP_APART_NS 1000000000

/* The timer's own. */
volatile u32 sweep_bucket; /* the next one, of all levels */
volatile u64 swept_nodes;  /* the rest of the current bucket */

static __always_inline void sweep_begin(u64 now_ns)
{
	__sync_fetch_and_add(&wheel_epoch, 1);
	next_sweep_ns = now_ns + SWEEP_APART_NS;
	sweep_bucket = FR_WHEEL_BUCKETS;
	sweep_wanted = 0;
}

/* Frees the first of the swept nodes. */
__noinline u32 sweep_visit(u64 now_ns)
{
	u32 number = (u32)swept_nodes - 1;
	struct wheel_node *node = bpf_map_lookup_elem(&nodes, &number);
	u32 index = number / FR_WHEEL_NODES;
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	u64 when_ns;

	if (!node || !slot) {
		swept_nodes = 0;
		return 1;
	}
	swept_nodes = node->next;
	when_ns = node->when_ns;
	free_node(node);
	/* Otherwise it relies on another node, or on the collector. */
	if (__sync_val_compare_and_swap(&slot->queued_ns, when_ns, NEVER) == when_ns)
		look_at_slot(index, now_ns);
	return 1;
}

/* One step of a sweep. Returns 0 if no sweep is in progress or wanted. */
__noinline u32 sweep_step(u64 now_ns)
{
	struct wheel_level *state;
	u32 bucket, level;

	if (!(wheel_epoch & 1)) {
		if (!sweep_wanted)
			return 0;
		sweep_begin(now_ns);
	}
	if (swept_nodes)
		return sweep_visit(now_ns);
	bucket = sweep_bucket++;
	level = bucket / FR_WHEEL_BUCKETS;
	state = bpf_map_lookup_elem(&wheel, &level);
	if (!state) {
		__sync_fetch_and_add(&wheel_epoch, 1);
		return 1;
	}
	bucket &= FR_WHEEL_BUCKETS - 1;
	if (READ_ONCE(state->occupied[(bucket >> 6) & (FR_WHEEL_WORDS - 1)]) &
	    1ULL << (bucket & 63))
		swept_nodes = take_bucket(state, level, bucket);
	return 1;
}

/* One step of the timer's work. Returns 0 if nothing is left to do. */
__noinline u32 wheel_step(u64 now_ns)
{
	if (taken_nodes)
		return wheel_visit(now_ns);
	return wheel_take_due(now_ns) || sweep_step(now_ns);
}

#endif /* FLIGHTREC_WHEEL_SWEEP_BPF_H */

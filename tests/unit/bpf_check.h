/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invariants of what the BPF programs keep in maps, checked while none of them runs. To be included
 * after the headers of bpf/. Each function returns NULL, or what is wrong.
 */
#ifndef BPF_CHECK_H
#define BPF_CHECK_H

#include <stdlib.h>

/* What a walk has found out about a node. */
struct node_seen {
	uint8_t times;
	uint64_t when_ns;
};

static const char *check_bucket(u64 first, u32 level, u32 bucket, struct node_seen *seen,
				u32 max_nodes)
{
	while (first) {
		u32 number = (u32)first - 1;
		struct wheel_node *node = bpf_map_lookup_elem(&nodes, &number);

		if (number >= max_nodes || !node)
			return "a bucket leads to a node that is none";
		if (seen[number].times++)
			return "a node is in the wheel twice";
		if (!node->state)
			return "a free node is in the wheel";
		if (level != NODE_LEVEL(node->state))
			return "a node is in a level that is not its own";
		if ((node->when_ns >> WHEEL_SHIFT_OF(level) & (FR_WHEEL_BUCKETS - 1)) != bucket)
			return "a node is in a bucket that is not its time's";
		seen[number].when_ns = node->when_ns;
		first = node->next;
	}
	return NULL;
}

/* An open recorder is looked at in time: by a node that is there, or by the collector. */
static const char *check_queued(u32 index, const struct recorder_slot *of,
				const struct node_seen *seen)
{
	if (FR_WORD_STATE(of->word) == RECORDER_OPEN &&
	    of->queued_ns > of->deadline_ns + WHEEL_SLACK)
		return "an open recorder is not looked at in time";
	if (of->queued_ns == NEVER || FR_IS_QUEUED_BY_COLLECTOR(of->queued_ns))
		return NULL;
	for (u32 i = 0; i < FR_WHEEL_NODES; i++) {
		const struct node_seen *node = &seen[index * FR_WHEEL_NODES + i];

		if (node->times && node->when_ns == of->queued_ns)
			return NULL;
	}
	return "a slot relies on a node that is not in the wheel";
}

static inline const char *wheel_check(void)
{
	u32 max_nodes = max_slots * FR_WHEEL_NODES;
	struct node_seen *seen = calloc(max_nodes, sizeof(*seen));
	const char *wrong = NULL;

	for (u32 i = 0; i < FR_WHEEL_LEVELS * FR_WHEEL_BUCKETS && !wrong; i++) {
		u32 level = i / FR_WHEEL_BUCKETS, bucket = i % FR_WHEEL_BUCKETS;
		const u64 *head = bpf_map_lookup_elem(&buckets, &i);
		const struct wheel_level *state = bpf_map_lookup_elem(&wheel, &level);

		wrong = check_bucket(*head, level, bucket, seen, max_nodes);
		if (!wrong && *head && !(state->occupied[bucket >> 6] & 1ULL << (bucket & 63)))
			wrong = "a bucket with nodes is not marked as occupied";
	}
	for (u32 i = 0; i < max_nodes && !wrong; i++) {
		const struct wheel_node *node = bpf_map_lookup_elem(&nodes, &i);

		if (node->state && !seen[i].times)
			wrong = "a node is taken, and not in the wheel";
	}
	for (u32 i = 0; i < max_slots && i < fresh_slots && !wrong; i++)
		wrong = check_queued(i, bpf_map_lookup_elem(&slots, &i), seen);
	free(seen);
	return wrong;
}

/* The lists of free slots hold each slot that is free and was in use, once. */
static inline const char *free_slots_check(void)
{
	uint8_t *seen = calloc(max_slots, 1);
	const char *wrong = NULL;

	for (u32 shard = 0; shard < shards && !wrong; shard++) {
		u32 next = (u32)*free_list_head(FREE_SLOTS, shard);

		while (next && !wrong) {
			u32 index = next - 1;
			const struct recorder_slot *of = bpf_map_lookup_elem(&slots, &index);

			if (index >= max_slots || !of)
				wrong = "a free list leads to a slot that is none";
			else if (seen[index]++)
				wrong = "a slot is in the free lists twice";
			else if (FR_WORD_STATE(of->word) != RECORDER_FREE)
				wrong = "a slot in use is in a free list";
			else if (of->home != shard)
				wrong = "a slot is in a free list that is not its own";
			else
				next = of->next_free;
		}
	}
	for (u32 i = 0; i < fresh_slots && i < max_slots && !wrong; i++) {
		const struct recorder_slot *of = bpf_map_lookup_elem(&slots, &i);

		if (FR_WORD_STATE(of->word) == RECORDER_FREE && !seen[i])
			wrong = "a free slot is in no free list";
	}
	free(seen);
	return wrong;
}

#ifdef FLIGHTREC_INDEX_BPF_H
/* The index leads to each recorder that is open or timed out, once, and to nothing else. */
static inline const char *index_check(void)
{
	uint8_t *seen = calloc(max_slots, 1);
	const char *wrong = NULL;

	for (u32 b = 0; b <= index_mask && !wrong; b++) {
		const struct index_bucket *bucket = bpf_map_lookup_elem(&recorder_index, &b);

		for (int i = 0; i < FR_INDEX_WAYS && !wrong; i++) {
			u32 index = (u32)bucket->way[i] - 1;
			const struct recorder_slot *of;
			u32 state;

			if (!bucket->way[i])
				continue;
			of = bpf_map_lookup_elem(&slots, &index);
			state = of ? FR_WORD_STATE(of->word) : RECORDER_FREE;
			if (state != RECORDER_OPEN && state != RECORDER_TIMED_OUT)
				wrong = "the index leads to a slot that is not open";
			else if (seen[index]++)
				wrong = "a slot is in the index twice";
		}
	}
	for (u32 i = 0; i < max_slots && !wrong; i++) {
		const struct recorder_slot *of = bpf_map_lookup_elem(&slots, &i);
		u32 state = FR_WORD_STATE(of->word);

		if ((state == RECORDER_OPEN || state == RECORDER_TIMED_OUT) && !seen[i])
			wrong = "an open recorder is not in the index";
	}
	free(seen);
	return wrong;
}
#endif

#endif /* BPF_CHECK_H */

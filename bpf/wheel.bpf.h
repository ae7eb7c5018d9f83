/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Deadlines: a timing wheel that is re-armed lazily.
 *
 * The pieces. A recorder's slot has its deadline. A node says "look at this slot at that time". The
 * wheel holds nodes in buckets by time, and one timer takes out each bucket as its time comes:
 *
 *	slot  deadline_ns   when the recorder times out
 *	      queued_ns     the earliest time at which the slot is sure to be looked at
 *	node  when_ns       the time at which its bucket is taken
 *	      later_ns      what queued_ns was before this node was queued
 *	level occupied      a bit for each bucket that may hold nodes
 *	      done          buckets up to this one are taken, or about to be
 *
 * Laziness. Opening a recorder writes its deadline, and queues a node only if none of the slot's
 * nodes looks at it in time. Closing leaves the node where it is. When a node's time comes, it
 * fires its slot, moves on to the slot's present deadline, or is dropped. Slots are reused last-in
 * first-out, so the work of the wheel is bounded by the peak of open recorders, not by the rate of
 * opening.
 *
 * Opening queues its node for half of the time that remains, so that a slot needs a second node
 * only for a deadline less than half as far away. Each node knows when the one queued before it
 * comes, which is later, and when it is visited makes the slot rely on that one again.
 *
 * Nodes belong to slots: FR_WHEEL_NODES each, found by number, allocated and freed by one
 * compare-and-swap. So nobody can use up the nodes of others. But all nodes of one slot may be in
 * the wheel for times later than its next deadline: timeouts that are halved again and again lead
 * to this, perhaps those of earlier recorders in the slot. Then the collector is told
 * (NOTICE_UNQUEUED) to look at the slot in place of a node; queued_ns is marked
 * (FR_QUEUED_BY_COLLECTOR); and a sweep (wheel_sweep.bpf.h) is requested, which takes nodes that
 * nobody needs out of the wheel. It leaves no slot relying on a node that is gone: see `epoch`.
 *
 * Buckets. Each level is a ring of buckets of its own width, by absolute time. A node goes to the
 * widest level with at least two buckets left to go, into the bucket that begins before its time;
 * from there it moves to a narrower one. Only in the narrowest level does it go into the bucket
 * after its time: late by a bucket at most, and never early.
 *
 * Concurrency. Anybody may queue at any moment and in any context, without locks; one timer takes
 * buckets out. This is sound because:
 *
 *   - Setting a deadline writes it first and then reads queued_ns; a visit resets queued_ns first
 *     and then reads the deadline. With a full barrier in between on both sides, at least one of
 *     the two sees what the other wrote.
 *   - The timer raises `done` first and then takes buckets; queueing inserts first and then reads
 *     `done`. So whoever is overtaken notices, and queues another node: the first one is out of
 *     reach until that bucket's turn comes again.
 *   - A node is in the wheel at most once: its state is not 0 from its allocation to its visit.
 */
#ifndef FLIGHTREC_WHEEL_BPF_H
#define FLIGHTREC_WHEEL_BPF_H

#include "free_list.bpf.h"

#define NEVER (~0ULL)
#define WHEEL_WIDTH(level) (1ULL << WHEEL_SHIFT_OF(level))
#define WHEEL_SHIFT_OF(level) (FR_WHEEL_SHIFT + FR_WHEEL_LEVEL_SHIFT * (level))
/* The farthest a node is sent. A later deadline is looked at on the way. */
#define WHEEL_HORIZON (100ULL << WHEEL_SHIFT_OF(FR_WHEEL_LEVELS - 1))
/* How far past a slot's deadline its earliest node may come. */
#define WHEEL_SLACK WHEEL_WIDTH(0)

/*
 * A node's number is its slot's number times FR_WHEEL_NODES, plus which of the slot's nodes it is.
 */
struct wheel_node {
	u64 when_ns;  /* the time its bucket is taken */
	u64 later_ns; /* when the slot's next node comes; NEVER: none */
	u32 next;     /* the next in its bucket, plus 1 */
	u32 state;    /* 0: free; else NODE_STATE() */
};

#define NODE_STATE(level, epoch) (1u | (level) << 8 | (u32)(epoch) << 16)
#define NODE_LEVEL(state) ((state) >> 8 & 0xff)
#define NODE_EPOCH(state) ((state) >> 16)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wheel_node);
} nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FR_WHEEL_LEVELS *FR_WHEEL_BUCKETS);
	__type(key, u32);
	__type(value, u64); /* number of the first node, plus 1 */
} buckets SEC(".maps");

struct wheel_level {
	u64 occupied[FR_WHEEL_WORDS]; /* a bit for each bucket that may hold nodes */
	u64 done;                     /* buckets up to this one are taken, or about to be */
	u64 processed;                /* the timer's own: buckets up to this one are done */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FR_WHEEL_LEVELS);
	__type(key, u32);
	__type(value, struct wheel_level);
} wheel SEC(".maps");

volatile u64 armed_ns = NEVER;     /* when the timer fires; 0 while it runs */
volatile u64 requested_ns = NEVER; /* the time for which re-arming was last requested */
volatile u64 taken_nodes;          /* the timer's own: the rest of the current bucket */

/*
 * Counts the beginnings and ends of sweeps: odd during a sweep. A node relies on the one queued
 * before it only if there was no sweep since then, because that may have removed the other. Nodes
 * store the low 16 bits, as none stays in the wheel for more than one sweep.
 */
volatile u32 wheel_epoch;
volatile u32 sweep_wanted;  /* a slot ran out of nodes */
volatile u64 next_sweep_ns; /* no sweep before this time */

/*
 * The number of the lowest bit set; @bits is not 0. Without branches, each of which would double
 * the verifier's work; BPF has no instruction for it.
 */
static __always_inline u32 lowest_bit(u64 bits)
{
	u64 below = (bits & -bits) - 1;

	below = below - ((below >> 1) & 0x5555555555555555ULL);
	below = (below & 0x3333333333333333ULL) + ((below >> 2) & 0x3333333333333333ULL);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (below * 0x0101010101010101ULL) >> 56;
}

/* Allocates one of a slot's nodes. Returns FR_NONE if all are in the wheel. */
static __always_inline u32 take_node(u32 index)
{
	for (u32 i = 0; i < FR_WHEEL_NODES; i++) {
		u32 number = index * FR_WHEEL_NODES + i;
		struct wheel_node *node = bpf_map_lookup_elem(&nodes, &number);

		if (!node)
			return FR_NONE;
		if (!READ_ONCE(node->state) &&
		    !__sync_val_compare_and_swap(&node->state, 0, NODE_STATE(0, 0)))
			return number;
	}
	return FR_NONE;
}

/* After this the node must not be looked at: it may be in the wheel again. */
static __always_inline void free_node(struct wheel_node *node)
{
	__sync_lock_test_and_set(&node->state, 0);
}

/*
 * Requests that the timer be armed for @when_ns: once for each earlier time, however many recorders
 * open.
 */
static __always_inline void request_timer(u64 when_ns)
{
	u64 asked = requested_ns;

	if (when_ns < asked && __sync_val_compare_and_swap(&requested_ns, asked, when_ns) == asked)
		notify(NOTICE_REARM, 0, 0, when_ns);
}

/* The widest level with at least two buckets between now and the deadline. */
static __always_inline u32 level_for(u64 remaining)
{
	u32 level = 0;

	for (u32 i = 1; i < FR_WHEEL_LEVELS; i++) {
		if (remaining >= 2 * WHEEL_WIDTH(i))
			level = i;
	}
	return level;
}

static __always_inline u64 bucket_for(u64 when_ns, u32 level)
{
	return level ? when_ns >> WHEEL_SHIFT_OF(level) : (when_ns >> FR_WHEEL_SHIFT) + 1;
}

/*
 * Puts a node into the wheel. Returns 0; or 1 if the timer had already passed that bucket: the node
 * is then out of reach for a turn of the level, and another one must be queued.
 */
__noinline u32 wheel_insert(u32 index, u32 level, u64 bucket)
{
	struct wheel_node *node = bpf_map_lookup_elem(&nodes, &index);
	u32 slot = level * FR_WHEEL_BUCKETS + (bucket & (FR_WHEEL_BUCKETS - 1));
	struct wheel_level *state = bpf_map_lookup_elem(&wheel, &level);
	u64 *head = bpf_map_lookup_elem(&buckets, &slot);
	u32 word = (bucket & (FR_WHEEL_BUCKETS - 1)) >> 6;
	u64 bit = 1ULL << (bucket & 63);
	u64 when_ns = bucket << WHEEL_SHIFT_OF(level);
	bool inserted = false;

	if (!node || !state || !head)
		return 1;
	for (int i = 0; i < TRIES && !inserted; i++) {
		u64 seen = READ_ONCE(*head);

		WRITE_ONCE(node->next, (u32)seen);
		inserted = __sync_val_compare_and_swap(head, seen, index + 1) == seen;
	}
	if (!inserted) {
		free_node(node);
		return 1;
	}
	word &= FR_WHEEL_WORDS - 1;
	if (!(READ_ONCE(state->occupied[word]) & bit))
		__sync_fetch_and_or(&state->occupied[word], bit);
	if (READ_ONCE(state->done) >= bucket)
		return 1;
	if (when_ns < armed_ns)
		request_timer(when_ns);
	return 0;
}

/*
 * No node is free to look at a slot at @visit_ns, as queued_ns says by its mark: the collector must
 * visit it then. If the notice is refused, the collector finds the mark when it looks at all slots.
 */
static __always_inline void ask_for_visit(u32 index, u64 visit_ns, u64 now_ns)
{
	notify(NOTICE_UNQUEUED, index, 0, visit_ns);
	if (now_ns < next_sweep_ns || sweep_wanted)
		return;
	sweep_wanted = 1;
	request_timer(0);
}

/*
 * Makes sure that slot @index is looked at when @when_ns comes or, as the wheel has buckets, soon
 * after: by a node or by the collector. The slot's deadline is set already.
 */
__noinline u32 wheel_queue(u32 index, u64 when_ns, u64 now_ns)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	/*
	 * Read before queued_ns: a node queued before a sweep must not look like one queued after
	 * it.
	 */
	u32 epoch = __sync_fetch_and_add(&wheel_epoch, 0);

	if (!slot)
		return FR_NONE;
	for (int i = 0; i < 4; i++) {
		u64 remaining = when_ns > now_ns ? when_ns - now_ns : 0;
		u64 seen = READ_ONCE(slot->queued_ns);
		struct wheel_node *node;
		u32 number, level;
		u64 bucket, visit_ns, queued_ns;

		if (remaining > WHEEL_HORIZON) {
			remaining = WHEEL_HORIZON;
			when_ns = now_ns + remaining;
		}
		if (!remaining)
			when_ns = now_ns;
		level = level_for(remaining);
		bucket = bucket_for(when_ns, level);
		visit_ns = bucket << WHEEL_SHIFT_OF(level);
		if (seen <= FR_QUEUED_BY_COLLECTOR(visit_ns))
			return 0;
		number = take_node(index);
		node = number == FR_NONE ? NULL : bpf_map_lookup_elem(&nodes, &number);
		queued_ns = node ? visit_ns : FR_QUEUED_BY_COLLECTOR(visit_ns);
		if (__sync_val_compare_and_swap(&slot->queued_ns, seen, queued_ns) != seen) {
			if (node)
				free_node(node);
			continue;
		}
		if (!node) {
			ask_for_visit(index, visit_ns, now_ns);
			return 0;
		}
		node->when_ns = visit_ns;
		node->later_ns = seen;
		WRITE_ONCE(node->state, NODE_STATE(level, epoch));
		if (!wheel_insert(number, level, bucket))
			return 0;
		/* Overtaken by the timer, or by many others: the time is now. */
		now_ns = bpf_ktime_get_ns();
		__sync_val_compare_and_swap(&slot->queued_ns, visit_ns,
					    seen > now_ns ? seen : NEVER);
	}
	when_ns = when_ns >> FR_WHEEL_SHIFT << FR_WHEEL_SHIFT;
	__sync_lock_test_and_set(&slot->queued_ns, FR_QUEUED_BY_COLLECTOR(when_ns));
	ask_for_visit(index, when_ns, now_ns);
	return 0;
}

/* Called after a slot's deadline was set. Queues the slot unless it will be looked at in time. */
static __always_inline void wheel_schedule(u32 index, struct recorder_slot *slot, u64 now_ns)
{
	u64 deadline_ns = READ_ONCE(slot->deadline_ns);

	if (READ_ONCE(slot->queued_ns) <= deadline_ns + WHEEL_SLACK)
		return;
	if (deadline_ns > now_ns)
		deadline_ns = now_ns + (deadline_ns - now_ns) / 2;
	wheel_queue(index, deadline_ns, now_ns);
}

static __always_inline u64 ring_distance(struct wheel_level *state, u32 from)
{
	/* The first word is examined twice: first its bits from `from` on, finally those before. */
	for (u32 i = 0; i <= FR_WHEEL_WORDS; i++) {
		u32 word = ((from >> 6) + i) & (FR_WHEEL_WORDS - 1);
		u64 bits = READ_ONCE(state->occupied[word]);

		if (i == 0)
			bits &= ~0ULL << (from & 63);
		if (i == FR_WHEEL_WORDS)
			bits &= ~(~0ULL << (from & 63));
		if (bits)
			return ((word << 6) + lowest_bit(bits) - from) & (FR_WHEEL_BUCKETS - 1);
	}
	return NEVER;
}

/* The number of the level's next bucket that may hold nodes; NEVER if there is none. */
static __always_inline u64 level_next(struct wheel_level *state)
{
	u64 first = state->processed + 1;
	u64 distance = ring_distance(state, first & (FR_WHEEL_BUCKETS - 1));

	return distance == NEVER ? NEVER : first + distance;
}

/* When the timer must fire next; or NEVER. */
__noinline u64 wheel_next(void)
{
	u64 next_ns = NEVER;

	/*
	 * The rest of a bucket, or of a sweep, is in no bucket: re-arming between two steps must
	 * not delay it.
	 */
	if (taken_nodes || sweep_wanted || wheel_epoch & 1)
		return 0;
	for (u32 level = 0; level < FR_WHEEL_LEVELS; level++) {
		u32 key = level;
		struct wheel_level *state = bpf_map_lookup_elem(&wheel, &key);
		u64 bucket;

		if (!state)
			break;
		bucket = level_next(state);
		if (bucket != NEVER && (bucket << WHEEL_SHIFT_OF(level)) < next_ns)
			next_ns = bucket << WHEEL_SHIFT_OF(level);
	}
	return next_ns;
}

/*
 * Begins a run of the timer. From now on nobody can queue for @now_ns or earlier without noticing.
 */
__noinline u32 wheel_advance(u64 now_ns)
{
	for (u32 level = 0; level < FR_WHEEL_LEVELS; level++) {
		u32 key = level;
		struct wheel_level *state = bpf_map_lookup_elem(&wheel, &key);

		if (state)
			__sync_lock_test_and_set(&state->done, now_ns >> WHEEL_SHIFT_OF(level));
	}
	return 0;
}

/* Empties a bucket of @level. Returns its first node's number, plus 1. */
static __always_inline u64 take_bucket(struct wheel_level *state, u32 level, u64 bucket)
{
	u32 slot = level * FR_WHEEL_BUCKETS + (bucket & (FR_WHEEL_BUCKETS - 1));
	u64 *head = bpf_map_lookup_elem(&buckets, &slot);

	if (!head)
		return 0;
	__sync_fetch_and_and(&state->occupied[(bucket >> 6) & (FR_WHEEL_WORDS - 1)],
			     ~(1ULL << (bucket & 63)));
	return __sync_lock_test_and_set(head, 0);
}

/* Takes the next due bucket of @level into taken_nodes. Returns 0 if none is due. */
__noinline u32 wheel_take(u32 level, u64 now_ns)
{
	struct wheel_level *state = bpf_map_lookup_elem(&wheel, &level);
	u64 now_bucket, bucket;

	if (!state || level >= FR_WHEEL_LEVELS)
		return 0;
	now_bucket = now_ns >> WHEEL_SHIFT_OF(level);
	/*
	 * After a long sleep, one turn reaches every bucket. What is taken too early is put back.
	 */
	if (now_bucket > state->processed + FR_WHEEL_BUCKETS)
		state->processed = now_bucket - FR_WHEEL_BUCKETS;
	bucket = level_next(state);
	if (bucket > now_bucket) {
		if (state->processed < now_bucket)
			state->processed = now_bucket;
		return 0;
	}
	state->processed = bucket;
	taken_nodes = take_bucket(state, level, bucket);
	return 1;
}

/* Takes the next due bucket of any level. Returns 0 if none is due. */
__noinline u32 wheel_take_due(u64 now_ns)
{
	for (u32 level = 0; level < FR_WHEEL_LEVELS; level++) {
		if (wheel_take(level, now_ns))
			return 1;
	}
	return 0;
}

#endif /* FLIGHTREC_WHEEL_BPF_H */

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Deadlines: a timing wheel with lazy re-arming.
 *
 * The pieces. A recorder's slot carries its deadline. A node says "look at this slot at that
 * time". The wheel holds nodes in buckets by time, and one timer takes buckets out as their time
 * comes:
 *
 *	slot  deadline_ns   when the recorder times out
 *	      queued_ns     the earliest time at which the slot is sure to be looked at
 *	node  when_ns       the time its bucket is taken
 *	      later_ns      what queued_ns was before this node was queued
 *	level occupied      a bit for each bucket that may hold nodes
 *	      done          buckets up to this one are taken, or about to be
 *
 * Lazy. Opening a recorder writes its deadline, and queues a node only if none of the slot's looks
 * at it in time. Closing leaves the node where it is. A node that comes to a slot fires it, goes
 * on to the slot's present deadline, or is dropped. Slots are reused last-in first-out, so what
 * the wheel does is bounded by the peak of open recorders, not by the rate of opening.
 *
 * An opening queues its node for half the time that remains. So a slot is queued a second time
 * only for a deadline less than half as far away. Each of its nodes knows when the one queued
 * before it comes, which is later, and in its turn makes the slot rely on that one again.
 *
 * Nodes belong to slots: FR_WHEEL_NODES each, found by number, taken and given back by one
 * compare-and-swap. No table of nodes can run out for the sake of somebody else. What can happen
 * is that all nodes of a slot sit in the wheel for times later than its next deadline: timeouts
 * that were halved again and again do it, in the slot's life before perhaps. Then the collector is
 * told (NOTICE_UNQUEUED) to look at the slot at that time in place of a node, queued_ns is marked
 * (FR_QUEUED_BY_COLLECTOR), and the sweep (wheel_sweep.bpf.h) is asked for, which takes nodes that
 * nobody needs out of the wheel before their time. It leaves nothing to rely on that is not there:
 * see `epoch`.
 *
 * Buckets. Each level is a ring of buckets of its own width, by absolute time. A node goes to the
 * widest level with two buckets or more left to go, in the bucket that begins before its time;
 * when that comes it goes on to a narrower one. Only in the narrowest it goes to the bucket after
 * its time: late by a bucket at most, and never early.
 *
 * Concurrency. All who queue do so without locks, at any moment, from any context; one timer takes
 * buckets out. What makes it sound:
 *
 *   - Who sets a deadline writes it first, then reads queued_ns; a visit takes queued_ns back
 *     first, then reads the deadline. With a full barrier between them on either side, one of the
 *     two sees what the other wrote.
 *   - The timer raises `done` first, then takes buckets; who queues inserts first, then reads
 *     `done`. A queuer that was overtaken sees so, and queues another node: the one it inserted is
 *     out of the way until that bucket's turn comes again.
 *   - A node is in the wheel once: its state is not 0 from when it is taken until it is visited.
 */
#ifndef FLIGHTREC_WHEEL_BPF_H
#define FLIGHTREC_WHEEL_BPF_H

#include "free_list.bpf.h"

#define NEVER (~0ULL)
#define WHEEL_WIDTH(level) (1ULL << WHEEL_SHIFT_OF(level))
#define WHEEL_SHIFT_OF(level) (FR_WHEEL_SHIFT + FR_WHEEL_LEVEL_SHIFT * (level))
/* The farthest a node is sent; a deadline beyond is looked at on the way. */
#define WHEEL_HORIZON (100ULL << WHEEL_SHIFT_OF(FR_WHEEL_LEVELS - 1))
/* A slot whose earliest node comes at most this much past its deadline is queued well. */
#define WHEEL_SLACK WHEEL_WIDTH(0)

/* Number of a node: its slot's times FR_WHEEL_NODES, and which of these it is. */
struct wheel_node {
	u64 when_ns;  /* the time its bucket is taken */
	u64 later_ns; /* when the slot's next node comes; NEVER: there is none */
	u32 next;     /* in its bucket, plus 1 */
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
	u64 processed;                /* the timer's own: up to here they are */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FR_WHEEL_LEVELS);
	__type(key, u32);
	__type(value, struct wheel_level);
} wheel SEC(".maps");

volatile u64 armed_ns = NEVER;     /* when the timer fires; 0 while it runs */
volatile u64 requested_ns = NEVER; /* the time that re-arming was last asked for */
volatile u64 taken_nodes;          /* the timer's own: the rest of the bucket at hand */

/*
 * Counts beginnings and ends of sweeps: odd while one is under way. A node relies on the one that
 * was queued before it only if no sweep was under way since it was queued, as that may have taken
 * the other. Nodes keep the low 16 bits: none stays in the wheel for more than one sweep.
 */
volatile u32 wheel_epoch;
volatile u32 sweep_wanted;  /* a slot had no node left */
volatile u64 next_sweep_ns; /* none before this time */

/* Which bit is the lowest; @bits is not 0. Without branches: each would double the verifier's
 * work, and BPF has no instruction for it. */
static __always_inline u32 lowest_bit(u64 bits)
{
	u64 below = (bits & -bits) - 1;

	below = below - ((below >> 1) & 0x5555555555555555ULL);
	below = (below & 0x3333333333333333ULL) + ((below >> 2) & 0x3333333333333333ULL);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (below * 0x0101010101010101ULL) >> 56;
}

/* A free node of a slot, taken; FR_NONE: all of them are in the wheel. */
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

/* Nothing of the node may be looked at afterwards: it may be in the wheel again. */
static __always_inline void free_node(struct wheel_node *node)
{
	__sync_lock_test_and_set(&node->state, 0);
}

/* Asks for the timer to be armed for @when_ns: once for each earlier time, however many open. */
static __always_inline void request_timer(u64 when_ns)
{
	u64 asked = requested_ns;

	if (when_ns < asked && __sync_val_compare_and_swap(&requested_ns, asked, when_ns) == asked)
		notify(NOTICE_REARM, 0, 0, when_ns);
}

/* The widest level in which there are two buckets or more from @now_ns to @when_ns. */
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
 * Puts a node into the wheel. Returns 0, or 1 if the timer had passed that bucket already: then
 * the node is lost there for one turn of the level, and another one must be queued.
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
 * No node is free to look at a slot at @visit_ns, and queued_ns says so: the collector is to visit
 * it then. Should the notice be refused, it finds the mark when it looks at all slots.
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
 * Makes sure that slot @index is looked at @when_ns or, by the wheel's granularity, soon after: by
 * a node or by the collector. @index and the slot's deadline are set.
 */
__noinline u32 wheel_queue(u32 index, u64 when_ns, u64 now_ns)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	/* Before queued_ns: a node queued before a sweep must not seem to be of after it. */
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
		/* Overtaken by the timer, or by many: the time is now. */
		now_ns = bpf_ktime_get_ns();
		__sync_val_compare_and_swap(&slot->queued_ns, visit_ns,
					    seen > now_ns ? seen : NEVER);
	}
	when_ns = when_ns >> FR_WHEEL_SHIFT << FR_WHEEL_SHIFT;
	__sync_lock_test_and_set(&slot->queued_ns, FR_QUEUED_BY_COLLECTOR(when_ns));
	ask_for_visit(index, when_ns, now_ns);
	return 0;
}

/* A slot's deadline was set: queue it unless it is looked at in time. */
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
	/* The first word is looked at twice: its bits from `from` on, at last those before. */
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

/* The next bucket of a level that may hold nodes, by number; NEVER: there is none. */
static __always_inline u64 level_next(struct wheel_level *state)
{
	u64 first = state->processed + 1;
	u64 distance = ring_distance(state, first & (FR_WHEEL_BUCKETS - 1));

	return distance == NEVER ? NEVER : first + distance;
}

/* When the timer must fire next, or NEVER. */
__noinline u64 wheel_next(void)
{
	u64 next_ns = NEVER;

	/*
	 * The rest of a bucket, or of a sweep, is in none: who re-arms between two steps must not
	 * put it off.
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

/* Begins a run of the timer: from now on nobody queues at @now_ns or before without noticing. */
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

/* Empties a bucket of @level; returns its first node, plus 1. */
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
	/* After a long sleep one turn reaches every bucket; what it takes too early goes back. */
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

static __always_inline void fire(u32 index, struct recorder_slot *slot, u64 word, u64 now_ns)
{
	u64 fired = FR_WORD(FR_WORD_GENERATION(word), RECORDER_TIMED_OUT);

	if (__sync_val_compare_and_swap(&slot->word, word, fired) != word)
		return; /* closed this moment; whoever did so reports it */
	count(COUNT_TIMED_OUT);
	notify(NOTICE_RECORDER, index, FR_WORD_GENERATION(word), now_ns);
}

/* Looks at a slot that is not queued any more: fires it, or queues it for its present deadline. */
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

/* Looks at a slot because the collector says that it is time to. */
__noinline u32 visit_slot(u32 index)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	u64 queued_ns;

	if (!slot)
		return FR_NONE;
	queued_ns = READ_ONCE(slot->queued_ns);
	/* Before its deadline is read, as a node does. */
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
	/* A node that should have come by now may have: it is not relied on. */
	later_ns = node->later_ns > now_ns ? node->later_ns : NEVER;
	if (wheel_epoch & 1 || NODE_EPOCH(state) != (wheel_epoch & 0xffff))
		later_ns = NEVER;
	/* Taken too early, with a bucket of a turn before: another node may rely on it. */
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
	 * Before its deadline is read: who sets one later finds the slot not queued, or queued
	 * for later.
	 */
	__sync_val_compare_and_swap(&slot->queued_ns, when_ns, later_ns);
	look_at_slot(index, now_ns);
	return 1;
}

#endif /* FLIGHTREC_WHEEL_BPF_H */

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Opens and closes recorder slots, and moves their deadlines. */
#ifndef FLIGHTREC_RECORDER_BPF_H
#define FLIGHTREC_RECORDER_BPF_H

#include "index.bpf.h"
#include "probe_arguments.bpf.h"
#include "process.bpf.h"
#include "wheel_visit.bpf.h"

/* What is known about a recorder when it opens. */
struct opening {
	u64 started_ns;
	u64 timeout_ns;
	u64 parent_id;
	const char *name;      /* or NULL: read it from the process */
	const void *user_name; /* FR_NAME_SIZE bytes in the process */
	struct pt_regs
		*ctx; /* of the probe, if the name's first words are in its registers; or NULL */
	const char *comm; /* or NULL: take the current thread's */
	u32 tid;
	u32 flags;
	bool overdue;                 /* may use the reserve */
	const struct span_slot *span; /* of a span; or NULL */
};

static __always_inline u64 effective_timeout(u64 timeout_ns)
{
	if (override_timeout_ns)
		timeout_ns = override_timeout_ns;
	return timeout_ns < FR_TIMEOUT_MAX ? timeout_ns : FR_TIMEOUT_MAX;
}

static __always_inline void fill_slot(struct recorder_slot *slot, const struct recorder_key *key,
				      u32 process, const struct opening *opening)
{
	u64 timeout_ns = effective_timeout(opening->timeout_ns);

	slot->entries = 0;
	slot->refused = 0;
	slot->ended_ns = 0;
	slot->process = process;
	slot->started_ns = opening->started_ns;
	slot->timeout_ns = timeout_ns;
	slot->deadline_ns = opening->started_ns + timeout_ns;
	slot->rec = key->rec;
	slot->id = key->id;
	slot->parent_id = opening->parent_id;
	slot->tid = opening->tid;
	slot->flags = opening->flags;
	slot->context_refused = 0;
	slot->replays = 0;
	if (opening->comm)
		__builtin_memcpy(slot->comm, opening->comm, FR_COMM_SIZE);
	else
		bpf_get_current_comm(slot->comm, FR_COMM_SIZE);
	if (opening->name)
		__builtin_memcpy(slot->name, opening->name, FR_NAME_SIZE);
	else if (opening->ctx && !(PT_REGS_WORD_4(opening->ctx) >> 56))
		copy_words((u64 *)slot->name, WORDS_SIZE, opening->ctx);
	else if (bpf_probe_read_user(slot->name, FR_NAME_SIZE, opening->user_name))
		slot->name[0] = 0;
	slot->name[FR_NAME_SIZE - 1] = 0;
}

static __always_inline void fill_span(u32 index, const struct span_slot *from)
{
	struct span_slot *span = bpf_map_lookup_elem(&span_slots, &index);

	if (span)
		*span = *from;
}

/* Lets the collector find a process's slots without looking at all of them. */
static __always_inline void set_owner(u32 index, u32 process)
{
	u32 key = index / FR_OWNERS;
	struct slot_owners *owners = bpf_map_lookup_elem(&slot_owners, &key);
	u16 *owner;

	if (!owners)
		return;
	owner = &owners->process[index % FR_OWNERS];
	/* Other slots' owners share the cache line, so it is written only if necessary. */
	if (*owner != (u16)(process + 1))
		*owner = (u16)(process + 1);
}

/* Gives back a slot whose word already says that it is free. */
static __always_inline void free_slot(u32 index, const struct recorder_slot *slot)
{
	u32 number = slot->process;
	struct process_slot *process = bpf_map_lookup_elem(&processes, &number);

	if (process)
		unhold_slot(process);
	push_slot(index);
}

/*
 * Tracks a recorder. Returns its slot; FR_NONE if it is known already; FR_REFUSED if there is no
 * room or the process has used up its share.
 */
static __always_inline u32 open_recorder(const struct recorder_key *key, u32 number,
					 const struct opening *opening, u64 now_ns)
{
	struct process_slot *process = bpf_map_lookup_elem(&processes, &number);
	struct recorder_slot *slot;
	u32 index;
	u64 word;

	/*
	 * It is known if it was found in memory while opening, or was seen through two attachments.
	 */
	if (!process || index_find(key, &index))
		return FR_NONE;
	if (!slot_allowed(process, opening->overdue))
		return FR_REFUSED;
	index = take_slot();
	slot = index == FR_NONE ? NULL : bpf_map_lookup_elem(&slots, &index);
	if (!slot)
		return FR_REFUSED;
	fill_slot(slot, key, number, opening);
	if (opening->span)
		fill_span(index, opening->span);
	set_owner(index, number);
	hold_slot(process);
	/*
	 * It becomes OPEN before it can be found, so that whoever finds it sees its generation. An
	 * exchange is a full barrier: either the wheel sees the deadline, or we see that it did
	 * not.
	 */
	word = FR_WORD(FR_WORD_GENERATION(slot->word) + 1, RECORDER_OPEN);
	__sync_lock_test_and_set(&slot->word, word);
	if (!index_add(key, index)) {
		__sync_lock_test_and_set(&slot->word,
					 FR_WORD(FR_WORD_GENERATION(word), RECORDER_FREE));
		free_slot(index, slot);
		return FR_REFUSED;
	}
	count(COUNT_OPENED);
	wheel_schedule(index, slot, now_ns);
	return index;
}

/*
 * Tracks a recorder that is already open. If it is found twice at once, only one succeeds. Returns
 * the same as open_recorder().
 */
static __always_inline u32 adopt_recorder(const struct recorder_key *key, u32 process,
					  const struct opening *opening, u64 now_ns)
{
	struct process_slot *owner = bpf_map_lookup_elem(&processes, &process);
	u32 index, one = 1;

	if (!owner || bpf_map_update_elem(&adopting, key, &one, BPF_NOEXIST))
		return FR_NONE;
	owner->adopted = 1;
	index = open_recorder(key, process, opening, now_ns);
	/* It was opened once, but counted twice: as untracked, and as tracked. */
	if (index < FR_REFUSED && take_refusal(&key->process))
		count_n(COUNT_UNTRACKED, -1ULL);
	bpf_map_delete_elem(&adopting, key);
	return index;
}

/*
 * Closes the recorder of @key. If it is in time, frees the slot; if it is late, leaves that to the
 * collector.
 */
static __always_inline void close_recorder(const struct recorder_key *key, u32 index,
					   struct recorder_slot *slot)
{
	u64 now_ns = bpf_ktime_get_ns();

	/* Twice, because the timer may change the state in between. */
	for (int i = 0; i < 2; i++) {
		u64 word = READ_ONCE(slot->word);
		u32 generation = FR_WORD_GENERATION(word);
		bool late = now_ns > READ_ONCE(slot->deadline_ns);
		u32 next;

		if (FR_WORD_STATE(word) == RECORDER_OPEN)
			next = late                       ? RECORDER_LATE
			       : READ_ONCE(slot->replays) ? RECORDER_REPLAYED
							  : RECORDER_FREE;
		else if (FR_WORD_STATE(word) == RECORDER_TIMED_OUT)
			next = RECORDER_FINISHED;
		else
			return;
		slot->ended_ns = now_ns;
		if (__sync_val_compare_and_swap(&slot->word, word, FR_WORD(generation, next)) !=
		    word)
			continue;
		index_remove(key, index);
		if (next == RECORDER_FREE) {
			free_slot(index, slot);
			return;
		}
		if (next == RECORDER_LATE)
			count(COUNT_TIMED_OUT);
		notify(NOTICE_RECORDER, index, generation, now_ns);
		return;
	}
}

static __always_inline void extend_recorder(u32 index, struct recorder_slot *slot, u64 timeout_ns)
{
	u64 now_ns = bpf_ktime_get_ns();
	u64 word = READ_ONCE(slot->word);

	if (FR_WORD_STATE(word) != RECORDER_OPEN)
		return;
	if (now_ns > READ_ONCE(slot->deadline_ns)) {
		fire(index, slot, word, now_ns); /* the tick is late, but it has timed out */
		return;
	}
	slot->timeout_ns = effective_timeout(timeout_ns);
	__sync_lock_test_and_set(&slot->deadline_ns, now_ns + slot->timeout_ns);
	wheel_schedule(index, slot, now_ns);
}

#endif /* FLIGHTREC_RECORDER_BPF_H */

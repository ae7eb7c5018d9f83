/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Spans: recorders of programs that do not use the library. One program for all events: the cookie
 * says which place it is, and the place what to do there. Loaded only if spans are asked for.
 *
 * A span's key is its number in place of a recorder's address, and the thread (or an argument of
 * the event) in place of the recorder's number. From there on it is a recorder as any other.
 */
#ifndef FLIGHTREC_SPAN_BPF_H
#define FLIGHTREC_SPAN_BPF_H

#include "entry.bpf.h"
#include "span_pack.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct span_thread);
} span_threads SEC(".maps");

/* Which place a system call is, by its number; 0: none. */
volatile u16 span_syscalls[FR_SPAN_SYSCALLS];

/* Where functions return to whose exits are not known, as far as the collector was told. */
struct span_caller {
	u64 address;
	u32 pid;
	u32 site;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct span_caller);
	__type(value, u32);
} span_callers SEC(".maps");

/* Lets the collector put a probe where the function returns to, unless it has. */
static __always_inline void tell_caller(u32 pid, u32 site, u64 address)
{
	struct span_caller caller = {address, pid, site};
	u32 told = 1;

	if (!bpf_map_lookup_elem(&span_callers, &caller) &&
	    !bpf_map_update_elem(&span_callers, &caller, &told, BPF_NOEXIST))
		notify_detail(NOTICE_RETURN, pid, 0, site, address);
}

/* How deep a thread's spans are followed, and how many of its own it may have left at its end. */
#define SPAN_DEPTH 16

/* Whether the slot has still the span that it had. */
static __always_inline struct recorder_slot *span_still(u32 index, u32 generation)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	u64 word = slot ? READ_ONCE(slot->word) : 0;

	return FR_WORD_GENERATION(word) == generation && (FR_WORD_STATE(word) == RECORDER_OPEN ||
							  FR_WORD_STATE(word) == RECORDER_TIMED_OUT)
		       ? slot
		       : NULL;
}

/* The thread's innermost span is now the one around it. */
static __always_inline void leave_span(u32 index, u32 generation)
{
	struct span_thread *thread =
		bpf_task_storage_get(&span_threads, bpf_get_current_task_btf(), NULL, 0);
	u32 *slot, *its;

	if (!thread)
		return;
	slot = &thread->slot;
	its = &thread->generation;
	for (int i = 0; i < SPAN_DEPTH; i++) {
		u32 number = *slot;
		struct span_slot *span = bpf_map_lookup_elem(&span_slots, &number);

		if (number == FR_NONE || !span)
			return;
		if (number == index && *its == generation) {
			*slot = span->outer;
			*its = span->outer_generation;
			return;
		}
		/* One that the collector gave back leads nowhere. */
		if (!span_still(number, *its)) {
			*slot = FR_NONE;
			return;
		}
		slot = &span->outer;
		its = &span->outer_generation;
	}
}

static __always_inline void close_span(const struct recorder_key *key, u32 index,
				       struct recorder_slot *slot)
{
	leave_span(index, FR_WORD_GENERATION(slot->word));
	close_recorder(key, index, slot);
}

/* ---- at an event ---- */

static __always_inline void log_span(const struct span_place *place, u32 scratch_number, u32 index)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &scratch_number);
	struct emission e = {.type = RECORD_ENTRY, .in_kernel = true};
	struct process_key key = {};
	u64 word;
	u32 lost;

	if (!slot || !scratch || FR_SPAN_SEVERITY < min_severity)
		return;
	word = READ_ONCE(slot->word);
	e.slot = index;
	e.generation = FR_WORD_GENERATION(word);
	e.urgent = FR_WORD_STATE(word) != RECORDER_OPEN;
	e.sequence = __sync_fetch_and_add(&slot->entries, 1) + 1;
	e.process = slot->process;
	e.site = place->site;
	e.severity_flags = FR_SPAN_SEVERITY | (scratch->cut ? FR_SPAN_CUT : 0);
	e.data = (u64)scratch->data;
	e.size = scratch->size;
	e.tid = current_tid();
	e.time_ns = bpf_ktime_get_ns();
	count(COUNT_ENTRIES);
	lost = emit(&e, &key, NULL);
	if (lost) {
		__sync_fetch_and_add(&slot->refused, 1);
		count(lost);
	}
}

/* The number of the thread's innermost span, and where it is; 0: there is none. */
static __always_inline u32 parent_span(struct span_thread *thread, struct span_slot *inner)
{
	struct span_slot *parent;
	u32 number;

	inner->outer = FR_NONE;
	if (!thread || thread->slot == FR_NONE)
		return 0;
	number = thread->slot;
	parent = bpf_map_lookup_elem(&span_slots, &number);
	if (!parent || !span_still(number, thread->generation))
		return 0;
	inner->outer = number;
	inner->outer_generation = thread->generation;
	return parent->number;
}

/* Returns its slot, or FR_NONE. */
static __always_inline u32 open_span(const struct recorder_key *key, const struct span_place *place,
				     struct span_scratch *scratch, u64 sp)
{
	static const struct span_thread nowhere = {FR_NONE, 0};
	struct span_slot span = {
		.sp = sp, .flags = place->flags, .site = place->site, .detail = place->detail};
	struct opening opening = {.span = &span, .name = scratch->name, .flags = FR_SLOT_SPAN};
	bool of_thread = place->key.place == OPERAND_NONE;
	u32 number = current_process(&key->process), index = FR_REFUSED;
	struct process_slot *process = bpf_map_lookup_elem(&processes, &number);
	struct span_thread *thread =
		bpf_task_storage_get(&span_threads, bpf_get_current_task_btf(), (void *)&nowhere,
				     of_thread ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);

	if (process) {
		opening.parent_id = parent_span(thread, &span);
		opening.timeout_ns = place->timeout_ns;
		opening.tid = current_tid();
		opening.started_ns = bpf_ktime_get_ns();
		span.number = __sync_fetch_and_add(&process->spans, 1) + 1;
		span.name_size = scratch->size;
		if (sp)
			bpf_probe_read_user(&span.return_address, sizeof(u64), (void *)sp);
		index = open_recorder(key, number, &opening, opening.started_ns);
	}
	if (place->flags & FR_SPAN_AT_CALLER && span.return_address)
		tell_caller(key->process.pid, place->site, span.return_address);
	if (index >= FR_REFUSED) {
		if (index == FR_REFUSED && pid_watched(key->process.pid))
			count(COUNT_UNTRACKED);
		return FR_NONE;
	}
	if (thread && of_thread) {
		struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);

		thread->slot = index;
		thread->generation = slot ? FR_WORD_GENERATION(slot->word) : 0;
	}
	return index;
}

/*
 * What an event means for a frame that is known already. A function that was left by longjmp() or
 * an exception does not pass its ends: whoever is at the same place of the stack, or further
 * out, shows that it is gone.
 */
static __always_inline bool is_gone(const struct span_slot *known, u64 sp)
{
	return sp >= known->sp;
}

static __always_inline u64 frame_of(const struct span_place *place,
				    const struct span_scratch *scratch)
{
	u64 sp = scratch->regs[SPAN_REGISTER_SP];

	if (!(place->flags & FR_SPAN_FRAME))
		return 0;
	return place->flags & FR_SPAN_RETURNED ? sp - sizeof(u64) : sp;
}

__noinline int span_opens(u32 number, u32 scratch_number, u64 id)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &scratch_number);
	struct recorder_key key = {.id = id};
	struct recorder_slot *slot;
	struct span_slot *known;
	u32 index;
	u64 sp;

	if (!place || !scratch)
		return 0;
	key.rec = place->span;
	current_key(&key.process);
	sp = frame_of(place, scratch);
	slot = index_find(&key, &index);
	if (slot) {
		known = bpf_map_lookup_elem(&span_slots, &index);
		if (place->flags & FR_SPAN_FRAME && known && !is_gone(known, sp))
			return 0; /* called again by itself: the outermost frame counts */
		close_span(&key, index, slot);
	}
	pack_name(number, scratch_number);
	index = open_span(&key, place, scratch, sp);
	if (index == FR_NONE || !place->has_entry)
		return 0;
	pack_entry(number, scratch_number);
	log_span(place, scratch_number, index);
	return 0;
}

__noinline int span_closes(u32 number, u32 scratch_number, u64 id)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	struct span_scratch *scratch = bpf_map_lookup_elem(&span_scratches, &scratch_number);
	struct recorder_key key = {.id = id};
	struct recorder_slot *slot;
	struct span_slot *known;
	u32 index;

	if (!place || !scratch)
		return 0;
	key.rec = place->span;
	current_key(&key.process);
	slot = index_find(&key, &index);
	if (!slot)
		return 0;
	known = bpf_map_lookup_elem(&span_slots, &index);
	if (place->flags & FR_SPAN_FRAME && known && !is_gone(known, frame_of(place, scratch)))
		return 0;
	if (place->has_entry) {
		pack_entry(number, scratch_number);
		log_span(place, scratch_number, index);
	}
	close_span(&key, index, slot);
	return 0;
}

__noinline int span_logs(u32 number, u32 scratch_number, u64 id)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	struct recorder_key key = {.id = id};
	u32 index;

	if (!place)
		return 0;
	key.rec = place->span;
	current_key(&key.process);
	if (!index_find(&key, &index))
		return 0;
	pack_entry(number, scratch_number);
	log_span(place, scratch_number, index);
	return 0;
}

static __always_inline int span_event(const void *regs, u32 number)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	u32 scratch_number, pid = bpf_get_current_pid_tgid() >> 32;
	struct span_scratch *scratch;
	u64 id;

	if (!place || pid == collector_pid || !pid_watched(pid) ||
	    (ends_only && place->action != SPAN_CLOSES))
		return 0;
	scratch = take_scratch(&scratch_number);
	if (!scratch)
		return 0;
	bpf_probe_read_kernel(scratch->regs, SPAN_REGISTERS_SIZE, regs);
	if (!test_holds(number, scratch_number))
		goto out;
	id = place->key.place == OPERAND_NONE ? current_tid() : operand_value(&place->key, scratch);
	if (place->action == SPAN_OPENS)
		span_opens(number, scratch_number, id);
	else if (place->action == SPAN_CLOSES)
		span_closes(number, scratch_number, id);
	else
		span_logs(number, scratch_number, id);
out:
	__sync_lock_test_and_set(&scratch->busy, 0);
	return 0;
}

SEC("?uprobe")
int on_span(struct pt_regs *ctx)
{
	keep_kernel_stack(ctx);
	return span_event(ctx, (u32)bpf_get_attach_cookie(ctx));
}

SEC("?uretprobe")
int on_span_return(struct pt_regs *ctx)
{
	keep_kernel_stack(ctx);
	return span_event(ctx, (u32)bpf_get_attach_cookie(ctx));
}

/* ---- system calls ---- */

static __always_inline u32 place_of_syscall(u64 number)
{
	return number < FR_SPAN_SYSCALLS && !is_32_bit_call() ? span_syscalls[number] : 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long number)
{
	u32 place = place_of_syscall((u64)number);

	return place ? span_event(regs, place) : 0;
}

/* Ends the thread's span of a system call. */
__noinline int end_syscall(u32 number)
{
	struct span_place *place = bpf_map_lookup_elem(&span_places, &number);
	struct recorder_key key = {.id = current_tid()};
	struct recorder_slot *slot;
	u32 index;

	if (!place)
		return 0;
	key.rec = place->span;
	current_key(&key.process);
	slot = index_find(&key, &index);
	if (slot)
		close_span(&key, index, slot);
	return 0;
}

SEC("?tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result)
{
	u32 place = place_of_syscall(syscall_of(regs)), pid = bpf_get_current_pid_tgid() >> 32;

	return place && pid_watched(pid) ? end_syscall(place) : 0;
}

/* ---- the end of a thread ---- */

/* Ends what a thread has left open, unless its whole process ends: that is seen otherwise. */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_span_thread_exit, struct task_struct *task)
{
	struct span_thread *thread;
	struct recorder_key key = {};

	if (task->signal->live.counter <= 0 || task->signal->flags & SIGNAL_GROUP_EXIT)
		return 0;
	thread = bpf_task_storage_get(&span_threads, bpf_get_current_task_btf(), NULL, 0);
	if (!thread)
		return 0;
	current_key(&key.process);
	for (int i = 0; i < SPAN_DEPTH; i++) {
		u32 index = thread->slot;
		struct recorder_slot *slot = span_still(index, thread->generation);
		struct span_slot *span = bpf_map_lookup_elem(&span_slots, &index);

		if (!slot || !span)
			break;
		thread->slot = span->outer;
		thread->generation = span->outer_generation;
		key.rec = slot->rec;
		key.id = slot->id;
		close_recorder(&key, index, slot);
	}
	return 0;
}

#endif /* FLIGHTREC_SPAN_BPF_H */

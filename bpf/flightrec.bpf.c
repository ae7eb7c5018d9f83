// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The BPF side of flightrec: the programs of the probes. Those of the deadline timer are in
 * timer.bpf.h, those about the lives of processes in process_events.bpf.h, and those that the
 * collector runs in collector_programs.bpf.h.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

#include "record.h"
#include "dispatch.bpf.h"
#include "probe_arguments.bpf.h"
#include "entry.bpf.h"
#include "process_events.bpf.h"
#include "timer.bpf.h"
#include "collector_programs.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The part of struct flightrec (see <flightrec.h>) that says how it was opened. */
struct user_recorder {
	u64 id;
	u64 instance;
	u64 started_ns;
	u64 timeout_ns;
	u64 parent_id;
	u32 tid;
	u32 slot;
	char name[]; /* FR_NAME_SIZE bytes; not copied to the stack, which is small */
};

static __always_inline u32 current_tid(void)
{
	return bpf_get_current_task_btf()->pid;
}

#include "memory.bpf.h"
#include "span.bpf.h"

/* ---- probes: arguments are documented in <flightrec/probes.h> ---- */

SEC("uprobe")
int on_begin(struct pt_regs *ctx)
{
	struct recorder_key key = {.rec = PT_REGS_PARM1(ctx), .id = PT_REGS_PARM2(ctx)};
	struct opening opening = {};
	u32 process, index = FR_REFUSED;
	u64 now_ns;

	keep_kernel_stack(ctx);
	current_key(&key.process);
	process = current_process(&key.process);
	now_ns = bpf_ktime_get_ns();
	opening.started_ns = now_ns;
	opening.timeout_ns = PT_REGS_PARM3(ctx);
	opening.user_name = (const void *)PT_REGS_PARM4(ctx);
	opening.ctx = ctx;
	opening.parent_id = PT_REGS_PARM5(ctx);
	opening.tid = current_tid();
	if (process != FR_NONE)
		index = open_recorder(&key, process, &opening, now_ns);
	else if (!pid_watched(key.process.pid))
		return 0;
	if (index == FR_REFUSED) {
		count(COUNT_UNTRACKED);
		refuse_recorder(&key.process, now_ns + effective_timeout(opening.timeout_ns));
	}
	return 0;
}

/*
 * A thread knows its own number in its pid namespace, and @own is what was written down. If that is
 * this thread, returns the number by which we know it.
 */
static __always_inline u32 opener_tid(u32 own)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pid *pid = task->thread_pid;
	u32 level = pid->level;
	int number = 0;

	if (level)
		bpf_probe_read_kernel(&number, sizeof(number), &pid->numbers[level].nr);
	return (u32)number == own ? (u32)task->pid : own;
}

/* Called when a recorder logs that was opened before it was watched, or when there was no room. */
__noinline u32 adopt_from_user(u64 rec, u64 id)
{
	struct recorder_key key = {.rec = rec, .id = id};
	struct user_recorder user;
	struct opening opening = {};
	u64 now_ns = bpf_ktime_get_ns();
	u32 process;

	current_key(&key.process);
	process = current_process(&key.process);
	if (process == FR_NONE || bpf_probe_read_user(&user, sizeof(user), (void *)rec) ||
	    user.id != id)
		return FR_NONE;
	opening.started_ns = user.started_ns < now_ns ? user.started_ns : now_ns;
	opening.timeout_ns = user.timeout_ns;
	opening.parent_id = user.parent_id;
	opening.tid = opener_tid(user.tid);
	opening.user_name = (const void *)(rec + sizeof(user));
	opening.flags = FR_SLOT_ADOPTED;
	process = adopt_recorder(&key, process, &opening, now_ns);
	return process < FR_REFUSED ? process : FR_NONE;
}

/* The slot of one of this process's recorders, or FR_NONE. */
__noinline u32 find_slot(u64 rec, u64 id)
{
	struct recorder_key key = {.rec = rec, .id = id};
	u32 index;

	current_key(&key.process);
	return index_find(&key, &index) ? index : FR_NONE;
}

/*
 * Finds a recorder that is not known yet: adopts it, or waits briefly for the collector to do so.
 */
__noinline u32 adopt_and_find(u64 rec, u64 id)
{
	adopt_from_user(rec, id);
	for (int i = 0; i < 32; i++) {
		u32 index = find_slot(rec, id);

		if (index != FR_NONE)
			return index;
	}
	return FR_NONE;
}

/*
 * Sends an entry of a recorder that is not open. It does not get the context: what the verifier
 * accepts as a context in a global function depends on the architecture.
 */
__noinline int emit_stray(u64 site, u32 severity_flags, u64 data, u64 size)
{
	struct emission e = {
		.type = RECORD_ENTRY,
		.slot = FR_NONE,
		.site = site,
		.severity_flags = severity_flags,
		.data = data,
		.urgent = true,
	};
	struct process_key key;
	u32 lost;

	current_key(&key);
	e.process = current_process(&key);
	if (e.process == FR_NONE)
		return 0;
	e.size = size <= FR_ENTRY_DATA_MAX ? size : FR_ENTRY_DATA_MAX;
	e.tid = current_tid();
	e.time_ns = bpf_ktime_get_ns();
	count(COUNT_ENTRIES);
	lost = emit(&e, &key, NULL);
	if (lost)
		count(lost);
	return 0;
}

SEC("uprobe")
int on_entry(struct pt_regs *ctx)
{
	struct recorder_key key = {.rec = PT_REGS_PARM1(ctx), .id = PT_REGS_PARM2(ctx)};
	struct emission e = {
		.type = RECORD_ENTRY,
		.site = PT_REGS_PARM3(ctx),
		.severity_flags = (u32)PT_REGS_PARM4(ctx),
		.data = PT_REGS_PARM5(ctx),
	};
	u64 size = PT_REGS_SIXTH(ctx);
	struct recorder_slot *slot;
	u64 word;
	u32 lost;

	keep_kernel_stack(ctx);
	if ((e.severity_flags & 0xff) < min_severity)
		return 0;
	/* Where processes are watched by memory, on_stray has those. */
	if (!key.id)
		return by_memory ? 0 : emit_stray(e.site, e.severity_flags, e.data, size);
	current_key(&key.process);
	slot = index_find(&key, &e.slot);
	if (!slot) {
		e.slot = adopt_and_find(key.rec, key.id);
		slot = e.slot == FR_NONE ? NULL : bpf_map_lookup_elem(&slots, &e.slot);
	}
	if (!slot) {
		if (pid_watched(key.process.pid))
			count(COUNT_UNTRACKED_ENTRIES);
		return 0;
	}
	word = READ_ONCE(slot->word);
	e.generation = FR_WORD_GENERATION(word);
	e.sequence = __sync_fetch_and_add(&slot->entries, 1) + 1;
	if (FR_WORD_GENERATION(READ_ONCE(slot->word)) != e.generation) {
		/* Closed by another thread just now, and already reused. */
		__sync_fetch_and_sub(&slot->entries, 1);
		return 0;
	}
	e.urgent = FR_WORD_STATE(word) != RECORDER_OPEN;
	e.process = slot->process;
	e.size = size <= FR_ENTRY_DATA_MAX ? size : FR_ENTRY_DATA_MAX;
	e.tid = current_tid();
	e.time_ns = bpf_ktime_get_ns();
	count(COUNT_ENTRIES);
	lost = emit(&e, &key.process, ctx);
	if (lost) {
		__sync_fetch_and_add(&slot->refused, 1);
		count(lost);
	}
	return 0;
}

SEC("uprobe")
int on_stray(struct pt_regs *ctx)
{
	u32 severity_flags = (u32)PT_REGS_PARM2(ctx);

	keep_kernel_stack(ctx);
	if ((severity_flags & 0xff) >= min_severity)
		emit_stray(PT_REGS_PARM1(ctx), severity_flags, PT_REGS_PARM3(ctx),
			   PT_REGS_PARM4(ctx));
	return 0;
}

static __always_inline struct recorder_slot *find_recorder(struct pt_regs *ctx,
							   struct recorder_key *key, u32 *index)
{
	key->rec = PT_REGS_PARM1(ctx);
	key->id = PT_REGS_PARM2(ctx);
	current_key(&key->process);
	return index_find(key, index);
}

SEC("uprobe")
int on_end(struct pt_regs *ctx)
{
	struct process_slot *process;
	struct recorder_key key;
	u32 index, number;
	struct recorder_slot *slot = find_recorder(ctx, &key, &index);

	keep_kernel_stack(ctx);
	if (!slot)
		return 0;
	number = slot->process;
	close_recorder(&key, index, slot);
	process = bpf_map_lookup_elem(&processes, &number);
	if (!process || !process->adopted)
		return 0;
	/* If it was adopted just as it was opened, it is tracked twice. */
	index = find_slot(key.rec, key.id);
	slot = index == FR_NONE ? NULL : bpf_map_lookup_elem(&slots, &index);
	if (slot)
		close_recorder(&key, index, slot);
	return 0;
}

SEC("uprobe")
int on_extend(struct pt_regs *ctx)
{
	struct recorder_key key;
	u32 index;
	struct recorder_slot *slot = find_recorder(ctx, &key, &index);

	keep_kernel_stack(ctx);
	if (slot)
		extend_recorder(index, slot, PT_REGS_PARM3(ctx));
	return 0;
}

SEC("uprobe")
int on_context(struct pt_regs *ctx)
{
	struct emission e = {.type = RECORD_CONTEXT, .data = PT_REGS_PARM3(ctx)};
	u64 size = PT_REGS_PARM4(ctx);
	struct recorder_key key;
	struct recorder_slot *slot = find_recorder(ctx, &key, &e.slot);

	keep_kernel_stack(ctx);
	if (!slot || size > FR_CONTEXT_MAX)
		return 0;
	e.size = size;
	e.generation = FR_WORD_GENERATION(slot->word);
	e.process = slot->process;
	e.tid = current_tid();
	e.time_ns = bpf_ktime_get_ns();
	if (emit(&e, &key.process, NULL)) {
		__sync_fetch_and_add(&slot->context_refused, 1);
		count(COUNT_CONTEXT_LOST);
	}
	return 0;
}

/* The collector finds it in the process's log, at the number that the recorder has there. */
static __always_inline void ask_for_replay(const struct recorder_key *key)
{
	const struct user_recorder *rec = (const struct user_recorder *)key->rec;
	u32 number = 0;

	if (pid_watched(key->process.pid) &&
	    !bpf_probe_read_user(&number, sizeof(number), &rec->slot))
		notify_detail(NOTICE_ASKED, key->process.pid, (u32)key->id, number,
			      bpf_ktime_get_ns());
}

SEC("uprobe")
int on_replay(struct pt_regs *ctx)
{
	struct recorder_key key;
	u32 index;
	struct recorder_slot *slot = find_recorder(ctx, &key, &index);

	keep_kernel_stack(ctx);
	if (!slot && by_memory)
		ask_for_replay(&key);
	if (!slot)
		return 0;
	__sync_fetch_and_add(&slot->replays, 1);
	notify(NOTICE_REPLAY, index, FR_WORD_GENERATION(slot->word), bpf_ktime_get_ns());
	return 0;
}

/* The dynamic linker's _dl_debug_state(): called after it has mapped or unmapped a library. */
SEC("uprobe")
int on_mappings(struct pt_regs *ctx)
{
	struct process_key key;

	keep_kernel_stack(ctx);
	current_key(&key);
	if (!pid_watched(key.pid))
		return 0;
	end_replaced(&key);
	note_mappings(&key);
	notify(NOTICE_MAPPINGS, key.pid, 0, bpf_ktime_get_ns());
	return 0;
}

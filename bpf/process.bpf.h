/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Which processes are watched, and a slot for each of them that uses recorders. */
#ifndef FLIGHTREC_PROCESS_BPF_H
#define FLIGHTREC_PROCESS_BPF_H

#include "free_list.bpf.h"
#include "share.bpf.h"

static __always_inline void task_key(struct task_struct *task, struct process_key *key)
{
	key->pid = task->tgid;
	key->exec_id = (u32)task->self_exec_id;
	key->start_ns = task->group_leader->start_boottime;
}

static __always_inline void current_key(struct process_key *key)
{
	task_key(bpf_get_current_task_btf(), key);
}

static __always_inline bool pid_watched(u32 pid)
{
	return watch_all || bpf_map_lookup_elem(&watched, &pid);
}

/* Marks the process of @key as ended. The collector will deal with its recorders. */
static __always_inline void end_process(const struct process_key *key, u32 state, u32 exit_code)
{
	u32 *found = bpf_map_lookup_elem(&process_index, key);
	struct process_slot *process;
	u64 word;
	u32 index;

	if (!found)
		return;
	index = *found;
	process = bpf_map_lookup_elem(&processes, &index);
	if (!process)
		return;
	word = READ_ONCE(process->word);
	if (FR_WORD_STATE(word) != PROCESS_ALIVE)
		return;
	process->exit_code = exit_code;
	process->ended_ns = bpf_ktime_get_ns();
	if (__sync_val_compare_and_swap(&process->word, word,
					FR_WORD(FR_WORD_GENERATION(word), state)) != word)
		return;
	bpf_map_delete_elem(&process_index, key);
	notify(NOTICE_PROCESS, index, FR_WORD_GENERATION(word), process->ended_ns);
}

/*
 * Ends what the process of @key was before it called execve(). Also called at later events in its
 * life, because the tracepoint of execve() may be missed: see on_exec.
 */
static __always_inline void end_replaced(const struct process_key *key)
{
	struct process_key replaced = *key;

	replaced.exec_id--;
	end_process(&replaced, PROCESS_EXECED, 0);
}

/* From now on something else may be at an address of the process. */
static __always_inline void note_mappings(const struct process_key *key)
{
	u32 *found = bpf_map_lookup_elem(&process_index, key);
	struct process_slot *process;
	u32 index;

	if (!found)
		return;
	index = *found;
	process = bpf_map_lookup_elem(&processes, &index);
	if (process)
		WRITE_ONCE(process->mapped_ns, bpf_ktime_get_ns());
}

/* What is needed to register a process. */
struct registration {
	struct process_key key;
	u32 uid;
	bool overdue;     /* for an overdue recorder: may use the reserve */
	const char *comm; /* or NULL: take the current thread's */
};

/* Allocates a slot for a process. Returns FR_NONE if there is none left for its user. */
static __always_inline u32 register_process(const struct registration *registration)
{
	const struct process_key *key = &registration->key;
	struct process_slot *process;
	u32 index, *first;

	end_replaced(key);
	if (!process_allowed(user_count(registration->uid), registration->overdue))
		return FR_NONE;
	index = pop_process(0);
	if (index == FR_NONE)
		index = take_fresh(&fresh_processes, max_processes);
	process = index == FR_NONE ? NULL : bpf_map_lookup_elem(&processes, &index);
	if (!process)
		return FR_NONE;
	process->key = *key;
	process->ended_ns = 0;
	process->exit_code = 0;
	process->adopted = 0;
	process->mapped_ns = 0;
	process->spans = 0;
	process->held = 0;
	process->opened = 0;
	process->entries = 0;
	process->uid = registration->uid;
	if (registration->comm)
		__builtin_memcpy(process->comm, registration->comm, FR_COMM_SIZE);
	else
		bpf_get_current_comm(process->comm, FR_COMM_SIZE);
	if (bpf_map_update_elem(&process_index, key, &index, BPF_NOEXIST)) {
		/* Another of its threads was faster, or the map is full. */
		push_process(index);
		first = bpf_map_lookup_elem(&process_index, key);
		return first ? *first : FR_NONE;
	}
	count_process(registration->uid, 1);
	__sync_lock_test_and_set(&process->word,
				 FR_WORD(FR_WORD_GENERATION(process->word) + 1, PROCESS_ALIVE));
	notify(NOTICE_PROCESS, index, FR_WORD_GENERATION(process->word), bpf_ktime_get_ns());
	return index;
}

/*
 * The slot of the current process, whose key is @key; FR_NONE if it is not watched, or there is
 * none left.
 */
static __always_inline u32 current_process(const struct process_key *key)
{
	u32 *found = bpf_map_lookup_elem(&process_index, key);
	struct registration registration = {};

	if (found)
		return *found;
	if (!pid_watched(key->pid))
		return FR_NONE;
	registration.key = *key;
	registration.uid = (u32)bpf_get_current_uid_gid();
	return register_process(&registration);
}

#endif /* FLIGHTREC_PROCESS_BPF_H */

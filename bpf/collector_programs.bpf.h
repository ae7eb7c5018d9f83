/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that the collector runs: releasing slots, visiting them, adopting recorders. */
#ifndef FLIGHTREC_COLLECTOR_PROGRAMS_BPF_H
#define FLIGHTREC_COLLECTOR_PROGRAMS_BPF_H

#include "process.bpf.h"
#include "recorder.bpf.h"
#include "wheel_visit.bpf.h"

/* Frees a slot, if it is still the one the collector means. */
__noinline u32 release_slot(u32 index, u32 generation)
{
	struct recorder_slot *slot = bpf_map_lookup_elem(&slots, &index);
	struct process_slot *process;
	struct recorder_key key = {};
	u32 number;
	u64 word;

	if (!slot)
		return FR_NONE;
	number = slot->process;
	process = bpf_map_lookup_elem(&processes, &number);
	if (!process)
		return FR_NONE;
	key.process = process->key;
	key.rec = slot->rec;
	key.id = slot->id;
	for (int i = 0; i < 4; i++) {
		word = READ_ONCE(slot->word);
		if (FR_WORD_GENERATION(word) != generation || FR_WORD_STATE(word) == RECORDER_FREE)
			return FR_NONE;
		if (__sync_val_compare_and_swap(&slot->word, word,
						FR_WORD(generation, RECORDER_FREE)) == word) {
			index_remove(&key, index);
			free_slot(index, slot);
			return 0;
		}
	}
	return FR_NONE;
}

__noinline u32 release_process(u32 index)
{
	struct process_slot *process = bpf_map_lookup_elem(&processes, &index);

	if (!process || FR_WORD_STATE(process->word) == PROCESS_FREE)
		return FR_NONE;
	count_process(process->uid, -1);
	__sync_lock_test_and_set(&process->word,
				 FR_WORD(FR_WORD_GENERATION(process->word), PROCESS_FREE));
	return push_process(index);
}

/*
 * Written by the collector before it runs `release`: an index cannot be used with a program's
 * context.
 */
struct release_args release_args;

SEC("syscall")
int release(void *ctx)
{
	for (u32 i = 0; i < FR_RELEASE_MAX; i++) {
		if (i >= release_args.count)
			break;
		release_slot(release_args.slot[i], release_args.generation[i]);
	}
	if (release_args.process != FR_NONE)
		release_process(release_args.process);
	return 0;
}

/* Written by the collector before it runs `visit`. */
struct visit_args visit_args;

SEC("syscall")
int visit(void *ctx)
{
	for (u32 i = 0; i < FR_VISIT_MAX; i++) {
		if (i >= visit_args.count)
			break;
		visit_slot(visit_args.slot[i]);
	}
	return 0;
}

/* Takes over a recorder that the collector found open in a process's memory. */
SEC("syscall")
int adopt(struct adopt_args *args)
{
	struct recorder_key key = {.process = args->key, .rec = args->rec, .id = args->id};
	u64 now_ns = bpf_ktime_get_ns();
	struct registration registration = {.key = args->key};
	struct opening opening = {};
	char comm[FR_COMM_SIZE], name[FR_NAME_SIZE];
	u32 *found, process;

	args->slot = FR_REFUSED;
	__builtin_memcpy(comm, args->comm, sizeof(comm));
	__builtin_memcpy(name, args->name, sizeof(name));
	found = bpf_map_lookup_elem(&process_index, &key.process);
	registration.uid = args->uid;
	registration.overdue = args->overdue;
	registration.comm = comm;
	process = found ? *found : register_process(&registration);
	if (process == FR_NONE)
		return 0;
	opening.started_ns = args->started_ns < now_ns ? args->started_ns : now_ns;
	opening.timeout_ns = args->timeout_ns;
	opening.parent_id = args->parent_id;
	opening.tid = args->tid;
	opening.name = name;
	opening.comm = comm;
	opening.flags = FR_SLOT_ADOPTED;
	opening.overdue = args->overdue;
	args->slot = adopt_recorder(&key, process, &opening, now_ns);
	return 0;
}

#endif /* FLIGHTREC_COLLECTOR_PROGRAMS_BPF_H */

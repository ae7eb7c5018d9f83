/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Watching by memory: a process keeps its own log, and only tells when it must be looked at. All
 * that is kept here is a slot for the process, so that its end is noticed.
 */
#ifndef FLIGHTREC_MEMORY_BPF_H
#define FLIGHTREC_MEMORY_BPF_H

#include "probe_arguments.bpf.h"
#include "process.bpf.h"
#include "recorder.bpf.h"

/* For a process that reads the clock before others can see what it wrote. */
#define ARM_MARGIN_NS 50000

/* A page number fits where an address does not. */
static __always_inline u32 log_number(u64 memory)
{
	return (u32)(memory >> 12);
}

/* Whether the current process is watched. If so, gives it a slot, so that its end is noticed. */
static __always_inline bool is_watched(struct process_key *key)
{
	current_key(key);
	return current_process(key) != FR_NONE || pid_watched(key->pid);
}

SEC("uprobe")
int on_arm(struct pt_regs *ctx)
{
	u64 timeout_ns = effective_timeout(PT_REGS_PARM2(ctx));
	struct process_key key;

	keep_kernel_stack(ctx);
	if (is_watched(&key))
		notify(NOTICE_ARM, key.pid, log_number(PT_REGS_PARM1(ctx)),
		       bpf_ktime_get_ns() + timeout_ns + ARM_MARGIN_NS);
	return 0;
}

SEC("uprobe")
int on_late(struct pt_regs *ctx)
{
	struct process_key key;

	keep_kernel_stack(ctx);
	if (is_watched(&key))
		notify_detail(NOTICE_LATE, key.pid, log_number(PT_REGS_PARM1(ctx)),
			      (u32)PT_REGS_PARM2(ctx), bpf_ktime_get_ns());
	return 0;
}

/* Keeps the process's own counts, as it may be gone before anybody can look. */
SEC("uprobe")
int on_leave(struct pt_regs *ctx)
{
	struct process_slot *process;
	struct process_key key;
	u32 number;

	keep_kernel_stack(ctx);
	current_key(&key);
	number = current_process(&key);
	process = number == FR_NONE ? NULL : bpf_map_lookup_elem(&processes, &number);
	if (!process)
		return 0;
	__sync_fetch_and_add(&process->opened, PT_REGS_PARM2(ctx));
	__sync_fetch_and_add(&process->entries, PT_REGS_PARM3(ctx));
	return 0;
}

#endif /* FLIGHTREC_MEMORY_BPF_H */

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

/*
 * A process that sends more notices about its log than TOLD_MAX in TOLD_NS is looked at when that
 * time is over, and none of the others is sent: a look finds all that they would have told.
 */
#define TOLD_MAX 64
#define TOLD_NS 10000000

/* The current process. If it is watched it gets a slot, so that its end is noticed. */
struct teller {
	struct process_key key;
	u32 number; /* of its slot, or FR_NONE */
	u64 now_ns;
};

static __always_inline bool is_watched(struct teller *teller)
{
	current_key(&teller->key);
	teller->number = current_process(&teller->key);
	teller->now_ns = bpf_ktime_get_ns();
	return teller->number != FR_NONE || pid_watched(teller->key.pid);
}

/*
 * Whether the process may send a notice. Two threads that begin a period at once send some more;
 * what is not sent is always followed by a look.
 */
static __always_inline bool may_tell(const struct teller *teller, u32 log)
{
	struct process_slot *process;
	u32 number = teller->number, told;
	u64 since_ns;

	process = number == FR_NONE ? NULL : bpf_map_lookup_elem(&processes, &number);
	if (!process)
		return true;
	since_ns = READ_ONCE(process->told_ns);
	if (teller->now_ns - since_ns >= TOLD_NS) {
		since_ns = teller->now_ns;
		WRITE_ONCE(process->told_ns, since_ns);
		WRITE_ONCE(process->told, 0);
	}
	told = __sync_fetch_and_add(&process->told, 1);
	if (told == TOLD_MAX)
		notify(NOTICE_ARM, teller->key.pid, log, since_ns + TOLD_NS + ARM_MARGIN_NS);
	return told < TOLD_MAX;
}

SEC("uprobe")
int on_arm(struct pt_regs *ctx)
{
	u64 timeout_ns = effective_timeout(PT_REGS_PARM2(ctx));
	u32 log = log_number(PT_REGS_PARM1(ctx));
	struct teller teller;

	keep_kernel_stack(ctx);
	if (is_watched(&teller) && (!log || may_tell(&teller, log)))
		notify(NOTICE_ARM, teller.key.pid, log, teller.now_ns + timeout_ns + ARM_MARGIN_NS);
	return 0;
}

SEC("uprobe")
int on_late(struct pt_regs *ctx)
{
	u32 log = log_number(PT_REGS_PARM1(ctx));
	struct teller teller;

	keep_kernel_stack(ctx);
	if (is_watched(&teller) && may_tell(&teller, log))
		notify_detail(NOTICE_LATE, teller.key.pid, log, (u32)PT_REGS_PARM2(ctx),
			      teller.now_ns);
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

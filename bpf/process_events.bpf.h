/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What happens to processes: they fork, call execve(), and end.
 *
 * At a tracepoint the kernel runs only one instance of a program at a time on each CPU, and skips
 * the others. Where tracepoints can be preempted (seen on Linux 7.2), a task that is preempted in
 * on_exit, most likely by the collector that it has just woken, hides the ends of all tasks that
 * die on its CPU meanwhile. So what must not be missed is observed where the kernel has disabled
 * interrupts, or in a softirq: there nothing else gets the CPU before the program is done.
 */
#ifndef FLIGHTREC_PROCESS_EVENTS_BPF_H
#define FLIGHTREC_PROCESS_EVENTS_BPF_H

#include "process.bpf.h"

/* Runs in the parent, with the run queue locked, before the child's first instruction. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_fork, struct task_struct *child)
{
	u32 parent_pid = bpf_get_current_pid_tgid() >> 32, child_pid = child->tgid;
	u64 started_ns = child->start_boottime;

	if (child_pid != parent_pid && bpf_map_lookup_elem(&watched, &parent_pid))
		bpf_map_update_elem(&watched, &child_pid, &started_ns, BPF_ANY);
	return 0;
}

/*
 * May be missed, and there is no later event at which the CPU is held. Two things make up for it:
 * end_replaced(), when the dynamic linker is done or a recorder is opened; and, for programs
 * without a dynamic linker, the collector, which counts what was missed.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct process_key key;

	task_key(task, &key);
	if (!pid_watched(key.pid))
		return 0;
	end_replaced(&key);
	notify(NOTICE_MAPPINGS, key.pid, 0, bpf_ktime_get_ns());
	return 0;
}

/* Ends the process if this was its last thread. */
static __always_inline void end_if_last(struct task_struct *task)
{
	struct process_key key;

	if (task->signal->live.counter > 0)
		return;
	task_key(task, &key);
	end_process(&key, PROCESS_ENDED, task->exit_code);
	end_replaced(&key);
	bpf_map_delete_elem(&watched, &key.pid);
}

/* Just in time, but may be missed. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	end_if_last(task);
	return 0;
}

/*
 * Interrupts are disabled here. The signal is the SIGCHLD of a process that has just become a
 * zombie.
 */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_exit_signal)
{
	end_if_last(bpf_get_current_task_btf());
	return 0;
}

/* Runs in a softirq, when a task is freed after it was reaped. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(on_free, struct task_struct *task)
{
	struct process_key key;
	u64 *started_ns;

	if (task->pid != task->tgid)
		return 0;
	task_key(task, &key);
	end_process(&key, PROCESS_ENDED, task->exit_code);
	end_replaced(&key);
	/* Its pid may already belong to another process. */
	started_ns = bpf_map_lookup_elem(&watched, &key.pid);
	if (started_ns && *started_ns == key.start_ns)
		bpf_map_delete_elem(&watched, &key.pid);
	return 0;
}

/* Lists the running watched processes, as struct process_found. */
SEC("iter/task")
int list_processes(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct process_found found = {};

	if (!task || task->pid != task->tgid || !pid_watched(task->tgid))
		return 0;
	task_key(task, &found.key);
	found.uid = task->cred->uid.val;
	bpf_probe_read_kernel(found.comm, FR_COMM_SIZE, task->comm);
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

#endif /* FLIGHTREC_PROCESS_EVENTS_BPF_H */

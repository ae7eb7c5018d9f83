/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What happens to processes: they fork, call execve(), and end.
 *
 * Of a program at a tracepoint the kernel runs one at a time on each CPU, and leaves out the
 * others. Where tracepoints can be preempted (seen on Linux 7.2), a task that is held up within
 * on_exit, by the collector that it has just woken most likely, hides the ends of all that die on
 * its CPU meanwhile. So what must not be missed is seen where the kernel has interrupts off, or
 * runs a softirq: nothing else gets the CPU there before the program is through.
 */
#ifndef FLIGHTREC_PROCESS_EVENTS_BPF_H
#define FLIGHTREC_PROCESS_EVENTS_BPF_H

#include "process.bpf.h"

/* In the parent, with the run queue locked: before the child's first instruction. */
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
 * May be missed. Nothing later tells of it with the CPU held, so it is made good: by end_replaced()
 * when the dynamic linker is done or a recorder opens, and by the collector, which counts what was
 * missed, for programs that have no dynamic linker.
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

/* Only the last thread ends the process. */
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

/* The moment itself; may be missed. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	end_if_last(task);
	return 0;
}

/* Interrupts are off. The signal is the SIGCHLD of a process that has just become a zombie. */
SEC("tp_btf/signal_generate")
int BPF_PROG(on_exit_signal)
{
	end_if_last(bpf_get_current_task_btf());
	return 0;
}

/* In a softirq, when a task that nobody waits for any more is given back. */
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
	/* Its number may be another's by now. */
	started_ns = bpf_map_lookup_elem(&watched, &key.pid);
	if (started_ns && *started_ns == key.start_ns)
		bpf_map_delete_elem(&watched, &key.pid);
	return 0;
}

/* Lists the watched processes that run already, as struct process_found. */
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

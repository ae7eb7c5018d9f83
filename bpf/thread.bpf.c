// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Says what registers a thread entered the kernel with, and whether it ran since: an iterator,
 * which runs in whoever reads it. The thread notices nothing of it, not even that it is looked at.
 *
 * An object of its own, loaded only if stacks are wanted: a kernel that refuses it costs the stacks
 * and nothing else.
 */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "thread.h"

/* A thread of the kernel's own has no registers of user space. */
#define PF_KTHREAD_ 0x00200000

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A record is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct thread_record);
} record SEC(".maps");

/*
 * Members are read one by one: under lockdown=confidentiality the kernel refuses to copy its memory
 * by an address, but not this.
 */
#if defined(__TARGET_ARCH_x86)
static __always_inline void read_registers(struct thread_record *to, struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	to->reg[0] = regs->ax;
	to->reg[1] = regs->dx;
	to->reg[2] = regs->cx;
	to->reg[3] = regs->bx;
	to->reg[4] = regs->si;
	to->reg[5] = regs->di;
	to->reg[6] = regs->bp;
	to->reg[7] = to->sp = regs->sp;
	to->reg[8] = regs->r8;
	to->reg[9] = regs->r9;
	to->reg[10] = regs->r10;
	to->reg[11] = regs->r11;
	to->reg[12] = regs->r12;
	to->reg[13] = regs->r13;
	to->reg[14] = regs->r14;
	to->reg[15] = regs->r15;
	to->reg[16] = to->pc = regs->ip;
	to->syscall = (long long)regs->orig_ax;
	to->arg[0] = regs->di;
	to->arg[1] = regs->si;
	to->arg[2] = regs->dx;
	to->arg[3] = regs->r10;
	to->arg[4] = regs->r8;
	to->arg[5] = regs->r9;
	to->thread_pointer = task->thread.fsbase;
}
#elif defined(__TARGET_ARCH_arm64)
/* The beginning of struct pt_regs there, which user space knows as struct user_pt_regs. */
struct arm64_registers {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
	u64 orig_x0;
	s32 syscallno;
};

static __always_inline void read_registers(struct thread_record *to, struct task_struct *task)
{
	struct arm64_registers *regs = (struct arm64_registers *)bpf_task_pt_regs(task);

#pragma unroll
	for (int i = 0; i < 31; i++)
		to->reg[i] = regs->regs[i];
	to->reg[31] = to->sp = regs->sp;
	to->reg[32] = to->pc = regs->pc;
	to->syscall = regs->syscallno;
	to->arg[0] = regs->orig_x0;
#pragma unroll
	for (int i = 1; i < THREAD_SYSCALL_ARGS; i++)
		to->arg[i] = regs->regs[i];
	to->thread_pointer = 0;
}
#endif

SEC("iter/task")
int read_thread(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_record *to;
	u32 zero = 0;

	if (!task || task->flags & PF_KTHREAD_)
		return 0;
	to = bpf_map_lookup_elem(&record, &zero);
	if (!to)
		return 0;
	to->pid = task->tgid;
	to->tid = task->pid;
	to->state = task->__state;
	/* Later kernels have it as a bit of something. */
	to->on_cpu = BPF_CORE_READ_BITFIELD(task, on_cpu);
	to->start_ns = task->start_time;
	to->voluntary_switches = task->nvcsw;
	to->involuntary_switches = task->nivcsw;
	to->runtime_ns = task->se.sum_exec_runtime;
	read_registers(to, task);
	bpf_seq_write(ctx->meta->seq, to, sizeof(*to));
	return 0;
}

/* ---- who has a file open ---- */

#define FMODE_READ_ 1
#define FMODE_WRITE_ 2

/* The file that is looked for, as the kernel has its numbers. */
unsigned long long wanted_inode;
unsigned int wanted_device;

SEC("iter/task_file")
int find_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct thread_file found = {};
	struct inode *inode;

	if (!task || !file)
		return 0;
	inode = file->f_inode;
	if (inode->i_ino != wanted_inode || inode->i_sb->s_dev != wanted_device)
		return 0;
	found.pid = task->tgid;
	found.fd = ctx->fd;
	found.reads = (file->f_mode & FMODE_READ_) != 0;
	found.writes = (file->f_mode & FMODE_WRITE_) != 0;
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

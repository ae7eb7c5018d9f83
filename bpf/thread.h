/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What thread.bpf.c says of a thread, for the collector. */
#ifndef FLIGHTREC_THREAD_H
#define FLIGHTREC_THREAD_H

#ifndef __bpf__
#include <stdint.h>
typedef uint32_t fr_thread_u32;
typedef uint64_t fr_thread_u64;
#else
typedef __u32 fr_thread_u32;
typedef __u64 fr_thread_u64;
#endif

/*
 * Registers by their DWARF numbers. x86-64: 0 to 15, 16 is rip, 7 is rsp. arm64: x0 to x30, 31 is
 * sp; pc, which has no number, stands at 32.
 */
#define THREAD_REGISTERS 33
#define THREAD_SYSCALL_ARGS 6
#define THREAD_NO_SYSCALL (-1LL)

struct thread_record {
	fr_thread_u32 pid;
	fr_thread_u32 tid;
	fr_thread_u32 state;  /* TASK_* of the kernel; 0: it runs, or could */
	fr_thread_u32 on_cpu; /* it has one at this moment */
	fr_thread_u64 start_ns;
	/* All that changes when it runs. */
	fr_thread_u64 voluntary_switches;
	fr_thread_u64 involuntary_switches;
	fr_thread_u64 runtime_ns;
	fr_thread_u64 thread_pointer; /* of user space; 0: not known */
	/* As it entered the kernel with. */
	fr_thread_u64 pc;
	fr_thread_u64 sp;
	fr_thread_u64 reg[THREAD_REGISTERS];
	long long syscall; /* its number, or THREAD_NO_SYSCALL */
	fr_thread_u64 arg[THREAD_SYSCALL_ARGS];
};

/* A descriptor of a file that was looked for. */
struct thread_file {
	fr_thread_u32 pid;
	fr_thread_u32 fd;
	fr_thread_u32 reads;
	fr_thread_u32 writes;
};

#endif /* FLIGHTREC_THREAD_H */

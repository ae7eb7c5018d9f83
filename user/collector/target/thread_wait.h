/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread waits in, as the kernel tells it without stopping the thread. */
#ifndef FLIGHTREC_THREAD_WAIT_H
#define FLIGHTREC_THREAD_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define THREAD_WAIT_NOTHING (-1) /* in no system call: it waits for memory, for instance */

struct thread_wait {
	char state;      /* 'S', 'D', ...: see proc(5) */
	int32_t syscall; /* its number, or THREAD_WAIT_NOTHING */
	uint64_t arg[6]; /* of the system call */
	uint64_t sp;
	uint64_t switches; /* how often it has given up its CPU, or was made to */
};

/*
 * Returns 0; -EAGAIN: it runs; -ENOENT: it has ended, or is the kernel's; -EPERM or -EACCES: this
 * may not be known.
 */
int thread_wait_read(pid_t pid, pid_t tid, struct thread_wait *wait);

/* Whether it has not moved in between: the same call, and never on a CPU. */
bool thread_wait_same(const struct thread_wait *before, const struct thread_wait *now);

/*
 * Whether a thread that waits so may just have nothing to do: for connections, events, a
 * condition, a child, a signal, or what somebody types. @name: of the system call.
 */
bool thread_wait_is_idle(pid_t pid, const struct thread_wait *wait, const char *name);

#endif /* FLIGHTREC_THREAD_WAIT_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread is doing right now, as the kernel tells it without stopping the thread. */
#ifndef FLIGHTREC_THREAD_STATE_H
#define FLIGHTREC_THREAD_STATE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes a phrase such as "thread 42 is sleeping in futex_wait_queue" to @text; "thread 42 has
 * ended" if the process goes on without it. Returns 0; or -ENOENT, with "", if the process has
 * ended.
 */
int thread_state(pid_t pid, pid_t tid, char *text, size_t size);

/*
 * Returns the same phrase, valid until the next call; NULL if the process has ended. The answer is
 * kept for a while: thousands of a thread's recorders may be due at the same moment, and getting it
 * takes six system calls. Not thread-safe.
 */
const char *thread_state_lately(pid_t pid, pid_t tid);

#endif /* FLIGHTREC_THREAD_STATE_H */

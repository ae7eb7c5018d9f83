/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread is doing at this moment, as the kernel tells it without stopping it. */
#ifndef FLIGHTREC_THREAD_STATE_H
#define FLIGHTREC_THREAD_STATE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes a phrase such as "thread 42 is sleeping in futex_wait_queue" to @text.
 * Returns 0, or -ENOENT with "" if the thread is gone.
 */
int thread_state(pid_t pid, pid_t tid, char *text, size_t size);

#endif /* FLIGHTREC_THREAD_STATE_H */

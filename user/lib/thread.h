/* SPDX-License-Identifier: BSD-2-Clause */
/* This thread: its id, and the recorders it has open, innermost last. */
#ifndef FLIGHTREC_LIB_THREAD_H
#define FLIGHTREC_LIB_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/process.h"

#define THREAD_NESTING_MAX 32

/* This thread's id. The kernel is asked once per thread. */
uint32_t thread_id(struct flightrec_process *process);

/*
 * Makes this thread a writer of the memory log until thread_leave(). A signal handler that logs in
 * between writes at another level. Returns false if there is no log or too many levels are nested;
 * then do not call thread_leave().
 */
bool thread_enter(struct flightrec_process *process, struct memory_writer *writer);
void thread_leave(const struct memory_writer *writer);

void thread_push(struct flightrec_process *process, uint32_t slot, uint64_t id);
/* Forgets a recorder, wherever it is. If another thread opened it, does nothing. */
void thread_remove(struct flightrec_process *process, uint32_t slot, uint64_t id);
flightrec *thread_current(struct flightrec_process *process);

#endif /* FLIGHTREC_LIB_THREAD_H */

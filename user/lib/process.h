/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This process as the library sees it: its instance number, which changes with fork(), and which
 * recorders are open in it. process.c explains how.
 */
#ifndef FLIGHTREC_LIB_PROCESS_H
#define FLIGHTREC_LIB_PROCESS_H

#include <stdint.h>

#include "flightrec.h"
#include "lib/memory.h"
#include "lib/probe.h"

/* This process, or NULL if it never opened a recorder. */
static inline struct flightrec_process *process_peek(void)
{
	uint64_t address = __atomic_load_n(&flightrec_state_.process, __ATOMIC_ACQUIRE);

	return (struct flightrec_process *)(uintptr_t)address;
}

/* Its memory log, or NULL. */
static inline struct memory_header *process_memory(const struct flightrec_process *process)
{
	uint64_t address = __atomic_load_n(&process->memory, __ATOMIC_ACQUIRE);

	return address > FLIGHTREC_NO_MEMORY ? (struct memory_header *)(uintptr_t)address : NULL;
}

/*
 * A program and its plugins may each have a copy of the library, each with its own open recorders
 * and its own log. Returns the process to which another copy gave this instance number; NULL if
 * there is none here. May change errno.
 */
struct flightrec_process *process_of_other_copy(uint64_t instance);

/* This process, made if need be; NULL if there is no memory for it. */
struct flightrec_process *process_get(void);

/* The number for the next recorder that is opened, in this or any other copy. */
uint64_t process_next_number(struct flightrec_process *process);

/* Gives an open recorder a slot. Returns its number, or a negative errno. @thread: the caller. */
int64_t process_open(struct flightrec_process *process, uint32_t thread, flightrec *rec,
		     uint64_t id);

/* Takes recorder @id out again. @thread is the one that may use the slot next. */
void process_close(struct flightrec_process *process, uint32_t thread, uint32_t slot, uint64_t id);

/* The same, but the slot is not used again before memory_keep() gives it back. */
void process_close_late(struct flightrec_process *process, uint32_t thread, uint32_t slot,
			uint64_t id);

/*
 * The recorder in @slot if the low 32 bits of its id are @id, else NULL. The bits repeat only after
 * 2^32 openings; no nesting level lasts that long.
 */
flightrec *process_find(struct flightrec_process *process, uint32_t slot, uint32_t id);

#endif /* FLIGHTREC_LIB_PROCESS_H */

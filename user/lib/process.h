/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This process, as the library knows it: which instance of the program it is (fork() makes a
 * new one), and which recorders are open in it.
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
 * A program and its plugins may each have a copy of the library, and each copy its own list of
 * open recorders, and its own log. Returns the process that another copy gave this instance
 * number; NULL: there is none in this process. May change errno.
 */
struct flightrec_process *process_of_other_copy(uint64_t instance);

/* This process, with an instance number; NULL if there is no memory for it. */
struct flightrec_process *process_get(void);

/* For the recorder that is opened next, in this or any other copy. */
uint64_t process_next_number(struct flightrec_process *process);

/*
 * Enters an open recorder; returns its slot number, or a negative errno. @thread: the caller's id.
 */
int64_t process_open(struct flightrec_process *process, uint32_t thread, flightrec *rec,
		     uint64_t id);

/* Takes recorder @id out again. @thread: the id of the one that is to have the slot next. */
void process_close(struct flightrec_process *process, uint32_t thread, uint32_t slot, uint64_t id);

/* The same, but the slot is used again only when memory_keep() gives it back. */
void process_close_late(struct flightrec_process *process, uint32_t thread, uint32_t slot,
			uint64_t id);

/*
 * The recorder in @slot if the low 32 bits of its id are @id, else NULL. These bits repeat after
 * 2^32 openings, far more than a nesting level outlives.
 */
flightrec *process_find(struct flightrec_process *process, uint32_t slot, uint32_t id);

#endif /* FLIGHTREC_LIB_PROCESS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* What the other parts of the library need to know about recorders. */
#ifndef FLIGHTREC_LIB_RECORDER_H
#define FLIGHTREC_LIB_RECORDER_H

#include <stdint.h>

#include "flightrec.h"
#include "lib/process.h"

/* The same as recorder_process(), for a recorder that is not open in this copy's process. */
struct flightrec_process *recorder_process_of_other_copy(const flightrec *rec, uint64_t *id);

/*
 * Returns the process in which @rec is open, this copy's or another's, and sets *@id to its number
 * there. If it is not open, as its copy in a child of fork() is not: NULL, and 0. Keeps errno.
 */
static inline struct flightrec_process *recorder_process(const flightrec *rec, uint64_t *id)
{
	struct flightrec_process *process;

	*id = __atomic_load_n(&rec->id_, __ATOMIC_ACQUIRE);
	if (!*id)
		return NULL;
	process = process_peek();
	if (__builtin_expect(process && rec->instance_ == process->instance, 1))
		return process;
	return recorder_process_of_other_copy(rec, id);
}

/* Copies the context of recorder @id into the memory log. */
void recorder_keep_context(struct flightrec_process *process, const flightrec *rec, uint64_t id);

#endif /* FLIGHTREC_LIB_RECORDER_H */

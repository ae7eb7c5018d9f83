/* SPDX-License-Identifier: BSD-2-Clause */
/* A recorder, seen from the library's other parts. */
#ifndef FLIGHTREC_LIB_RECORDER_H
#define FLIGHTREC_LIB_RECORDER_H

#include <stdint.h>

#include "flightrec.h"
#include "lib/process.h"

/* For what is not open in this copy's process. */
struct flightrec_process *recorder_process_of_other_copy(const flightrec *rec, uint64_t *id);

/*
 * The process in which @rec is open, this copy's or another's, and its number there in *@id. NULL
 * and 0: it is not open (a copy of it that fork() made is not). errno stays.
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

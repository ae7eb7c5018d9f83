/* SPDX-License-Identifier: BSD-2-Clause */
/* A recorder, seen from the library's other parts. */
#ifndef FLIGHTREC_LIB_RECORDER_H
#define FLIGHTREC_LIB_RECORDER_H

#include <stdint.h>

#include "flightrec.h"

/* Its id, or 0 if it is not open in this process (a copy that fork() made is not). */
uint64_t recorder_id(const flightrec *rec);

/* Copies the context of recorder @id into the memory log. */
void recorder_keep_context(const flightrec *rec, uint64_t id);

#endif /* FLIGHTREC_LIB_RECORDER_H */

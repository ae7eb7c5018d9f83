/* SPDX-License-Identifier: BSD-2-Clause */
/* The auxiliary vector of another process: what getauxval(3) tells about one's own. */
#ifndef FLIGHTREC_AUXV_H
#define FLIGHTREC_AUXV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Finds the value of @type (AT_ENTRY, ...) in process @pid. Returns false if it has none, or its
 * vector cannot be read.
 */
bool auxv_find(pid_t pid, uint64_t type, uint64_t *value);

/* The same in a copy of a vector: of a 64-bit program or, on x86-64 alone, of a 32-bit one. */
bool auxv_find_in(const void *vector, size_t size, uint64_t type, uint64_t *value);

#endif /* FLIGHTREC_AUXV_H */

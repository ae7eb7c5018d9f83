/* SPDX-License-Identifier: BSD-2-Clause */
/* Which places of a file get which probes, and in which order. */
#ifndef FLIGHTREC_PROBE_PLACEMENT_H
#define FLIGHTREC_PROBE_PLACEMENT_H

#include <stdbool.h>

#include "collector/target/elf_probes.h"

struct attached_file;
struct tracker;

/*
 * Which probes of a copy of the library are attached to, a bit for each: those for watching by
 * memory, if it has them, or those that tell everything.
 */
unsigned placement_wanted(const struct elf_probes_copy *copy, bool by_memory);

/*
 * Attaches to all copies of the library in @file, which @fd is open on: to all places or to none.
 * Returns 0 or a negative errno.
 */
int placement_attach_copies(const struct tracker *tracker, struct attached_file *file, int fd,
			    bool by_memory);

/*
 * Attaches to a dynamic linker, where it tells debuggers that the mappings have changed. Returns 0;
 * -ENOENT: it has no such place; or another negative errno.
 */
int placement_attach_linker(const struct tracker *tracker, struct attached_file *file, int fd);

#endif /* FLIGHTREC_PROBE_PLACEMENT_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* The notes of USDT probes in an ELF file, which is hostile: elf_file.h says at what cost. */
#ifndef FLIGHTREC_ELF_NOTES_H
#define FLIGHTREC_ELF_NOTES_H

#include <stdint.h>

#include "collector/target/elf_file.h"

/* A probe's note, adjusted for prelink. The strings lie in the note. */
struct probe_note {
	uint64_t address;
	uint64_t semaphore; /* 0: none */
	const char *provider;
	const char *name;
	const char *arguments;
};

/*
 * Calls @fn for each note, until it returns something other than 0.
 * Returns that; 0; -ENOENT: the file has no section names; -EFBIG: too much to look at.
 */
int elf_notes_each(struct elf_file *file, int (*fn)(void *arg, const struct probe_note *note),
		   void *arg);

#endif /* FLIGHTREC_ELF_NOTES_H */

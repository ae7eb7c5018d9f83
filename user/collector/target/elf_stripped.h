/* SPDX-License-Identifier: BSD-2-Clause */
/* Files whose probes cannot be found any more. */
#ifndef FLIGHTREC_ELF_STRIPPED_H
#define FLIGHTREC_ELF_STRIPPED_H

#include <stdbool.h>

/*
 * Whether an ELF file still has the sections of USDT probes, but not the notes that say where they
 * are: llvm-strip removes .note.stapsdt, as it is not loaded. Reads at most 64 KiB of headers and
 * names of the file, which is hostile. False for all else.
 */
bool elf_stripped_of_notes(int fd);

#endif /* FLIGHTREC_ELF_STRIPPED_H */

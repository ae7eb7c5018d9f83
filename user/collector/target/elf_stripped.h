/* SPDX-License-Identifier: BSD-2-Clause */
/* Files whose probes can no longer be found. */
#ifndef FLIGHTREC_ELF_STRIPPED_H
#define FLIGHTREC_ELF_STRIPPED_H

#include <stdbool.h>

/*
 * Whether an ELF file has the sections of USDT probes, but has lost the notes that say where the
 * probes are: llvm-strip removes .note.stapsdt, since it is not loaded. Reads at most 64 KiB of
 * headers and names of the file, which is hostile. False for any other file.
 */
bool elf_stripped_of_notes(int fd);

#endif /* FLIGHTREC_ELF_STRIPPED_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* Symbols of an ELF file, which is hostile: elf_file.h says at what cost. */
#ifndef FLIGHTREC_ELF_SYMBOLS_H
#define FLIGHTREC_ELF_SYMBOLS_H

#include <stdint.h>

#include "collector/target/elf_file.h"

struct elf_symbol {
	uint64_t address; /* as linked */
	uint64_t size;
	int type; /* STT_FUNC and so on */
};

/*
 * Finds the symbol @name, which .dynsym or .symtab defines. Returns 0; -ENOENT: there is none;
 * -EFBIG: too much to look at.
 */
int elf_symbol_find(struct elf_file *file, const char *name, struct elf_symbol *symbol);

/* Calls @fn with the name of each function that is defined, at most @most times. */
void elf_functions_each(struct elf_file *file, size_t most, void (*fn)(void *arg, const char *name),
			void *arg);

#endif /* FLIGHTREC_ELF_SYMBOLS_H */

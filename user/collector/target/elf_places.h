/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds places in an ELF file, which is hostile. elf_file.h explains the cost. */
#ifndef FLIGHTREC_ELF_PLACES_H
#define FLIGHTREC_ELF_PLACES_H

#include <stddef.h>
#include <stdint.h>

#define ELF_BUILD_ID_MAX 64

/*
 * The offset in the file of the function @name, which .dynsym or .symtab defines.
 * Returns 0; -ENOENT: no such function, or not an ELF file for this machine; -EBADMSG: its address
 * is not in an executable part of the file; -EFBIG: there is too much to look at; -ENOMEM.
 */
int elf_symbol_offset(int fd, const char *name, uint64_t *file_offset);

/*
 * Copies the GNU build id to @id.
 * Returns its size in bytes; -ENOENT: there is none; -ENOSPC: it is longer than @size; -EFBIG:
 * there is too much to look at; -ENOMEM.
 */
int elf_build_id(int fd, unsigned char *id, size_t size);

/*
 * What to add to an address as linked, modulo 2^64, to get the address in a process that has mapped
 * @file_offset of the executable part of @fd at @start.
 * Returns 0; -ENOENT: not an ELF file for this machine, or nothing executable is there; -EFBIG:
 * there is too much to look at; -ENOMEM.
 */
int elf_load_bias(int fd, uint64_t start, uint64_t file_offset, uint64_t *bias);

#endif /* FLIGHTREC_ELF_PLACES_H */

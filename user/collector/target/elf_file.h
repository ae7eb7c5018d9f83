/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ELF file of this machine that was linked (a program or a shared object), read by libelf at a
 * cost that is known beforehand.
 *
 * The file is hostile. libelf checks what it reads, but works as much as the file tells it to: it
 * keeps each section in memory, also those that are the same part of the file, and searches all of
 * a string table for its end with each name. So this asks it for program headers, section headers
 * and whole sections alone, of which there is a limit for each file, and looks for names itself.
 * The file is read, never mapped, so that cutting it short meanwhile does no harm.
 */
#ifndef FLIGHTREC_ELF_FILE_H
#define FLIGHTREC_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Far above anything real: the probes' notes of the largest programs take a twentieth of it. */
#define ELF_FILE_SEGMENTS_MAX 1024
#define ELF_FILE_SECTIONS_MAX 4096
#define ELF_FILE_READ_MAX (4u << 20)

struct elf_file {
	int fd;
	Elf *elf;
	const Elf64_Phdr *segment;
	size_t segments;
	size_t left; /* bytes of it that may still be read */
	/* NULL and 0 before elf_file_read_names(), and where there are none. */
	const char *names;
	size_t names_size;
};

/*
 * Returns 0; -ENOENT: not a 64-bit ELF file of this machine that was linked; -EFBIG: it has more
 * sections than are looked at; -ENOMEM. To be closed if it is 0. The descriptor stays the caller's.
 */
int elf_file_open(struct elf_file *file, int fd);
void elf_file_close(struct elf_file *file);

/* The sections' names, for elf_file_next(). Returns 0; -ENOENT: there are none; -EFBIG. */
int elf_file_read_names(struct elf_file *file);

/* The next section after @from (NULL: the first) of @type and, unless it is NULL, called @name. */
Elf_Scn *elf_file_next(const struct elf_file *file, Elf_Scn *from, uint32_t type, const char *name);

/*
 * What is in a section, in @data, which is the file's.
 * Returns 0; -ENOENT: nothing, or it is compressed, or cannot be read; -EFBIG: too much.
 */
int elf_file_section(struct elf_file *file, Elf_Scn *section, const Elf_Data **data);

/* The same for what is in segment number @i, all of it notes. */
int elf_file_note_segment(struct elf_file *file, size_t i, const Elf_Data **data);

/* All of @size bytes at @offset, or false. Does not count as read. */
bool elf_file_read(const struct elf_file *file, void *to, size_t size, uint64_t offset);

/* The offset in the file of @size bytes at @address, in a PT_LOAD that has all of @flags. */
bool elf_file_offset_of(const struct elf_file *file, uint64_t address, uint64_t size,
			uint32_t flags, uint64_t *offset);

/* Whether @string stands at @at in @size bytes of strings. */
bool elf_file_is_string(const char *strings, size_t size, size_t at, const char *string);

#endif /* FLIGHTREC_ELF_FILE_H */

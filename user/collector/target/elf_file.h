/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program or shared object for this machine, read with libelf, at a bounded cost.
 *
 * The file is hostile. libelf checks what it reads, but does as much work as the file tells it to.
 * It keeps every section in memory, even if many of them are the same part of the file; and for
 * each name it searches the whole string table for its end. So we only ask it for program headers,
 * section headers and whole sections, up to a limit for each file, and look up names ourselves. The
 * file is read, never mapped, so that it does no harm to cut it short meanwhile.
 */
#ifndef FLIGHTREC_ELF_FILE_H
#define FLIGHTREC_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Far more than any real file needs: for the largest programs it takes a twentieth of this. */
#define ELF_FILE_SEGMENTS_MAX 1024
#define ELF_FILE_SECTIONS_MAX 4096
#define ELF_FILE_READ_MAX (4u << 20)

struct elf_file {
	int fd;
	Elf *elf;
	const Elf64_Phdr *segment;
	size_t segments;
	size_t left; /* bytes that may still be read */
	/* NULL and 0 before elf_file_read_names(), and if there are none. */
	const char *names;
	size_t names_size;
};

/*
 * Returns 0; -ENOENT: this is not a 64-bit program or shared object for this machine; -EFBIG: it
 * has too many sections; -ENOMEM. Call elf_file_close() after 0. The descriptor stays the caller's.
 */
int elf_file_open(struct elf_file *file, int fd);
void elf_file_close(struct elf_file *file);

/* Reads the sections' names for elf_file_next(). Returns 0; -ENOENT: there are none; -EFBIG. */
int elf_file_read_names(struct elf_file *file);

/* The next section after @from (NULL: the first) of @type and, unless it is NULL, called @name. */
Elf_Scn *elf_file_next(const struct elf_file *file, Elf_Scn *from, uint32_t type, const char *name);

/*
 * Sets @data to the contents of a section, which belong to the file.
 * Returns 0; -ENOENT: it is empty, compressed, or cannot be read; -EFBIG: it is too large.
 */
int elf_file_section(struct elf_file *file, Elf_Scn *section, const Elf_Data **data);

/* The same for segment number @i, if it is one of notes. */
int elf_file_note_segment(struct elf_file *file, size_t i, const Elf_Data **data);

/* Reads @size bytes at @offset, or returns false. They do not count towards the limit. */
bool elf_file_read(const struct elf_file *file, void *to, size_t size, uint64_t offset);

/* The offset in the file of @size bytes at @address, in a PT_LOAD that has all of @flags. */
bool elf_file_offset_of(const struct elf_file *file, uint64_t address, uint64_t size,
			uint32_t flags, uint64_t *offset);

/* Whether @string is at @at in a string table of @size bytes. */
bool elf_file_is_string(const char *strings, size_t size, size_t at, const char *string);

#endif /* FLIGHTREC_ELF_FILE_H */

// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/elf_stripped.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define SECTIONS_MAX 512
#define NAMES_MAX 32768

static bool read_at(int fd, void *to, size_t size, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

static bool read_header(int fd, Elf64_Ehdr *header)
{
	return read_at(fd, header, sizeof(*header), 0) &&
	       memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       header->e_shentsize == sizeof(Elf64_Shdr) && header->e_shnum <= SECTIONS_MAX &&
	       header->e_shstrndx < header->e_shnum;
}

bool elf_stripped_of_notes(int fd)
{
	bool base = false, semaphores = false, notes = false;
	Elf64_Shdr section[SECTIONS_MAX];
	char names[NAMES_MAX];
	Elf64_Ehdr header;
	uint64_t size;

	if (!read_header(fd, &header) ||
	    !read_at(fd, section, header.e_shnum * sizeof(*section), header.e_shoff))
		return false;
	size = section[header.e_shstrndx].sh_size;
	if (!size || size > sizeof(names) ||
	    !read_at(fd, names, size, section[header.e_shstrndx].sh_offset))
		return false;
	names[size - 1] = '\0';
	for (size_t i = 0; i < header.e_shnum; i++) {
		const char *name = section[i].sh_name < size ? names + section[i].sh_name : "";

		base = base || strcmp(name, ".stapsdt.base") == 0;
		semaphores = semaphores || strcmp(name, ".probes") == 0;
		notes = notes || strcmp(name, ".note.stapsdt") == 0;
	}
	return base && semaphores && !notes;
}

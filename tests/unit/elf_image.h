/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF files made byte by byte, with things that no linker would write: sections that share the same
 * part of the file, any number of them and of any size, in sparse files.
 *
 *	0x1000	code, executable: a nop at ELF_IMAGE_NOP
 *	0x2000	data, writable: a library's state at ELF_IMAGE_STATE
 *	0x3000	names of sections
 *	0x10000	section headers: none, the names', then those that are given
 *	0x500000 what a test puts there
 *
 * Addresses are the same as offsets.
 */
#ifndef FLIGHTREC_UNIT_ELF_IMAGE_H
#define FLIGHTREC_UNIT_ELF_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flightrec.h"
#include "flightrec/probes.h"

#define ELF_IMAGE_NOP 0x1100
#define ELF_IMAGE_STATE 0x2100
#define ELF_IMAGE_NAMES 0x3000
#define ELF_IMAGE_SECTIONS 0x10000
#define ELF_IMAGE_DATA 0x500000

/* Offsets into the names. */
static const char elf_image_names[] = "\0.note.stapsdt\0.stapsdt.base\0.probes\0.shstrtab\0.x";
#define ELF_IMAGE_NAME_NOTES 1
#define ELF_IMAGE_NAME_BASE 15
#define ELF_IMAGE_NAME_PROBES 29
#define ELF_IMAGE_NAME_NAMES 37
#define ELF_IMAGE_NAME_OTHER 47

#if defined(__x86_64__)
#define ELF_IMAGE_MACHINE EM_X86_64
#define ELF_IMAGE_CODE "\x90"
#define ELF_IMAGE_ARGS "8@%rdi 8@%rsi" /* of the end probe */
#else
#define ELF_IMAGE_MACHINE EM_AARCH64
#define ELF_IMAGE_CODE "\x1f\x20\x03\xd5"
#define ELF_IMAGE_ARGS "8@x0 8@x1"
#endif

static inline bool elf_image_put(int fd, const void *bytes, size_t size, uint64_t offset)
{
	return pwrite(fd, bytes, size, (off_t)offset) == (ssize_t)size;
}

static inline Elf64_Ehdr elf_image_header(size_t segments, size_t sections)
{
	return (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
		.e_type = ET_DYN,
		.e_machine = ELF_IMAGE_MACHINE,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_shoff = ELF_IMAGE_SECTIONS,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (uint16_t)segments,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = (uint16_t)sections,
		.e_shstrndx = 1,
	};
}

/* Makes a file with @n sections besides the first two. Returns a descriptor, or -1. */
static inline int elf_image(const Elf64_Shdr *section, size_t n)
{
	const Elf64_Ehdr header = elf_image_header(2, n + 2);
	const Elf64_Phdr load[] = {
		{PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x1000, 0x1000, 0x1000, 0x1000},
		{PT_LOAD, PF_R | PF_W, 0x2000, 0x2000, 0x2000, 0x1000, 0x1000, 0x1000},
	};
	const Elf64_Shdr first[] = {
		{0},
		{.sh_name = ELF_IMAGE_NAME_NAMES,
		 .sh_type = SHT_STRTAB,
		 .sh_offset = ELF_IMAGE_NAMES,
		 .sh_size = sizeof(elf_image_names)},
	};
	int fd = memfd_create("image", MFD_CLOEXEC);

	if (fd < 0 || !elf_image_put(fd, &header, sizeof(header), 0) ||
	    !elf_image_put(fd, load, sizeof(load), header.e_phoff) ||
	    !elf_image_put(fd, ELF_IMAGE_CODE, sizeof(ELF_IMAGE_CODE) - 1, ELF_IMAGE_NOP) ||
	    !elf_image_put(fd, FLIGHTREC_STATE_MAGIC, sizeof(FLIGHTREC_STATE_MAGIC),
			   ELF_IMAGE_STATE) ||
	    !elf_image_put(fd, elf_image_names, sizeof(elf_image_names), ELF_IMAGE_NAMES) ||
	    !elf_image_put(fd, first, sizeof(first), ELF_IMAGE_SECTIONS) ||
	    !elf_image_put(fd, section, n * sizeof(*section), ELF_IMAGE_SECTIONS + sizeof(first)) ||
	    ftruncate(fd, ELF_IMAGE_DATA))
		return -1;
	return fd;
}

/* A note for the end probe that puts its nop at @address. */
struct elf_image_note {
	uint32_t name_size, size, type;
	char name[8];
	uint64_t address, base, semaphore;
	char text[sizeof("flightrec\0end\0" ELF_IMAGE_ARGS) + 4];
} __attribute__((packed, aligned(4)));

static inline struct elf_image_note elf_image_note(uint64_t address)
{
	struct elf_image_note note = {
		.name_size = 8,
		.type = 3,
		.name = "stapsdt",
		.address = address,
		.semaphore = ELF_IMAGE_STATE + offsetof(struct flightrec_state, semaphore) +
			     FLIGHTREC_PROBE_END * sizeof(uint16_t),
		.text = "flightrec\0end\0" ELF_IMAGE_ARGS,
	};

	note.size = (uint32_t)(sizeof(note) - offsetof(struct elf_image_note, address)) & ~3u;
	return note;
}

/* Section headers of notes, which are @size bytes at ELF_IMAGE_DATA. */
static inline Elf64_Shdr elf_image_notes(uint64_t size)
{
	return (Elf64_Shdr){.sh_name = ELF_IMAGE_NAME_NOTES,
			    .sh_type = SHT_NOTE,
			    .sh_offset = ELF_IMAGE_DATA,
			    .sh_size = size,
			    .sh_addralign = 4};
}

#endif /* FLIGHTREC_UNIT_ELF_IMAGE_H */

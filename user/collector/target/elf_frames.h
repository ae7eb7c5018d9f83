/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where functions begin and end, by what is said in .eh_frame for those who unwind their frames:
 * stripped files have that as well. The file is hostile; elf_file.h says at what cost it is read.
 */
#ifndef FLIGHTREC_ELF_FRAMES_H
#define FLIGHTREC_ELF_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "collector/target/elf_file.h"

/* A function, or a part of one: compilers move what is rarely run elsewhere. */
struct elf_frame {
	uint64_t address; /* as linked */
	uint64_t size;
};

/* Zeroed: none. Sorted by address. */
struct elf_frames {
	struct elf_frame *frame;
	size_t count;
	size_t room;
};

/*
 * Returns 0; -ENOENT: the file has none that can be read; -EFBIG: too much to look at; -ENOMEM.
 * What cannot be read is left out.
 */
int elf_frames_read(struct elf_file *file, struct elf_frames *frames);
void elf_frames_free(struct elf_frames *frames);

/* The one that @address is in; NULL: none. */
const struct elf_frame *elf_frames_find(const struct elf_frames *frames, uint64_t address);

#endif /* FLIGHTREC_ELF_FRAMES_H */

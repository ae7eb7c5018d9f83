/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flightrec probes of an ELF file: where to attach, and where the library keeps its state.
 *
 * The file is hostile: sizes are bounded, every address is checked against the program headers,
 * and it is read, never mapped, so that cutting it short meanwhile does no harm.
 * Thread-safe for different file descriptors. The descriptor's offset may be changed.
 */
#ifndef FLIGHTREC_ELF_PROBES_H
#define FLIGHTREC_ELF_PROBES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "flightrec/probes.h"

/* More copies of the library than this in one file are refused. */
#define ELF_PROBES_COPIES_MAX 8

#define ELF_BUILD_ID_MAX 64

struct elf_probe {
	uint64_t offset;         /* in the file, of the nop; 0: this copy has no such probe */
	uint64_t ref_ctr_offset; /* in the file, of the semaphore */
	uint64_t address;        /* of the nop, as linked */
	uint64_t semaphore;      /* address of the semaphore, as linked */
};

/* One copy of the library. A linker may have dropped probes that the program cannot reach. */
struct elf_probes_copy {
	uint64_t state;   /* address of its struct flightrec_state, as linked */
	unsigned present; /* bit p: probe p (enum flightrec_probe) is there */
	struct elf_probe probe[FLIGHTREC_PROBES];
};

struct elf_probes {
	size_t copies;
	struct elf_probes_copy copy[ELF_PROBES_COPIES_MAX];
	unsigned skipped;   /* notes whose code the linker dropped */
	const char *reason; /* static text; set with -EBADMSG, and if anything was skipped */
};

/* "begin", "entry", ...; static. */
extern const char *const elf_probe_name[FLIGHTREC_PROBES];

/*
 * Finds the probes of provider `flightrec` in the ELF file @fd is open for reading on.
 *
 * Returns 0, with at least one copy with at least one probe; -ENOENT: no such notes, or not a
 * 64-bit ELF file of this machine; -EBADMSG: there are notes, but @out->reason forbids their use;
 * -ENOMEM. @out is always initialised.
 */
int elf_probes_find(int fd, struct elf_probes *out);

/*
 * The offset in the file of the function @name, which .symtab or .dynsym defines.
 * Returns 0; -ENOENT: no such function, or not an ELF file of this machine; -EBADMSG: its address
 * is not in the executable part of the file; -ENOMEM.
 */
int elf_symbol_offset(int fd, const char *name, uint64_t *file_offset);

/*
 * Copies the GNU build id to @id.
 * Returns its size in bytes; -ENOENT: there is none; -ENOSPC: it is longer than @size; -ENOMEM.
 */
int elf_build_id(int fd, unsigned char *id, size_t size);

/*
 * What is to be added to an address as linked to get the address in a process where @file_offset
 * of the executable part of @fd is mapped at @start. Modulo 2^64.
 * Returns 0; -ENOENT: not an ELF file of this machine, or nothing executable stands there; -ENOMEM.
 */
int elf_load_bias(int fd, uint64_t start, uint64_t file_offset, uint64_t *bias);

#endif /* FLIGHTREC_ELF_PROBES_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flightrec probes of an ELF file: where to attach, and where the library keeps its state.
 *
 * The file is hostile: elf_file.h says at what cost it is read. Every address is checked against
 * the program headers.
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

/* Why a file's probes cannot be used, or not all of them. */
enum elf_reason {
	ELF_REASON_NONE,
	ELF_REASON_SIZE,
	ELF_REASON_NOTES,
	ELF_REASON_STATE,
	ELF_REASON_COPIES,
	ELF_REASON_ARGUMENTS,
	ELF_REASON_SEMAPHORE,
	ELF_REASON_TWICE,
	ELF_REASON_NO_NOP,
	ELF_REASON_UNKNOWN,
	ELF_REASON_DROPPED,
	ELF_REASONS
};

/* As the end of a line; static. */
const char *elf_reason_text(enum elf_reason reason);

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
	unsigned skipped;       /* notes whose code the linker dropped */
	enum elf_reason reason; /* set with -EBADMSG, and if anything was skipped */
};

/* "begin", "entry", ...; static. */
extern const char *const elf_probe_name[FLIGHTREC_PROBES];

/*
 * Finds the probes of provider `flightrec` in the ELF file @fd is open for reading on.
 *
 * Returns 0, with at least one copy with at least one probe; -ENOENT: no such notes, or not a
 * 64-bit ELF file of this machine; -EBADMSG: there are notes, or there may be, but @out->reason
 * forbids their use; -ENOMEM. @out is always initialised.
 */
int elf_probes_find(int fd, struct elf_probes *out);

#endif /* FLIGHTREC_ELF_PROBES_H */

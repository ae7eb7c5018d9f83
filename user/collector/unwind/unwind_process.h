/* SPDX-License-Identifier: BSD-2-Clause */
/* In the unwinding helper: a process, by its files and a copy of the stack of one thread. */
#ifndef FLIGHTREC_UNWIND_PROCESS_H
#define FLIGHTREC_UNWIND_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdwfl.h>

#include "collector/unwind/unwind_protocol.h"

struct unwind_process {
	Dwfl *dwfl;
	Dwfl_Module **module; /* by index */
	int *file;            /* descriptors; -1: none was passed, or libdw has it */
	size_t modules;
	unsigned char *vdso; /* a copy */
	uint32_t vdso_size;
	uint64_t vdso_start;
	int socket; /* to ask for files on */
	uint64_t number;
	const struct unwind_payload *request; /* the one being worked on */
	const unsigned char *stack;
	bool beyond; /* more of the stack was asked for than there is */
};

/* @backend is any ELF file of this machine. Returns whether there was memory. */
bool unwind_process_open(struct unwind_process *process, const struct unwind_payload *request,
			 Elf *backend);
void unwind_process_close(struct unwind_process *process);

/* The descriptor of a module's file, which is the process's from then on. */
void unwind_process_add_file(struct unwind_process *process, size_t module, int fd);

/* Answers a request, in @reply. */
void unwind_process_answer(struct unwind_process *process, const struct unwind_payload *request,
			   struct unwind_reply *reply);

#endif /* FLIGHTREC_UNWIND_PROCESS_H */

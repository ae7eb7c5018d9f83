/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the arguments of events are: of a USDT probe as its note says, of functions and system
 * calls as this machine passes them.
 */
#ifndef FLIGHTREC_SPAN_OPERAND_H
#define FLIGHTREC_SPAN_OPERAND_H

#include <stddef.h>

#include "bpf/span.h"

/* A probe of a file. */
struct span_note {
	uint64_t address;      /* of the probe, as the file has it */
	const char *arguments; /* of its note: "-4@%edi 8@-16(%rbp)" */
	/* Finds the address of a symbol of the file. Returns 0 or -ENOENT. */
	int (*symbol)(void *arg, const char *name, uint64_t *address);
	void *arg;
};

/* Argument @number of a USDT probe. Returns 0; -ENOENT: it has fewer; -ENOTSUP: not to be read. */
int span_operand_of_note(const struct span_note *note, unsigned int number,
			 struct span_operand *operand);

/* Argument @number of a function, where it begins; of a system call. Return 0 or -ENOENT. */
int span_operand_of_function(unsigned int number, struct span_operand *operand);
int span_operand_of_syscall(unsigned int number, struct span_operand *operand);

#endif /* FLIGHTREC_SPAN_OPERAND_H */

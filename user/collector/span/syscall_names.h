/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls of this machine, as its headers name them. */
#ifndef FLIGHTREC_SYSCALL_NAMES_H
#define FLIGHTREC_SYSCALL_NAMES_H

#include <stddef.h>

struct syscall_name {
	const char *name;
	int number;
};

extern const struct syscall_name syscall_names[];
extern const size_t n_syscall_names;

/* Returns -1 if there is none of that name. */
int syscall_number(const char *name);

/* NULL: unknown. */
const char *syscall_name(int number);

#endif /* FLIGHTREC_SYSCALL_NAMES_H */

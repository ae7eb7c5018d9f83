/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A breakpoint at the entry point of a process that the calling thread traces: where the kernel
 * makes a program start its own code, behind that of the dynamic linker. Everything here wants the
 * process to be stopped.
 */
#ifndef FLIGHTREC_BREAKPOINT_H
#define FLIGHTREC_BREAKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct breakpoint {
	uint64_t entry; /* its address; 0: none is set */
	uint64_t saved; /* the 8 aligned bytes around it, as they were */
};

/* ptrace(2), with errno 0 if it worked: for requests whose result may be any number. */
long breakpoint_trace(int request, pid_t pid, uint64_t address, uint64_t data);

/* Sets it in a process that has just executed a program. Returns false, none set, if it cannot. */
bool breakpoint_set(struct breakpoint *breakpoint, pid_t pid);
/* Whether the SIGTRAP that stopped the process comes from it, not from somebody's kill(2). */
bool breakpoint_hit(const struct breakpoint *breakpoint, pid_t pid);
/* Takes it out of the process, or of another that has a copy of its memory. */
void breakpoint_clear(const struct breakpoint *breakpoint, pid_t pid);
/* The same after a hit: the process goes on as if it had not been there. */
void breakpoint_leave(const struct breakpoint *breakpoint, pid_t pid);

#endif /* FLIGHTREC_BREAKPOINT_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A breakpoint at the entry point of a traced process: where its own code begins, after the dynamic
 * linker is done. The calling thread is the tracer, and the process must be stopped for every call.
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

/* Calls ptrace(2). errno is 0 on success, for requests whose result may be any number. */
long breakpoint_trace(int request, pid_t pid, uint64_t address, uint64_t data);

/*
 * Sets it in a process that has just executed a program. Returns false, with none set, on failure.
 */
bool breakpoint_set(struct breakpoint *breakpoint, pid_t pid);
/* Whether the SIGTRAP that stopped the process came from the breakpoint, not from kill(2). */
bool breakpoint_hit(const struct breakpoint *breakpoint, pid_t pid);
/* Removes it from the process, or from another process that has a copy of its memory. */
void breakpoint_clear(const struct breakpoint *breakpoint, pid_t pid);
/* Removes it after a hit, so that the process goes on as if it had never been there. */
void breakpoint_leave(const struct breakpoint *breakpoint, pid_t pid);

#endif /* FLIGHTREC_BREAKPOINT_H */

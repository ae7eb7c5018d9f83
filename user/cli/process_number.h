/* SPDX-License-Identifier: BSD-2-Clause */
/* What a number given to -p refers to. */
#ifndef FLIGHTREC_PROCESS_NUMBER_H
#define FLIGHTREC_PROCESS_NUMBER_H

#include <sys/types.h>

enum process_number {
	NUMBER_OF_PROCESS,
	NUMBER_OF_NONE,
	NUMBER_OF_ZOMBIE, /* ended, but not yet reaped by its parent */
	NUMBER_OF_KERNEL_THREAD,
	NUMBER_OF_US,
};

/*
 * @number may be that of a thread, as shown by top -H and ps -L: then *@process is its process.
 * Otherwise it is @number itself.
 */
enum process_number process_number_look_up(pid_t number, pid_t *process);

/* Why it cannot be attached to, worded to follow "process 42 "; NULL if it is a process. */
const char *process_number_problem(enum process_number number);

#endif /* FLIGHTREC_PROCESS_NUMBER_H */

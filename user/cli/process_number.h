/* SPDX-License-Identifier: BSD-2-Clause */
/* What a number that somebody gave to -p stands for. */
#ifndef FLIGHTREC_PROCESS_NUMBER_H
#define FLIGHTREC_PROCESS_NUMBER_H

#include <sys/types.h>

enum process_number {
	NUMBER_OF_PROCESS,
	NUMBER_OF_NONE,
	NUMBER_OF_ZOMBIE, /* ended; its parent has not asked for its status yet */
	NUMBER_OF_KERNEL_THREAD,
	NUMBER_OF_US,
};

/*
 * @number may be that of a thread, which top -H and ps -L show: *@process is its process, and
 * @number itself if there is none.
 */
enum process_number process_number_look_up(pid_t number, pid_t *process);

/* Why nothing can be attached to it, to follow "process 42 "; NULL: it is a process. */
const char *process_number_problem(enum process_number number);

#endif /* FLIGHTREC_PROCESS_NUMBER_H */

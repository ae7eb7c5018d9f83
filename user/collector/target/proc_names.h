/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process and its threads are called, and whose it is, as /proc has it. */
#ifndef FLIGHTREC_PROC_NAMES_H
#define FLIGHTREC_PROC_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROC_COMM_SIZE 17 /* with the NUL */

/* Copies the comm of a thread. Returns false, and leaves @comm as it is, if it has ended. */
bool proc_comm(pid_t pid, pid_t tid, char comm[PROC_COMM_SIZE]);

/*
 * Copies the path of the executable. Returns false, and "", if it is not known: the process ended,
 * or may not be looked at.
 */
bool proc_exe(pid_t pid, char *path, size_t size);

/* The user that a process runs as; 0 if it has ended. */
uid_t proc_user(pid_t pid);

#endif /* FLIGHTREC_PROC_NAMES_H */

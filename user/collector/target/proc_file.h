/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files of /proc/PID/task/TID; see proc(5). */
#ifndef FLIGHTREC_PROC_FILE_H
#define FLIGHTREC_PROC_FILE_H

#include <sys/types.h>

/*
 * Reads file @name of a thread, @size - 1 bytes at most, and always terminates what it read.
 * Returns how many there are, or a negative errno.
 */
ssize_t proc_file_read(pid_t pid, pid_t tid, const char *name, char *to, size_t size);

#endif /* FLIGHTREC_PROC_FILE_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of /proc/PID/task/TID/status; see proc(5). */
#ifndef FLIGHTREC_PROC_STATUS_H
#define FLIGHTREC_PROC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the rest of the line that begins with @key, such as "Tgid:". @pid may be the number of any
 * thread of the process. Returns false if there is no such thread or line.
 */
bool proc_status_read(pid_t pid, pid_t tid, const char *key, char *value, size_t size);

#endif /* FLIGHTREC_PROC_STATUS_H */

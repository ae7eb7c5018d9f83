/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds memory logs (format/memory_log.h) in a process or a core file. A process has one for each
 * copy of the library in it. Not thread-safe.
 */
#ifndef FLIGHTREC_LOG_SOURCE_H
#define FLIGHTREC_LOG_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/target/memory_log.h"

/* If a process has more than this, the rest is left out. */
#define LOG_SOURCE_LOGS_MAX 64

struct log_source;

/* Opens process @pid. Returns 0, -ESRCH, -EACCES, -EPERM, or another negative errno. */
int log_source_open_process(struct log_source **source, pid_t pid);
/*
 * The same, but keeps the logs open, if that is allowed, so that they can be read when the process
 * is gone. That takes a file descriptor for each.
 */
int log_source_hold_process(struct log_source **source, pid_t pid);

/* Adds the logs that a process has got since. Returns the same as log_source_open_process(). */
int log_source_look_again(struct log_source *source);

/*
 * Opens core file @path. Returns 0; -ENOEXEC if it is not a core file of this architecture; or
 * another negative errno.
 */
int log_source_open_core(struct log_source **source, const char *path);

/* NULL is allowed. */
void log_source_close(struct log_source *source);

size_t log_source_logs(const struct log_source *source);
/* The log at @index. It belongs to the source. */
struct memory_log *log_source_log(struct log_source *source, size_t index);

/* Where it begins in the process. */
uint64_t log_source_address(const struct log_source *source, size_t index);

/* What a core file says about its process. For a live process only its pid and clock are set. */
struct log_source_process {
	pid_t pid;
	int64_t ahead_ns; /* its CLOCK_MONOTONIC, of ours (time_namespace.h) */
	char comm[17];
	uint64_t time_ns; /* when the core was written, CLOCK_REALTIME */
};
const struct log_source_process *log_source_process(const struct log_source *source);

#endif /* FLIGHTREC_LOG_SOURCE_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core file: the memory of a process that has ended, by address. Its contents are hostile: they
 * are checked, and reading them takes bounded time and memory. Not thread-safe.
 */
#ifndef FLIGHTREC_CORE_FILE_H
#define FLIGHTREC_CORE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct core_file;

/*
 * Returns 0; -ENOEXEC if it is not a core file of this architecture; -ENOMEM; or a negative errno
 * from opening and reading it.
 */
int core_file_open(struct core_file **core, const char *path);
/* NULL is allowed. */
void core_file_close(struct core_file *core);

/*
 * Copies memory from the core. Returns 0, -EFAULT if the core does not contain it, or a negative
 * errno.
 */
int core_file_read(struct core_file *core, uint64_t address, void *to, size_t size);

/* The parts of the address space that the core contains, by ascending index. */
size_t core_file_segments(const struct core_file *core);
uint64_t core_file_segment(const struct core_file *core, size_t index);

/* From its notes; 0 and "" if they do not say. */
pid_t core_file_pid(const struct core_file *core);
const char *core_file_comm(const struct core_file *core);
/* When it was written, in nanoseconds of CLOCK_REALTIME. */
uint64_t core_file_time_ns(const struct core_file *core);

#endif /* FLIGHTREC_CORE_FILE_H */

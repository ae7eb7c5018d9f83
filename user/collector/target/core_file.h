/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A core file: the memory of a process that is gone, by address. Its contents are hostile: they are
 * checked, and reading them costs bounded time and memory. Not thread-safe.
 */
#ifndef FLIGHTREC_CORE_FILE_H
#define FLIGHTREC_CORE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct core_file;

/*
 * Returns 0; -ENOEXEC: not a core file of this architecture; -ENOMEM; or another negative errno,
 * of opening and reading it.
 */
int core_file_open(struct core_file **core, const char *path);
/* NULL: does nothing. */
void core_file_close(struct core_file *core);

/* Copies memory that the core has. Returns 0, -EFAULT: it is not in there, or a negative errno. */
int core_file_read(struct core_file *core, uint64_t address, void *to, size_t size);

/* Parts of the address space that the core has, by ascending number. */
size_t core_file_segments(const struct core_file *core);
uint64_t core_file_segment(const struct core_file *core, size_t index);

/* From its notes: 0 and "" if they do not say. */
pid_t core_file_pid(const struct core_file *core);
const char *core_file_comm(const struct core_file *core);
/* When it was written, as nanoseconds of CLOCK_REALTIME. */
uint64_t core_file_time_ns(const struct core_file *core);

#endif /* FLIGHTREC_CORE_FILE_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of threads, from the kernel (bpf/thread.bpf.c): nothing is stopped for them. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_THREADS_H
#define FLIGHTREC_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bpf/thread.h"

struct threads;

/*
 * Loads the BPF program. Returns 0; or a negative errno, with one line at @error and *@threads set
 * to NULL.
 */
int threads_open(struct threads **threads, char *error, size_t error_size);
/* NULL is allowed. */
void threads_close(struct threads *threads);

/* Passes how many instructions the verifier processed to @fn. */
void threads_verified(struct threads *threads, void (*fn)(const char *program, uint32_t count));

/* Fills in @record. Returns 0; -ESRCH if there is no such thread; or another negative errno. */
int threads_read(struct threads *threads, pid_t tid, struct thread_record *record);

/*
 * Passes the threads of a process to @fn until it returns true. Returns whether it did, or a
 * negative errno. Of very many, some are left out.
 */
int threads_any(struct threads *threads, pid_t pid, bool (*fn)(const struct thread_record *record));

/*
 * Who has a file open that stat(2) has as @device and @inode: fills in @files, and returns how many
 * there are, @most at most; or a negative errno. Looks at all descriptors of the host, which takes
 * a millisecond for some thousands.
 */
int threads_find_file(struct threads *threads, uint64_t device, uint64_t inode,
		      struct thread_file *files, size_t most);

#endif /* FLIGHTREC_THREADS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of an observed process: bounded reads, and the walk over its open recorders.
 * The process may change it at any moment, and may have filled it to mislead: what is returned is
 * a copy, of the size asked for, and no more true than the process is.
 * Not to be used by two threads at once.
 */
#ifndef FLIGHTREC_TARGET_MEMORY_H
#define FLIGHTREC_TARGET_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "flightrec.h"
#include "flightrec/probes.h"

struct target {
	pid_t pid;
	int mem_fd;    /* /proc/PID/mem, opened on first need; -1: not open */
	uint32_t skip; /* slots that the next walk passes over, as an earlier one looked at them */
	bool use_vm;   /* it could not be opened: by process_vm_readv() */
};

/*
 * Prepares reads of process @pid; opens nothing yet. Release with target_close(). Once something
 * was read it stays with the program that the process ran then: after an exec, close and anew.
 */
void target_init(struct target *target, pid_t pid);
void target_close(struct target *target);

/*
 * Copies @size bytes at @address. All or nothing; @buffer is undefined after an error.
 * Returns 0; -EFAULT: not readable there; -ESRCH: no such process; -EPERM, -EACCES: not allowed.
 */
int target_read(struct target *target, uint64_t address, void *buffer, size_t size);

/*
 * Copies the string at @address, at most @size - 1 bytes of it, and always terminates it.
 * Returns its length; @size - 1: it may have been cut there, or by the end of readable memory if
 * the result is shorter and *@cut is set. @cut may be NULL. Errors as target_read(), and -EINVAL
 * for a @size of 0; @buffer then holds "".
 */
ssize_t target_read_string(struct target *target, uint64_t address, char *buffer, size_t size,
			   bool *cut);

/* What a walk over the open recorders found, besides them. */
struct target_walk {
	uint64_t instance; /* 0: nothing was opened yet in this process */
	uint64_t opened;   /* recorders opened so far, says the process */
	uint32_t slots;    /* looked at */
	uint32_t found;    /* handed to the callback */
	uint32_t skipped;  /* in use, but inconsistent or unreadable; a close meanwhile does that */
	bool cut;          /* there are more slots than the caller's maximum */
};

/*
 * Takes a copy of an open recorder, and its address in the process. The name is terminated and
 * the context's size is within bounds; everything else is as it was read. Not 0 ends the walk.
 */
typedef int (*target_recorder_fn)(const flightrec *rec, uint64_t address, void *arg);

/* Who walks over the open recorders, and how far. */
struct target_visitor {
	target_recorder_fn fn;
	void *arg;
	uint32_t slots_max; /* so many are looked at, used or not */
};

/*
 * Walks over the open recorders of a process whose struct flightrec_state stands at @state. @walk
 * is always filled in, and may not be NULL.
 *
 * Returns 0; what the visitor returned if not 0; -EBADMSG: no state of this version stands there;
 * errors of target_read().
 */
int target_open_recorders(struct target *target, uint64_t state,
			  const struct target_visitor *visitor, struct target_walk *walk);

#endif /* FLIGHTREC_TARGET_MEMORY_H */

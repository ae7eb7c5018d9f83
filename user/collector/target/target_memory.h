/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of an observed process: bounded reads, and a walk over its open recorders. The process
 * may change it at any moment, and may have filled it to mislead. What is returned is a copy of the
 * requested size, and as trustworthy as the process. Not to be used by two threads at once.
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
	int mem_fd;    /* /proc/PID/mem, opened when first needed; -1: not open */
	uint32_t skip; /* slots for the next walk to skip, because an earlier one looked at them */
	int64_t ahead_ns; /* its clock minus ours; set by a walk */
	bool use_vm;      /* it could not be opened: use process_vm_readv() */
};

/*
 * Prepares for reading process @pid, but opens nothing yet. Release with target_close(). After the
 * first read it is bound to the program that the process was running then: after an exec, close it
 * and start again.
 */
void target_init(struct target *target, pid_t pid);
void target_close(struct target *target);

/*
 * Copies @size bytes at @address, all or nothing; after an error @buffer is undefined. Returns 0;
 * -EFAULT if memory there is not readable; -ESRCH if there is no such process; -EPERM or -EACCES if
 * it is not allowed.
 */
int target_read(struct target *target, uint64_t address, void *buffer, size_t size);

/*
 * Copies the string at @address, at most @size - 1 bytes of it, and always terminates it. Returns
 * its length. If that is @size - 1, the string may have been cut; if it is less and *@cut is set,
 * readable memory ended there. @cut may be NULL. Errors are those of target_read(), and -EINVAL for
 * a @size of 0; @buffer then holds "".
 */
ssize_t target_read_string(struct target *target, uint64_t address, char *buffer, size_t size,
			   bool *cut);

/* What a walk over the open recorders found besides them. */
struct target_walk {
	uint64_t instance; /* 0: nothing was ever opened in this process */
	uint64_t opened;   /* recorders opened so far, according to the process */
	uint32_t slots;    /* looked at */
	uint32_t found;    /* passed to the callback */
	uint32_t skipped;  /* in use, but unreadable, or just being closed */
	bool cut;          /* there were more slots than the caller's maximum */
};

/*
 * Takes a copy of an open recorder and its address in the process. The name is terminated, the
 * context's size is in range, and started_ns_ is on our clock; everything else is as it was read. A
 * result other than 0 ends the walk.
 */
typedef int (*target_recorder_fn)(const flightrec *rec, uint64_t address, void *arg);

/* What a walk calls for each recorder, and how far it goes. */
struct target_visitor {
	target_recorder_fn fn;
	void *arg;
	uint32_t slots_max; /* slots to look at, used or not */
};

/*
 * Walks over the open recorders of a process whose struct flightrec_state is at @state. Always
 * fills in @walk, which must not be NULL.
 *
 * Returns 0; what the visitor returned, if that was not 0; -EBADMSG if no state of this version is
 * there; or an error of target_read().
 */
int target_open_recorders(struct target *target, uint64_t state,
			  const struct target_visitor *visitor, struct target_walk *walk);

#endif /* FLIGHTREC_TARGET_MEMORY_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorders that were open before they were watched: found in the memory of their process, and
 * handed to the kernel to be tracked like any other. So a collector that comes to a process that
 * hangs already still tells what it hangs in.
 */
#ifndef FLIGHTREC_ADOPTION_H
#define FLIGHTREC_ADOPTION_H

#include <stdint.h>
#include <sys/types.h>

/* An attachments_copy_fn, whose @arg is the session: remembers a copy of the library. */
void adoption_add(void *session, pid_t pid, uint64_t state);

#endif /* FLIGHTREC_ADOPTION_H */

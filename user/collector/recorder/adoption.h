/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorders that were open before they were watched: found in the memory of their process, and
 * handed to the kernel to be tracked like any other. So a collector that comes to a process that
 * hangs already still tells what it hangs in.
 */
#ifndef FLIGHTREC_ADOPTION_H
#define FLIGHTREC_ADOPTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct recorders;

/* An attachments_copy_fn, whose @arg is struct recorders: remembers a copy of the library. */
void adoption_add(void *recorders, pid_t pid, uint64_t state);

/*
 * Forgets the recorders that process @pid has open and that did not time out: their ends may have
 * been missed. Those that are open nevertheless are to be adopted again.
 */
void adoption_forget(struct recorders *recorders, pid_t pid);

/* Takes over what is open in the copies that were added since, or have to be looked at again. */
void adoption_run(struct recorders *recorders);
/* Whether some have to be looked at again, and that is due. */
bool adoption_is_due(const struct recorders *recorders);

#endif /* FLIGHTREC_ADOPTION_H */

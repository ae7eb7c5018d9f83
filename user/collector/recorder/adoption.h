/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recorders that were open before they were watched. They are found in the memory of their process
 * and handed to BPF, to be tracked like any other. So a collector that is attached to a process
 * that already hangs can still tell where.
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

/* Adopts what is open in the copies that were added since, or that need a second look. */
void adoption_run(struct recorders *recorders);
/* Whether a second look is due. */
bool adoption_is_due(const struct recorders *recorders);

#endif /* FLIGHTREC_ADOPTION_H */

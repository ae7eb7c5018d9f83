/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removes probes in the background, as the kernel makes the caller wait for some tens of
 * milliseconds. Has a thread of its own, hidden behind these functions, which one thread may call.
 */
#ifndef FLIGHTREC_DETACHER_H
#define FLIGHTREC_DETACHER_H

#include <stdbool.h>

#include "collector/kernel/uprobes.h"

struct detacher;

/* NULL: no memory, or no descriptor. */
struct detacher *detacher_new(void);
/* Waits for what is still to be done. NULL is allowed. */
void detacher_free(struct detacher *detacher);

/*
 * Removes @links, leaving it empty, and then gives back the lease of @lease unless it is negative.
 * @what is what detacher_done() will return. Returns false if all of that is done already; then
 * detacher_done() does not return it.
 */
bool detacher_add(struct detacher *detacher, struct uprobe_links *links, int lease, void *what);

/* Readable when something has been done. */
int detacher_fd(const struct detacher *detacher);
/* Returns a @what that is done, each once; NULL: no more for now. */
void *detacher_done(struct detacher *detacher);

#endif /* FLIGHTREC_DETACHER_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes probes out while other things go on: the kernel makes whoever does that wait for some tens
 * of milliseconds. A thread of its own, hidden behind these functions, which one thread may call.
 */
#ifndef FLIGHTREC_DETACHER_H
#define FLIGHTREC_DETACHER_H

#include <stdbool.h>

#include "collector/kernel/uprobes.h"

struct detacher;

/* NULL: no memory, or no descriptor. */
struct detacher *detacher_new(void);
/* Waits for what is to be done. NULL is allowed. */
void detacher_free(struct detacher *detacher);

/*
 * Takes out @links, of which nothing is left there, then gives back the lease of @lease, unless it
 * is negative. @what is for detacher_done(). Returns false if it was done at once, and will not be
 * told of.
 */
bool detacher_add(struct detacher *detacher, struct uprobe_links *links, int lease, void *what);

/* Readable when something was done. */
int detacher_fd(const struct detacher *detacher);
/* Something of which nothing is left to do; NULL: no more for now. Each is returned once. */
void *detacher_done(struct detacher *detacher);

#endif /* FLIGHTREC_DETACHER_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* Adds to reports where their threads are, for whoever has no session; see where/annotator.h. */
#ifndef FLIGHTREC_STACKS_H
#define FLIGHTREC_STACKS_H

#include "collector/report/report.h"

struct stacks;

/* Returns NULL if that is not possible here. @emit takes the reports. */
struct stacks *stacks_open(void (*emit)(void *arg, const struct report *report), void *arg);
void stacks_add(struct stacks *stacks, const struct report *report);
/* Emits all that were added, those whose stacks do not come in time without. */
void stacks_finish(struct stacks *stacks);
/* NULL is allowed. */
void stacks_close(struct stacks *stacks);

#endif /* FLIGHTREC_STACKS_H */

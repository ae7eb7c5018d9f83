/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adds to reports where their threads are. That takes a while, so a report that is to have it is
 * kept meanwhile, and with it all later ones of its process: they come out in the order in which
 * they went in. Those of other processes do not wait. Not thread-safe.
 */
#ifndef FLIGHTREC_ANNOTATOR_H
#define FLIGHTREC_ANNOTATOR_H

#include <stddef.h>
#include <stdint.h>

#include "collector/report/report.h"

struct annotator;

struct annotator_options {
	/* Takes each report, which is borrowed. It must call none of these functions. */
	void (*emit)(void *arg, const struct report *report);
	void *arg;
};

/*
 * Returns 0; or a negative errno, with one line at @error and *@annotator set to NULL: then
 * stacks are not possible here.
 */
int annotator_new(struct annotator **annotator, const struct annotator_options *options,
		  char *error, size_t error_size);
/* What it keeps is lost. NULL is allowed. */
void annotator_free(struct annotator *annotator);

void annotator_add(struct annotator *annotator, const struct report *report);
/* Goes on, for @max_ns or so, and emits what is complete. */
void annotator_work(struct annotator *annotator, uint64_t max_ns);
/* When it must go on even if its descriptor is silent (CLOCK_MONOTONIC); UINT64_MAX: never. */
uint64_t annotator_next(const struct annotator *annotator);
/* Becomes readable when it can go on. */
int annotator_fd(const struct annotator *annotator);
/* Emits all that it keeps; waits for stacks until @until_ns (CLOCK_MONOTONIC) at most. */
void annotator_finish(struct annotator *annotator, uint64_t until_ns);

/* Passes how many instructions the verifier processed to @fn. */
void annotator_verified(struct annotator *annotator,
			void (*fn)(const char *program, uint32_t count));

#endif /* FLIGHTREC_ANNOTATOR_H */

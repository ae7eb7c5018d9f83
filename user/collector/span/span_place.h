/* SPDX-License-Identifier: BSD-2-Clause */
/* What BPF has to know of an event, where it is attached. */
#ifndef FLIGHTREC_SPAN_PLACE_H
#define FLIGHTREC_SPAN_PLACE_H

#include "collector/span/span_operand.h"
#include "collector/span/span_set.h"

struct span_problem {
	char text[160];
};

/*
 * Fills in @place for event @number of @set. @note is the probe's, or NULL: it is no probe.
 * Returns 0; or -ENOTSUP, with @problem: an argument cannot be read there.
 */
int span_place_make(const struct span_set *set, size_t number, const struct span_note *note,
		    struct span_place *place, struct span_problem *problem);

/* The same place, as the end of the function (or system call) that begins there. */
void span_place_end(const struct span_place *begin, bool hijacked, struct span_place *end);

#endif /* FLIGHTREC_SPAN_PLACE_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* The tracker's part for spans: bpf/span.h. Only for one that was opened with spans. */
#ifndef FLIGHTREC_TRACKER_SPANS_H
#define FLIGHTREC_TRACKER_SPANS_H

#include "bpf/span.h"
#include "collector/kernel/tracker.h"

/* The programs of events, and of functions' returns: the cookie is the number of a place. */
int tracker_span_program(const struct tracker *tracker, bool returns);

/* Sets what is to be done at place @number. Returns 0 or a negative errno. */
int tracker_span_place(struct tracker *tracker, uint32_t number, const struct span_place *place);

/* System call @number is place @place from now on; 0: none. */
void tracker_span_syscall(struct tracker *tracker, uint32_t number, uint32_t place);
/* Places that are system calls take effect from now on. Returns 0 or a negative errno. */
int tracker_span_attach_syscalls(struct tracker *tracker);

/*
 * What is known beside slot @index, if that is of generation @generation and a span's. It may
 * have changed meanwhile: false.
 */
bool tracker_span_copy(const struct tracker *tracker, uint32_t index, uint32_t generation,
		       struct span_slot *copy);

#endif /* FLIGHTREC_TRACKER_SPANS_H */

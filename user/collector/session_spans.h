/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaches to the events of spans: finds them in the files that processes map. A file is attached
 * to once for all processes, or, where only named ones are watched, for each of these. Not
 * thread-safe.
 */
#ifndef FLIGHTREC_SESSION_SPANS_H
#define FLIGHTREC_SESSION_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "collector/span/span_set.h"

struct spans;
struct tracker;

/*
 * @tracker was opened with spans. @set is borrowed. System calls are attached to at once. Returns
 * 0 or a negative errno.
 */
int spans_new(struct spans **spans, struct tracker *tracker, const struct span_set *set,
	      bool each_process);
/* Detaches from everything. NULL is allowed. */
void spans_free(struct spans *spans);
void spans_detach(struct spans *spans);

/* Attaches to what process @pid maps. Returns how many spans are possible in it. */
size_t spans_scan(struct spans *spans, pid_t pid);

/* Why span @i is not possible anywhere so far; NULL: it is. */
const char *spans_problem(const struct spans *spans, size_t i);

/*
 * A function that begins a span, of which not all exits are known, was called by process @pid
 * (event
 * @site) and is to return to @address: its end is looked for there, in that process alone.
 */
void spans_return(struct spans *spans, pid_t pid, uint32_t site, uint64_t address);

/* Whether a span's file was not seen yet. */
bool spans_may_come(const struct spans *spans);

#endif /* FLIGHTREC_SESSION_SPANS_H */

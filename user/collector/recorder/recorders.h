/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that the collector knows about recorders: their entries, taken from the rings; their
 * processes; and what is still to be reported. Entries and notices go in, reports come out through
 * a callback. Not thread-safe.
 *
 * See settlement.h for what happens to a recorder, and adoption.h for those found open.
 */
#ifndef FLIGHTREC_RECORDERS_H
#define FLIGHTREC_RECORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/report/deaths.h"

struct entry_record;
struct recorders;
struct report;
struct site_record;
struct span_set;
struct tracker;

struct recorders_options {
	size_t entries_memory; /* bytes kept for the entries of all open recorders */
	enum deaths deaths;
	uint64_t max_reports;         /* after this many nothing more is reported; 0: no limit */
	const struct span_set *spans; /* borrowed; NULL: there are none */
	/* Takes each report, which is borrowed. It must not call any of these functions. */
	void (*emit)(void *arg, const struct report *report);
	void *arg;
};

/*
 * @tracker is borrowed until recorders_free(). Returns 0; or -ENOMEM, with *@recorders set to NULL.
 */
int recorders_new(struct recorders **recorders, struct tracker *tracker,
		  const struct recorders_options *options);
/* NULL is allowed. */
void recorders_free(struct recorders *recorders);

/* Take an entry, a context, or the description of a call site, all checked by ring_record.h. */
void recorders_add_entry(struct recorders *recorders, const struct entry_record *record);
void recorders_add_site(struct recorders *recorders, const struct site_record *record);

/* Something happened to the process of a slot: it was registered, ended, or called execve(). */
void recorders_look_at_process(struct recorders *recorders, uint32_t index);

/* Forgets recorders that closed in time, if there may be many of them. */
void recorders_sweep(struct recorders *recorders);

/* From now on recorders that time out after @deadline_ns (CLOCK_MONOTONIC) are ignored. */
void recorders_end_at(struct recorders *recorders, uint64_t deadline_ns);

/* When something must be done even if nothing else happens (CLOCK_MONOTONIC); UINT64_MAX: never. */
uint64_t recorders_next(const struct recorders *recorders);
/* Whether the requested number of reports is written. */
bool recorders_done(const struct recorders *recorders);

/* Passes a report on, unless all that were asked for are written. @counts: it is one of these. */
void recorders_emit(struct recorders *recorders, const struct report *report, bool counts);

struct recorders_counts {
	uint64_t timed_out;   /* noticed here before the timer did */
	uint64_t buffer_lost; /* entries missing from replays */
};

struct recorders_counts recorders_count(const struct recorders *recorders);

/* Returns what is wrong, according to the list in recorders_check.c; or NULL. */
const char *recorders_check(const struct recorders *recorders);

#endif /* FLIGHTREC_RECORDERS_H */

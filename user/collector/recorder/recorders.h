/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that the collector knows of recorders: their entries, taken out of the rings, the processes
 * they are of, and what is still to be said of them. Entries and notices go in; reports come out,
 * by a callback. Not thread-safe.
 *
 * What happens to a recorder is told in settlement.h; what is found open, in adoption.h.
 */
#ifndef FLIGHTREC_RECORDERS_H
#define FLIGHTREC_RECORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry_record;
struct recorders;
struct report;
struct site_record;
struct tracker;

struct recorders_options {
	size_t entries_memory; /* bytes kept of entries, of all recorders that are open */
	uint64_t max_reports;  /* then there is nothing more to say; 0: any number */
	/* Takes each report, which is borrowed. It may call none of these functions. */
	void (*emit)(void *arg, const struct report *report);
	void *arg;
};

/* @tracker is borrowed, until recorders_free(). Returns 0 or -ENOMEM, and then *@recorders is NULL.
 */
int recorders_new(struct recorders **recorders, struct tracker *tracker,
		  const struct recorders_options *options);
/* NULL: does nothing. */
void recorders_free(struct recorders *recorders);

/* Takes an entry, or a context, or the description of a call site, checked by ring_record.h. */
void recorders_add_entry(struct recorders *recorders, const struct entry_record *record);
void recorders_add_site(struct recorders *recorders, const struct site_record *record);

/* Something happened to the process of a slot: it came, ended, or called execve(). */
void recorders_look_at_process(struct recorders *recorders, uint32_t index);

/* Forgets those that closed in time, if enough may have gathered. */
void recorders_sweep(struct recorders *recorders);

/* From now on those are left out that time out after @deadline_ns (CLOCK_MONOTONIC). */
void recorders_end_at(struct recorders *recorders, uint64_t deadline_ns);

/* When there is something to do if nothing else happens, CLOCK_MONOTONIC; UINT64_MAX: never. */
uint64_t recorders_next(const struct recorders *recorders);
/* Whether the reports that were asked for are written. */
bool recorders_done(const struct recorders *recorders);

struct recorders_counts {
	uint64_t timed_out;   /* seen here, before the kernel's timer could tell */
	uint64_t buffer_lost; /* entries left out of replays */
};

struct recorders_counts recorders_count(const struct recorders *recorders);

/* What is wrong with all this, as recorders_check.c lists it; NULL: nothing. */
const char *recorders_check(const struct recorders *recorders);

#endif /* FLIGHTREC_RECORDERS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call sites of one observed process, by address. An address means one call site only as long
 * as the process's mappings stay as they are: when a plugin is unloaded and another one loaded,
 * the next one to stand there may be a different one. So each description is good from a certain
 * time on, and an entry has the one that was good when it was logged. Not thread-safe.
 *
 * A process may make up as many call sites as it likes. All of them share one budget, of which a
 * process may use as much as it leaves free for others.
 */
#ifndef FLIGHTREC_CALL_SITES_H
#define FLIGHTREC_CALL_SITES_H

#include <stddef.h>
#include <stdint.h>

struct site_record;

/* Strings are NULL where they could not be read; borrowed until the next call. */
struct call_site_info {
	const char *format;
	size_t format_size;
	const char *file;
	const char *function;
	unsigned int line;
};

/* Bytes, of all processes. */
struct call_site_budget {
	size_t used;
	size_t limit;
};

struct call_site;

struct call_sites {
	struct call_site *known; /* by address */
	size_t bytes;            /* of the budget */
};

/*
 * Keeps a description, good from @record->from_ns (CLOCK_MONOTONIC) until one with a later time.
 * Returns 0; -EINVAL: it has no format; -ENOSPC: the process has used its share; -ENOMEM.
 */
int call_sites_add(struct call_sites *sites, struct call_site_budget *budget,
		   const struct site_record *record);

/* What stood at @address at @time_ns. Returns 0, or -ENOENT: that is not known, and nothing is. */
int call_sites_find(const struct call_sites *sites, uint64_t address, uint64_t time_ns,
		    struct call_site_info *info);

/* Empties it; it can be used again. */
void call_sites_clear(struct call_sites *sites, struct call_site_budget *budget);

/* The same of a description that is not kept. */
void call_site_describe(const struct site_record *record, struct call_site_info *info);

#endif /* FLIGHTREC_CALL_SITES_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call sites of an observed process, by address. An address identifies a call site only as long
 * as the process's mappings stay the same: if a plugin is unloaded and another is loaded, a
 * different call site may be there. So each description is valid from a certain time on, and an
 * entry uses the one that was valid when it was logged. Not thread-safe.
 *
 * A process may invent as many call sites as it likes. All processes share one budget, of which
 * each may use as much as it leaves free for others.
 */
#ifndef FLIGHTREC_CALL_SITES_H
#define FLIGHTREC_CALL_SITES_H

#include <stddef.h>
#include <stdint.h>

struct site_record;

/* Strings that could not be read are NULL. Borrowed until the next call. */
struct call_site_info {
	const char *format;
	size_t format_size;
	const char *file;
	const char *function;
	unsigned int line;
};

/* In bytes, for all processes. */
struct call_site_budget {
	size_t used;
	size_t limit;
};

struct call_site;

struct call_sites {
	struct call_site *known; /* by address */
	size_t bytes;            /* used of the budget */
};

/*
 * Keeps a description, valid from @record->from_ns (CLOCK_MONOTONIC) until there is one with a
 * later time. Returns 0; -EINVAL if it has no format; -ENOSPC if the process has used up its share;
 * -ENOMEM.
 */
int call_sites_add(struct call_sites *sites, struct call_site_budget *budget,
		   const struct site_record *record);

/*
 * What was at @address at @time_ns. Returns 0; or -ENOENT, with @info cleared, if that is not
 * known.
 */
int call_sites_find(const struct call_sites *sites, uint64_t address, uint64_t time_ns,
		    struct call_site_info *info);

/* Empties it; it can be used again. */
void call_sites_clear(struct call_sites *sites, struct call_site_budget *budget);

/* Fills in @info from a description that is not kept. */
void call_site_describe(const struct site_record *record, struct call_site_info *info);

#endif /* FLIGHTREC_CALL_SITES_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Durations, sizes, counts and lists of processes as people write them on a command line. Values
 * are exact: what is not a whole number of nanoseconds or bytes, or does not fit, is refused, never
 * rounded. On error the caller's value stays as it was.
 */
#ifndef FLIGHTREC_UNITS_H
#define FLIGHTREC_UNITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * "250ms", "1.5s", "1h30m": numbers, each followed by ns us ms s m (min) h or d, from the longest
 * unit to the shortest. Returns 0; or -EINVAL if it is not a duration, negative, 0, or over 292
 * years.
 */
int parse_duration(const char *text, uint64_t *ns);

/*
 * "64M": a number, optionally followed by K, M or G (factors of 1024), and these optionally by "iB"
 * or "B". Returns 0; or -EINVAL if it is not a size, or 0.
 */
int parse_size(const char *text, uint64_t *bytes);

/* A whole number from @min to @max. Returns 0 or -EINVAL. */
int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *count);

/*
 * Process numbers separated by commas or blanks. Adds them to *@pids (reallocated), without
 * duplicates. Returns 0, -EINVAL or -ENOMEM; numbers before the error may have been added.
 */
int parse_pids(const char *text, pid_t **pids, size_t *count);

#endif /* FLIGHTREC_UNITS_H */

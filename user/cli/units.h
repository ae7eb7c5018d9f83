/* SPDX-License-Identifier: BSD-2-Clause */
/* Durations, sizes and lists, as people write them on a command line. */
#ifndef FLIGHTREC_UNITS_H
#define FLIGHTREC_UNITS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * "250ms", "1.5s", "5m": a number and one of ns us ms s m h d. Returns 0, or -EINVAL: not a
 * duration, negative, 0, or beyond 292 years.
 */
int parse_duration(const char *text, uint64_t *ns);

/*
 * "64M": a number and, at choice, one of K M G (1024 each), with "iB" or "B" after it at choice.
 * Returns 0, or -EINVAL: not a size, or 0.
 */
int parse_size(const char *text, uint64_t *bytes);

/* A whole number from @min to @max. Returns 0 or -EINVAL. */
int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *count);

/*
 * Process numbers with commas or blanks between; adds them to *@pids (realloc'ed), once each.
 * Returns 0, -EINVAL or -ENOMEM.
 */
int parse_pids(const char *text, pid_t **pids, size_t *count);

/* "info", in either case. Returns its number, enum flightrec_severity, or -EINVAL. */
int parse_severity(const char *text);

#endif /* FLIGHTREC_UNITS_H */

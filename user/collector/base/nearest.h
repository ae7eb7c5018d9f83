/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the known words did someone mean who wrote an unknown one? */
#ifndef FLIGHTREC_NEAREST_H
#define FLIGHTREC_NEAREST_H

#include <stddef.h>

/* The search: zeroed except for @word, then passed to nearest_try() for each candidate. */
struct nearest {
	const char *word;
	const char *best; /* the nearest so far; NULL: none is near enough */
	size_t distance;  /* of @best */
};

/*
 * Considers @candidate, which must outlive the search. It is near enough if a few typing errors
 * explain the difference (a letter added, missing or wrong, or two swapped), or if it contains the
 * word. Case does not matter.
 */
void nearest_try(struct nearest *search, const char *candidate);

#endif /* FLIGHTREC_NEAREST_H */

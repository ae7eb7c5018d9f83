/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the words that there are did somebody mean who wrote one that there is not? */
#ifndef FLIGHTREC_NEAREST_H
#define FLIGHTREC_NEAREST_H

#include <stddef.h>

/* The search for it: zeroed but for @word, then handed to nearest_try() for each candidate. */
struct nearest {
	const char *word;
	const char *best; /* the nearest so far; NULL: none is near enough */
	size_t distance;  /* of @best */
};

/*
 * Considers @candidate, which must outlive the search. Near enough is what a few slips of the
 * fingers make of it (a letter more, less, wrong, or two exchanged), and what has the word in it.
 * Case does not matter.
 */
void nearest_try(struct nearest *search, const char *candidate);

#endif /* FLIGHTREC_NEAREST_H */

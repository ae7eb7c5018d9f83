// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/nearest.h"

#include <ctype.h>
#include <string.h>

/* Longer words are not compared. */
#define LENGTH_MAX 40
/* A candidate that contains this much of the word may be meant. */
#define PART_MIN 3

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* How many insertions, deletions, replacements and swaps of neighbours turn @a into @b. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t row[3][LENGTH_MAX + 1];
	size_t *before = row[0], *last = row[1], *current = row[2];

	for (size_t j = 0; j <= b_length; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *spare = before;

		current[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t replaced = last[j - 1] + !same(a[i - 1], b[j - 1]);

			current[j] = least(replaced, least(last[j], current[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				current[j] = least(current[j], before[j - 2] + 1);
		}
		before = last;
		last = current;
		current = spare;
	}
	return last[b_length];
}

void nearest_try(struct nearest *search, const char *candidate)
{
	size_t length = strlen(search->word), other = strlen(candidate);
	size_t slips, allowed;

	if (!length || length > LENGTH_MAX || other > LENGTH_MAX)
		return;
	slips = distance(search->word, length, candidate, other);
	/* Every word is near a short one. */
	allowed = length < 3 ? 0 : length < 5 ? 1 : length < 9 ? 2 : 3;
	if (slips > allowed) {
		if (length < PART_MIN || other < PART_MIN ||
		    (!strcasestr(candidate, search->word) && !strcasestr(search->word, candidate)))
			return;
		/* Ranks behind any candidate with similar letters. */
		slips += LENGTH_MAX;
	}
	if (search->best && slips >= search->distance)
		return;
	search->best = candidate;
	search->distance = slips;
}

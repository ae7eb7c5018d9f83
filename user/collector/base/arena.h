/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is given back as a whole. Zeroed, it is empty. Not thread-safe. */
#ifndef FLIGHTREC_ARENA_H
#define FLIGHTREC_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk;
	size_t size; /* bytes taken in all */
};

/* Returns zeroed memory for anything; or NULL. */
void *arena_take(struct arena *arena, size_t size);
/* Returns a copy, at most @size - 1 bytes of it; or NULL, also for NULL. */
char *arena_string(struct arena *arena, const char *string, size_t size);
void arena_free(struct arena *arena);

#endif /* FLIGHTREC_ARENA_H */

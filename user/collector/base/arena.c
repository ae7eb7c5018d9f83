// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 4000
#define ALIGNED_TO 16

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, room;
	max_align_t data[];
};

void *arena_take(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = arena->chunk;
	size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
	char *taken;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGNED_TO - 1) / ALIGNED_TO * ALIGNED_TO;
	if (!chunk || chunk->room - chunk->used < size) {
		room = (room + ALIGNED_TO - 1) / ALIGNED_TO * ALIGNED_TO;
		chunk = calloc(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->room = room;
		chunk->next = arena->chunk;
		arena->chunk = chunk;
	}
	taken = (char *)chunk->data + chunk->used;
	chunk->used += size;
	arena->size += size;
	return taken;
}

char *arena_string(struct arena *arena, const char *string, size_t size)
{
	size_t length = string && size ? strnlen(string, size - 1) : 0;
	char *copy = string ? arena_take(arena, length + 1) : NULL;

	if (copy)
		memcpy(copy, string, length);
	return copy;
}

void arena_free(struct arena *arena)
{
	while (arena->chunk) {
		struct arena_chunk *next = arena->chunk->next;

		free(arena->chunk);
		arena->chunk = next;
	}
	arena->size = 0;
}

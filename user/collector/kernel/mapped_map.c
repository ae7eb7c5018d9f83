// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/mapped_map.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int mapped_map_open(struct mapped_map *map, int fd, size_t size, int protection)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	*map = (struct mapped_map){0};
	size = (size + page - 1) & ~(page - 1);
	memory = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*map = (struct mapped_map){memory, size};
	return 0;
}

void mapped_map_close(struct mapped_map *map)
{
	if (map->memory)
		munmap(map->memory, map->size);
	*map = (struct mapped_map){0};
}

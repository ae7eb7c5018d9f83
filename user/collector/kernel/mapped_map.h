/* SPDX-License-Identifier: BSD-2-Clause */
/* A BPF array map (BPF_F_MMAPABLE), mapped into memory. */
#ifndef FLIGHTREC_MAPPED_MAP_H
#define FLIGHTREC_MAPPED_MAP_H

#include <stddef.h>

struct mapped_map {
	void *memory;
	size_t size; /* whole pages, as the kernel rounds it up */
};

/*
 * Maps @size bytes of map @fd, which is borrowed, with @protection as for mmap(2). Returns 0 or a
 * negative errno.
 */
int mapped_map_open(struct mapped_map *map, int fd, size_t size, int protection);
/* May be called on a zeroed or closed map. */
void mapped_map_close(struct mapped_map *map);

#endif /* FLIGHTREC_MAPPED_MAP_H */

// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/auxv.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The numbers are @width bytes wide. */
static bool find(const unsigned char *vector, size_t size, size_t width, uint64_t type,
		 uint64_t *value)
{
	uint64_t pair[2] = {0, 0};

	for (size_t at = 0; size - at >= 2 * width; at += 2 * width) {
		memcpy(&pair[0], vector + at, width);
		memcpy(&pair[1], vector + at + width, width);
		if (pair[0] == AT_NULL)
			return false;
		if (pair[0] == type) {
			*value = pair[1];
			return true;
		}
	}
	return false;
}

bool auxv_find_in(const void *vector, size_t size, uint64_t type, uint64_t *value)
{
	uint64_t page;

	/* Every vector has a page size, which is not found by the wrong width. */
	if (find(vector, size, sizeof(uint64_t), AT_PAGESZ, &page))
		return find(vector, size, sizeof(uint64_t), type, value);
#if defined(__x86_64__)
	return find(vector, size, sizeof(uint32_t), type, value);
#else
	return false;
#endif
}

bool auxv_find(pid_t pid, uint64_t type, uint64_t *value)
{
	unsigned char vector[4096];
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, vector, sizeof(vector));
	close(fd);
	return got > 0 && auxv_find_in(vector, (size_t)got, type, value);
}

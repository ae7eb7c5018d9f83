// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/mappings.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/base/array.h"
#include "collector/base/auxv.h"

/* A longer line is cut. That only makes its path useless: map_files still works. */
#define BUFFER_SIZE (64u << 10)

static const char deleted_suffix[] = " (deleted)";

/* Takes a number, and the character that must follow it, from the front of *@at. */
static bool take_number(const char **at, unsigned base, char after, uint64_t *value)
{
	const char *c = *at;
	unsigned digit;

	for (*value = 0;; c++) {
		if (*c >= '0' && *c <= '9')
			digit = (unsigned)(*c - '0');
		else if (*c >= 'a' && *c <= 'f')
			digit = (unsigned)(*c - 'a') + 10;
		else
			break;
		if (digit >= base || *value > (UINT64_MAX - digit) / base)
			return false;
		*value = *value * base + digit;
	}
	if (c == *at || (after && *c != after))
		return false;
	*at = after ? c + 1 : c;
	return true;
}

int mapping_parse(const char *line, struct mapping *out)
{
	uint64_t major, minor;
	const char *at = line;

	if (!take_number(&at, 16, '-', &out->start) || !take_number(&at, 16, ' ', &out->end) ||
	    out->start >= out->end)
		return -EINVAL;
	/* "rwxp " */
	if (strnlen(at, 5) != 5 || at[4] != ' ')
		return -EINVAL;
	out->executable = at[2] == 'x';
	at += 5;
	if (!take_number(&at, 16, ' ', &out->offset) || !take_number(&at, 16, ':', &major) ||
	    !take_number(&at, 16, ' ', &minor) || !take_number(&at, 10, 0, &out->inode) ||
	    major > UINT32_MAX || minor > UINT32_MAX)
		return -EINVAL;
	if (*at && *at != ' ')
		return -EINVAL;
	out->major = (unsigned)major;
	out->minor = (unsigned)minor;
	/*
	 * The kernel pads to a column, and the path of a file starts with '/', so no name is cut.
	 */
	out->path = at + strspn(at, " ");
	return 0;
}

static size_t hash_file(uint64_t inode, unsigned major, unsigned minor)
{
	uint64_t hash = inode * 0x9e3779b97f4a7c15u ^ ((uint64_t)major << 32 | minor);

	hash *= 0x9e3779b97f4a7c15u;
	return (size_t)(hash >> 32);
}

/*
 * The bucket that holds the file, or the empty one where it belongs. There is always an empty one.
 */
static size_t *find_bucket(const struct mappings *mappings, uint64_t inode, unsigned major,
			   unsigned minor)
{
	size_t at = hash_file(inode, major, minor), mask = mappings->buckets_ - 1;
	const struct mapped_file *file;

	for (;; at++) {
		size_t *bucket = &mappings->bucket_[at & mask];

		if (*bucket == MAPPINGS_NONE)
			return bucket;
		file = &mappings->file[*bucket];
		if (file->inode == inode && file->major == major && file->minor == minor)
			return bucket;
	}
}

static bool ends_deleted(const char *path)
{
	size_t length = strlen(path), suffix = sizeof(deleted_suffix) - 1;

	return length > suffix && strcmp(path + length - suffix, deleted_suffix) == 0;
}

/* Keeps the table at most half full. */
static int grow_buckets(struct mappings *mappings)
{
	size_t buckets = mappings->buckets_ ? mappings->buckets_ * 2 : 64, i;
	const struct mapped_file *file;
	size_t *bucket;

	if (mappings->files < mappings->buckets_ / 2)
		return 0;
	bucket = reallocarray(NULL, buckets, sizeof(*bucket));
	if (!bucket)
		return -ENOMEM;
	free(mappings->bucket_);
	mappings->bucket_ = bucket;
	mappings->buckets_ = buckets;
	for (i = 0; i < buckets; i++)
		bucket[i] = MAPPINGS_NONE;
	for (i = 0; i < mappings->files; i++) {
		file = &mappings->file[i];
		*find_bucket(mappings, file->inode, file->major, file->minor) = i;
	}
	return 0;
}

static int add_range(struct mappings *mappings, const struct mapping *mapping)
{
	if (array_reserve(mappings->range, mappings->range_room_, mappings->ranges + 1))
		return -ENOMEM;
	mappings->range[mappings->ranges++] = (struct mapped_range){
		.start = mapping->start,
		.end = mapping->end,
		.offset = mapping->offset,
		.next = MAPPINGS_NONE,
	};
	return 0;
}

static int add_mapping(struct mappings *mappings, const struct mapping *mapping)
{
	struct mapped_file *file;
	size_t *bucket;
	int err;

	err = grow_buckets(mappings);
	if (err)
		return err;
	bucket = find_bucket(mappings, mapping->inode, mapping->major, mapping->minor);
	if (mappings->ranges == MAPPINGS_RANGES_MAX ||
	    (*bucket == MAPPINGS_NONE && mappings->files == MAPPINGS_FILES_MAX)) {
		mappings->left_out++;
		return 0;
	}
	if (*bucket == MAPPINGS_NONE) {
		if (array_reserve(mappings->file, mappings->file_room_, mappings->files + 1))
			return -ENOMEM;
		file = &mappings->file[mappings->files];
		*file = (struct mapped_file){
			.inode = mapping->inode,
			.major = mapping->major,
			.minor = mapping->minor,
			.range = mappings->ranges,
			.deleted = ends_deleted(mapping->path),
			.path = strdup(mapping->path),
		};
		if (!file->path)
			return -ENOMEM;
		err = add_range(mappings, mapping);
		if (err) {
			free(file->path);
			return err;
		}
		*bucket = mappings->files++;
	} else {
		file = &mappings->file[*bucket];
		err = add_range(mappings, mapping);
		if (err)
			return err;
		mappings->range[file->last_range].next = mappings->ranges - 1;
	}
	file->last_range = mappings->ranges - 1;
	return 0;
}

static int add_line(struct mappings *mappings, const char *line)
{
	struct mapping mapping;

	if (mapping_parse(line, &mapping)) {
		mappings->malformed++;
		return 0;
	}
	return mapping.executable && mapping.inode ? add_mapping(mappings, &mapping) : 0;
}

/* Adds the complete lines in buffer[0..*used), and moves the rest to its start. */
static int add_lines(struct mappings *mappings, char *buffer, size_t *used, bool *cutting)
{
	char *line = buffer, *end = buffer + *used, *newline;
	int err;

	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		*newline = 0;
		err = *cutting ? 0 : add_line(mappings, line);
		if (err)
			return err;
		*cutting = false;
		line = newline + 1;
	}
	*used = (size_t)(end - line);
	memmove(buffer, line, *used);
	if (*used < BUFFER_SIZE)
		return 0;
	/* A single line fills the buffer: use this much of it and skip the rest. */
	buffer[BUFFER_SIZE] = 0;
	err = *cutting ? 0 : add_line(mappings, buffer);
	*cutting = true;
	*used = 0;
	return err;
}

int mappings_read_fd(int fd, struct mappings *out)
{
	bool cutting = false;
	size_t used = 0;
	char *buffer;
	ssize_t got;
	int err = 0;

	memset(out, 0, sizeof(*out));
	out->linker = MAPPINGS_NONE;
	buffer = malloc(BUFFER_SIZE + 1);
	if (!buffer)
		return -ENOMEM;
	do {
		got = read(fd, buffer + used, BUFFER_SIZE - used);
		if (got < 0) {
			err = errno == EINTR ? 0 : -errno;
			continue;
		}
		used += (size_t)got;
		err = add_lines(out, buffer, &used, &cutting);
	} while (!err && got != 0);
	if (!err && used && !cutting) {
		buffer[used] = 0;
		err = add_line(out, buffer);
	}
	free(buffer);
	return err;
}

static size_t linker_of(pid_t pid, const struct mappings *mappings)
{
	uint64_t base;
	size_t i = 0;

	/* 0, where the kernel mapped none: the program needs none, or is one itself. */
	if (!auxv_find(pid, AT_BASE, &base) || !base)
		return MAPPINGS_NONE;
	while (i < mappings->files && mappings->range[mappings->file[i].range].start < base)
		i++;
	return i < mappings->files ? i : MAPPINGS_NONE;
}

int mappings_read(pid_t pid, struct mappings *out)
{
	char path[64];
	int fd, err;

	memset(out, 0, sizeof(*out));
	out->linker = MAPPINGS_NONE;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	err = mappings_read_fd(fd, out);
	close(fd);
	if (!err)
		out->linker = linker_of(pid, out);
	return err;
}

void mappings_free(struct mappings *mappings)
{
	size_t i;

	for (i = 0; i < mappings->files; i++)
		free(mappings->file[i].path);
	free(mappings->file);
	free(mappings->range);
	free(mappings->bucket_);
	memset(mappings, 0, sizeof(*mappings));
}

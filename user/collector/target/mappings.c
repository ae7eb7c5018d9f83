// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/mappings.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "collector/base/array.h"

/* A longer line is cut. That only makes its path useless: map_files still works. */
#define BUFFER_SIZE (64u << 10)

#ifndef BTRFS_SUPER_MAGIC
#define BTRFS_SUPER_MAGIC 0x9123683E
#endif

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

/*
 * Where the kernel mapped the program's dynamic linker; 0 if the program has none or is one itself.
 */
static uint64_t linker_base(pid_t pid)
{
	uint64_t vector[512], base = 0;
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, vector, sizeof(vector));
	close(fd);
	for (ssize_t i = 0; (i + 2) * (ssize_t)sizeof(*vector) <= got; i += 2) {
		if (vector[i] == AT_BASE)
			base = vector[i + 1];
	}
	return base;
}

static size_t linker_of(pid_t pid, const struct mappings *mappings)
{
	uint64_t base = linker_base(pid);
	size_t i = 0;

	if (!base)
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

static bool has_own_devices(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && ((uint32_t)fs.f_type == OVERLAYFS_SUPER_MAGIC ||
					 (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC);
}

static bool is_file(int fd, const struct mapped_file *file)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == file->inode &&
	       ((major(st.st_dev) == file->major && minor(st.st_dev) == file->minor) ||
		has_own_devices(fd));
}

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * Takes an O_PATH descriptor, which refers to a file without opening it, and opens the file if it
 * is the right one. A device or FIFO that took its name could block when opened, or worse. A
 * descriptor from map_files needs no proof by inode, and overlayfs may have renumbered that anyway.
 */
static int reopen(int path_fd, const struct mapped_file *file, bool by_mapping)
{
	char path[64];
	int fd = -ENOENT;

	if (path_fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : -ENOENT;
	if (is_file(path_fd, file) ||
	    (by_mapping && is_regular(path_fd) && has_own_devices(path_fd))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0)
			fd = errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno
										   : -ENOENT;
	}
	close(path_fd);
	return fd;
}

static int open_in_root(int root, const char *path, const struct mapped_file *file)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		/*
		 * The kernel shows paths without symbolic links, so a path that has one is not the
		 * file.
		 */
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
	};
	int fd;

	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	/* The system call is filtered or unknown. The inode will be compared in any case. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root, path + strspn(path, "/"), O_PATH | O_CLOEXEC | O_NOFOLLOW);
	return reopen(fd, file, false);
}

/* Turns the kernel's "\012" back into newlines. */
static void unescape(char *path)
{
	char *from, *to;

	for (from = to = path; *from; to++) {
		bool newline = strncmp(from, "\\012", 4) == 0;

		*to = newline ? '\n' : *from;
		from += newline ? 4 : 1;
	}
	*to = 0;
}

/* A "\012" in a path may be a newline escaped by the kernel, or four characters of the name. */
static int open_path(int root, const struct mapped_file *file)
{
	char *path;
	int fd;

	fd = open_in_root(root, file->path, file);
	if (fd != -ENOENT || !strstr(file->path, "\\012"))
		return fd;
	path = strdup(file->path);
	if (!path)
		return -ENOMEM;
	unescape(path);
	fd = open_in_root(root, path, file);
	free(path);
	return fd;
}

static int open_map_file(pid_t pid, const struct mapped_range *range,
			 const struct mapped_file *file)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid,
		 range->start, range->end);
	return reopen(open(path, O_PATH | O_CLOEXEC), file, true);
}

int mapping_open(pid_t pid, const struct mappings *mappings, const struct mapped_file *file)
{
	char roots[2][64] = {"", "/"};
	int fd, root;
	size_t i;

	fd = open_map_file(pid, &mappings->range[file->range], file);
	if (fd != -ENOENT || file->path[0] != '/')
		return fd;
	/*
	 * A path is relative to the root of its mount namespace: the process's root in a container,
	 * ours after a plain chroot().
	 */
	snprintf(roots[0], sizeof(roots[0]), "/proc/%d/root", (int)pid);
	for (i = 0; i < 2 && fd == -ENOENT; i++) {
		root = open(roots[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (root < 0)
			continue;
		fd = open_path(root, file);
		close(root);
	}
	return fd;
}

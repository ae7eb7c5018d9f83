// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/mapping_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "collector/target/mappings.h"

#ifndef BTRFS_SUPER_MAGIC
#define BTRFS_SUPER_MAGIC 0x9123683E
#endif

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

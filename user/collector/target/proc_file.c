// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/proc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

ssize_t proc_file_read(pid_t pid, pid_t tid, const char *name, char *to, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	to[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, to, size - 1);
	got = got < 0 ? -errno : got;
	close(fd);
	to[got > 0 ? got : 0] = '\0';
	return got;
}

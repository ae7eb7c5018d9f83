// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/proc_names.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool proc_comm(pid_t pid, pid_t tid, char comm[PROC_COMM_SIZE])
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, comm, PROC_COMM_SIZE - 1);
	close(fd);
	if (n <= 0)
		return false;
	/* It ends with a newline, unless it was cut. */
	comm[n - (comm[n - 1] == '\n')] = '\0';
	return true;
}

bool proc_exe(pid_t pid, char *path, size_t size)
{
	char link[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	length = readlink(link, path, size - 1);
	path[length > 0 ? length : 0] = '\0';
	return length > 0;
}

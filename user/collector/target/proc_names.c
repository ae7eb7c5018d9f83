// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/proc_names.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/target/proc_file.h"

bool proc_comm(pid_t pid, pid_t tid, char comm[PROC_COMM_SIZE])
{
	char text[PROC_COMM_SIZE];
	ssize_t n = proc_file_read(pid, tid, "comm", text, sizeof(text));

	if (n <= 0)
		return false;
	/* It ends with a newline, unless it was cut. */
	text[n - (text[n - 1] == '\n')] = '\0';
	memcpy(comm, text, (size_t)n + 1);
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

uid_t proc_user(pid_t pid)
{
	struct stat status;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", pid);
	return stat(path, &status) ? 0 : status.st_uid;
}

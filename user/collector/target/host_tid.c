// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/host_tid.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/target/proc_status.h"

/*
 * Reads "NSpid:" of proc(5): the thread's number in each pid namespace, from ours down to its own.
 * Returns how many there are, with the last one in @own; 0 if the thread is gone.
 */
static int read_numbers(pid_t pid, pid_t tid, pid_t *own)
{
	char numbers[512], *at = numbers, *end;
	int count = 0;

	if (!proc_status_read(pid, tid, "NSpid:", numbers, sizeof(numbers)))
		return 0;
	for (long number; number = strtol(at, &end, 10), end != at; at = end) {
		*own = (pid_t)number;
		count++;
	}
	return count;
}

pid_t host_tid(pid_t pid, pid_t own)
{
	struct dirent *entry;
	pid_t number = own, other;
	char path[32];
	DIR *tasks;

	if (read_numbers(pid, pid, &other) < 2)
		return own;
	if (other == own)
		return pid;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return own;
	while (number == own && (entry = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (tid > 0 && read_numbers(pid, tid, &other) && other == own)
			number = tid;
	}
	closedir(tasks);
	return number;
}

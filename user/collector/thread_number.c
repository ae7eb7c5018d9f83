// SPDX-License-Identifier: BSD-2-Clause
#include "collector/thread_number.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Reads "NSpid:" of proc(5), a number for each namespace from ours down to the thread's own.
 * Returns how many there are, with the last one at @own; 0: the thread is gone.
 */
static int read_numbers(pid_t pid, pid_t tid, pid_t *own)
{
	char path[64], line[512];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (!count && fgets(line, sizeof(line), file)) {
		char *at = line + strlen("NSpid:"), *end;

		if (strncmp(line, "NSpid:", strlen("NSpid:")) != 0)
			continue;
		for (long number; number = strtol(at, &end, 10), end != at; at = end) {
			*own = (pid_t)number;
			count++;
		}
	}
	fclose(file);
	return count;
}

pid_t thread_number(pid_t pid, pid_t own)
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

// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/proc_status.h"

#include <stdio.h>
#include <string.h>

bool proc_status_read(pid_t pid, pid_t tid, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);
	char path[64], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = strncmp(line, key, length) == 0;
	fclose(file);
	if (found)
		snprintf(value, size, "%s", line + length);
	return found;
}

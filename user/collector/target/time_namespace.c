// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/time_namespace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOCK_NAME "monotonic"
/* The kernel allows no more than some 300 years. */
#define SECONDS_MAX INT64_C(9000000000)

int64_t time_namespace_parse(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		int64_t seconds, ns;

		line += *line == '\n';
		if (strncmp(line, CLOCK_NAME, sizeof(CLOCK_NAME) - 1) != 0 ||
		    sscanf(line + sizeof(CLOCK_NAME) - 1, "%" SCNd64 "%" SCNd64, &seconds, &ns) !=
			    2)
			continue;
		if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX || ns < 0 || ns >= 1000000000)
			return 0;
		return seconds * 1000000000 + ns;
	}
	return 0;
}

static int64_t read_offset(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[256];
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return time_namespace_parse(text);
}

/* The offsets for its children need not be those it has itself. */
static bool is_in_ours(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/time", pid);
	return stat("/proc/self/ns/time", &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_ino == theirs.st_ino;
}

int64_t time_namespace_ahead_ns(pid_t pid)
{
	char path[64];

	if (is_in_ours(pid))
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/timens_offsets", pid);
	return read_offset(path) - read_offset("/proc/self/timens_offsets");
}

// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/thread_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Letters of proc(5), "state". */
static const struct {
	char letter;
	const char *phrase;
} states[] = {
	{'R', "running"},
	{'S', "sleeping"},
	{'D', "in uninterruptible sleep"},
	{'T', "stopped by a signal"},
	{'t', "stopped by a debugger"},
	{'Z', "a zombie"},
	{'X', "dead"},
	{'I', "idle"},
};

static ssize_t read_file(pid_t pid, pid_t tid, const char *name, char *buffer, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, buffer, size - 1);
	if (got < 0)
		got = -errno;
	close(fd);
	buffer[got > 0 ? got : 0] = '\0';
	return got;
}

int thread_state(pid_t pid, pid_t tid, char *text, size_t size)
{
	const char *phrase = "in an unknown state";
	char buffer[512];
	char *end;

	text[0] = '\0';
	if (read_file(pid, tid, "stat", buffer, sizeof(buffer)) <= 0)
		return -ENOENT;
	/* The name in parentheses may hold anything, parentheses too. */
	end = strrchr(buffer, ')');
	if (!end || end[1] != ' ')
		return -ENOENT;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (states[i].letter == end[2])
			phrase = states[i].phrase;
	}
	/* "0" if it runs, or if we may not know. */
	if (read_file(pid, tid, "wchan", buffer, sizeof(buffer)) > 0 && strcmp(buffer, "0") != 0)
		snprintf(text, size, "thread %d is %s in %.200s", tid, phrase, buffer);
	else
		snprintf(text, size, "thread %d is %s", tid, phrase);
	return 0;
}

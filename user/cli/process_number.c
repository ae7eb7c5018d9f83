// SPDX-License-Identifier: BSD-2-Clause
#include "cli/process_number.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000 /* linux/sched.h */

/* Returns false if there is no such file. */
static bool read_file(pid_t number, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)number, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, size - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* "42 (comm) S ppid pgrp session tty tpgid flags ...": a comm may hold anything. */
static bool read_stat(pid_t number, char *state, unsigned int *flags)
{
	char text[1024], *after;

	if (!read_file(number, "stat", text, sizeof(text)))
		return false;
	after = strrchr(text, ')');
	return after && sscanf(after + 1, " %c %*d %*d %*d %*d %*d %u", state, flags) == 2;
}

/* The comm in the line before has its newlines escaped. */
static pid_t process_of(pid_t number)
{
	char text[1024], *line;

	if (!read_file(number, "status", text, sizeof(text)))
		return number;
	line = strstr(text, "\nTgid:");
	return line ? (pid_t)strtol(line + strlen("\nTgid:"), NULL, 10) : number;
}

enum process_number process_number_look_up(pid_t number, pid_t *process)
{
	unsigned int flags;
	char state;

	*process = process_of(number);
	if (!read_stat(*process, &state, &flags))
		return NUMBER_OF_NONE;
	if (*process == getpid())
		return NUMBER_OF_US;
	if (flags & PF_KTHREAD)
		return NUMBER_OF_KERNEL_THREAD;
	return state == 'Z' || state == 'X' ? NUMBER_OF_ZOMBIE : NUMBER_OF_PROCESS;
}

const char *process_number_problem(enum process_number number)
{
	switch (number) {
	case NUMBER_OF_PROCESS:
		return NULL;
	case NUMBER_OF_NONE:
		return "does not exist";
	case NUMBER_OF_ZOMBIE:
		return "has ended";
	case NUMBER_OF_KERNEL_THREAD:
		return "is a kernel thread";
	case NUMBER_OF_US:
		return "is this flightrec itself";
	}
	return NULL;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "collector/target/thread_wait.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/target/proc_file.h"

#define FILE_MAX 4096

/* The number behind a key of `status`; 0 if it is not there. */
static uint64_t number_of(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* "202 0x1 0x2 0x3 0x4 0x5 0x6 0xSP 0xPC", "-1 0xSP 0xPC" or "running". */
static int parse_syscall(char *line, struct thread_wait *wait)
{
	uint64_t number[8] = {0};
	size_t n = 0;
	char *at;

	if (strncmp(line, "running", 7) == 0)
		return -EAGAIN;
	wait->syscall = (int32_t)strtol(line, &at, 10);
	if (at == line)
		return -ENOENT;
	while (n < 8 && *at == ' ')
		number[n++] = strtoull(at + 1, &at, 16);
	if (wait->syscall < 0) {
		wait->syscall = THREAD_WAIT_NOTHING;
		wait->sp = number[0];
		return n >= 1 ? 0 : -ENOENT;
	}
	memcpy(wait->arg, number, sizeof(wait->arg));
	wait->sp = number[6];
	return n >= 7 ? 0 : -ENOENT;
}

int thread_wait_read(pid_t pid, pid_t tid, struct thread_wait *wait)
{
	char text[FILE_MAX];
	const char *state;
	ssize_t got = proc_file_read(pid, tid, "syscall", text, sizeof(text));
	int err;

	*wait = (struct thread_wait){.syscall = THREAD_WAIT_NOTHING};
	if (got < 0)
		return got == -ESRCH ? -ENOENT : (int)got;
	err = parse_syscall(text, wait);
	if (err)
		return err;
	got = proc_file_read(pid, tid, "status", text, sizeof(text));
	if (got < 0)
		return -ENOENT;
	/* The kernel's own threads have no memory, and what they wait in is no system call. */
	if (!strstr(text, "\nVmSize:"))
		return -ENOENT;
	/* The first line is the name, in which nothing is a newline. */
	state = strstr(text, "\nState:\t");
	wait->state = state ? state[8] : '?';
	wait->switches = number_of(text, "\nvoluntary_ctxt_switches:") +
			 number_of(text, "\nnonvoluntary_ctxt_switches:");
	return wait->state == 'R' ? -EAGAIN : 0;
}

bool thread_wait_same(const struct thread_wait *before, const struct thread_wait *now)
{
	return before->syscall == now->syscall && before->sp == now->sp &&
	       before->switches == now->switches &&
	       memcmp(before->arg, now->arg, sizeof(now->arg)) == 0;
}

/* glibc waits with this for a mutex alone, and with others for everything else. */
static bool is_mutex(const struct thread_wait *wait)
{
	uint64_t operation = wait->arg[1] & FUTEX_CMD_MASK;

	return operation == FUTEX_WAIT || operation == FUTEX_LOCK_PI;
}

static bool is_terminal(pid_t pid, uint64_t fd)
{
	char path[64], to[32];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/fd/%" PRIu64, pid, fd);
	length = readlink(path, to, sizeof(to) - 1);
	to[length > 0 ? length : 0] = '\0';
	return strncmp(to, "/dev/pts/", 9) == 0 || strncmp(to, "/dev/tty", 8) == 0 ||
	       strcmp(to, "/dev/console") == 0;
}

bool thread_wait_is_idle(pid_t pid, const struct thread_wait *wait, const char *name)
{
	static const char *const idle[] = {
		"accept", "accept4",       "epoll_wait", "epoll_pwait",     "epoll_pwait2",
		"poll",   "ppoll",         "select",     "pselect6",        "pause",
		"wait4",  "rt_sigsuspend", "waitid",     "rt_sigtimedwait", "restart_syscall"};

	if (wait->state == 'D' || !name)
		return wait->state != 'D';
	for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
		if (strcmp(name, idle[i]) == 0)
			return true;
	}
	if (strcmp(name, "futex") == 0)
		return !is_mutex(wait);
	return strcmp(name, "read") == 0 && is_terminal(pid, wait->arg[0]);
}

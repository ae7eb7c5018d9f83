// SPDX-License-Identifier: BSD-2-Clause
#include "cli/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Limits that we, or libbpf, raise. */
static const int limited[] = {RLIMIT_NOFILE, RLIMIT_MEMLOCK};
#define LIMITS (sizeof(limited) / sizeof(limited[0]))

static sigset_t ignored;
static struct rlimit limits[LIMITS];

__attribute__((constructor)) static void remember(void)
{
	struct sigaction action;

	sigemptyset(&ignored);
	for (int number = 1; number < NSIG; number++) {
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			sigaddset(&ignored, number);
	}
	for (size_t i = 0; i < LIMITS; i++)
		getrlimit((__rlimit_resource_t)limited[i], &limits[i]);
}

bool startup_ignored(int number)
{
	return sigismember(&ignored, number) == 1;
}

void startup_restore(const sigset_t *mask)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	for (int number = 1; number < NSIG; number++) {
		action.sa_handler = startup_ignored(number) ? SIG_IGN : SIG_DFL;
		sigaction(number, &action, NULL); /* fails for SIGKILL, SIGSTOP and libc's own */
	}
	for (size_t i = 0; i < LIMITS; i++)
		setrlimit((__rlimit_resource_t)limited[i], &limits[i]);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

void startup_occupy_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC;

		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* open() returns the lowest free descriptor, which is this one. */
		if (open("/dev/null", flags) < 0)
			return;
	}
}

/* ---- the environment ---- */

/*
 * From sd_listen_fds(3), sd_watchdog_enabled(3), systemd.exec(5) and GLib's launching of programs.
 */
static const char *const naming[] = {"LISTEN_PID", "WATCHDOG_PID", "SYSTEMD_EXEC_PID",
				     "GIO_LAUNCHED_DESKTOP_FILE_PID"};
#define NAMING (sizeof(naming) / sizeof(naming[0]))
/* The inode number of a pidfd: names a process, and is never reused. */
static const char naming_inode[] = "LISTEN_PIDFDID";
#define NUMBER_SIZE 24

struct startup_environment {
	char **variables;
	char *pid[NAMING]; /* where the number is in a variable; or NULL */
	char *inode;
};

static uint64_t own_pidfd_inode(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct stat st = {0};

	if (fd < 0)
		return 0;
	fstat(fd, &st);
	close(fd);
	return st.st_ino;
}

static void write_number(char *to, uint64_t number)
{
	char digits[NUMBER_SIZE];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*to++ = digits[--n];
	*to = '\0';
}

/* The variable's value if it has that name and equals @number; or NULL. */
static char *value_if(char *variable, const char *name, uint64_t number)
{
	size_t length = strlen(name);
	char expected[NUMBER_SIZE];

	write_number(expected, number);
	if (strncmp(variable, name, length) != 0 || variable[length] != '=' ||
	    strcmp(variable + length + 1, expected) != 0)
		return NULL;
	return variable + length + 1;
}

/*
 * Copies @variable, leaving room for any number. Returns where that goes, or NULL if there is no
 * memory.
 */
static char *copy_with_room(char **to, const char *variable, const char *value)
{
	size_t before = (size_t)(value - variable);

	*to = malloc(before + NUMBER_SIZE);
	if (!*to)
		return NULL;
	memcpy(*to, variable, before);
	return *to + before;
}

static int copy_variable(struct startup_environment *e, size_t at, char *variable, uint64_t inode)
{
	char *value;

	for (size_t i = 0; i < NAMING; i++) {
		value = value_if(variable, naming[i], (uint64_t)getpid());
		if (value && !e->pid[i]) {
			e->pid[i] = copy_with_room(&e->variables[at], variable, value);
			return e->pid[i] ? 0 : -ENOMEM;
		}
	}
	value = inode ? value_if(variable, naming_inode, inode) : NULL;
	if (value && !e->inode) {
		e->inode = copy_with_room(&e->variables[at], variable, value);
		return e->inode ? 0 : -ENOMEM;
	}
	e->variables[at] = strdup(variable);
	return e->variables[at] ? 0 : -ENOMEM;
}

struct startup_environment *startup_environment_copy(void)
{
	struct startup_environment *e = calloc(1, sizeof(*e));
	uint64_t inode = own_pidfd_inode();
	size_t n = 0;

	if (!e)
		return NULL;
	while (environ && environ[n])
		n++;
	e->variables = calloc(n + 1, sizeof(*e->variables));
	if (!e->variables)
		goto fail;
	for (size_t i = 0; i < n; i++) {
		if (copy_variable(e, i, environ[i], inode))
			goto fail;
	}
	startup_environment_mine(e);
	return e;
fail:
	startup_environment_free(e);
	return NULL;
}

char **startup_environment_mine(struct startup_environment *e)
{
	for (size_t i = 0; i < NAMING; i++) {
		if (e->pid[i])
			write_number(e->pid[i], (uint64_t)getpid());
	}
	if (e->inode)
		write_number(e->inode, own_pidfd_inode());
	return e->variables;
}

void startup_environment_free(struct startup_environment *e)
{
	if (!e)
		return;
	for (size_t i = 0; e->variables && e->variables[i]; i++)
		free(e->variables[i]);
	free(e->variables);
	free(e);
}

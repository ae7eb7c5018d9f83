// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/startup.c */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/startup.h"

static const char *find(char **environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++) {
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	}
	return NULL;
}

/* Runs @check in a child, with the child's pid and what was copied here. */
static void check_in_child(struct startup_environment *copy, int (*check)(char **environment))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(check(startup_environment_mine(copy)));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	startup_environment_free(copy);
}

static uint64_t number_in(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

static int names_the_child(char **environment)
{
	if (number_in(find(environment, "LISTEN_PID")) != (uint64_t)getpid())
		return 1;
	if (number_in(find(environment, "WATCHDOG_PID")) != (uint64_t)getpid())
		return 2;
	/* It is another process's, or not a number: it stays. */
	if (strcmp(find(environment, "SYSTEMD_EXEC_PID"), "1") != 0)
		return 3;
	if (strcmp(find(environment, "GIO_LAUNCHED_DESKTOP_FILE_PID"), "x") != 0)
		return 4;
	return strcmp(find(environment, "LISTEN_FDS"), "2") != 0 ? 5 : 0;
}

static void test_what_named_us_names_the_child(void **state)
{
	char number[32];
	size_t n = 0;
	struct startup_environment *copy;
	char **environment;

	(void)state;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("WATCHDOG_PID", number, 1);
	setenv("SYSTEMD_EXEC_PID", "1", 1);
	setenv("GIO_LAUNCHED_DESKTOP_FILE_PID", "x", 1);
	copy = startup_environment_copy();
	assert_non_null(copy);
	environment = startup_environment_mine(copy);
	for (; environ[n]; n++)
		assert_string_equal(environment[n], environ[n]);
	assert_null(environment[n]);
	check_in_child(copy, names_the_child);
	assert_string_equal(getenv("LISTEN_PID"), number);
}

static uint64_t own_inode(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return 0;
	close(fd);
	return st.st_ino;
}

static int has_own_inode(char **environment)
{
	return number_in(find(environment, "LISTEN_PIDFDID")) != own_inode();
}

/* Before Linux 6.9 all pidfds have one inode, and nobody sets the variable. */
static void test_inode_of_a_pidfd(void **state)
{
	char number[32];

	(void)state;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)own_inode());
	setenv("LISTEN_PIDFDID", number, 1);
	check_in_child(startup_environment_copy(), has_own_inode);
	unsetenv("LISTEN_PIDFDID");
}

static void test_no_environment(void **state)
{
	char **before = environ, *none[] = {NULL};
	struct startup_environment *copy;

	(void)state;
	environ = none;
	copy = startup_environment_copy();
	environ = NULL;
	startup_environment_free(copy);
	copy = startup_environment_copy();
	environ = before;
	assert_non_null(copy);
	assert_null(startup_environment_mine(copy)[0]);
	startup_environment_free(copy);
	startup_environment_free(NULL);
}

/* In a child: returns which assertion failed, or 0. */
static int closed_streams(void)
{
	char byte;
	int fd;

	close(STDIN_FILENO);
	close(STDERR_FILENO);
	startup_occupy_streams();
	fd = open("/dev/null", O_RDWR);
	if (fd <= STDERR_FILENO)
		return 1;
	if (read(STDIN_FILENO, &byte, 1) >= 0 || errno != EBADF)
		return 2;
	if (write(STDERR_FILENO, "x", 1) >= 0 || errno != EBADF)
		return 3;
	/* A program that is executed finds them closed. */
	if (!(fcntl(STDIN_FILENO, F_GETFD) & FD_CLOEXEC) ||
	    !(fcntl(STDERR_FILENO, F_GETFD) & FD_CLOEXEC))
		return 4;
	return fcntl(STDOUT_FILENO, F_GETFD) & FD_CLOEXEC ? 5 : 0;
}

static void test_closed_streams(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(closed_streams());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_named_us_names_the_child),
		cmocka_unit_test(test_inode_of_a_pidfd),
		cmocka_unit_test(test_no_environment),
		cmocka_unit_test(test_closed_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

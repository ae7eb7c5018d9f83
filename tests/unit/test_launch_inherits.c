// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/launch.c user/cli/breakpoint.c user/collector/base/auxv.c user/cli/startup.c */
/* link: tests/unit/launch_fixture.c */
/* What a command inherits: signals, limits, descriptors, and its environment. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch_fixture.h"

static void nothing(int sig)
{
	(void)sig;
}

static void test_signals_as_at_start(void **state)
{
	sigset_t blocked, before;
	struct launch l;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, nothing);
	sigfillset(&blocked);
	sigprocmask(SIG_SETMASK, &blocked, &before);
	assert_killed(run(SHELL("kill -PIPE $$")), SIGPIPE);
	assert_killed(run(SHELL("kill -TERM $$")), SIGTERM);
	assert_killed(run(SHELL("kill -INT $$")), SIGINT);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	assert_int_equal(hold(&l, SHELL("kill -USR1 $$; exit 4"), &blocked), 0);
	assert_int_equal(launch_release(&l), 0);
	assert_exits(wait_status(l.pid), 4);
}

static void test_blocked_sigtrap_stays_so(void **state)
{
	sigset_t blocked;
	struct launch l;

	(void)state;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTRAP);
	assert_int_equal(hold(&l, SHELL("kill -TRAP $$; exit 6"), &blocked), 0);
	assert_true(l.held_before_exec);
	assert_int_equal(launch_release(&l), 0);
	assert_exits(wait_status(l.pid), 6);
}

/* In a new program, started with SIGINT and SIGCHLD ignored. See main(). */
static int started_with_ignored(void)
{
	struct launch l;

	signal(SIGINT, nothing);
	if (hold(&l, SHELL("kill -INT $$; exit 7"), no_signals) || launch_release(&l))
		return 1;
	return WEXITSTATUS(wait_status(l.pid));
}

static void test_ignored_stays_ignored(void **state)
{
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_IGN);
		signal(SIGCHLD, SIG_IGN);
		execl("/proc/self/exe", "test_launch", "ignored", NULL);
		_exit(1);
	}
	assert_exits(wait_status(pid), 7);
}

static void read_text(const char *name, char *text, size_t size)
{
	FILE *file = fopen(path_of(name), "r");

	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = 0;
	fclose(file);
}

/* Descriptors, session and process group, as a plain fork and exec gives them. */
static void test_inherits(void **state)
{
	static const char script[] =
		"{ ls /proc/self/fd; cut -d' ' -f5-8 /proc/self/stat; } > \"$0\"";
	char expected[4096], got[4096], command[512];

	(void)state;
	write_file("inherits", script, 0644);
	snprintf(command, sizeof(command), "/bin/sh -c \"$(cat '%s')\" '%s'", path_of("inherits"),
		 path_of("expected"));
	assert_int_equal(system(command), 0);
	assert_exits(run(ARGV("sh", "-c", script, path_of("got"))), 0);
	read_text("expected", expected, sizeof(expected));
	read_text("got", got, sizeof(got));
	assert_true(strlen(got) > 0);
	assert_string_equal(got, expected);
}

/* The command does not get the limits that this process raised. */
static void test_limits_as_at_start(void **state)
{
	struct rlimit before, changed;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	changed = before;
	changed.rlim_cur = before.rlim_cur - 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &changed), 0);
	assert_exits(run(SHELL("exit $(($(ulimit -S -n) % 256))")), (int)(before.rlim_cur % 256));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* The way systemd passes sockets and asks for signs of life. */
static void test_environment_names_the_command(void **state)
{
	char number[32];

	(void)state;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("WATCHDOG_PID", number, 1);
	setenv("SYSTEMD_EXEC_PID", "1", 1);
	assert_exits(run(SHELL("test \"$LISTEN_PID\" = $$ || exit 1;"
			       "test \"$WATCHDOG_PID\" = $$ || exit 2;"
			       "test \"$SYSTEMD_EXEC_PID\" = 1 || exit 3")),
		     0);
	assert_string_equal(getenv("LISTEN_PID"), number);
	unsetenv("LISTEN_PID");
	unsetenv("WATCHDOG_PID");
	unsetenv("SYSTEMD_EXEC_PID");
}

static int run_group(const char *name)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_as_at_start),
		cmocka_unit_test(test_blocked_sigtrap_stays_so),
		cmocka_unit_test(test_ignored_stays_ignored),
		cmocka_unit_test(test_inherits),
		cmocka_unit_test(test_limits_as_at_start),
		cmocka_unit_test(test_environment_names_the_command),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "ignored") == 0)
		_exit(started_with_ignored()); /* likewise, without LeakSanitizer */
	return launch_tests(argv, run_group);
}

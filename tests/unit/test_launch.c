// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/launch.c user/cli/breakpoint.c user/collector/base/auxv.c user/cli/startup.c */
/* link: tests/unit/launch_fixture.c */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch_fixture.h"

static void test_exit_status(void **state)
{
	(void)state;
	assert_exits(run(ARGV("true")), 0);
	assert_exits(run(ARGV("false")), 1);
	assert_exits(run(SHELL("exit 42")), 42);
	assert_killed(run(SHELL("kill -TERM $$")), SIGTERM);
	assert_killed(run(SHELL("kill -KILL $$")), SIGKILL);
	assert_killed(run(SHELL("kill -TRAP $$")), SIGTRAP);
}

static void fails_with(const char *const *argv, int expected)
{
	struct launch l;
	int err;

	err = hold(&l, argv, no_signals);
	if (ptrace_refused) {
		assert_int_equal(err, 0);
		err = launch_release(&l);
	}
	assert_int_equal(err, -expected);
	assert_int_equal(l.exec_errno, expected);
	assert_int_equal(l.pid, 0);
	/* There is nothing left to wait for. */
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_exec_failures(void **state)
{
	char path[4096];

	(void)state;
	write_file("unexecutable", "#!/bin/sh\n", 0644);
	write_file("no_interpreter", "#!/nonexistent/interpreter\n", 0755);
	/* With a directory in PATH that may not be searched it would be EACCES, as usual. */
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	setenv("PATH", path_of("."), 1);
	fails_with(ARGV("no-such-command-here"), ENOENT);
	setenv("PATH", path, 1);
	fails_with(ARGV("/nonexistent/command"), ENOENT);
	fails_with(ARGV(path_of("unexecutable")), EACCES);
	fails_with(ARGV(path_of(".")), EACCES);
	fails_with(ARGV(path_of("no_interpreter")), ENOENT);
}

static void test_nothing_to_run(void **state)
{
	struct launch l;

	(void)state;
	assert_int_equal(hold(&l, ARGV(NULL), no_signals), -EINVAL);
}

static void test_scripts(void **state)
{
	(void)state;
	write_file("script", "#!/bin/sh\nexit $#\n", 0755);
	write_file("plain", "exit 5\n", 0755); /* execvp() gives it to /bin/sh */
	assert_exits(run(ARGV(path_of("script"), "a", "b")), 2);
	assert_exits(run(ARGV(path_of("plain"))), 5);
}

static void test_exec_again_at_once(void **state)
{
	(void)state;
	assert_exits(run(ARGV("env", "env", "sh", "-c", "exit 9")), 9);
	assert_exits(run(SHELL("exec sh -c 'exec sh -c \"exit 8\"'")), 8);
}

static bool maps_contain(pid_t pid, const char *what)
{
	char path[64], line[4096];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, what) != NULL;
	fclose(file);
	return found;
}

/* What "held" means: libraries are mapped, and main() has not begun. */
static void test_held_at_entry(void **state)
{
	struct launch l;

	(void)state;
	start(&l, ARGV("sh", "-c", "echo > \"$0\"", path_of("ran")));
	assert_int_equal(access(path_of("ran"), F_OK), -1);
	if (!ptrace_refused)
		assert_true(maps_contain(l.pid, "libc"));
	assert_int_equal(launch_release(&l), 0);
	assert_exits(wait_status(l.pid), 0);
	assert_int_equal(access(path_of("ran"), F_OK), 0);
	unlink(path_of("ran"));
}

static void test_runs_untraced(void **state)
{
	(void)state;
	assert_exits(run(SHELL("grep -q '^TracerPid:[^0-9]*0$' /proc/self/status")), 0);
}

#if defined(__x86_64__)
static int run_without_launch(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl(path, path, NULL);
		_exit(127);
	}
	status = wait_status(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#endif

static void run_built(const char *flags)
{
	/* Its code must be as it was: the breakpoint is gone. */
	static const char source[] = "extern const unsigned char _start[];\n"
				     "int main(int argc, char **argv)\n"
				     "{ return _start[0] == 0xcc ? 99 : 30 + argc; }\n";

	if (build("program", flags, source))
		assert_exits(run(ARGV(path_of("program"), "x")), 32);
	else
		print_message("skipped: cc %s does not work here\n", flags);
}

static void test_kinds_of_programs(void **state)
{
	(void)state;
	run_built("");
	run_built("-no-pie");
	run_built("-static");
	run_built("-static-pie -fPIE");
#if defined(__x86_64__)
	/* A 32-bit program, if the kernel can run one. */
	if (build("program", "-m32 -nostdlib -static",
		  "__asm__(\".globl _start\\n_start: movl $1, %eax\\n movl $32, %ebx\\n\"\n"
		  "\"int $0x80\\n\");\n") &&
	    run_without_launch(path_of("program")) == 32)
		assert_exits(run(ARGV(path_of("program"))), 32);
	else
		print_message("skipped: 32-bit programs do not run here\n");
#endif
}

static void test_killed_by_constructor(void **state)
{
	static const char library[] = "#include <signal.h>\n"
				      "__attribute__((constructor)) static void c(void)\n"
				      "{ raise(SIGTERM); }\n";
	char preload[300];
	struct launch l;

	(void)state;
	assert_true(build("killer.so", "-shared -fPIC", library));
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", path_of("killer.so"));
	assert_killed(run(ARGV("env", preload, "true")), SIGTERM);
	setenv("LD_PRELOAD", path_of("killer.so"), 1);
	assert_int_equal(hold(&l, ARGV("true"), no_signals), 0);
	unsetenv("LD_PRELOAD");
	if (ptrace_refused) {
		assert_int_equal(launch_release(&l), 0);
		assert_killed(wait_status(l.pid), SIGTERM);
		return;
	}
	assert_true(l.ended);
	assert_int_equal(l.pid, 0);
	assert_killed(l.status, SIGTERM);
	assert_int_equal(launch_release(&l), 0);
}

/*
 * Before its entry a constructor gets a signal it handles, waits for a process that it forked and
 * that runs main() in turn, starts a process that shares its memory, and stops itself until
 * another process continues it.
 */
static void test_busy_constructor(void **state)
{
	static const char library[] =
		"#define _GNU_SOURCE\n"
		"#include <sched.h>\n"
		"#include <signal.h>\n"
		"#include <stdio.h>\n"
		"#include <stdlib.h>\n"
		"#include <sys/wait.h>\n"
		"#include <unistd.h>\n"
		"static volatile int got;\n"
		"static char stack[65536];\n"
		"static void handler(int sig) { got = sig; }\n"
		"static int shares(void *p) { got = 77; return 0; }\n"
		"__attribute__((constructor)) static void c(void)\n"
		"{\n"
		"	char loop[64];\n"
		"	int status = 0, pid;\n"
		"	unsetenv(\"LD_PRELOAD\");\n"
		"	signal(SIGUSR1, handler);\n"
		"	raise(SIGUSR1);\n"
		"	if (got != SIGUSR1) _exit(70);\n"
		"	if (!(pid = fork())) return;\n"
		"	if (waitpid(pid, &status, 0) != pid || status) _exit(71);\n"
		"	pid = clone(shares, stack + sizeof(stack), CLONE_VM | SIGCHLD, 0);\n"
		"	if (waitpid(pid, &status, 0) != pid || status || got != 77) _exit(72);\n"
		"	signal(SIGCONT, handler);\n"
		"	sprintf(loop, \"while kill -CONT %d; do :; done\", getpid());\n"
		"	if (!(pid = vfork())) {\n"
		"		execl(\"/bin/sh\", \"sh\", \"-c\", loop, (char *)0);\n"
		"		_exit(1);\n"
		"	}\n"
		"	raise(SIGSTOP);\n"
		"	if (got != SIGCONT) _exit(73);\n"
		"	kill(pid, SIGKILL);\n"
		"	waitpid(pid, &status, 0);\n"
		"}\n";
	struct launch l;

	(void)state;
	assert_true(build("busy.so", "-shared -fPIC", library));
	setenv("LD_PRELOAD", path_of("busy.so"), 1);
	assert_int_equal(hold(&l, ARGV("true"), no_signals), 0);
	unsetenv("LD_PRELOAD");
	assert_false(l.ended);
	assert_int_equal(launch_release(&l), 0);
	assert_exits(wait_status(l.pid), 0);
}

static void test_signal_while_held(void **state)
{
	struct launch l;

	(void)state;
	start(&l, ARGV("sleep", "1000"));
	kill(l.pid, SIGINT);
	launch_release(&l);
	assert_killed(wait_status(l.pid), SIGINT);

	start(&l, ARGV("sleep", "1000"));
	kill(l.pid, SIGKILL);
	launch_release(&l);
	assert_killed(wait_status(l.pid), SIGKILL);
}

static void test_cancel(void **state)
{
	struct launch l;

	(void)state;
	start(&l, ARGV("sh", "-c", "echo > \"$0\"", path_of("ran")));
	launch_cancel(&l);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(access(path_of("ran"), F_OK), -1);
	launch_cancel(&l);
}

/* Between launch_start() and launch_hold(). */
static void test_cancel_before_exec(void **state)
{
	struct launch l;

	(void)state;
	assert_int_equal(launch_start(&l, (char *[]){"true", NULL}, no_signals), 0);
	launch_cancel(&l);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
}

/* The command has the write end of a pipe, so its end shows as the end of the file. */
static void dies_with_holder(bool released)
{
	const char *const argv[] = {"sh", "-c", "echo ran", NULL};
	int output[2], ready[2];
	char byte;
	pid_t holder;
	struct launch l;

	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	holder = fork();
	if (holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(output[1], STDOUT_FILENO);
		if (hold(&l, argv, no_signals) == 0 && (!released || launch_release(&l) == 0) &&
		    write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(output[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(holder, SIGKILL);
	assert_killed(wait_status(holder), SIGKILL);
	assert_int_equal(read(output[0], &byte, 1), released);
	close(output[0]);
	close(ready[0]);
}

static void test_holder_dies(void **state)
{
	(void)state;
	dies_with_holder(false);
	dies_with_holder(true);
}

static int run_group(const char *name)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_exec_failures),
		cmocka_unit_test(test_nothing_to_run),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_exec_again_at_once),
		cmocka_unit_test(test_held_at_entry),
		cmocka_unit_test(test_runs_untraced),
		cmocka_unit_test(test_kinds_of_programs),
		cmocka_unit_test(test_killed_by_constructor),
		cmocka_unit_test(test_busy_constructor),
		cmocka_unit_test(test_signal_while_held),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_before_exec),
		cmocka_unit_test(test_holder_dies),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	(void)argc;
	return launch_tests(argv, run_group);
}

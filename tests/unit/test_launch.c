// SPDX-License-Identifier: BSD-2-Clause
/* link: user/cli/launch.c */
/* Every case runs twice: held at the entry by ptrace, and held before exec where that is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/launch.h"

static char directory[] = "/tmp/test_launch.XXXXXX";
static sigset_t none;
static bool refused; /* ptrace is */

static const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
	return out;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

/* Builds a program; false if this machine cannot, for want of a static libc, say. */
static bool build(const char *name, const char *flags, const char *source)
{
	char command[1024];

	write_file("source.c", source, 0644);
	snprintf(command, sizeof(command), "cc -w -o '%s' '%s' %s 2>/dev/null", path_of(name),
		 path_of("source.c"), flags);
	return system(command) == 0;
}

static int wait_status(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void start(struct launch *l, const char *const *argv)
{
	assert_int_equal(launch_start(l, (char **)argv, &none), 0);
	assert_false(l->ended);
	assert_true(l->pid > 0);
	assert_int_equal(l->held_before_exec, refused);
}

static int run(const char *const *argv)
{
	struct launch l;

	start(&l, argv);
	assert_int_equal(launch_release(&l), 0);
	return wait_status(l.pid);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHELL(script) ARGV("/bin/sh", "-c", script)

static void assert_exits(int status, int code)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static void assert_killed(int status, int sig)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

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

	err = launch_start(&l, (char **)argv, &none);
	if (refused) {
		assert_int_equal(err, 0);
		err = launch_release(&l);
	}
	assert_int_equal(err, -expected);
	assert_int_equal(l.exec_errno, expected);
	assert_int_equal(l.pid, 0);
	/* Nothing is left to be waited for. */
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_exec_failures(void **state)
{
	char path[4096];

	(void)state;
	write_file("unexecutable", "#!/bin/sh\n", 0644);
	write_file("no_interpreter", "#!/nonexistent/interpreter\n", 0755);
	/* A directory in PATH that may not be searched would make it EACCES, as everywhere. */
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	setenv("PATH", directory, 1);
	fails_with(ARGV("no-such-command-here"), ENOENT);
	setenv("PATH", path, 1);
	fails_with(ARGV("/nonexistent/command"), ENOENT);
	fails_with(ARGV(path_of("unexecutable")), EACCES);
	fails_with(ARGV(directory), EACCES);
	fails_with(ARGV(path_of("no_interpreter")), ENOENT);
}

static void test_nothing_to_run(void **state)
{
	struct launch l;

	(void)state;
	assert_int_equal(launch_start(&l, (char *[]){NULL}, &none), -EINVAL);
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

/* What "held" promises: libraries are mapped, and main() has done nothing. */
static void test_held_at_entry(void **state)
{
	struct launch l;

	(void)state;
	start(&l, ARGV("sh", "-c", "echo > \"$0\"", path_of("ran")));
	assert_int_equal(access(path_of("ran"), F_OK), -1);
	if (!refused)
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
	/* Its own code must be as it was: the breakpoint is gone. */
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
	/* A 32-bit program; it wants a kernel that runs one. */
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
	assert_int_equal(launch_start(&l, (char *[]){"true", NULL}, &none), 0);
	unsetenv("LD_PRELOAD");
	if (refused) {
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
	assert_int_equal(launch_start(&l, (char *[]){"true", NULL}, &none), 0);
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

/* The command holds the write end of a pipe: its end is seen as the end of the file. */
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
		if (launch_start(&l, (char **)argv, &none) == 0 &&
		    (!released || launch_release(&l) == 0) && write(ready[1], "", 1) == 1)
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
	assert_int_equal(launch_start(&l, (char **)SHELL("kill -USR1 $$; exit 4"), &blocked), 0);
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
	assert_int_equal(launch_start(&l, (char **)SHELL("kill -TRAP $$; exit 6"), &blocked), 0);
	assert_true(l.held_before_exec);
	assert_int_equal(launch_release(&l), 0);
	assert_exits(wait_status(l.pid), 6);
}

/* In a new program, started with SIGINT and SIGCHLD ignored. See main(). */
static int started_with_ignored(void)
{
	struct launch l;

	signal(SIGINT, nothing);
	if (launch_start(&l, (char **)SHELL("kill -INT $$; exit 7"), &none) || launch_release(&l))
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

static bool ptrace_is_refused(void)
{
	pid_t pid = fork();
	bool is;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	is = ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)PTRACE_O_EXITKILL) != 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return is;
}

static int refuse_ptrace(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
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
		cmocka_unit_test(test_holder_dies),
		cmocka_unit_test(test_signals_as_at_start),
		cmocka_unit_test(test_blocked_sigtrap_stays_so),
		cmocka_unit_test(test_ignored_stays_ignored),
		cmocka_unit_test(test_inherits),
	};

	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

/* The expectations hold for a start with default signals: a test harness may ignore some. */
static void restart_with_default_signals(char **argv)
{
	bool differs = false;
	struct sigaction action;
	sigset_t mask;
	int sig;

	sigprocmask(SIG_SETMASK, &none, &mask);
	for (sig = 1; sig < NSIG; sig++) {
		differs |= sigismember(&mask, sig) == 1;
		if (sigaction(sig, NULL, &action) || action.sa_handler != SIG_IGN)
			continue;
		signal(sig, SIG_DFL);
		differs = true;
	}
	if (differs)
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	char command[256];
	int failed = 0, status = 0;
	pid_t pid;

	sigemptyset(&none);
	if (argc > 1 && strcmp(argv[1], "ignored") == 0)
		_exit(started_with_ignored()); /* likewise, without LeakSanitizer */
	restart_with_default_signals(argv);
	if (!mkdtemp(directory))
		return 1;
	if (ptrace_is_refused())
		print_message("skipped: held at the entry, as ptrace is refused here\n");
	else
		failed = run_group("held at the entry");

	/* In a process of its own, for LeakSanitizer uses ptrace at the end of this one. */
	pid = fork();
	if (pid == 0) {
		refused = true;
		if (refuse_ptrace())
			_exit(1);
		_exit(run_group("held before exec") != 0);
	}
	waitpid(pid, &status, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command) != 0 || failed || status != 0;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "launch_fixture.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/test_launch.XXXXXX";
static sigset_t none;

const sigset_t *const no_signals = &none;
bool ptrace_refused;

const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *out = path[turn++ % 4];

	snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
	return out;
}

void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

bool build(const char *name, const char *flags, const char *source)
{
	char command[1024];

	write_file("source.c", source, 0644);
	snprintf(command, sizeof(command), "cc -w -o '%s' '%s' %s 2>/dev/null", path_of(name),
		 path_of("source.c"), flags);
	return system(command) == 0;
}

int wait_status(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

int hold(struct launch *l, const char *const *argv, const sigset_t *mask)
{
	int err = launch_start(l, (char **)argv, mask);

	return err ? err : launch_hold(l);
}

void start(struct launch *l, const char *const *argv)
{
	assert_int_equal(hold(l, argv, &none), 0);
	assert_false(l->ended);
	assert_true(l->pid > 0);
	assert_int_equal(l->held_before_exec, ptrace_refused);
}

int run(const char *const *argv)
{
	struct launch l;

	start(&l, argv);
	assert_int_equal(launch_release(&l), 0);
	return wait_status(l.pid);
}
void assert_exits(int status, int code)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

void assert_killed(int status, int sig)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
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

int launch_tests(char **argv, int (*group)(const char *name))
{
	char command[256];
	int failed = 0, status = 0;
	pid_t pid;

	restart_with_default_signals(argv);
	if (!mkdtemp(directory))
		return 1;
	if (ptrace_is_refused())
		print_message("skipped: held at the entry, as ptrace is refused here\n");
	else
		failed = group("held at the entry");

	/* In a process of its own, because LeakSanitizer uses ptrace at the end of this one. */
	pid = fork();
	if (pid == 0) {
		ptrace_refused = true;
		if (refuse_ptrace())
			_exit(1);
		_exit(group("held before exec") != 0);
	}
	waitpid(pid, &status, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command) != 0 || failed || status != 0;
}

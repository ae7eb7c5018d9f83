// SPDX-License-Identifier: BSD-2-Clause
#include "cli/launch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
static const unsigned char trap[] = {0xcc}; /* int3 */
#define TRAP_PC_AFTER 1                     /* pc stands behind it */
#elif defined(__aarch64__)
static const unsigned char trap[] = {0x00, 0x00, 0x20, 0xd4}; /* brk #0 */
#define TRAP_PC_AFTER 0
#else
#error "this machine is not supported"
#endif

#define TRACE_OPTIONS (PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK)

/* Signals that were ignored when this program was started: COMMAND is to inherit that. */
static sigset_t ignored_at_start;

__attribute__((constructor)) static void remember_ignored(void)
{
	struct sigaction action;
	int sig;

	sigemptyset(&ignored_at_start);
	for (sig = 1; sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			sigaddset(&ignored_at_start, sig);
	}
}

static long trace(int request, pid_t pid, uint64_t address, uint64_t data)
{
	errno = 0;
	return ptrace((enum __ptrace_request)request, pid, (void *)(uintptr_t)address,
		      (void *)(uintptr_t)data);
}

static pid_t wait_for(pid_t pid, int *status)
{
	pid_t got;

	do
		got = waitpid(pid, status, __WALL);
	while (got < 0 && errno == EINTR);
	return got;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The child, all signals blocked: becomes COMMAND once it reads a byte, or ends without it. */
static void __attribute__((noreturn))
child(char **argv, const sigset_t *original, int go_fd, int error_fd)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	ssize_t got;
	char byte;
	int sig, err;

	for (sig = 1; sig < NSIG; sig++) {
		action.sa_handler = sigismember(&ignored_at_start, sig) == 1 ? SIG_IGN : SIG_DFL;
		sigaction(sig, &action, NULL); /* fails for SIGKILL, SIGSTOP and libc's own */
	}
	sigprocmask(SIG_SETMASK, original, NULL);
	do
		got = read(go_fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(127); /* flightrec is gone */
	execvp(argv[0], argv);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(126);
	_exit(127);
}

/* Forks the child, which then waits for its go. */
static int start_child(struct launch *l, char **argv, const sigset_t *original)
{
	int go[2] = {-1, -1}, error[2] = {-1, -1}, err = 0;
	sigset_t all, before;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) || pipe2(error, O_CLOEXEC)) {
		err = -errno;
		goto cleanup;
	}
	/* No handler of ours may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	l->pid = fork();
	if (l->pid == 0) {
		close(go[1]);
		close(error[0]);
		child(argv, original, go[0], error[1]);
	}
	if (l->pid < 0) {
		err = -errno;
		l->pid = 0;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (!err) {
		l->go_fd = go[1];
		l->error_fd = error[0];
		go[1] = error[0] = -1;
	}
cleanup:
	close_fd(&go[0]);
	close_fd(&go[1]);
	close_fd(&error[0]);
	close_fd(&error[1]);
	return err;
}

/* The child may be dead by now; that must not be our death, by SIGPIPE. */
static void say_go(struct launch *l)
{
	send(l->go_fd, "", 1, MSG_NOSIGNAL);
	close_fd(&l->go_fd);
}

/* Why exec failed, or 0. Returns when the child has executed COMMAND, or ended. */
static int read_exec_errno(struct launch *l)
{
	int err = 0;
	ssize_t got;

	do
		got = read(l->error_fd, &err, sizeof(err));
	while (got < 0 && errno == EINTR);
	close_fd(&l->error_fd);
	return got == (ssize_t)sizeof(err) ? err : 0;
}

/* Finds @type in the auxiliary vector, whose numbers are @width bytes wide. */
static bool find_aux(const unsigned char *vector, size_t size, size_t width, uint64_t type,
		     uint64_t *value)
{
	uint64_t pair[2] = {0, 0};
	size_t at;

	for (at = 0; size - at >= 2 * width; at += 2 * width) {
		memcpy(&pair[0], vector + at, width);
		memcpy(&pair[1], vector + at + width, width);
		if (pair[0] == AT_NULL)
			return false;
		if (pair[0] == type) {
			*value = pair[1];
			return true;
		}
	}
	return false;
}

/* Where the kernel makes the process start its own code, behind the dynamic linker's. */
static bool read_entry(pid_t pid, uint64_t *entry)
{
	unsigned char vector[4096];
	uint64_t page;
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, vector, sizeof(vector));
	close(fd);
	if (got <= 0)
		return false;
	if (find_aux(vector, (size_t)got, 8, AT_PAGESZ, &page))
		return find_aux(vector, (size_t)got, 8, AT_ENTRY, entry) && *entry;
#if defined(__x86_64__)
	/* A 32-bit program: the same breakpoint does. */
	return find_aux(vector, (size_t)got, 4, AT_ENTRY, entry) && *entry;
#else
	return false;
#endif
}

static bool set_breakpoint(struct launch *l)
{
	uint64_t entry, word;

	if (!read_entry(l->pid, &entry) || entry % sizeof(trap) != 0)
		return false;
	word = (uint64_t)trace(PTRACE_PEEKTEXT, l->pid, entry & ~7ull, 0);
	if (errno)
		return false;
	l->saved = word;
	memcpy((unsigned char *)&word + (entry & 7), trap, sizeof(trap));
	if (trace(PTRACE_POKETEXT, l->pid, entry & ~7ull, word))
		return false;
	l->entry = entry;
	return true;
}

static int clear_breakpoint(const struct launch *l, pid_t pid)
{
	return trace(PTRACE_POKETEXT, pid, l->entry & ~7ull, l->saved) ? -errno : 0;
}

#if defined(__x86_64__)
static int get_pc(pid_t pid, uint64_t *pc)
{
	*pc = (uint64_t)trace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0);
	return -errno;
}

static int set_pc(pid_t pid, uint64_t pc)
{
	return trace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), pc) ? -errno : 0;
}
#else
static int get_pc(pid_t pid, uint64_t *pc)
{
	struct user_regs_struct regs = {0};
	struct iovec iov = {&regs, sizeof(regs)};

	trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov);
	*pc = regs.pc;
	return -errno;
}

static int set_pc(pid_t pid, uint64_t pc)
{
	struct user_regs_struct regs;
	struct iovec iov = {&regs, sizeof(regs)};

	if (trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov))
		return -errno;
	regs.pc = pc;
	return trace(PTRACE_SETREGSET, pid, NT_PRSTATUS, (uintptr_t)&iov) ? -errno : 0;
}
#endif

/* Whether a SIGTRAP comes from the breakpoint, not from somebody's kill(). */
static bool at_breakpoint(const struct launch *l)
{
	siginfo_t info;
	uint64_t pc;

	return l->entry && get_pc(l->pid, &pc) == 0 && pc == l->entry + TRAP_PC_AFTER &&
	       trace(PTRACE_GETSIGINFO, l->pid, 0, (uintptr_t)&info) == 0 && info.si_code > 0;
}

/* A constructor forked: the new process has a copy of the breakpoint, and nobody to catch it. */
static void let_fork_go(const struct launch *l)
{
	unsigned long pid = 0;
	int status;

	if (trace(PTRACE_GETEVENTMSG, l->pid, 0, (uintptr_t)&pid) || pid == 0)
		return;
	if (wait_for((pid_t)pid, &status) != (pid_t)pid || !WIFSTOPPED(status))
		return;
	/* Unless it shares the memory: then it is the command's own breakpoint. */
	if (l->entry && syscall(SYS_kcmp, l->pid, (pid_t)pid, KCMP_VM, 0, 0) != 0)
		clear_breakpoint(l, (pid_t)pid);
	trace(PTRACE_DETACH, (pid_t)pid, 0, 0);
}

/*
 * Handles one stop before the entry. Returns whether the command is now where it is to be held;
 * if not, it runs on. Errors do not matter here: they come from its death, which is waited for.
 */
static bool pass_stop(struct launch *l, int status)
{
	int sig = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		l->entry = 0;
		if (!set_breakpoint(l))
			return true; /* hold it here; better early than not at all */
		sig = 0;
		break;
	case PTRACE_EVENT_FORK:
		let_fork_go(l);
		sig = 0;
		break;
	case PTRACE_EVENT_STOP:
		if (sig != SIGTRAP) {
			/* Stopped by a signal: it stays so until SIGCONT, as it would untraced. */
			trace(PTRACE_LISTEN, l->pid, 0, 0);
			return false;
		}
		sig = 0;
		break;
	default:
		if (sig == SIGTRAP && at_breakpoint(l)) {
			clear_breakpoint(l, l->pid);
			set_pc(l->pid, l->entry);
			return true;
		}
	}
	trace(PTRACE_CONT, l->pid, 0, (uint64_t)sig);
	return false;
}

static int run_to_entry(struct launch *l)
{
	int status;

	for (;;) {
		if (wait_for(l->pid, &status) != l->pid)
			return -errno;
		if (!WIFSTOPPED(status))
			break;
		if (pass_stop(l, status)) {
			close_fd(&l->error_fd);
			return 0;
		}
	}
	l->pid = 0;
	l->exec_errno = read_exec_errno(l);
	if (l->exec_errno)
		return -l->exec_errno;
	l->ended = true;
	l->status = status;
	return 0;
}

int launch_start(struct launch *l, char **argv, const sigset_t *original)
{
	struct sigaction action;
	int err;

	*l = (struct launch){.go_fd = -1, .error_fd = -1};
	if (!argv[0])
		return -EINVAL;
	if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
	err = start_child(l, argv, original);
	if (err)
		return err;
	/* A breakpoint's SIGTRAP would undo the blocking or ignoring of that signal. */
	l->traced = sigismember(original, SIGTRAP) != 1 &&
		    sigismember(&ignored_at_start, SIGTRAP) != 1 &&
		    trace(PTRACE_SEIZE, l->pid, 0, TRACE_OPTIONS) == 0;
	if (!l->traced) {
		l->held_before_exec = true;
		return 0;
	}
	say_go(l);
	err = run_to_entry(l);
	if (err)
		launch_cancel(l);
	return err;
}

int launch_release(struct launch *l)
{
	int status;

	if (l->pid == 0)
		return 0;
	if (l->traced) {
		/* ESRCH: killed while it was held; its status waits for the caller. */
		if (trace(PTRACE_DETACH, l->pid, 0, 0) && errno != ESRCH)
			return -errno;
		l->traced = false;
		return 0;
	}
	if (l->go_fd < 0)
		return 0;
	say_go(l);
	l->exec_errno = read_exec_errno(l);
	if (!l->exec_errno)
		return 0;
	wait_for(l->pid, &status);
	l->pid = 0;
	return -l->exec_errno;
}

void launch_cancel(struct launch *l)
{
	int status;

	close_fd(&l->go_fd);
	close_fd(&l->error_fd);
	if (l->pid == 0)
		return;
	kill(l->pid, SIGKILL);
	/* Stops that were under way may be reported first. */
	while (wait_for(l->pid, &status) == l->pid && WIFSTOPPED(status))
		;
	l->pid = 0;
	l->traced = false;
}

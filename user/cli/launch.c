// SPDX-License-Identifier: BSD-2-Clause
/*
 * How a command is held at its first instruction
 *
 * Probes are attached to files, and which files a program uses is known only when its dynamic
 * linker has mapped them: at the program's entry point (AT_ENTRY in its auxiliary vector). The
 * kernel starts the dynamic linker, which maps the libraries, runs their constructors and jumps
 * there. So the command is traced up to that point, and no further:
 *
 *     this process                          the child
 *     launch_start  fork                    resets signals and limits, reads from go_fd
 *                   PTRACE_SEIZE
 *     launch_hold   writes to go_fd         execve
 *                   event EXEC: set the breakpoint
 *                   PTRACE_CONT             dynamic linker, constructors, entry: SIGTRAP
 *                   clear the breakpoint; the program counter back onto the entry
 *                   ... held: the caller attaches probes ...
 *     launch_release  PTRACE_DETACH         the program's own code, untraced
 *
 * On the way there the command must behave as if it were not traced. Signals are delivered. A stop
 * by SIGSTOP lasts until SIGCONT (PTRACE_LISTEN). A constructor that forks would leave its child
 * with a breakpoint that nobody handles, so it is removed from the child's memory, unless the child
 * shares the command's. If a constructor executes another program, all of this starts again. For a
 * script, the program is its interpreter. If the command ends early, its status is reported
 * (launch::ended).
 *
 * PTRACE_O_EXITKILL ties the command to us while it is held: if we die, it must neither run
 * unwatched nor stay behind, stopped for good.
 *
 * Where ptrace is refused (seccomp, Yama), or the command is started with SIGTRAP ignored or
 * blocked, which a breakpoint would undo, the child is held at its read from go_fd instead. If we
 * die the read returns 0, and the child exits. Nothing of COMMAND is mapped in that state; the
 * probe in the dynamic linker finds what it maps later.
 *
 * If exec fails, the child writes errno to error_fd. exec closes it, so the end of the file means
 * that exec worked or that the child is dead.
 */
#include "cli/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/startup.h"

#define TRACE_OPTIONS (PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK)

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

/* What the parent tells the child. */
struct orders {
	char **argv;
	const sigset_t *mask;
	struct startup_environment *environment;
	int go_fd;
	int error_fd;
};

/*
 * The child, with all signals blocked: reads a byte and becomes COMMAND, or exits if there is none.
 */
__attribute__((noreturn)) static void child(const struct orders *orders)
{
	ssize_t got;
	char byte;
	int err;

	startup_restore(orders->mask);
	do
		got = read(orders->go_fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(127); /* flightrec is gone */
	execvpe(orders->argv[0], orders->argv, startup_environment_mine(orders->environment));
	err = errno;
	if (write(orders->error_fd, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(126);
	_exit(127);
}

static pid_t fork_child(const struct orders *orders, int go_fd, int error_fd)
{
	sigset_t all, before;
	pid_t pid;

	/* None of our handlers may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		close(go_fd);
		close(error_fd);
		child(orders);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* Forks the child, which then waits to be told to go. */
static int start_child(struct launch *l, char **argv, const sigset_t *mask)
{
	struct orders orders = {.argv = argv, .mask = mask};
	int go[2] = {-1, -1}, error[2] = {-1, -1}, err = 0;

	orders.environment = startup_environment_copy();
	if (!orders.environment)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) || pipe2(error, O_CLOEXEC)) {
		err = -errno;
		goto cleanup;
	}
	orders.go_fd = go[0];
	orders.error_fd = error[1];
	l->pid = fork_child(&orders, go[1], error[0]);
	if (l->pid < 0) {
		err = -errno;
		l->pid = 0;
		goto cleanup;
	}
	l->go_fd = go[1];
	l->error_fd = error[0];
	go[1] = error[0] = -1;
cleanup:
	startup_environment_free(orders.environment);
	close_fd(&go[0]);
	close_fd(&go[1]);
	close_fd(&error[0]);
	close_fd(&error[1]);
	return err;
}

/* If the child is already dead, SIGPIPE must not kill us. */
static void say_go(struct launch *l)
{
	send(l->go_fd, "", 1, MSG_NOSIGNAL);
	close_fd(&l->go_fd);
}

/* Waits until the child has executed COMMAND or ended. Returns why exec failed, or 0. */
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

/*
 * A constructor forked: the new process has a copy of the breakpoint, and nobody handles it there.
 */
static void let_fork_go(const struct launch *l)
{
	unsigned long pid = 0;
	int status;

	if (breakpoint_trace(PTRACE_GETEVENTMSG, l->pid, 0, (uintptr_t)&pid) || pid == 0)
		return;
	if (wait_for((pid_t)pid, &status) != (pid_t)pid || !WIFSTOPPED(status))
		return;
	/* If it shares the command's memory, the breakpoint is the command's own. */
	if (l->breakpoint.entry && syscall(SYS_kcmp, l->pid, (pid_t)pid, KCMP_VM, 0, 0) != 0)
		breakpoint_clear(&l->breakpoint, (pid_t)pid);
	breakpoint_trace(PTRACE_DETACH, (pid_t)pid, 0, 0);
}

/*
 * Handles one stop on the way to the entry. Returns whether to hold the command here; if not, it is
 * running again. Errors need no handling: they mean that it died, which the caller's wait will
 * show.
 */
static bool pass_stop(struct launch *l, int status)
{
	int sig = WSTOPSIG(status);

	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		if (!breakpoint_set(&l->breakpoint, l->pid))
			return true; /* hold it here: too early is better than not at all */
		sig = 0;
		break;
	case PTRACE_EVENT_FORK:
		let_fork_go(l);
		sig = 0;
		break;
	case PTRACE_EVENT_STOP:
		if (sig != SIGTRAP) {
			/* Stopped by a signal: stay stopped until SIGCONT, as without tracing. */
			breakpoint_trace(PTRACE_LISTEN, l->pid, 0, 0);
			return false;
		}
		sig = 0;
		break;
	default:
		if (sig == SIGTRAP && breakpoint_hit(&l->breakpoint, l->pid)) {
			breakpoint_leave(&l->breakpoint, l->pid);
			return true;
		}
	}
	breakpoint_trace(PTRACE_CONT, l->pid, 0, (uint64_t)sig);
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

int launch_start(struct launch *l, char **argv, const sigset_t *mask)
{
	struct sigaction action;
	int err;

	*l = (struct launch){.go_fd = -1, .error_fd = -1};
	if (!argv[0])
		return -EINVAL;
	if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
	err = start_child(l, argv, mask);
	if (err)
		return err;
	l->traced = sigismember(mask, SIGTRAP) != 1 && !startup_ignored(SIGTRAP) &&
		    breakpoint_trace(PTRACE_SEIZE, l->pid, 0, TRACE_OPTIONS) == 0;
	l->held_before_exec = !l->traced;
	return 0;
}

int launch_hold(struct launch *l)
{
	int err;

	if (!l->traced)
		return 0;
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
		/* ESRCH: it was killed while held; its status is left for the caller. */
		if (breakpoint_trace(PTRACE_DETACH, l->pid, 0, 0) && errno != ESRCH)
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
	/* Stops that are already pending may be reported first. */
	while (wait_for(l->pid, &status) == l->pid && WIFSTOPPED(status))
		;
	l->pid = 0;
	l->traced = false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the COMMAND of `flightrec run` and holds it just before its own code runs, so that
 * probes can be attached first.
 *
 * It is held at its ELF entry point, where the dynamic linker has mapped its libraries (and run
 * their constructors). Where ptrace is refused, or the command is to ignore or block SIGTRAP, it is
 * held before it becomes COMMAND at all. If this process dies while it holds the command, by
 * SIGKILL even, the command dies with it and never runs.
 *
 * The command gets the signal mask, the ignored signals, the descriptors 0 to 2, the process
 * group, the terminal and the environment that this process was started with. Descriptors opened
 * since must be close-on-exec, and resource limits raised since are inherited. A set-user-ID
 * command gains no privileges if this process lacks CAP_SYS_PTRACE, as while it is traced.
 */
#ifndef FLIGHTREC_LAUNCH_H
#define FLIGHTREC_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct launch {
	pid_t pid;             /* of the command while it is held or runs; 0: it ended already */
	bool held_before_exec; /* held, but not at its entry: nothing of it is mapped yet */
	int exec_errno;        /* why COMMAND could not be executed; 0: it could */
	bool ended;            /* ended before it reached its entry; it is reaped */
	int status;            /* then, its wait status */

	/* Private. */
	int go_fd;    /* the child waits on the other end, before exec; -1: closed */
	int error_fd; /* the child writes there why exec failed; -1: closed */
	bool traced;
	uint64_t entry; /* address of the breakpoint; 0: none is set */
	uint64_t saved; /* the 8 aligned bytes around it, as they were */
};

/*
 * Starts argv[0], looked up in PATH, with arguments @argv. @original is the signal mask that this
 * process was started with; what it ignored then is remembered from before main().
 * If SIGCHLD is ignored, it is set to its default, for the status of the command would be lost.
 * Blocks until the command is held; signals it gets until then are passed on to it.
 *
 * Returns 0, and then either the command is held (@l->pid), or it ended before its entry, by a
 * signal perhaps (@l->ended, @l->status). Or a negative errno, with nothing left running:
 * -@l->exec_errno if that is not 0, as COMMAND could not be executed (a shell says 127 for ENOENT
 * and 126 otherwise); else something failed here.
 */
int launch_start(struct launch *l, char **argv, const sigset_t *original);

/*
 * Lets the command run, untraced, with what signals came for it meanwhile. The caller waits for
 * it with waitpid(@l->pid), also if it was killed while held. Where it was held before exec, this
 * blocks until it has become COMMAND.
 *
 * Returns 0, or a negative errno: -@l->exec_errno as above, the command being reaped.
 */
int launch_release(struct launch *l);

/* Kills and reaps a command that launch_start() holds, instead of letting it run. */
void launch_cancel(struct launch *l);

#endif /* FLIGHTREC_LAUNCH_H */

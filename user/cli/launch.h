/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the COMMAND of `flightrec run` and holds it just before its own code runs, so that
 * probes can be attached first. launch.c begins with how.
 *
 * The calls are made in this order, by one thread: launch_start(), launch_hold(),
 * launch_release(); launch_cancel() in place of any that is left. If this process dies before the
 * release, by SIGKILL even, the command dies with it and never runs; after it, the command goes on.
 *
 * The command gets the signal mask, the ignored signals, the resource limits, the descriptors 0 to
 * 2, the process group, the terminal and the environment that this process was started with; where
 * the environment names this process as the one that is meant (LISTEN_PID), it names the command.
 * Descriptors opened since must be close-on-exec. A set-user-ID command gains no privileges if
 * this process lacks CAP_SYS_PTRACE, as while it is traced.
 */
#ifndef FLIGHTREC_LAUNCH_H
#define FLIGHTREC_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cli/breakpoint.h"

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
	struct breakpoint breakpoint;
};

/*
 * Creates the process that becomes argv[0], looked up in PATH, with arguments @argv; it waits
 * before exec. @mask is the signal mask that this process was started with.
 * If SIGCHLD is ignored, it is set to its default, for the status of the command would be lost.
 * Returns 0, @l->pid being its number, or a negative errno.
 */
int launch_start(struct launch *l, char **argv, const sigset_t *mask);

/*
 * Has it become COMMAND and run to its entry; where that is not possible, it is left to wait
 * before exec. Blocks until then; signals that the command gets meanwhile are let through to it.
 *
 * Returns 0, and then either the command is held (@l->pid), or it ended before its entry, by a
 * signal perhaps (@l->ended, @l->status). Or a negative errno, with nothing left running:
 * -@l->exec_errno if that is not 0, as COMMAND could not be executed (a shell says 127 for ENOENT
 * and 126 otherwise); else something failed here.
 */
int launch_hold(struct launch *l);

/*
 * Lets the command run, untraced, with what signals came for it meanwhile. The caller waits for
 * it with waitpid(@l->pid), also if it was killed while held. Where it was held before exec, this
 * blocks until it has become COMMAND.
 *
 * Returns 0, or a negative errno: -@l->exec_errno as above, the command being reaped.
 */
int launch_release(struct launch *l);

/* Kills and reaps a command that has not been released. */
void launch_cancel(struct launch *l);

#endif /* FLIGHTREC_LAUNCH_H */

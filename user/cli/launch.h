/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the COMMAND of `flightrec run` and holds it just before its own code runs, so that probes
 * can be attached first. launch.c explains how.
 *
 * One thread calls launch_start(), launch_hold() and launch_release() in this order;
 * launch_cancel() may take the place of any step that has not been made. If this process dies
 * before the release, even by SIGKILL, the command dies with it without running; afterwards it goes
 * on.
 *
 * The command gets what this process was started with: signal mask, ignored signals, resource
 * limits, descriptors 0 to 2, process group, terminal and environment. Where the environment names
 * this process as the one it is meant for (LISTEN_PID), it names the command instead. Descriptors
 * opened since then must be close-on-exec. A set-user-ID command gains no privileges unless this
 * process has CAP_SYS_PTRACE, since it is traced.
 */
#ifndef FLIGHTREC_LAUNCH_H
#define FLIGHTREC_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "cli/breakpoint.h"

struct launch {
	pid_t pid;             /* of the command while it is held or runs; 0: it has ended */
	bool held_before_exec; /* held, but not at its entry: nothing of it is mapped yet */
	int exec_errno;        /* why COMMAND could not be executed; 0: it was */
	bool ended;            /* it ended before reaching its entry, and was reaped */
	int status;            /* its wait status in that case */

	/* Private. */
	int go_fd;    /* the child waits on the other end, before exec; -1: closed */
	int error_fd; /* the child writes here why exec failed; -1: closed */
	bool traced;
	struct breakpoint breakpoint;
};

/*
 * Creates the process that will become argv[0] (looked up in PATH), with arguments @argv; it waits
 * before exec. @mask is the signal mask this process was started with. If SIGCHLD is ignored, it is
 * reset to its default: otherwise the command's status would be lost. Returns 0 and sets @l->pid,
 * or a negative errno.
 */
int launch_start(struct launch *l, char **argv, const sigset_t *mask);

/*
 * Lets it become COMMAND and run to its entry; where that is impossible it goes on waiting before
 * exec. Blocks until then. Signals for the command are passed through.
 *
 * Returns 0: the command is held (@l->pid), or it ended before its entry, perhaps by a signal
 * (@l->ended, @l->status). Otherwise returns a negative errno, with nothing left running:
 * -@l->exec_errno if that is not 0, since COMMAND could not be executed (for which a shell exits
 * with 127 if it is ENOENT, else 126); else something failed here.
 */
int launch_hold(struct launch *l);

/*
 * Lets the command run, untraced, with the signals that arrived for it meanwhile. The caller waits
 * for it with waitpid(@l->pid), even if it was killed while held. If it was held before exec, this
 * blocks until it has become COMMAND.
 *
 * Returns 0; or a negative errno, -@l->exec_errno as above, with the command reaped.
 */
int launch_release(struct launch *l);

/* Kills and reaps a command that has not been released. */
void launch_cancel(struct launch *l);

#endif /* FLIGHTREC_LAUNCH_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How this process was started, recorded before main(): the command that it starts should find
 * everything as if it had been started directly. What we change for ourselves are ignored signals
 * and resource limits.
 */
#ifndef FLIGHTREC_STARTUP_H
#define FLIGHTREC_STARTUP_H

#include <signal.h>
#include <stdbool.h>

/* Whether a signal was ignored at the start, as by nohup(1). */
bool startup_ignored(int number);

/*
 * Restores signals and limits to what they were, with @mask as the signal mask. For a child between
 * fork and exec: async-signal-safe.
 */
void startup_restore(const sigset_t *mask);

/*
 * If descriptor 0, 1 or 2 is closed, none of our files may take its number: it would receive what
 * is meant for the standard stream. Afterwards reading from it, or writing to it, fails as before,
 * and programs that we start find it closed.
 */
void startup_occupy_streams(void);

/*
 * The environment for a command. Variables such as LISTEN_PID, which name the process they are
 * meant for, must name the command instead of us. Not thread-safe.
 */
struct startup_environment;

/* Copies environ. Returns NULL if there is no memory. */
struct startup_environment *startup_environment_copy(void);
/* Makes it name the calling process: async-signal-safe. Returns the environment to pass to exec. */
char **startup_environment_mine(struct startup_environment *environment);
void startup_environment_free(struct startup_environment *environment);

#endif /* FLIGHTREC_STARTUP_H */

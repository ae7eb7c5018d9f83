/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How this process was started, remembered before main(): a command that it starts is to find
 * things as it would without us in front of it. What changes here meanwhile are the signals that
 * are ignored and the limits of resources, raised for ourselves.
 */
#ifndef FLIGHTREC_STARTUP_H
#define FLIGHTREC_STARTUP_H

#include <signal.h>
#include <stdbool.h>

/* Whether a signal was ignored then, as by nohup(1). */
bool startup_ignored(int number);

/*
 * Makes signals and limits what they were then, with @mask as the signal mask. For a child between
 * fork and exec: async-signal-safe.
 */
void startup_restore(const sigset_t *mask);

/*
 * If descriptor 0, 1 or 2 is closed, no file of ours may become it, for it would get what is meant
 * for the standard stream. Afterwards reading from it, or writing to it, fails as before; what is
 * started finds it closed.
 */
void startup_occupy_streams(void);

/*
 * The environment for a command, in which the variables that name this process as the one they are
 * meant for, such as LISTEN_PID, are to name the command's. Not thread-safe.
 */
struct startup_environment;

/* A copy of environ. Returns NULL if there is no memory. */
struct startup_environment *startup_environment_copy(void);
/* Has it name the calling process: async-signal-safe. Returns the environment, for exec. */
char **startup_environment_mine(struct startup_environment *environment);
void startup_environment_free(struct startup_environment *environment);

#endif /* FLIGHTREC_STARTUP_H */

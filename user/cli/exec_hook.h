/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `--exec COMMAND`: runs a command for each recorder that times out. exec_hook.c begins with the
 * rules. Nothing here waits: a command that hangs, and a program that times out a thousand times,
 * delay no report. Not thread-safe.
 */
#ifndef FLIGHTREC_EXEC_HOOK_H
#define FLIGHTREC_EXEC_HOOK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector/report/report.h"

struct exec_hook;

struct exec_hook_options {
	const char *command;  /* for sh -c; must outlive the hook */
	uint64_t limit;       /* how often it may be run; 0: any number */
	uint64_t time_ns;     /* how long a run may take; 0: EXEC_TIME_NS */
	const sigset_t *mask; /* the signal mask that this process was started with */
};

#define EXEC_TIME_NS 300000000000

/* Returns NULL with errno. */
struct exec_hook *exec_hook_open(const struct exec_hook_options *options);

/* Runs the command for a report of a timeout, now or when it is its turn; others do nothing. */
void exec_hook_report(struct exec_hook *hook, const struct report *report);

/* Becomes readable when exec_hook_dispatch() is to be called. */
int exec_hook_fd(const struct exec_hook *hook);
void exec_hook_dispatch(struct exec_hook *hook);

/* Whether a command runs or waits for its turn. */
bool exec_hook_busy(const struct exec_hook *hook);

/*
 * Says what was not run, and what still runs: that is left to end by itself. Frees the hook.
 * NULL: nothing.
 */
void exec_hook_close(struct exec_hook *hook);

#endif /* FLIGHTREC_EXEC_HOOK_H */

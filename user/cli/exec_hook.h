/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `--exec COMMAND`: runs a command for each recorder that times out. The rules are at the top of
 * exec_hook.c. Nothing here waits: neither a command that hangs nor a program with thousands of
 * timeouts delays a report. Not thread-safe.
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
	uint64_t limit;       /* how often it may run; 0: no limit */
	uint64_t time_ns;     /* how long a run may take; 0: EXEC_TIME_NS */
	const sigset_t *mask; /* the signal mask this process was started with */
};

#define EXEC_TIME_NS 300000000000

/* Returns NULL and sets errno on failure. */
struct exec_hook *exec_hook_open(const struct exec_hook_options *options);

/* Runs the command for a timeout's report, now or later; ignores other reports. */
void exec_hook_report(struct exec_hook *hook, const struct report *report);

/* Becomes readable when exec_hook_dispatch() should be called. */
int exec_hook_fd(const struct exec_hook *hook);
void exec_hook_dispatch(struct exec_hook *hook);

/* Whether a command is running or waiting. */
bool exec_hook_busy(const struct exec_hook *hook);

/*
 * Reports what was not run and what is still running, which is left to end by itself. Frees the
 * hook. NULL is allowed.
 */
void exec_hook_close(struct exec_hook *hook);

#endif /* FLIGHTREC_EXEC_HOOK_H */

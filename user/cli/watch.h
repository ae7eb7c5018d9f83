/* SPDX-License-Identifier: BSD-2-Clause */
/* What `flightrec run` and `flightrec attach` have in common: the loop in which a session works. */
#ifndef FLIGHTREC_WATCH_H
#define FLIGHTREC_WATCH_H

#include <stdbool.h>

#include "cli/exec_hook.h"
#include "cli/launch.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "collector/session.h"
#include "collector/span/span_set.h"

/* What an epoll event is about. */
enum token {
	TOKEN_SESSION,
	TOKEN_SIGNALS,
	TOKEN_DURATION,
	TOKEN_COMMAND,
	TOKEN_PROCESS,
	TOKEN_EXEC
};

struct watch {
	const struct options *options;
	bool is_run;             /* else attach */
	struct span_set spans;   /* empty: none are asked for */
	struct session *session; /* or NULL */
	struct launch launch;    /* for run */
	int command_fd;          /* for run: the command's pidfd; -1: none yet */
	int output;              /* a descriptor */
	bool output_failed;
	struct exec_hook *exec_hook; /* or NULL */
	int duration_fd;             /* -1: no limit, or it is over */
	bool duration_over;
	struct signals signals;
	int epoll_fd;
	size_t processes; /* attached to and still running */
	bool watching;
	bool command_ended;
	int command_status;
	bool interrupted;
};

/* Opens the output and a session. Returns 0; or an exit status, having printed why. */
int watch_start(struct watch *w, const struct options *options);

/* Makes @fd wake the loop. Returns 0 or a negative errno. */
int watch_add_fd(struct watch *w, int fd, uint64_t token);

/* Starts the timer of --duration. Returns 0 or a negative errno. */
int watch_start_duration(struct watch *w);

/* Why no copy of the library was found in a process, worded to follow its name. */
const char *watch_no_copy(pid_t pid);

/* For --verbose: what the probes are attached to, and what memory that takes. */
void watch_print_setup(const struct watch *w);

/*
 * Says which spans are not possible in what is watched so far, and why. Returns whether any is; or
 * none were asked for.
 */
bool watch_tell_spans(const struct watch *w);

/* Watches until the end, whatever causes it; then detaches and prints the summary. */
void watch_until_end(struct watch *w);

/* Detaches, handles what is left, and prints the summary. Only the first call does anything. */
void watch_stop(struct watch *w);

/* Frees everything. Returns @status, or another one if writing the output failed. */
int watch_end(struct watch *w, int status);

#endif /* FLIGHTREC_WATCH_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/* What `flightrec run` and `flightrec attach` have in common: they wait, and let a session work. */
#ifndef FLIGHTREC_WATCH_H
#define FLIGHTREC_WATCH_H

#include <stdbool.h>

#include "cli/exec_hook.h"
#include "cli/launch.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "collector/session.h"

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
	struct session *session; /* NULL: there is none */
	struct launch launch;    /* of run */
	int command_fd;          /* of run: the command's pidfd; -1: there is none yet */
	int output;              /* a descriptor */
	bool output_failed;
	struct exec_hook *exec_hook; /* NULL: there is none */
	int duration_fd;             /* -1: no end, or it has come */
	bool duration_over;
	struct signals signals;
	int epoll_fd;
	size_t processes; /* attached to, and still running */
	bool watching;
	bool command_ended;
	int command_status;
	bool interrupted;
};

/* Opens the output and a session. Returns 0, or the status to end with; it said why. */
int watch_start(struct watch *w, const struct options *options);

/* Has @fd wake the watch. Returns 0 or a negative errno. */
int watch_add_fd(struct watch *w, int fd, uint64_t token);

/* Starts the clock of --duration. Returns 0 or a negative errno. */
int watch_start_duration(struct watch *w);

/* What is to be said of a process in which no copy of the library was found, to follow its name. */
const char *watch_no_copy(pid_t pid);

/* For --verbose: what the probes are attached to, and what it takes. */
void watch_print_setup(const struct watch *w);

/* Waits and works until the end, whatever brings it; then detaches and says what was seen. */
void watch_until_end(struct watch *w);

/* Detaches, takes what is left, and says what was seen; once. */
void watch_stop(struct watch *w);

/* Frees all; returns @status, or that of an output that failed. */
int watch_end(struct watch *w, int status);

#endif /* FLIGHTREC_WATCH_H */

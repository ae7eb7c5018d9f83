/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals that arrive for `flightrec run` and `flightrec attach` while they watch.
 *
 * A thread of its own takes them, because the main thread can be busy for seconds: loading BPF
 * programs, attaching to a thousand processes, or waiting for the kernel to remove probes.
 * Meanwhile `run` still passes signals on to its command at once, and a second SIGINT or SIGTERM
 * still ends the process at once.
 */
#ifndef FLIGHTREC_SIGNALS_H
#define FLIGHTREC_SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Requests to the main thread; see signals_take(). */
enum signals_request {
	SIGNALS_STOP = 1 << 0,   /* SIGINT or SIGTERM: stop watching */
	SIGNALS_REOPEN = 1 << 1, /* SIGHUP: reopen the output file */
	SIGNALS_STATE = 1 << 2,  /* SIGUSR1: print what is being watched */
};

struct signals_options {
	bool pass_on;    /* to a command, as `run` does */
	bool has_output; /* there is a file for SIGHUP to reopen */
	bool quiet;
};

struct signals {
	struct signals_options options;
	sigset_t original; /* the mask this process was started with */
	int event_fd;      /* readable while there are requests */

	/* Private. */
	pthread_t thread;
	bool started;
	bool ignores_hangup; /* as nohup(1) has it */
	int signal_fd;
	int wake_fd;           /* tells the thread about a new state */
	int command_fd;        /* pidfd, or -1; written before the state changes */
	pid_t command_pid;     /* likewise */
	unsigned int requests; /* atomic */
	int state;             /* atomic */
	bool stopped;          /* atomic */
	uint64_t stopped_ns;   /* the thread's: when the first SIGINT or SIGTERM came */
	pid_t stopped_by;
};

/*
 * Blocks the signals and starts the thread. Until signals_ready() or signals_command() is called
 * nothing is being watched, so the first SIGINT or SIGTERM ends the process: `run` by that signal,
 * `attach` with status 0. Returns 0 or a negative errno; free it in either case.
 */
int signals_start(struct signals *signals, const struct signals_options *options);
/* From now on SIGINT and SIGTERM only make requests. */
void signals_ready(struct signals *signals);
/*
 * The same for `run`. All signals go to the command of this pidfd, including those since
 * signals_start(). The pidfd must stay open until signals_free().
 */
void signals_command(struct signals *signals, int pid_fd, pid_t pid);
/* What was requested since the last call: a set of enum signals_request. */
unsigned int signals_take(struct signals *signals);
/* Whether SIGNALS_STOP was ever requested. */
bool signals_stopped(const struct signals *signals);
/* Ends the thread; the signals stay blocked. */
void signals_free(struct signals *signals);

#endif /* FLIGHTREC_SIGNALS_H */

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals that come for `flightrec run` and `flightrec attach` while they watch.
 *
 * They are taken by a thread of their own, for the main thread can be busy for seconds: it loads
 * BPF programs, attaches to a thousand processes, or waits for the kernel to take probes out.
 * Whatever it does, `run` passes a signal on to its command at once, and a second SIGINT or
 * SIGTERM ends the process at once.
 */
#ifndef FLIGHTREC_SIGNALS_H
#define FLIGHTREC_SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the main thread is asked for; see signals_take(). */
enum signals_request {
	SIGNALS_STOP = 1 << 0,   /* SIGINT or SIGTERM: end the watching */
	SIGNALS_REOPEN = 1 << 1, /* SIGHUP: open the output file again */
	SIGNALS_STATE = 1 << 2,  /* SIGUSR1: say what is being watched */
};

struct signals_options {
	bool pass_on;    /* to a command, as `run` does */
	bool has_output; /* there is a file that SIGHUP can ask to be opened again */
	bool quiet;
};

struct signals {
	struct signals_options options;
	sigset_t original; /* the mask that this process was started with */
	int event_fd;      /* readable: there are requests */

	/* Private. */
	pthread_t thread;
	bool started;
	bool ignores_hangup; /* as nohup(1) has it */
	int signal_fd;
	int wake_fd;           /* tells the thread of a new state */
	int command_fd;        /* pidfd, or -1; written before the state changes */
	pid_t command_pid;     /* likewise */
	unsigned int requests; /* atomic */
	int state;             /* atomic */
	bool stopped;          /* atomic */
	uint64_t stopped_ns;   /* of the thread: when the first SIGINT or SIGTERM came */
	pid_t stopped_by;
};

/*
 * Blocks the signals and starts the thread. Until signals_ready() or signals_command() is called
 * nothing is watched yet, and the first SIGINT or SIGTERM ends the process: `run` by that signal,
 * `attach` with status 0. Returns 0 or a negative errno; to be freed in either case.
 */
int signals_start(struct signals *signals, const struct signals_options *options);
/* From now on SIGINT and SIGTERM are requests. */
void signals_ready(struct signals *signals);
/*
 * The same for `run`, and all signals go to the command of this pidfd, those too that came since
 * signals_start(). The pidfd must stay open until signals_free().
 */
void signals_command(struct signals *signals, int pid_fd, pid_t pid);
/* What was asked for since the last call: a set of enum signals_request. */
unsigned int signals_take(struct signals *signals);
/* Whether SIGNALS_STOP was ever asked for. */
bool signals_stopped(const struct signals *signals);
/* Ends the thread; the signals stay blocked. */
void signals_free(struct signals *signals);

#endif /* FLIGHTREC_SIGNALS_H */

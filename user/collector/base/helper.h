/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process of our own program that works for this one: it reads what may be hostile, and has no
 * privileges (confine.h). The two talk by messages (fd_message.h). Whatever happens to it, this one
 * goes on. Not thread-safe.
 */
#ifndef FLIGHTREC_HELPER_H
#define FLIGHTREC_HELPER_H

#include <sys/types.h>

/* The socket, in the helper. */
#define HELPER_SOCKET 3

struct helper {
	pid_t pid;
	int socket; /* non-blocking; -1: it does not run */
};
#define HELPER_INIT                                                                                \
	{                                                                                          \
		.socket = -1                                                                       \
	}

/*
 * Starts our own program with @word as its only argument, and nothing of this process but the
 * socket. Returns 0 or a negative errno.
 */
int helper_start(struct helper *helper, const char *word);

/* Kills it. Does nothing if it does not run. */
void helper_stop(struct helper *helper);

#endif /* FLIGHTREC_HELPER_H */

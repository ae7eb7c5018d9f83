/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages with descriptors, over a socket of type SOCK_SEQPACKET between two of our processes. */
#ifndef FLIGHTREC_FD_MESSAGE_H
#define FLIGHTREC_FD_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

/* The kernel allows 253. */
#define FD_MESSAGE_FDS_MAX 250

struct fd_message {
	void *data;
	size_t size; /* what there is room for; of a received one, what is there */
	int fd[FD_MESSAGE_FDS_MAX];
	size_t n_fds;
};

/* The descriptors stay the caller's. Returns 0; -EAGAIN; or another negative errno. */
int fd_message_send(int socket, const struct fd_message *message);

/*
 * Waits for one, unless the socket is non-blocking. The descriptors are the caller's from then on.
 * Returns 1; 0 if the other end is closed; -EAGAIN; -EMSGSIZE if it was longer than expected, which
 * is then lost; or another negative errno.
 */
int fd_message_receive(int socket, struct fd_message *message);

void fd_message_close_fds(struct fd_message *message);

#endif /* FLIGHTREC_FD_MESSAGE_H */

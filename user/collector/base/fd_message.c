// SPDX-License-Identifier: BSD-2-Clause
#include "collector/base/fd_message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char bytes[CMSG_SPACE(FD_MESSAGE_FDS_MAX * sizeof(int))];
	struct cmsghdr header;
};

int fd_message_send(int socket, const struct fd_message *message)
{
	size_t size = message->n_fds * sizeof(int);
	struct iovec data = {message->data, message->size};
	struct msghdr header = {.msg_iov = &data, .msg_iovlen = 1};
	union control control;

	if (message->n_fds) {
		struct cmsghdr *fds = &control.header;

		memset(&control, 0, sizeof(control));
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(size);
		fds->cmsg_level = SOL_SOCKET;
		fds->cmsg_type = SCM_RIGHTS;
		fds->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(fds), message->fd, size);
	}
	while (sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

static void take_fds(struct fd_message *message, struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	message->n_fds = 0;
	for (; control; control = CMSG_NXTHDR(header, control)) {
		size_t size = control->cmsg_len - CMSG_LEN(0);

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
		    message->n_fds + size / sizeof(int) > FD_MESSAGE_FDS_MAX)
			continue;
		memcpy(message->fd + message->n_fds, CMSG_DATA(control), size);
		message->n_fds += size / sizeof(int);
	}
}

int fd_message_receive(int socket, struct fd_message *message)
{
	struct iovec data = {message->data, message->size};
	union control control;
	struct msghdr header = {.msg_iov = &data,
				.msg_iovlen = 1,
				.msg_control = &control,
				.msg_controllen = sizeof(control)};
	ssize_t got;

	message->n_fds = 0;
	do
		got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	take_fds(message, &header);
	if (header.msg_flags & MSG_TRUNC) {
		fd_message_close_fds(message);
		return -EMSGSIZE;
	}
	message->size = (size_t)got;
	return got > 0;
}

void fd_message_close_fds(struct fd_message *message)
{
	while (message->n_fds)
		close(message->fd[--message->n_fds]);
}

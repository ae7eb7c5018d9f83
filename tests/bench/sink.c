// SPDX-License-Identifier: BSD-2-Clause
/* sink SOCKET: takes datagrams and forgets them, as the least a syslog daemon can do. */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "measure.h"

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char datagram[2048];

	if (argc != 2)
		return 2;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	unlink(argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		fail(argv[1]);
	while (recv(fd, datagram, sizeof(datagram), 0) >= 0)
		;
	return 0;
}

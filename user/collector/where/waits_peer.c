// SPDX-License-Identifier: BSD-2-Clause
/* Who is at the other end of a pipe or a socket, if it is a process of this machine. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/kernel/threads.h"
#include "collector/where/syscall_text.h"
#include "collector/where/waits.h"

#define FILES_MAX 64
/* Connections of a network namespace that are looked through. */
#define CONNECTIONS_MAX 20000

/* The number in "pipe:[123]" or "socket:[123]". */
static unsigned long inode_of(const char *name)
{
	const char *bracket = strchr(name, '[');

	return bracket ? strtoul(bracket + 1, NULL, 10) : 0;
}

/* The device of all pipes, or of all sockets: that of one of our own. */
static uint64_t device_of(int own)
{
	struct stat stat_;

	return fstat(own, &stat_) ? 0 : stat_.st_dev;
}

static uint64_t device_of_pipes(void)
{
	static uint64_t device;
	int fd[2];

	if (!device && pipe2(fd, O_CLOEXEC) == 0) {
		device = device_of(fd[0]);
		close(fd[0]);
		close(fd[1]);
	}
	return device;
}

static uint64_t device_of_sockets(void)
{
	static uint64_t device;
	int fd = device ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		device = device_of(fd);
		close(fd);
	}
	return device;
}

/* ---- pipes ---- */

static bool writes(const struct waits *waits)
{
	const char *name = syscall_text(&waits->where->record).name;

	return strstr(name, "write") || strstr(name, "send");
}

void waits_for_pipe(struct waits *waits, const char *name)
{
	struct thread_file files[FILES_MAX];
	bool to_write = writes(waits), own = false;
	int n = threads_find_file(waits->threads, device_of_pipes(), inode_of(name), files,
				  FILES_MAX);

	for (int i = 0; i < n; i++) {
		if (!(to_write ? files[i].reads : files[i].writes))
			continue;
		if ((pid_t)files[i].pid == waits->pid) {
			own = true;
			continue;
		}
		waits_say(waits, ", at whose other end is ");
		waits_say_peer(waits, (pid_t)files[i].pid);
		return;
	}
	if (own)
		waits_say(waits, ", whose other end nobody else has");
}

/* ---- sockets ---- */

/* Whoever has a socket open, the waiting process last; 0: nobody that is to be seen. */
static pid_t owner_of_socket(const struct waits *waits, uint64_t inode)
{
	struct thread_file files[FILES_MAX];
	int n = threads_find_file(waits->threads, device_of_sockets(), inode, files, FILES_MAX);
	pid_t owner = 0;

	for (int i = 0; i < n; i++) {
		owner = (pid_t)files[i].pid;
		if (owner != waits->pid)
			return owner;
	}
	return owner;
}

static uint32_t peer_attribute(const char *answer, ssize_t size)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
	const struct unix_diag_msg *message = NLMSG_DATA(header);
	const struct rtattr *attribute = (const struct rtattr *)(message + 1);
	ssize_t left = (ssize_t)header->nlmsg_len - (ssize_t)NLMSG_LENGTH(sizeof(*message));

	if (size < (ssize_t)NLMSG_LENGTH(sizeof(*message)) || header->nlmsg_len > (size_t)size ||
	    header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if (attribute->rta_type == UNIX_DIAG_PEER)
			return *(const uint32_t *)RTA_DATA(attribute);
	}
	return 0;
}

/* The inode of the socket that one is connected to; 0: it is none of this kind, or not connected.
 */
static uint32_t unix_peer(uint64_t inode)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} question = {.header = {.nlmsg_len = sizeof(question),
				 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				 .nlmsg_flags = NLM_F_REQUEST},
		      .request = {.sdiag_family = AF_UNIX,
				  .udiag_states = UINT32_MAX,
				  .udiag_ino = (uint32_t)inode,
				  .udiag_show = UDIAG_SHOW_PEER,
				  .udiag_cookie = {UINT32_MAX, UINT32_MAX}}};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	__attribute__((aligned(8))) char answer[4096];
	uint32_t peer = 0;
	ssize_t got;

	if (fd < 0)
		return 0;
	/* The kernel answers within send(). */
	if (send(fd, &question, sizeof(question), 0) == sizeof(question)) {
		got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
		peer = peer_attribute(answer, got);
	}
	close(fd);
	return peer;
}

/* One of /proc/net/tcp, addresses as they stand there. */
struct connection {
	char local[48];
	char remote[48];
	unsigned int state;
	unsigned long inode;
};

/*
 * Looks for the connection of an inode; or for the other end of @of, if that is not NULL. @file is
 * "tcp" or "tcp6".
 */
static bool find_connection(const struct waits *waits, const char *file, unsigned long inode,
			    const struct connection *of, struct connection *found)
{
	unsigned int looked_at = 0;
	char path[64], line[512];
	bool is_it = false;
	FILE *list;

	snprintf(path, sizeof(path), "/proc/%d/net/%s", waits->pid, file);
	list = fopen(path, "re");
	while (list && !is_it && looked_at++ < CONNECTIONS_MAX && fgets(line, sizeof(line), list)) {
		if (sscanf(line, " %*d: %47s %47s %x %*s %*s %*s %*d %*d %lu", found->local,
			   found->remote, &found->state, &found->inode) != 4)
			continue;
		is_it = of ? strcmp(found->local, of->remote) == 0 &&
					strcmp(found->remote, of->local) == 0
			   : found->inode == inode;
	}
	if (list)
		fclose(list);
	return is_it;
}

/* "0100007F:1F90" as "127.0.0.1:8080": words of the address in this machine's order. */
static void say_address(struct waits *waits, const char *text)
{
	size_t digits = strcspn(text, ":"), words = digits / 8;
	char address[INET6_ADDRSTRLEN] = "?";
	uint32_t word[4] = {0};
	unsigned int port = 0;

	for (size_t i = 0; i < words && i < 4; i++)
		sscanf(text + 8 * i, "%8x", &word[i]);
	sscanf(text + digits, ":%x", &port);
	inet_ntop(words == 1 ? AF_INET : AF_INET6, word, address, sizeof(address));
	waits_say(waits, words == 1 ? "%s:%u" : "[%s]:%u", address, port);
}

static bool for_tcp(struct waits *waits, unsigned long inode)
{
	static const char *const files[] = {"tcp", "tcp6"};
	struct connection connection, other;
	pid_t owner;

	for (size_t i = 0; i < 2; i++) {
		if (!find_connection(waits, files[i], inode, NULL, &connection))
			continue;
		waits_say(waits, ", TCP from ");
		say_address(waits, connection.local);
		waits_say(waits, " to ");
		say_address(waits, connection.remote);
		owner = find_connection(waits, files[i], 0, &connection, &other)
				? owner_of_socket(waits, other.inode)
				: 0;
		if (owner) {
			waits_say(waits, ", at whose other end is ");
			waits_say_peer(waits, owner);
		}
		return true;
	}
	return false;
}

void waits_for_socket(struct waits *waits, const char *name)
{
	unsigned long inode = inode_of(name);
	uint32_t peer;
	pid_t owner;

	if (!inode || for_tcp(waits, inode))
		return;
	peer = unix_peer(inode);
	owner = peer ? owner_of_socket(waits, peer) : 0;
	if (!owner)
		return;
	waits_say(waits, ", at whose other end is ");
	waits_say_peer(waits, owner);
}

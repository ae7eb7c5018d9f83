// SPDX-License-Identifier: BSD-2-Clause
/* The unwinding helper: takes requests until the collector is gone. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/base/confine.h"
#include "collector/base/fd_message.h"
#include "collector/unwind/unwind_demangle.h"
#include "collector/unwind/unwind_process.h"

/* Address space is what files of any size are mapped to; they are not read as a whole. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_MAX UINT64_MAX
#else
#define MEMORY_MAX (UINT64_C(4) << 30)
#endif

struct server {
	int socket;
	Elf *backend;
	struct unwind_process process[UNWIND_PROCESSES];
};

/* Maps the payload of a request. The collector is trusted, but may be another version. */
static const struct unwind_payload *map_payload(int fd, size_t *size)
{
	const struct unwind_payload *payload;
	struct stat stat_;
	uint64_t needed;

	if (fstat(fd, &stat_) || stat_.st_size < (off_t)sizeof(*payload))
		return NULL;
	*size = (size_t)stat_.st_size;
	payload = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (payload == MAP_FAILED)
		return NULL;
	needed = sizeof(*payload) + (uint64_t)payload->n_modules * sizeof(struct unwind_module) +
		 payload->stack_size + payload->vdso_size;
	if (needed <= *size)
		return payload;
	munmap((void *)payload, *size);
	return NULL;
}

static void add_files(struct unwind_process *process, const struct unwind_message *request,
		      struct fd_message *message)
{
	for (size_t i = 1; i < message->n_fds; i++)
		unwind_process_add_file(process, request->module[i - 1], message->fd[i]);
	message->n_fds = 1;
}

static void work(struct server *server, const struct unwind_message *request,
		 struct fd_message *message, struct unwind_reply *reply)
{
	struct unwind_process *process = &server->process[request->place % UNWIND_PROCESSES];
	size_t size;
	const struct unwind_payload *payload = map_payload(message->fd[0], &size);

	if (!payload)
		return;
	if (request->anew) {
		unwind_process_close(process);
		if (!unwind_process_open(process, payload, server->backend))
			unwind_process_close(process);
	}
	if (process->dwfl) {
		process->socket = server->socket;
		process->number = request->number;
		add_files(process, request, message);
		unwind_process_answer(process, payload, reply);
	}
	munmap((void *)payload, size);
}

static int answer(struct server *server, const struct unwind_message *request,
		  struct fd_message *message)
{
	static struct unwind_reply reply;
	struct fd_message out = {.data = &reply};

	memset(&reply, 0, offsetof(struct unwind_reply, frame));
	reply.type = UNWIND_REPLY;
	reply.number = request->number;
	reply.end = UNWIND_IMPOSSIBLE;
	if (message->size == sizeof(*request) && request->type == UNWIND_REQUEST &&
	    message->n_fds >= 1)
		work(server, request, message, &reply);
	fd_message_close_fds(message);
	out.size = offsetof(struct unwind_reply, strings) + reply.strings_size;
	return fd_message_send(server->socket, &out);
}

static int tell_ready(int socket)
{
	static struct unwind_reply ready;
	struct fd_message out = {.data = &ready, .size = offsetof(struct unwind_reply, strings)};

	ready.type = UNWIND_READY;
	return fd_message_send(socket, &out);
}

/* Of whichever machine this is: our own program. */
static Elf *open_backend(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	elf_version(EV_CURRENT);
	return fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
}

int unwind_serve(int socket)
{
	static struct server server;
	struct unwind_message request;
	struct fd_message message = {.data = &request};
	const struct confine_limits limits = {.memory = MEMORY_MAX, .files = 4096};

	prctl(PR_SET_NAME, "flightrec-help");
	server.socket = socket;
	server.backend = open_backend();
	unwind_demangle_prepare();
	if (!server.backend || confine(&limits) || tell_ready(socket))
		return 1;
	for (;;) {
		message.size = sizeof(request);
		if (fd_message_receive(socket, &message) <= 0 ||
		    answer(&server, &request, &message))
			return 0;
	}
}

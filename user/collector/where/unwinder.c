// SPDX-License-Identifier: BSD-2-Clause
#include "collector/where/unwinder.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/base/clock.h"
#include "collector/base/fd_message.h"
#include "collector/base/helper.h"
#include "collector/unwind/unwind_protocol.h"
#include "collector/where/where.h"

/* Longer than that no file is worth. */
#define LIMIT_NS UINT64_C(5000000000)
/* Processes whose files cost a helper, which are remembered. */
#define BAD_MAX 64
/* A helper that cannot give up its privileges ends; it is not tried for ever. */
#define STARTS_MAX 3

/* A process in one life. */
struct life {
	pid_t pid;
	uint64_t hash; /* of what it has mapped */
};

/* What the helper has of a process: files that were passed to it. */
struct place {
	struct life life;
	struct modules modules;
	bool *passed; /* by module */
	uint64_t used_ns;
};

struct unwinder {
	struct helper helper;
	bool ready;           /* the helper said so */
	unsigned int unready; /* helpers that ended before, one after the other */
	int epoll_fd;
	struct place place[UNWIND_PROCESSES];
	uint64_t number;     /* of the last request */
	struct where *where; /* that it is for; NULL: there is none */
	struct place *at;    /* that it is of */
	uint64_t until_ns;
	struct life bad[BAD_MAX];
	size_t n_bad; /* ever */
};

static const char bad_files[] = "its files took too long to read, or ended the helper that did";

static const char no_helper[] = "no helper could be started to read its files";

static void forget_place(struct place *place)
{
	modules_free(&place->modules);
	free(place->passed);
	*place = (struct place){0};
}

static void stop(struct unwinder *u)
{
	helper_stop(&u->helper); /* closed, it is no longer in the epoll set */
	for (size_t i = 0; i < UNWIND_PROCESSES; i++)
		forget_place(&u->place[i]);
}

static int start(struct unwinder *u)
{
	struct epoll_event event = {.events = EPOLLIN};
	int err;

	if (u->helper.socket >= 0)
		return 0;
	if (u->unready >= STARTS_MAX)
		return -ECHILD;
	u->ready = false;
	err = helper_start(&u->helper, UNWIND_WORD);
	if (!err && epoll_ctl(u->epoll_fd, EPOLL_CTL_ADD, u->helper.socket, &event)) {
		err = -errno;
		stop(u);
	}
	return err;
}

struct unwinder *unwinder_new(bool now)
{
	struct unwinder *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return NULL;
	u->helper = (struct helper)HELPER_INIT;
	u->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = u->epoll_fd < 0 ? -errno : now ? start(u) : 0;
	if (!err)
		return u;
	unwinder_free(u);
	errno = -err;
	return NULL;
}

void unwinder_free(struct unwinder *u)
{
	if (!u)
		return;
	stop(u);
	if (u->epoll_fd >= 0)
		close(u->epoll_fd);
	free(u);
}

int unwinder_fd(const struct unwinder *u)
{
	return u->epoll_fd;
}

uint64_t unwinder_next(const struct unwinder *u)
{
	return u->where ? u->until_ns : UINT64_MAX;
}

bool unwinder_is_busy(const struct unwinder *u)
{
	return u->where != NULL;
}

/* ---- asking ---- */

static bool is_bad(const struct unwinder *u, const struct life *life)
{
	for (size_t i = 0; i < u->n_bad && i < BAD_MAX; i++) {
		if (u->bad[i].pid == life->pid && u->bad[i].hash == life->hash)
			return true;
	}
	return false;
}

/* The place of a process, or the one that was not used for longest. */
static struct place *find_place(struct unwinder *u, const struct life *life)
{
	struct place *oldest = &u->place[0];

	for (size_t i = 0; i < UNWIND_PROCESSES; i++) {
		struct place *place = &u->place[i];

		if (place->life.pid == life->pid)
			return place;
		if (place->used_ns < oldest->used_ns)
			oldest = place;
	}
	return oldest;
}

static int copy_modules(struct place *place, const struct thread_look *look)
{
	const struct modules *from = &look->modules;

	place->modules = *from;
	place->modules.module = calloc(from->n + 1, sizeof(*from->module));
	place->modules.room = from->n + 1;
	place->modules.n = 0;
	place->passed = calloc(from->n + 1, sizeof(*place->passed));
	if (!place->modules.module || !place->passed)
		return -ENOMEM;
	for (size_t i = 0; i < from->n; i++) {
		place->modules.module[i] = from->module[i];
		place->modules.module[i].path = strdup(from->module[i].path);
		place->modules.n++;
		if (!place->modules.module[i].path)
			return -ENOMEM;
	}
	return 0;
}

static int write_all(int fd, const void *data, size_t size)
{
	/* Into memory: all of it, or there is none. */
	return !size || write(fd, data, size) == (ssize_t)size ? 0 : -ENOMEM;
}

static int write_modules(int fd, const struct modules *modules)
{
	struct unwind_module *list = calloc(modules->n + 1, sizeof(*list));
	int err;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < modules->n; i++)
		list[i] = (struct unwind_module){modules->module[i].start, modules->module[i].end};
	err = write_all(fd, list, modules->n * sizeof(*list));
	free(list);
	return err;
}

static int write_payload(int fd, const struct thread_look *look)
{
	const struct thread_record *record = &look->record;
	struct unwind_payload payload = {.pc = record->pc,
					 .sp = record->sp,
					 .stack_start = record->sp,
					 .stack_size = (uint32_t)look->stack_size,
					 .vdso_start = look->modules.vdso_start,
					 .vdso_size = (uint32_t)look->vdso_size,
					 .n_modules = (uint32_t)look->modules.n};
	int err;

	_Static_assert(sizeof(payload.reg) == sizeof(record->reg), "the same registers");
	memcpy(payload.reg, record->reg, sizeof(payload.reg));
	err = write_all(fd, &payload, sizeof(payload));
	err = err ? err : write_modules(fd, &look->modules);
	err = err ? err : write_all(fd, look->stack, look->stack_size);
	return err ? err : write_all(fd, look->vdso, look->vdso_size);
}

static void pass_file(struct place *place, uint64_t address, struct unwind_message *request,
		      struct fd_message *message)
{
	size_t i = modules_find(&place->modules, address);
	int fd;

	if (i == SIZE_MAX || place->passed[i] || request->n_files == UNWIND_FILES_MAX)
		return;
	place->passed[i] = true;
	fd = module_open(place->life.pid, &place->modules.module[i]);
	if (fd < 0)
		return;
	request->module[request->n_files++] = (uint16_t)i;
	message->fd[message->n_fds++] = fd;
}

/* Only files that may be needed: a return address stands on the stack, or in a register. */
static void pass_files(struct place *place, const struct thread_look *look,
		       struct unwind_message *request, struct fd_message *message)
{
	uint64_t word;

	pass_file(place, look->record.pc, request, message);
	for (size_t i = 0; i < THREAD_REGISTERS; i++)
		pass_file(place, look->record.reg[i], request, message);
	for (size_t at = 0; at + sizeof(word) <= look->stack_size; at += sizeof(word)) {
		memcpy(&word, look->stack + at, sizeof(word));
		pass_file(place, word, request, message);
	}
}

static int send_request(struct unwinder *u, struct place *place, const struct thread_look *look,
			bool anew)
{
	struct unwind_message request = {.type = UNWIND_REQUEST,
					 .place = (uint32_t)(place - u->place),
					 .anew = anew,
					 .number = ++u->number};
	struct fd_message message = {.data = &request, .size = sizeof(request)};
	int fd = memfd_create("flightrec", MFD_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	message.fd[message.n_fds++] = fd;
	err = write_payload(fd, look);
	if (!err) {
		pass_files(place, look, &request, &message);
		err = fd_message_send(u->helper.socket, &message);
	}
	fd_message_close_fds(&message);
	return err;
}

int unwinder_ask(struct unwinder *u, const struct thread_look *look, struct where *where)
{
	struct life life = {(pid_t)look->record.pid, look->modules.hash};
	struct place *place;
	bool anew;
	int err;

	where->thread.stack_end = bad_files;
	if (is_bad(u, &life))
		return -EBADMSG;
	where->thread.stack_end = no_helper;
	err = start(u);
	if (err)
		return err;
	place = find_place(u, &life);
	anew = place->life.pid != life.pid || place->life.hash != life.hash;
	if (anew) {
		forget_place(place);
		place->life = life;
		err = copy_modules(place, look);
	}
	place->used_ns = clock_ns(CLOCK_MONOTONIC);
	err = err ? err : send_request(u, place, look, anew);
	if (err) {
		/* What it has of the process is not known now. */
		forget_place(place);
		return err;
	}
	where->thread.stack_end = "its files were not read in time";
	u->where = where;
	u->at = place;
	u->until_ns = place->used_ns + LIMIT_NS;
	return 0;
}

/* ---- answers ---- */

static struct where *done(struct unwinder *u)
{
	struct where *where = u->where;

	u->where = NULL;
	u->at = NULL;
	return where;
}

static struct where *give_up(struct unwinder *u)
{
	/* One that was never ready has seen no file. */
	if (!u->ready)
		u->unready++;
	if (u->where)
		u->where->thread.stack_end = u->ready ? bad_files : no_helper;
	if (u->where && u->ready)
		u->bad[u->n_bad++ % BAD_MAX] = u->at->life;
	stop(u);
	return done(u);
}

/* The package manager's, by build id: the process has no part in that. */
static int open_debug_file(const struct unwind_frame *frame)
{
	char path[128] = "/usr/lib/debug/.build-id/";
	size_t at = strlen(path);

	if (frame->build_id_size < 2 || frame->build_id_size > UNWIND_BUILD_ID_MAX)
		return -1;
	for (size_t i = 0; i < frame->build_id_size; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, i == 1 ? "/%02x" : "%02x",
				       frame->build_id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

static int answer_question(struct unwinder *u, const struct unwind_reply *question)
{
	struct unwind_message answer = {.type = UNWIND_FILE, .number = u->number};
	struct fd_message message = {.data = &answer, .size = sizeof(answer)};
	int err;

	message.fd[0] = open_debug_file(&question->frame[0]);
	message.n_fds = message.fd[0] >= 0;
	err = fd_message_send(u->helper.socket, &message);
	fd_message_close_fds(&message);
	return err;
}

static bool is_of_request(const struct unwinder *u, const struct unwind_reply *reply, size_t size)
{
	return u->ready && u->where && size >= offsetof(struct unwind_reply, strings) &&
	       reply->number == u->number;
}

/* Whether that is what it says, for the first time. */
static bool is_ready(struct unwinder *u, const struct unwind_reply *reply, size_t size)
{
	if (u->ready || size < sizeof(reply->type) || reply->type != UNWIND_READY)
		return false;
	u->ready = true;
	u->unready = 0;
	return true;
}

struct where *unwinder_work(struct unwinder *u)
{
	static struct unwind_reply reply;
	struct fd_message message = {.data = &reply};
	int got = -EAGAIN;

	while (u->helper.socket >= 0) {
		message.size = sizeof(reply);
		got = fd_message_receive(u->helper.socket, &message);
		fd_message_close_fds(&message);
		if (got == -EAGAIN)
			break;
		if (got > 0 && is_ready(u, &reply, message.size))
			continue;
		if (got <= 0 || !is_of_request(u, &reply, message.size))
			return give_up(u);
		if (reply.type != UNWIND_WANT_FILE)
			return where_take_reply(u->where, &reply, message.size, &u->at->modules)
				       ? done(u)
				       : give_up(u);
		if (answer_question(u, &reply))
			return give_up(u);
	}
	if (u->where && clock_ns(CLOCK_MONOTONIC) >= u->until_ns)
		return give_up(u);
	return NULL;
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/where/unwinder.c user/collector/where/where.c */
/* link: user/collector/base/helper.c user/collector/base/fd_message.c */
/* link: user/collector/base/arena.c user/collector/target/modules.c */
/* link: user/collector/target/mappings.c user/collector/target/mapping_open.c */
/* link: user/collector/base/auxv.c */
/* What becomes of helpers that do not do what they should: this program is one of those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "own_clock.h"

#include "collector/base/fd_message.h"
#include "collector/base/helper.h"
#include "collector/unwind/unwind_protocol.h"
#include "collector/where/unwinder.h"
#include "collector/where/where.h"

enum behaviour { ANSWERS, ASKS, ENDS, LIES, ANSWERS_ANOTHER, HANGS };

/* ---- the helper: does what the first register of the request says ---- */

static struct unwind_reply reply;

static void answer(const struct unwind_message *request, uint64_t pc)
{
	struct fd_message message = {.data = &reply,
				     .size = offsetof(struct unwind_reply, strings)};

	reply.number = request->number;
	reply.n_frames = 1;
	reply.total = request->n_files;
	reply.frame[0] = (struct unwind_frame){.pc = pc,
					       .times = request->anew,
					       .function = UNWIND_NO_STRING,
					       .file = UNWIND_NO_STRING};
	if (fd_message_send(HELPER_SOCKET, &message))
		exit(1);
}

static int behave(const struct unwind_message *request, const struct unwind_payload *payload)
{
	struct unwind_message file;
	struct fd_message message = {.data = &file, .size = sizeof(file)};

	reply.type = payload->reg[0] == ASKS ? UNWIND_WANT_FILE : UNWIND_REPLY;
	reply.end = payload->reg[0] == LIES ? UNWIND_ENDS : UNWIND_COMPLETE;
	switch (payload->reg[0]) {
	case ENDS:
		return 1;
	case HANGS:
		return poll(NULL, 0, -1);
	case ASKS:
		reply.frame[0].build_id_size = 20;
		answer(request, 0);
		if (fd_message_receive(HELPER_SOCKET, &message) != 1 || message.n_fds)
			return 1;
		reply.type = UNWIND_REPLY;
		break;
	case ANSWERS_ANOTHER:
		reply.number++;
		answer(&(struct unwind_message){.number = request->number + 1}, 1);
		return 0;
	}
	answer(request, payload->pc);
	return 0;
}

/* Of this program. */
static const char *unready_file(void)
{
	static char path[4096];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 16);

	strcpy(path + (size > 0 ? size : 0), ".unready");
	return path;
}

static int help(void)
{
	struct unwind_message request;
	struct unwind_payload payload;
	struct fd_message message = {.data = &reply, .size = sizeof(reply.type)};
	int status = 0;

	/* As a helper that could not give up its privileges; environment is not passed on. */
	if (access(unready_file(), F_OK) == 0)
		return 1;
	reply.type = UNWIND_READY;
	if (fd_message_send(HELPER_SOCKET, &message))
		return 1;
	message.data = &request;
	while (!status) {
		message.size = sizeof(request);
		if (fd_message_receive(HELPER_SOCKET, &message) != 1)
			return 0;
		if (pread(message.fd[0], &payload, sizeof(payload), 0) != sizeof(payload))
			return 1;
		fd_message_close_fds(&message);
		status = behave(&request, &payload);
	}
	return status;
}

/* ---- the test ---- */

static struct unwinder *unwinder;

static int begin(void **state)
{
	(void)state;
	now_ns = 1000000000000;
	unlink(unready_file());
	unwinder = unwinder_new(true);
	return unwinder ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	unwinder_free(unwinder);
	return 0;
}

/* Asks about a process, and waits for what comes of it. */
static struct where *ask(pid_t pid, enum behaviour behaviour)
{
	static uint64_t pc = 100;
	struct thread_look look = {.record = {.pid = (uint32_t)pid, .pc = pc++}};
	struct where *where = where_new(&(struct thread_record){.tid = pid}), *got = NULL;
	struct pollfd fd = {.fd = unwinder_fd(unwinder), .events = POLLIN};

	look.record.reg[0] = behaviour;
	assert_int_equal(modules_read(getpid(), 0, &look.modules), 0);
	if (unwinder_ask(unwinder, &look, where) == 0) {
		assert_true(unwinder_is_busy(unwinder));
		assert_int_equal(unwinder_next(unwinder), now_ns + 5000000000);
		while (!got) {
			if (behaviour == HANGS)
				now_ns += 5000000000;
			else
				assert_int_equal(poll(&fd, 1, 20000), 1);
			got = unwinder_work(unwinder);
		}
		assert_ptr_equal(got, where);
		assert_false(unwinder_is_busy(unwinder));
		assert_int_equal(unwinder_next(unwinder), UINT64_MAX);
	}
	modules_free(&look.modules);
	return where;
}

/* @anew: the helper was to forget what it knows of the process. */
static void assert_answered(pid_t pid, enum behaviour behaviour, bool anew)
{
	struct where *where = ask(pid, behaviour);

	assert_string_equal(where->thread.stack_end, "complete");
	assert_int_equal(where->thread.n_frames, 1);
	assert_int_equal(where->thread.frame[0].times, anew);
	where_put(where);
}

static void assert_bad(pid_t pid, enum behaviour behaviour)
{
	struct where *where = ask(pid, behaviour);

	assert_int_equal(where->thread.n_frames, 0);
	assert_string_equal(where->thread.stack_end,
			    "its files took too long to read, or ended the helper that did");
	where_put(where);
}

static void test_answers(void **state)
{
	(void)state;
	assert_answered(getpid(), ANSWERS, true);
	assert_answered(getpid(), ANSWERS, false);
	assert_answered(getpid(), ASKS, false);
	/* More processes than places: the one that was used last stays. */
	for (int i = 0; i < UNWIND_PROCESSES - 1; i++) {
		now_ns++;
		assert_answered(1000000 + i, ANSWERS, true);
	}
	now_ns++;
	assert_answered(getpid(), ANSWERS, false);
	now_ns++;
	assert_answered(2000000, ANSWERS, true);
	assert_answered(getpid(), ANSWERS, false);
	assert_answered(1000000, ANSWERS, true);
}

/* A process that costs a helper is not looked at any more; others go on with another one. */
static void test_bad_processes(void **state)
{
	static const enum behaviour bad[] = {ENDS, LIES, ANSWERS_ANOTHER, HANGS};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pid_t pid = 1000 + (pid_t)i;

		assert_answered(pid, ANSWERS, true);
		assert_bad(pid, bad[i]);
		assert_bad(pid, ANSWERS);
		assert_answered(getpid(), ANSWERS, true);
	}
}

/* It is not the process that is bad then; and after some there is an end. */
static void test_never_ready(void **state)
{
	int fd;

	(void)state;
	/* It is ready. */
	assert_answered(getpid(), ANSWERS, true);
	fd = open(unready_file(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_bad(1, ENDS);
	for (int i = 0; i < 5; i++) {
		struct where *where = ask(getpid(), ANSWERS);

		assert_string_equal(where->thread.stack_end,
				    "no helper could be started to read its files");
		where_put(where);
	}
	unlink(unready_file());
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, begin, end),
		cmocka_unit_test_setup_teardown(test_bad_processes, begin, end),
		cmocka_unit_test_setup_teardown(test_never_ready, begin, end),
	};

	if (argc == 2 && strcmp(argv[1], UNWIND_WORD) == 0)
		return help();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

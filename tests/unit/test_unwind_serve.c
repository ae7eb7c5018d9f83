// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/unwind/unwind_serve.c user/collector/unwind/unwind_process.c */
/* link: user/collector/unwind/unwind_names.c user/collector/unwind/unwind_demangle.c */
/* link: user/collector/base/confine.c user/collector/base/fd_message.c */
/* link: user/collector/target/modules.c user/collector/target/mappings.c */
/* link: user/collector/target/mapping_open.c */
/* link: user/collector/base/auxv.c */
/* libs: dw elf seccomp */
/* tests: user/collector/unwind/unwind_process.c */
/* tests: user/collector/unwind/unwind_names.c */
/* tests: user/collector/unwind/unwind_demangle.c */
/* The unwinding helper, confined as it is in use; what it unwinds is the stack of this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "collector/base/fd_message.h"
#include "collector/target/modules.h"
#include "collector/unwind/unwind_protocol.h"
#include "unsanitized.h"

static int helper, payload_fd;
static pid_t helper_pid;
static struct unwind_payload payload;
static struct unwind_reply reply;
static struct modules modules;
static size_t questions;

static int start(void **state)
{
	struct fd_message message;
	int pair[2];

	(void)state;
	questions = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -1;
	helper_pid = fork();
	if (helper_pid == 0) {
		close(pair[0]);
		_exit(unwind_serve(pair[1]));
	}
	close(pair[1]);
	helper = pair[0];
	message = (struct fd_message){.data = &reply, .size = sizeof(reply)};
	return fd_message_receive(helper, &message) == 1 && reply.type == UNWIND_READY ? 0 : -1;
}

static int stop(void **state)
{
	int status;

	(void)state;
	close(helper);
	/* It ends by itself when the collector is gone. */
	if (waitpid(helper_pid, &status, 0) != helper_pid || status)
		return -1;
	modules_free(&modules);
	return 0;
}

static void put(const void *data, size_t size)
{
	assert_int_equal(write(payload_fd, data, size), size);
}

static void fill_registers(const ucontext_t *context)
{
#if defined(__x86_64__)
	static const int by_dwarf[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
				       REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
				       REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	for (size_t i = 0; i < sizeof(by_dwarf) / sizeof(by_dwarf[0]); i++)
		payload.reg[i] = (uint64_t)context->uc_mcontext.gregs[by_dwarf[i]];
	payload.pc = payload.reg[16];
	payload.sp = payload.reg[7];
#else
	memcpy(payload.reg, context->uc_mcontext.regs, sizeof(context->uc_mcontext.regs));
	payload.sp = payload.reg[31] = context->uc_mcontext.sp;
	payload.pc = payload.reg[32] = context->uc_mcontext.pc;
#endif
}

/* Takes registers and stack of its caller, as the collector does of a thread. */
__attribute__((noinline)) static void take_stack(uint32_t most)
{
	struct unwind_module list[UNWIND_MODULES_MAX];
	ucontext_t context;

	memset(&payload, 0, sizeof(payload));
	getcontext(&context);
	fill_registers(&context);
	modules_free(&modules);
	assert_int_equal(modules_read(getpid(), payload.sp, &modules), 0);
	payload.stack_start = payload.sp;
	payload.stack_size = (uint32_t)(modules.stack_end - payload.sp);
	if (payload.stack_size > most)
		payload.stack_size = most;
	payload.n_modules = (uint32_t)modules.n;
	payload_fd = memfd_create("payload", MFD_CLOEXEC);
	for (size_t i = 0; i < modules.n; i++)
		list[i] = (struct unwind_module){modules.module[i].start, modules.module[i].end};
	put(&payload, sizeof(payload));
	put(list, modules.n * sizeof(*list));
	put((void *)(uintptr_t)payload.stack_start, payload.stack_size);
}

static void answer_question(void)
{
	struct unwind_message answer = {.type = UNWIND_FILE};
	struct fd_message message = {.data = &answer, .size = sizeof(answer)};

	questions++;
	assert_int_equal(fd_message_send(helper, &message), 0);
}

static void ask(uint64_t number, bool anew, bool with_files)
{
	struct unwind_message request = {
		.type = UNWIND_REQUEST, .place = 3, .anew = anew, .number = number};
	struct fd_message message = {.data = &request, .size = sizeof(request)};

	message.fd[message.n_fds++] = payload_fd;
	for (size_t i = 0; with_files && i < modules.n; i++) {
		request.module[request.n_files++] = (uint16_t)i;
		message.fd[message.n_fds] = module_open(getpid(), &modules.module[i]);
		assert_true(message.fd[message.n_fds] >= 0);
		message.n_fds++;
	}
	assert_int_equal(fd_message_send(helper, &message), 0);
	fd_message_close_fds(&message);
	for (;;) {
		message = (struct fd_message){.data = &reply, .size = sizeof(reply)};
		assert_int_equal(fd_message_receive(helper, &message), 1);
		assert_int_equal(reply.number, number);
		if (reply.type != UNWIND_WANT_FILE)
			break;
		answer_question();
	}
	assert_int_equal(reply.type, UNWIND_REPLY);
	assert_true(reply.n_frames <= UNWIND_FRAMES_MAX);
}

/* The frame of a function, which must be there. */
static const struct unwind_frame *find(const char *function)
{
	for (size_t i = 0; i < reply.n_frames; i++) {
		const struct unwind_frame *frame = &reply.frame[i];

		if (frame->function != UNWIND_NO_STRING &&
		    strcmp(reply.strings + frame->function, function) == 0)
			return frame;
	}
	fail_msg("no frame of %s", function);
	return NULL;
}

static inline __attribute__((always_inline)) void inlined(uint32_t most)
{
	take_stack(most);
	__asm__ volatile("");
}

__attribute__((noinline)) static int outer(uint32_t most)
{
	inlined(most);
	__asm__ volatile("");
	return 1;
}

__attribute__((noinline)) static int deep(int n)
{
	int result = n ? deep(n - 1) : outer(UNWIND_STACK_MAX);

	__asm__ volatile("" : "+r"(result));
	return result;
}

static void test_frames(void **state)
{
	const struct unwind_frame *frame;

	(void)state;
	SKIP_SANITIZED();
	outer(UNWIND_STACK_MAX);
	ask(1, true, true);
	assert_int_equal(reply.end, UNWIND_COMPLETE);
	frame = find("outer");
	assert_false(frame->inlined);
	assert_int_equal(frame->times, 1);
	assert_true(frame->offset > 0);
	assert_string_equal(reply.strings + frame->file, "test_unwind_serve.c");
	assert_true(frame->line > 0);
	assert_int_equal(frame->module, modules_find(&modules, (uint64_t)(uintptr_t)outer));
	assert_true(frame->build_id_size > 0);
	frame--;
	assert_string_equal(reply.strings + frame->function, "inlined");
	assert_true(frame->inlined);
	find("take_stack");
	find("main");
	/* Those that have no debugging information of their own were asked for, and are not there.
	 */
	assert_true(questions > 0);
	/* Again, with what it has. */
	questions = 0;
	outer(UNWIND_STACK_MAX);
	ask(2, false, false);
	find("outer");
	assert_int_equal(questions, 0);
}

static void test_recursion(void **state)
{
	(void)state;
	SKIP_SANITIZED();
	deep(200);
	ask(1, true, true);
	/* The innermost calls another. */
	assert_int_equal(find("deep")->times, 1);
	assert_int_equal(find("deep")[1].times, 200);
	assert_true(reply.total > 200);
	assert_true(reply.n_frames < 40);
	find("main");
}

static void test_not_all_of_it(void **state)
{
	(void)state;
	SKIP_SANITIZED();
	deep(200);
	/* Without files. */
	ask(1, true, false);
	assert_int_not_equal(reply.end, UNWIND_COMPLETE);
	outer(64);
	ask(2, true, true);
	assert_int_equal(reply.end, UNWIND_BEYOND_COPY);
	assert_true(reply.n_frames > 0);
}

/* Whatever is wrong with a request or with files, it answers, and the next is as before. */
static void test_nonsense(void **state)
{
	struct unwind_message request = {.type = UNWIND_REQUEST, .number = 1};
	struct fd_message message = {.data = &request, .size = sizeof(request)};

	(void)state;
	SKIP_SANITIZED();
	assert_int_equal(fd_message_send(helper, &message), 0);
	message = (struct fd_message){.data = &reply, .size = sizeof(reply)};
	assert_int_equal(fd_message_receive(helper, &message), 1);
	assert_int_equal(reply.end, UNWIND_IMPOSSIBLE);
	/* Counts that its size does not bear out. */
	payload_fd = memfd_create("payload", MFD_CLOEXEC);
	payload.n_modules = UINT32_MAX;
	put(&payload, sizeof(payload));
	ask(2, true, false);
	assert_int_equal(reply.end, UNWIND_IMPOSSIBLE);
	outer(UNWIND_STACK_MAX);
	ask(3, true, true);
	find("outer");
}

int main(void)
{
#ifdef __SANITIZE_ADDRESS__
#define TEST(name) ((void)start, (void)stop, (struct CMUnitTest)cmocka_unit_test(name))
#else
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
#endif
	const struct CMUnitTest tests[] = {
		TEST(test_frames),
		TEST(test_recursion),
		TEST(test_not_all_of_it),
		TEST(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/where/where.c user/collector/base/arena.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "collector/target/modules.h"
#include "collector/unwind/unwind_protocol.h"
#include "collector/where/where.h"

static struct unwind_reply reply;
static struct module module[] = {{.path = "/bin/program"}, {.path = "/lib/libc.so.6"}};
static const struct modules modules = {
	.module = module, .n = 2, .vdso_start = 0x1000, .vdso_end = 0x2000};

static uint32_t add_string(const char *string)
{
	uint32_t at = reply.strings_size;

	strcpy(reply.strings + at, string);
	reply.strings_size += (uint32_t)strlen(string) + 1;
	return at;
}

static struct unwind_frame *add_frame(const char *function, uint32_t of)
{
	struct unwind_frame *frame = &reply.frame[reply.n_frames++];

	*frame = (struct unwind_frame){.pc = 0x5000,
				       .module = of,
				       .function =
					       function ? add_string(function) : UNWIND_NO_STRING,
				       .file = UNWIND_NO_STRING,
				       .times = 1};
	return frame;
}

static int begin(void **state)
{
	(void)state;
	memset(&reply, 0, sizeof(reply));
	reply.type = UNWIND_REPLY;
	return 0;
}

static size_t size_of_reply(void)
{
	return offsetof(struct unwind_reply, strings) + reply.strings_size;
}

static struct where *take(void)
{
	struct where *where = where_new(&(struct thread_record){.tid = 7});

	reply.total = reply.n_frames;
	assert_true(where_take_reply(where, &reply, size_of_reply(), &modules));
	return where;
}

static void test_frames(void **state)
{
	struct unwind_frame *frame = add_frame("inner", 0);
	struct where *where;

	(void)state;
	frame->file = add_string("inner.c");
	frame->line = 21;
	frame->inlined = 1;
	frame->times = 3;
	frame->offset = 9;
	frame->build_id_size = 3;
	memcpy(frame->build_id, "\xab\x01\xff", 3);
	add_frame(NULL, UNWIND_NO_MODULE)->pc = 0x1234;
	add_frame("main", 0);
	where = take();
	assert_int_equal(where->thread.tid, 7);
	assert_int_equal(where->thread.n_frames, 3);
	assert_string_equal(where->thread.frame[0].function, "inner");
	assert_string_equal(where->thread.frame[0].file, "inner.c");
	assert_int_equal(where->thread.frame[0].line, 21);
	assert_int_equal(where->thread.frame[0].offset, 9);
	assert_int_equal(where->thread.frame[0].times, 3);
	assert_true(where->thread.frame[0].inlined);
	assert_string_equal(where->thread.frame[0].module, "/bin/program");
	assert_string_equal(where->thread.frame[0].build_id, "ab01ff");
	assert_null(where->thread.frame[1].function);
	assert_string_equal(where->thread.frame[1].module, "[vdso]");
	assert_null(where->thread.frame[2].build_id);
	assert_string_equal(where->thread.stack_end, "complete");
	where->users++;
	where_put(where);
	where_put(where);
}

/* Of libc: what called main() goes, what main() called stays. */
static void test_startup(void **state)
{
	struct where *where;

	(void)state;
	add_frame("read", 1);
	add_frame("main", 0);
	add_frame(NULL, 1);
	add_frame("__libc_start_main", 1);
	add_frame("_start", 0);
	where = take();
	assert_int_equal(where->thread.n_frames, 2);
	where_put(where);
	reply.frame[4].function = UNWIND_NO_STRING;
	where = take();
	assert_int_equal(where->thread.n_frames, 2);
	where_put(where);
	/* Not if it is not known to be all of it. */
	reply.end = UNWIND_NO_INFO;
	where = take();
	assert_int_equal(where->thread.n_frames, 5);
	assert_string_equal(where->thread.stack_end, "the file does not say how to go on");
	where_put(where);
	begin(NULL);
	add_frame("clone", 1);
	where = take();
	assert_int_equal(where->thread.n_frames, 1);
	where_put(where);
}

static void test_too_many(void **state)
{
	struct where *where;

	(void)state;
	while (reply.n_frames < UNWIND_FRAMES_MAX)
		add_frame("f", 0);
	where = take();
	assert_int_equal(where->thread.n_frames, WHERE_FRAMES_MAX);
	assert_string_equal(where->thread.stack_end, "these are the innermost of 48 frames");
	where_put(where);
}

/* The helper may be in the hands of the process. */
static void test_lies(void **state)
{
	struct where *where = where_new(&(struct thread_record){.tid = 1});
	const size_t head = offsetof(struct unwind_reply, strings);

	(void)state;
	assert_false(where_take_reply(where, &reply, 8, &modules));
	assert_false(where_take_reply(where, &reply, head + 1, &modules));
	reply.n_frames = UNWIND_FRAMES_MAX + 1;
	assert_false(where_take_reply(where, &reply, head, &modules));
	reply.n_frames = 0;
	reply.end = UNWIND_ENDS;
	assert_false(where_take_reply(where, &reply, head, &modules));
	reply.end = 0;
	reply.type = UNWIND_WANT_FILE;
	assert_false(where_take_reply(where, &reply, head, &modules));
	reply.type = UNWIND_REPLY;
	reply.strings_size = 4;
	memcpy(reply.strings, "abcd", 4);
	assert_false(where_take_reply(where, &reply, size_of_reply(), &modules));
	where_put(where);
	begin(NULL);
	add_frame("f", 2)->build_id_size = 200;
	reply.frame[0].file = 2;
	reply.frame[0].function = 0x7fffffff;
	where = take();
	assert_null(where->thread.frame[0].function);
	assert_null(where->thread.frame[0].file);
	assert_null(where->thread.frame[0].module);
	assert_null(where->thread.frame[0].build_id);
	where_put(where);
	where_put(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_frames, begin),
		cmocka_unit_test_setup(test_startup, begin),
		cmocka_unit_test_setup(test_too_many, begin),
		cmocka_unit_test_setup(test_lies, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

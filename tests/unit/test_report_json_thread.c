// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/report_json_thread.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/report/json_writing.h"
#include "collector/report/report.h"
#include "collector/report/report_json_thread.h"

static void assert_thread(const struct report_thread *thread, const char *expected)
{
	struct text_buffer text = {0};
	struct json json = {.to = &text, .first = true};

	report_json_thread(&json, thread);
	text_char(&text, '\0');
	assert_string_equal(text.data, expected);
	text_buffer_free(&text);
}

static void test_nothing_known(void **state)
{
	(void)state;
	assert_thread(&(struct report_thread){.tid = 7},
		      "{\"tid\":7,\"state\":null,\"syscall\":null,"
		      "\"waits\":null,\"stack\":[],\"stack_end\":null,"
		      "\"kernel_stack\":[]}");
}

static void test_all(void **state)
{
	static const struct report_frame frames[] = {
		{.pc = 0x7f00,
		 .function = "block",
		 .offset = 31,
		 .file = "victim.c",
		 .line = 27,
		 .module = "/usr/bin/cache",
		 .build_id = "ab12",
		 .inlined = true},
		{.pc = UINT64_MAX, .offset = 5, .times = 3, .module = "\x1b"},
		{.pc = 0},
	};
	static const char *const kernel[] = {"do_sys_poll", "x\"y"};
	static const char *const args[] = {"0x55c7", "FUTEX_WAIT"};
	static const struct report_syscall call = {"futex", args, 2};
	static const struct report_holder holders[] = {{1, 2, "a"}, {1, 3, "b"}};
	static const pid_t deadlock[] = {2, 3};
	static const struct report_waits waits = {.kind = "mutex",
						  .text = "for it",
						  .address = 0x55c7,
						  .fd = -1,
						  .held_by = holders,
						  .n_held_by = 2,
						  .deadlock = deadlock,
						  .n_deadlock = 2};
	const struct report_thread thread = {.tid = 22331,
					     .state = "sleeping",
					     .syscall = &call,
					     .waits = &waits,
					     .frame = frames,
					     .n_frames = 3,
					     .stack_end = "complete",
					     .kernel_stack = kernel,
					     .n_kernel_stack = 2};

	(void)state;
	assert_thread(
		&thread,
		"{\"tid\":22331,\"state\":\"sleeping\","
		"\"syscall\":{\"name\":\"futex\",\"args\":[\"0x55c7\",\"FUTEX_WAIT\"]},"
		"\"waits\":{\"kind\":\"mutex\",\"text\":\"for "
		"it\",\"address\":\"0x55c7\",\"fd\":null,"
		"\"object\":null,\"peer\":null,\"held_by\":[{\"pid\":1,\"tid\":2,\"comm\":\"a\"},"
		"{\"pid\":1,\"tid\":3,\"comm\":\"b\"}],\"deadlock\":[2,3]},\"stack\":["
		"{\"pc\":\"0x7f00\",\"function\":\"block\",\"offset\":31,\"inlined\":true,"
		"\"file\":\"victim.c\",\"line\":27,\"module\":\"/usr/bin/cache\","
		"\"build_id\":\"ab12\"},"
		"{\"pc\":\"0xffffffffffffffff\",\"function\":null,\"offset\":5,"
		"\"inlined\":false,\"file\":null,\"line\":null,\"module\":\"\\u001b\","
		"\"build_id\":null,\"times\":3},"
		"{\"pc\":\"0x0\",\"function\":null,\"offset\":0,\"inlined\":false,"
		"\"file\":null,\"line\":null,\"module\":null,\"build_id\":null}],"
		"\"stack_end\":\"complete\",\"kernel_stack\":[\"do_sys_poll\",\"x\\\"y\"]}");
}

static void test_peer(void **state)
{
	static const struct report_holder peer = {7, 7, "redis"};
	static const struct report_waits waits = {
		.kind = "socket", .text = "t", .fd = 0, .object = "socket:[1]", .peer = &peer};

	(void)state;
	assert_thread(&(struct report_thread){.tid = 7, .waits = &waits},
		      "{\"tid\":7,\"state\":null,\"syscall\":null,\"waits\":{\"kind\":\"socket\","
		      "\"text\":\"t\",\"address\":null,\"fd\":0,\"object\":\"socket:[1]\","
		      "\"peer\":{\"pid\":7,\"tid\":7,\"comm\":\"redis\"},\"held_by\":[],"
		      "\"deadlock\":[]},\"stack\":[],\"stack_end\":null,\"kernel_stack\":[]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
		      "{\"tid\":7,\"state\":null,\"stack\":[],\"stack_end\":null,"
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
	const struct report_thread thread = {.tid = 22331,
					     .state = "sleeping",
					     .frame = frames,
					     .n_frames = 3,
					     .stack_end = "complete",
					     .kernel_stack = kernel,
					     .n_kernel_stack = 2};

	(void)state;
	assert_thread(&thread,
		      "{\"tid\":22331,\"state\":\"sleeping\",\"stack\":["
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_known),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

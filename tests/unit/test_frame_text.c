// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/frame_text.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "collector/report/frame_text.h"

static void assert_frame(struct report_frame frame, size_t number, const char *expected)
{
	struct text_buffer text = {0};

	frame_text(&text, &frame, number);
	text_char(&text, '\0');
	assert_string_equal(text.data, expected);
	text_buffer_free(&text);
}

static void test_forms(void **state)
{
	struct report_frame frame = {.pc = 0x7f0012345678,
				     .function = "block",
				     .offset = 31,
				     .file = "victim.c",
				     .line = 27,
				     .module = "/usr/bin/cache"};

	(void)state;
	assert_frame(frame, 0, "#0 block (victim.c:27)");
	frame.times = 1;
	assert_frame(frame, 31, "#31 block (victim.c:27)");
	frame.times = 120;
	assert_frame(frame, 2, "#2 block (victim.c:27), 120 times");
	frame.times = 0;
	frame.file = NULL;
	assert_frame(frame, 1, "#1 block+0x1f (cache)");
	frame.module = "[vdso]";
	assert_frame(frame, 1, "#1 block+0x1f ([vdso])");
	frame.function = NULL;
	frame.module = "/usr/bin/cache";
	assert_frame(frame, 1, "#1 0x1f (cache)");
	frame.module = NULL;
	assert_frame(frame, 1, "#1 0x1f");
}

/* Names come from files of the program. */
static void test_hostile_names(void **state)
{
	(void)state;
	assert_frame((struct report_frame){.function = "a\n[x", .module = "/tmp/\x1b[2J"}, 0,
		     "#0 a\\n[x+0x0 (\\x1b[2J)");
	assert_frame((struct report_frame){.function = "f", .file = "\xff.c", .line = 1}, 0,
		     "#0 f (\\xff.c:1)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

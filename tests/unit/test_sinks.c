/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/report_forms.c */
/* link: user/collector/report/report_text.c user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c */
/* link: user/collector/report/date_cache.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/sink/report_writer.c */
/* link: user/collector/base/write_queue.c user/collector/sink/file_sink.c */
/* link: user/collector/sink/sinks.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "collector/sink/file_sink.h"
#include "collector/sink/sinks.h"

static void test_found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(sink_find("file"), &file_sink);
	assert_string_equal(sink_find("file")->name, "file");
	assert_null(sink_find("nowhere"));
	assert_null(sink_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_name),
	};

	return cmocka_run_group_tests_name("sinks", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/report_copy.c user/collector/base/arena.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_time.c */
#include "collector/report/report_copy.h"
#include "sample_reports.h"

/* Written to the last byte as the report itself is, though that is gone. */
static void assert_copied(struct report report)
{
	struct report_copy *copy = report_copy_new(&report, 1 << 20);
	char *expected = written("json", &report), *got;

	assert_non_null(copy);
	assert_true(report_copy_size(copy) > sizeof(report));
	got = written("json", report_copy_get(copy));
	assert_string_equal(got, expected);
	free(got);
	free(expected);
	report_copy_free(copy);
}

static void test_copies(void **state)
{
	(void)state;
	assert_copied(make_full(REPORT_TIMEOUT));
	assert_copied(make(REPORT_REPLAY));
	assert_copied(make(REPORT_ENTRY));
	assert_copied(make_to_none());
	assert_copied(make(REPORT_FINISHED));
	assert_copied(make(REPORT_DIED));
	assert_copied(make(REPORT_END));
}

/* Nothing of it is borrowed from the report. */
static void test_nothing_is_shared(void **state)
{
	char name[] = "name", message[] = "message", key[] = "key";
	struct report_entry entry = {.message = message};
	struct report_context context = {.key = key};
	struct report report = make(REPORT_TIMEOUT);
	struct report_copy *copy;
	struct report_entry copied;

	(void)state;
	report.recorder.name = name;
	report.recorder.context = &context;
	report.recorder.n_context = 1;
	report.entries = &entry;
	copy = report_copy_new(&report, 1 << 20);
	memset(name, 'x', 4);
	memset(message, 'x', 7);
	memset(key, 'x', 3);
	context.value = "value";
	report_copy_get(copy)->entry(report_copy_get(copy), 0, &copied);
	assert_string_equal(copied.message, "message");
	assert_string_equal(report_copy_get(copy)->recorder.name, "name");
	assert_string_equal(report_copy_get(copy)->recorder.context[0].key, "key");
	assert_null(report_copy_get(copy)->recorder.context[0].value);
	report_copy_free(copy);
	report_copy_free(NULL);
}

static void test_too_large(void **state)
{
	struct report report = make_full(REPORT_TIMEOUT);

	(void)state;
	assert_null(report_copy_new(&report, 64));
	report.n_entries = SIZE_MAX / 2;
	assert_null(report_copy_new(&report, 1 << 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_nothing_is_shared),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

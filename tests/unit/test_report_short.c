// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/report_short.c user/collector/report/report_time.c */
/* link: user/collector/report/unfinished.c user/collector/report/frame_text.c */
/* link: user/collector/report/names.c user/collector/report/date_cache.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_json.c user/collector/report/report_json_thread.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
#include "sample_reports.h"

#include <signal.h>

#define HEAD "HANG  cache[4242] \"RedisCache.background_refresh\" for 10.4 s, timeout 10 s\n"
#define WHO "cache[4242] \"RedisCache.background_refresh\""

static void assert_short(struct report report, bool colour, unsigned int width,
			 const char *expected)
{
	struct report_form_state state = {.terminal = {colour, width}};
	struct text_buffer text = {0};

	assert_int_equal(report_append(report_form_find("short"), &state, &text, &report), 0);
	text_char(&text, '\0');
	assert_string_equal(text.data, expected);
	text_buffer_free(&text);
}

static const struct report_frame frames[] = {
	{.function = "read", .offset = 13, .module = "/lib/libc.so.6"},
	{.function = "main", .file = "a.c", .line = 7}};
static const struct report_waits waits = {
	.kind = "mutex",
	.text = "for the mutex at 0x1 held by thread 7 (a): a deadlock of thread 7"};

static void test_hang(void **state)
{
	struct report_thread thread = {.frame = frames, .n_frames = 2, .waits = &waits};
	struct report report = make(REPORT_TIMEOUT);

	(void)state;
	assert_short(report, false, 0,
		     HEAD "in    10.4 s: redis_client.get('user')\n"
			  "log   +0.000 +redis_client.get('user')\n\n");
	report.thread = &thread;
	report.recorder.context = user_42;
	report.recorder.n_context = 1;
	report.state = "thread 1 is sleeping";
	assert_short(report, false, 0,
		     HEAD
		     "in    10.4 s: redis_client.get('user')\n"
		     "with  user = 42\n"
		     "waits for the mutex at 0x1 held by thread 7 (a): a deadlock of thread 7\n"
		     "at    #0 read+0xd (libc.so.6)\n"
		     "      #1 main (a.c:7)\n"
		     "log   +0.000 +redis_client.get('user')\n\n");
	thread.waits = NULL;
	thread.n_frames = 0;
	report.n_entries = 0;
	report.entries_total = 9;
	assert_short(report, false, 0,
		     HEAD "with  user = 42\nis    thread 1 is sleeping\nlog   ... 9 more\n\n");
}

/* What is long is cut, but for what it waits for, which goes on in the next line. */
static void test_width(void **state)
{
	struct report_thread thread = {.frame = frames, .n_frames = 2, .waits = &waits};
	struct report report = make(REPORT_TIMEOUT);

	(void)state;
	report.thread = &thread;
	assert_short(report, false, 30,
		     "HANG  cache[4242] \"RedisCache.\n"
		     "in    10.4 s: redis_client.get\n"
		     "waits for the mutex at 0x1\n"
		     "      held by thread 7 (a): a\n"
		     "      deadlock of thread 7\n"
		     "at    #0 read+0xd (libc.so.6)\n"
		     "      #1 main (a.c:7)\n"
		     "log   +0.000 +redis_client.get\n\n");
}

static void test_colour(void **state)
{
	struct report report = make(REPORT_FINISHED);

	(void)state;
	assert_short(report, true, 20, "\x1b[32mDONE\x1b[0m  cache[4242] \"R\n");
}

static void test_others(void **state)
{
	struct report report = make(REPORT_DIED);

	(void)state;
	assert_short(make(REPORT_FINISHED), false, 0, "DONE  " WHO " after 10.4 s\n");
	assert_short(report, false, 0, "DIED  " WHO ": signal 9 SIGKILL\n");
	report.wait_status = 3 << 8;
	assert_short(report, false, 0, "DIED  " WHO ": exit status 3\n");
	report.wait_status = -1;
	assert_short(report, false, 0, "DIED  " WHO ": execve()\n");
	assert_short(make(REPORT_ENTRY), false, 0, "LATER " WHO ": +redis_client.get('user')\n");
	assert_short(make_to_none(), false, 0,
		     "LATER \"st\\x1bray\"[77]: +redis_client.get('user')\n");
	report = make(REPORT_HELD_BACK);
	report.held_back = 5;
	assert_short(report, false, 0, "LOST  " WHO ": 5 lines held back\n");
	report = make(REPORT_LOST);
	report.reports_lost = 3;
	assert_short(report, false, 0, "LOST  3 reports: not read fast enough\n");
	assert_short(make(REPORT_END), false, 0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

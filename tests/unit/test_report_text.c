/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* tests: user/collector/report/report_time.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <flightrec.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample_reports.h"

#define R "]: [Flight Recorder-1] "
#define WHO                                                                                        \
	P "INFO" R "pid 4242, thread 4243, timeout 10 s, open for 10.4 s: "                        \
	  "\"RedisCache.background_refresh\" of cache"

/* Outside of a block. */
#define L R "cache[4242]: "
#define TWO_WARNINGS                                                                               \
	P "WARNING]: Warning: Task timed out!\n" P                                                 \
	  "WARNING]: Please make sure it is hanging before restarting.\n"
#define UNFINISHED P "INFO" R "unfinished for 10.4 s: +redis_client.get('user')\n"
#define REPLAYING P "INFO" R "(started at Thu Apr 19 09:43:45 2018) Replaying logs...\n"
#define FIRST P "INFO" R "(Thu Apr 19 09:43:45 2018) +redis_client.get('user')\n"
#define SECOND P "ERROR" R "(Thu Apr 19 09:43:47 2018) \n"
#define END_OF_LOG P "INFO" R "-End of log-\n"
#define FULL_WHO                                                                                   \
	WHO ", /usr/bin/cache\n" P "INFO" R "inside Flight Recorder-3\n" P "INFO" R                \
	    "context: user = 42\n" P "INFO" R "context: \"host\\n\" = \\xff\n" P "INFO" R          \
	    "opened before flightrec watched: its earlier entries are not known\n" P "INFO" R      \
	    "state: stopped\n"
#define FOUR_LEFT_OUT P "WARNING" R "... 4 entries left out here ...\n"
#define FIVE_LOST P "WARNING" R "5 entries lost\n"
#define FIVE_LOST_LATER P "WARNING" L "5 entries lost\n"

static void test_replay_text(void **state)
{
	struct report report = make(REPORT_TIMEOUT);

	(void)state;
	assert_text(report, TWO_WARNINGS WHO "\n" UNFINISHED REPLAYING FIRST END_OF_LOG);
	assert_text(make(REPORT_REPLAY), WHO "\n" UNFINISHED REPLAYING FIRST END_OF_LOG);
	report.n_entries = 0;
	report.entries = NULL;
	assert_text(report, TWO_WARNINGS WHO "\n" REPLAYING END_OF_LOG);
	report.event = REPORT_REPLAY;
	report.recorder.timeout_ns = REPORT_NO_TIMEOUT_NS;
	assert_text(report, P "INFO" R "pid 4242, thread 4243, no timeout, open for 10.4 s: "
			      "\"RedisCache.background_refresh\" of cache\n" REPLAYING END_OF_LOG);
	assert_text(
		make_full(REPORT_TIMEOUT),
		TWO_WARNINGS FULL_WHO REPLAYING FIRST FOUR_LEFT_OUT SECOND END_OF_LOG FIVE_LOST);
	assert_text(make_full(REPORT_REPLAY),
		    FULL_WHO REPLAYING FIRST FOUR_LEFT_OUT SECOND END_OF_LOG FIVE_LOST);
}

/* What a thread waits for, behind its state; its stack behind the log. */
static void test_thread(void **state)
{
	static const struct report_frame frames[] = {
		{.function = "read", .offset = 13, .module = "/lib/libc.so.6"},
		{.function = "main", .file = "a.c", .line = 7}};
	static const struct report_waits waits = {.kind = "pipe", .text = "in read(3)\n of a pipe"};
	struct report_thread thread = {
		.frame = frames, .n_frames = 2, .stack_end = "complete", .waits = &waits};
	struct report report = make_full(REPORT_TIMEOUT);

	(void)state;
#define HEAD TWO_WARNINGS FULL_WHO
#define LOG REPLAYING FIRST FOUR_LEFT_OUT SECOND END_OF_LOG FIVE_LOST
#define WAITS P "INFO" R "waits: in read(3)\\n of a pipe\n"
#define TRACEBACK                                                                                  \
	P "INFO" R "Task traceback\n" P "INFO" R "#0 read+0xd (libc.so.6)\n" P "INFO" R            \
	  "#1 main (a.c:7)\n"
	report.thread = &thread;
	assert_text(report, HEAD WAITS LOG TRACEBACK);
	thread.waits = NULL;
	thread.stack_end = "it is running";
	assert_text(report, HEAD LOG TRACEBACK P "INFO" R "(it is running)\n");
	thread.n_frames = 0;
	assert_text(report, HEAD LOG P "INFO" R "Task traceback\n" P "INFO" R "(it is running)\n");
}

static void test_gaps(void **state)
{
	struct report report = make(REPORT_REPLAY);

	(void)state;
	report.n_entries = 2;
	report.entries_lost = 4;
	report.gap_lost = 4;
	assert_text(report, WHO "\n" UNFINISHED REPLAYING FOUR_LEFT_OUT FIRST SECOND END_OF_LOG P
				"WARNING" R "4 entries lost\n");
	report.gap_lost = 1;
	report.entries_lost = 1;
	for (report.gap_at = 2; report.gap_at < 4; report.gap_at++) {
		char *json = written("json", &report);

		assert_text(report, WHO "\n" REPLAYING FIRST SECOND P "WARNING" R
					"... 1 entry left out here ...\n" END_OF_LOG P "WARNING" R
					"1 entry lost\n");
		assert_non_null(strstr(json, "\"entries_gap\":{\"at\":2,\"lost\":1}"));
		free(json);
	}
	report.n_entries = 0;
	assert_text(report,
		    WHO "\n" REPLAYING P "WARNING" R "... 1 entry left out here ...\n" END_OF_LOG P
			"WARNING" R "1 entry lost\n");
}

static void test_other_events_text(void **state)
{
	struct report report = make(REPORT_FINISHED);

	(void)state;
	report.recorder.age_ns = 12345 * MS;
	assert_text(report, P "INFO" L "\"RedisCache.background_refresh\" finished after 12.345 s, "
			      "2.345 s past its deadline\n");
	report = make(REPORT_DIED);
#define NEVER P "WARNING" L "\"RedisCache.background_refresh\" never finished: its process "
	assert_text(report, NEVER "was killed by signal 9 (SIGKILL)\n");
	report.wait_status = SIGSEGV | 0x80;
	assert_text(report, NEVER "was killed by signal 11 (SIGSEGV), core dumped\n");
	report.wait_status = 64;
	assert_text(report, NEVER "was killed by signal 64\n");
	report.wait_status = 3 << 8;
	assert_text(report, NEVER "exited with status 3\n");
	report.wait_status = -1;
	report.entries_lost = 5;
	assert_text(report, NEVER "called execve()\n" FIVE_LOST_LATER);
	assert_text(make(REPORT_ENTRY),
		    P "INFO" L "(Thu Apr 19 09:43:45 2018) +redis_client.get('user')\n");
	assert_text(make_to_none(),
		    P "INFO]: [no recorder] \"st\\x1bray\"[77]: (Thu Apr 19 09:43:45 2018) "
		      "+redis_client.get('user')\n");
	report = make(REPORT_HELD_BACK);
	report.held_back = 1;
	report.lines_per_second = 100;
	assert_text(report, P "WARNING" L "1 line held back: more than 100 in a second\n");
	report = make_to_none();
	report.event = REPORT_HELD_BACK;
	report.held_back = 1234;
	report.lines_per_second = 100;
	assert_text(report, P "WARNING]: [no recorder] \"st\\x1bray\"[77]: 1234 lines held back: "
			      "more than 100 in a second\n");
	report = make(REPORT_LOST);
	report.has_recorder = false;
	report.reports_lost = 2;
	assert_text(report, P "WARNING]: 2 reports lost here: what flightrec wrote was not read "
			      "fast enough\n");
	assert_text(make(REPORT_END), "");
}

static void test_detail(void **state)
{
	struct report_entry entry = two_entries[0];
	struct report report = make_full(REPORT_TIMEOUT);

	(void)state;
#define DATE "(Thu Apr 19 09:43:45 2018) "
	assert_detail(report, TWO_WARNINGS FULL_WHO REPLAYING P
		      "INFO" R DATE "+0.012 ms [4243] cache.c:21 background_refresh: "
		      "+redis_client.get('user')\n" FOUR_LEFT_OUT P "ERROR" R
		      "(Thu Apr 19 09:43:47 2018) +1500.000 ms [4244]: \n" END_OF_LOG FIVE_LOST);
	report = make(REPORT_ENTRY);
	report.entries = &entry;
	entry.message = "hit";
	entry.function = NULL;
	assert_detail(report, P "INFO" L DATE "+0.012 ms [4243] cache.c:21: hit\n");
	entry.line = 0;
	assert_detail(report, P "INFO" L DATE "+0.012 ms [4243] cache.c: hit\n");
	entry.file = NULL;
	entry.function = "f";
	assert_detail(report, P "INFO" L DATE "+0.012 ms [4243] f: hit\n");
	entry.file = "x.c:1 f";
	entry.function = "g: fake";
	assert_detail(report, P "INFO" L DATE "+0.012 ms [4243] \"x.c:1 f\" \"g: fake\": hit\n");
	report = make_to_none();
	assert_detail(report,
		      P "INFO]: [no recorder] \"st\\x1bray\"[77]: " DATE "[4243] cache.c:21 "
			"background_refresh: +redis_client.get('user')\n");
}

static void test_durations(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1 us"},
		{1050, "1.05 us"},
		{999999, "999.999 us"},
		{250 * MS, "250 ms"},
		{1234567, "1.235 ms"},
		{999999499, "999.999 ms"},
		{999999500, "1 s"},
		{1000 * MS, "1 s"},
		{59999 * MS, "59.999 s"},
		{59999 * MS + 500000, "1 min"},
		{300000 * MS, "5 min"},
		{90500 * MS, "1 min 30.5 s"},
		{3900000 * MS, "1 h 5 min"},
		{86400001 * MS, "1 d 0.001 s"},
		{UINT64_MAX, "213503 d 23 h 34 min 33.71 s"},
	};
	struct report report = make(REPORT_FINISHED);
	char expected[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		report.late_ns = cases[i].ns;
		snprintf(expected, sizeof(expected),
			 P "INFO" L "\"RedisCache.background_refresh\" finished after 10.4 s, "
			   "%s past its deadline\n",
			 cases[i].text);
		assert_text(report, expected);
	}
}

static void test_dates_and_severities(void **state)
{
	static const char *const names[] = {"DEBUG", "DEBUG",    "INFO",    "WARNING",
					    "ERROR", "CRITICAL", "CRITICAL"};
	struct report_entry entry = {.message = "x", .time_ns = 86400000 * MS * 365};
	struct report report = make(REPORT_ENTRY);
	char expected[128], *json;
	size_t i;

	(void)state;
	report.entries = &entry;
	report.recorder.id = UINT64_MAX;
	report.time_ns = 999999;
	/* Three and a half hours east of Greenwich. */
	setenv("TZ", "XYZ-3:30", 1);
	tzset();
	for (i = 0; i < COUNT(names); i++) {
		entry.severity = (int)i - 1;
		snprintf(expected, sizeof(expected),
			 "[1970-01-01 03:30:00,000: %s]: [Flight Recorder-18446744073709551615] "
			 "cache[4242]: (Fri Jan  1 03:30:00 1971) x\n",
			 names[i]);
		assert_text(report, expected);
	}
	/* For programs it stays UTC. */
	json = written("json", &report);
	assert_non_null(strstr(json, "\"time\":\"1970-01-01T00:00:00.000999Z\""));
	free(json);
	setenv("TZ", "UTC0", 1);
	tzset();
	entry.severity = FLIGHTREC_DEBUG;
	report.time_ns = entry.time_ns = UINT64_MAX;
	report.recorder.id = 0;
	assert_text(report, "[2554-07-21 23:34:33,709: DEBUG]: [Flight Recorder-0] "
			    "cache[4242]: (Sun Jul 21 23:34:33 2554) x\n");
}

static void test_missing_strings(void **state)
{
	static const struct report_context empty = {NULL, NULL};
	struct report_entry entry = {.time_ns = STARTED};
	struct report report = make(REPORT_REPLAY);
	char *json;

	(void)state;
	report.recorder.name = report.recorder.comm = NULL;
	report.recorder.context = &empty;
	report.recorder.n_context = 1;
	report.entries = &entry;
	assert_text(report, P "INFO" R "pid 4242, thread 4243, timeout 10 s, open for 10.4 s: "
			      "(no name) of \"\"\n" P "INFO" R "context: \"\" = \n" REPLAYING P
			      "DEBUG" R DATE "\n" END_OF_LOG);
	json = written("json", &report);
	assert_non_null(strstr(json, "\"name\":\"\""));
	assert_non_null(strstr(json, "\"context\":{\"\":\"\"}"));
	assert_non_null(strstr(json, "\"message\":\"\",\"tid\":0,\"file\":null,\"line\":null,"
				     "\"function\":null"));
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay_text),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_other_events_text),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_dates_and_severities),
		cmocka_unit_test(test_missing_strings),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("report as text", tests, NULL, NULL);
}

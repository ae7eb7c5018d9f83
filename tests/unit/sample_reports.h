/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports to be written, and what is compared with them. */
#ifndef FLIGHTREC_UNIT_SAMPLE_REPORTS_H
#define FLIGHTREC_UNIT_SAMPLE_REPORTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/report/report_forms.h"
#include "flightrec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS UINT64_C(1000000)
#define STARTED (UINT64_C(1524131025876) * MS) /* Thu Apr 19 09:43:45.876 2018 UTC */
#define NOW (STARTED + 10001 * MS)
/* How a line of text begins, up to its severity. */
#define P "[2018-04-19 09:43:55,877: "

static const struct report_context user_42[] = {{"user", "42"}, {"host\n", "\xff"}};

static const struct report_entry two_entries[] = {
	{.time_ns = STARTED + 12000,
	 .offset_ns = 12000,
	 .severity = FLIGHTREC_INFO,
	 .tid = 4243,
	 .line = 21,
	 .message = "+redis_client.get('user')",
	 .file = "cache.c",
	 .function = "background_refresh"},
	{.time_ns = STARTED + 1500 * MS,
	 .offset_ns = 1500 * MS,
	 .severity = FLIGHTREC_ERROR,
	 .tid = 4244,
	 .message = ""},
};

static inline void nth_entry(const struct report *report, size_t index, struct report_entry *entry)
{
	*entry = ((const struct report_entry *)report->entries)[index];
}

static inline struct report make(enum report_event event)
{
	struct report report = {
		.event = event,
		.time_ns = NOW,
		.has_recorder = event != REPORT_LOST && event != REPORT_END,
		.entry = nth_entry,
		.recorder = {.id = 1,
			     .name = "RedisCache.background_refresh",
			     .comm = "cache",
			     .pid = 4242,
			     .tid = 4243,
			     .started_ns = STARTED,
			     .timeout_ns = 10000 * MS,
			     .age_ns = 10400 * MS},
		.late_ns = 2345 * MS,
		.wait_status = 9,
	};

	if (event == REPORT_TIMEOUT || event == REPORT_REPLAY || event == REPORT_ENTRY) {
		report.entries = (void *)two_entries;
		report.n_entries = 1;
		report.entries_total = 1;
	}
	return report;
}

/* A report with everything there can be. */
static inline struct report make_full(enum report_event event)
{
	struct report report = make(event);

	report.recorder.parent_id = 3;
	report.recorder.exe = "/usr/bin/cache";
	report.recorder.context = user_42;
	report.recorder.n_context = 2;
	report.recorder.adopted = true;
	report.state = "stopped";
	report.entries = (void *)two_entries;
	report.n_entries = 2;
	report.entries_total = 7;
	report.entries_lost = 5;
	report.gap_at = 1;
	report.gap_lost = 4;
	return report;
}

static inline struct report make_to_none(void)
{
	struct report report = make(REPORT_ENTRY);

	report.has_recorder = false;
	report.pid = 77;
	report.comm = "st\x1bray";
	return report;
}

static inline char *written(const char *form, const struct report *report)
{
	struct report_form_state state = {0};
	struct text_buffer text = {0};
	size_t size;

	assert_int_equal(report_append(report_form_find(form), &state, &text, report), 0);
	size = text.size;
	text_char(&text, '\0');
	assert_false(text.failed);
	assert_int_equal(strlen(text.data), size);
	return text.data;
}

static inline void assert_written(const char *form, struct report report, const char *expected)
{
	char *data = written(form, &report);

	assert_string_equal(data, expected);
	free(data);
}

#define assert_text(report, expected) assert_written("text", report, expected)
#define assert_detail(report, expected) assert_written("detail", report, expected)
#define assert_json(report, expected) assert_written("json", report, expected)

#endif /* FLIGHTREC_UNIT_SAMPLE_REPORTS_H */

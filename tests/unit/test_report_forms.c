/* SPDX-License-Identifier: BSD-2-Clause */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/* link: user/collector/report/names.c user/collector/report/unfinished.c */
/* link: user/collector/report/report_json_thread.c user/collector/report/frame_text.c */
/* link: user/collector/report/report_short.c */
/* link: user/collector/report/report_forms.c user/collector/report/report_text.c */
/* link: user/collector/report/report_time.c */
/* link: user/collector/report/report_json.c user/collector/report/date_cache.c */
/* libs: jansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample_reports.h"

#define HOSTILE "\x1b[2J\n[2018: INFO]: \r\x7f\xc2\x9b\xff\u202e\u2028\t\\"
#define HOSTILE_TEXT "\\x1b[2J\\n[2018: INFO]: \\r\\x7f\\u009b\\xff\\u202e\\u2028\\t\\"
#define HOSTILE_QUOTED "\"" HOSTILE_TEXT "\\\""
/* As a key: nothing of it is lost. */
#define HOSTILE_KEY                                                                                \
	"\x1b[2J\n[2018: INFO]: \r\x7f\xc2\x9b\ufffd"                                              \
	"ff\u202e\u2028\t\\"
#define HOSTILE_JSON "\x1b[2J\n[2018: INFO]: \r\x7f\xc2\x9b\ufffd\u202e\u2028\t\\"

static struct report make_hostile(enum report_event event, struct report_entry *entry,
				  struct report_context *context)
{
	struct report report = make_full(event);

	entry->time_ns = STARTED;
	entry->message = entry->file = entry->function = HOSTILE;
	context->key = context->value = HOSTILE;
	report.recorder.name = report.recorder.comm = report.recorder.exe = HOSTILE;
	report.comm = report.state = HOSTILE;
	report.recorder.context = context;
	report.recorder.n_context = 1;
	report.entries = entry;
	report.n_entries = 1;
	return report;
}

static void test_hostile(void **state)
{
	static const int n_lines[] = {12, 10, 1, 2, 2, 1, 1, 0};
	static const int n_strings[] = {9, 9, 4, 3, 3, 1, 0, 0}; /* in detail */
	struct report_entry entry = {0};
	struct report_context context;
	struct report report;
	enum report_event event;
	char *data, *at;
	int lines, strings;
	json_t *json;

	(void)state;
	for (event = REPORT_TIMEOUT; event <= REPORT_END; event++) {
		report = make_hostile(event, &entry, &context);
		report.has_recorder = event != REPORT_LOST && event != REPORT_END;
		data = written("detail", &report);
		for (at = data, lines = 0; *at; at++) {
			assert_true((*at >= 0x20 && *at < 0x7f) || *at == '\n');
			lines += *at == '\n';
		}
		for (at = data, strings = 0; (at = strstr(at, HOSTILE_TEXT)); at++)
			strings++;
		assert_int_equal(lines, n_lines[event]);
		assert_int_equal(strings, n_strings[event]);
		free(data);

		data = written("json", &report);
		assert_ptr_equal(strchr(data, '\n'), data + strlen(data) - 1);
		for (at = data; at[1]; at++)
			assert_true(*at >= 0x20 || *at < 0);
		assert_null(strpbrk(data, "\x7f"));
		assert_null(strstr(data, "\xc2\x9b"));
		assert_null(strstr(data, "\u202e"));
		json = json_loads(data, 0, NULL);
		assert_non_null(json);
		if (event == REPORT_TIMEOUT) {
			json_t *item = json_array_get(json_object_get(json, "entries"), 0);
			json_t *recorder = json_object_get(json, "recorder");
			const char *message, *name, *value;

			assert_int_equal(json_unpack(item, "{s:s}", "message", &message), 0);
			assert_string_equal(message, HOSTILE_JSON);
			assert_int_equal(json_unpack(recorder, "{s:s, s:{s:s}}", "name", &name,
						     "context", HOSTILE_KEY, &value),
					 0);
			assert_string_equal(name, HOSTILE_JSON);
			assert_string_equal(value, HOSTILE_JSON);
		}
		json_decref(json);
		free(data);
	}
	report = make_hostile(REPORT_ENTRY, &entry, &context);
	report.has_recorder = false;
	assert_text(report, P "DEBUG]: [no recorder] " HOSTILE_QUOTED
			      "[0]: (Thu Apr 19 09:43:45 2018) " HOSTILE_TEXT "\n");
}

/* With many entries, each takes no longer than with few, and only the memory of its text. */
static void test_many_entries(void **state)
{
	enum { MANY = 100000 };
	struct report_entry *entries = calloc(MANY, sizeof(*entries));
	struct report report = make(REPORT_TIMEOUT);
	size_t i, size;
	const char *form;
	char *data;

	(void)state;
	for (i = 0; i < MANY; i++) {
		entries[i] = two_entries[0];
		entries[i].time_ns += i * MS / 10;
	}
	report.entries = entries;
	report.n_entries = MANY;
	for (size_t n = 0; (form = report_form_name(n)); n++) {
		data = written(form, &report);
		for (i = 0, size = 0; data[i]; i++)
			size += data[i] == '\n';
		assert_int_equal(size, strcmp(form, "json") == 0    ? 1
				       : strcmp(form, "short") == 0 ? 15
								    : MANY + 6);
		free(data);
	}
	free(entries);
}

/* More seconds than are remembered, back and forth: each date is its own. */
static void test_dates_alternate(void **state)
{
	const struct report_form *form = report_form_find("json");
	struct report_form_state form_state = {0};
	struct report report = make(REPORT_FINISHED);
	struct text_buffer text = {0};
	char expected[48];

	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t second = i * 7 % 50;

		report.time_ns = second * 1000 * MS;
		text_buffer_cut(&text, 0);
		assert_int_equal(report_append(form, &form_state, &text, &report), 0);
		snprintf(expected, sizeof(expected), "\"time\":\"1970-01-01T00:00:%02u.000000Z\"",
			 (unsigned int)second);
		text_char(&text, '\0');
		assert_non_null(strstr(text.data, expected));
	}
	text_buffer_free(&text);
}

/* Without memory a report leaves nothing behind; one that is not whole is refused. */
static void test_refused(void **state)
{
	const struct report_form *form = report_form_find("text");
	struct report_form_state form_state = {0};
	struct report report = make(REPORT_FINISHED);
	struct text_buffer text = {0};
	char room[16] = "before";

	(void)state;
	text = (struct text_buffer){.data = room, .size = 6, .room = 16, .failed = true};
	assert_int_equal(report_append(form, &form_state, &text, &report), -ENOMEM);
	form = report_form_find("json");
	text.failed = true;
	assert_int_equal(report_append(form, &form_state, &text, &report), -ENOMEM);
	report.has_recorder = false;
	assert_int_equal(report_append(form, &form_state, &text, &report), -EINVAL);
	assert_int_equal(text.size, 6);
	assert_string_equal(room, "before");
	assert_false(text.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_many_entries),
		cmocka_unit_test(test_dates_alternate),
		cmocka_unit_test(test_refused),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests_name("report in either form", tests, NULL, NULL);
}
